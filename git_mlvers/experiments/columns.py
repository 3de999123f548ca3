"""Which rows and columns of an overview are shown, and in which order."""

from __future__ import annotations

import operator
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from git_mlvers.errors import UsageError
from git_mlvers.experiments.overview import Group, Overview, Row
from git_mlvers.values.compare import is_number, same
from git_mlvers.values.yaml_memo import load

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

METRICS, PARAMS = "metrics", "params"

_CONDITION = re.compile(r"(?P<name>.+?)\s*(?P<sign><=|>=|==|!=|<|>|=)\s*(?P<value>.*)")
_SIGNS: dict[str, Callable[[Any, Any], bool]] = {
    "==": same,
    "=": same,
    "!=": lambda one, other: not same(one, other),
    "<": operator.lt,
    ">": operator.gt,
    "<=": operator.le,
    ">=": operator.ge,
}


class Column(NamedTuple):
    """A metric or a param by its dotted name."""

    kind: str
    name: str

    def of(self, row: Row) -> object:
        """The value in `row`; ``None`` if it has none."""
        values: Mapping[str, object] = getattr(row, self.kind)
        return values.get(self.name)


def columns(found: Overview) -> list[Column]:
    """All metrics, then all params, that any row has, sorted."""
    every = list(rows(found))
    return [
        Column(kind, name)
        for kind in (METRICS, PARAMS)
        for name in sorted({name for row in every for name in getattr(row, kind)})
    ]


def rows(found: Overview) -> Iterable[Row]:
    """All rows."""
    if found.workspace is not None:
        yield found.workspace
    for group in found.groups:
        yield group.baseline
        yield from group.experiments


def changing(found: Overview, some: Iterable[Column]) -> list[Column]:
    """Those of `some` that are not the same in all rows which have params or metrics."""
    known = [row for row in rows(found) if row.params or row.metrics]
    return [
        column
        for column in some
        if any(not same(column.of(row), column.of(known[0])) for row in known[1:])
    ]


def named(some: Sequence[Column], word: str) -> Column:
    """The column that `word` means: its name, or the end of only one. Raises `UsageError`."""
    found = [column for column in some if column.name == word]
    found = found or [column for column in some if column.name.endswith((f".{word}", f":{word}"))]
    if len(found) > 1 and {column.name for column in found} == {found[0].name}:
        found = found[:1]  # a metric and a param of one name: the metric
    if len(found) == 1:
        return found[0]
    names = ", ".join(column.name for column in found or some)
    what = f"{word!r} may mean several" if found else f"there is no param or metric {word!r}"
    raise UsageError(what, f"there are: {names}" if names else None)


def matching(some: Iterable[Column], keep: Sequence[str], drop: Sequence[str]) -> list[Column]:
    """Those of `some` that one of the patterns `keep` matches (any without), and none of `drop`."""
    try:
        kept, dropped = ([re.compile(text) for text in texts] for texts in (keep, drop))
    except re.error as error:
        raise UsageError(f"not a regular expression: {error.pattern!r}: {error.msg}") from error
    return [
        column
        for column in some
        if (not kept or any(each.search(column.name) for each in kept))
        and not any(each.search(column.name) for each in dropped)
    ]


def filtered(found: Overview, some: Sequence[Column], conditions: Sequence[str]) -> Overview:
    """Without the experiments that miss one of `conditions`, as in ``accuracy>=0.9``."""
    tests = [_condition(some, text) for text in conditions]
    return found._replace(
        groups=[
            Group(group.baseline, [row for row in group.experiments if all(t(row) for t in tests)])
            for group in found.groups
        ]
    )


def ordered(found: Overview, column: Column, *, descending: bool) -> Overview:
    """Experiments of each baseline sorted by a column; those without a value come last."""

    def key(row: Row) -> tuple[bool, float, str]:
        value = column.of(row)
        size = 0.0
        if is_number(value):
            assert isinstance(value, (int, float))
            size = float(value)
        return not is_number(value), size, str(value)

    def arranged(some: Iterable[Row]) -> list[Row]:
        every = list(some)
        have = [row for row in every if column.of(row) is not None]
        lack = [row for row in every if column.of(row) is None]
        return [*sorted(have, key=key, reverse=descending), *lack]

    return found._replace(
        groups=[Group(group.baseline, arranged(group.experiments)) for group in found.groups]
    )


def headings(some: Sequence[Column]) -> list[str]:
    """What the columns are called: the shortest end of the name that is only theirs."""
    found = []
    for column in some:
        others = [other.name for other in some if other is not column]
        parts = re.split(r"(?<=[.:])", column.name)
        for start in range(len(parts) - 1, -1, -1):
            short = "".join(parts[start:])
            if not any(
                name == short or name.endswith((f".{short}", f":{short}")) for name in others
            ):
                break
        found.append(short)
    return found


def _condition(some: Sequence[Column], text: str) -> Callable[[Row], bool]:
    parsed = _CONDITION.fullmatch(text.strip())
    if parsed is None:
        raise UsageError(f"not a condition: {text!r}", "as in accuracy>=0.9 or model!=svm")
    column, test = named(some, parsed["name"]), _SIGNS[parsed["sign"]]
    wanted = load(parsed["value"].encode("utf-8", "surrogateescape"), text)

    def holds(row: Row) -> bool:
        value = column.of(row)
        try:
            return (value is not None or parsed["sign"] == "!=") and test(value, wanted)
        except TypeError:  # a text is neither more nor less than a number
            return False

    return holds
