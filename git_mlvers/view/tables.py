"""Tables of values: in columns as DVC prints them, as Markdown, as CSV.

Rows hold the values themselves; how many digits of a number are shown is decided
here. What is missing is ``None``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

PRECISION = 5
"""Digits after the decimal point of a metric."""

MISSING = "-"
_PADDING = 2
"""A heading is at least so much narrower than its column, as in DVC's tables."""

_FEWEST = 3
"""Significant digits that are shown of a small number, whatever the precision."""


class Table(NamedTuple):
    """Headings, and rows of as many values."""

    headings: Sequence[str]
    rows: Sequence[Sequence[object]]

    def without(self, heading: str) -> Table:
        """The same less one column."""
        at = list(self.headings).index(heading)
        rows = [[*row[:at], *row[at + 1 :]] for row in self.rows]
        return Table([*self.headings[:at], *self.headings[at + 1 :]], rows)


def from_dicts(lead: Sequence[str], records: Iterable[Mapping[str, object]]) -> Table:
    """A table of `records`: the columns `lead` first, then all other keys, sorted."""
    found = list(records)
    rest = sorted({key for record in found for key in record} - set(lead))
    headings = [*lead, *rest]
    return Table(headings, [[record.get(key) for key in headings] for record in found])


def number(value: float, precision: int | None) -> str:
    """A float with `precision` digits after the point, but never less than three that count.

    ``None`` for all its digits.
    """
    if precision is None or value != value or value in (float("inf"), float("-inf")):
        return str(value)
    fewest = min(_FEWEST, max(precision, 1))
    if value and abs(value) < 10.0 ** (fewest - precision):
        return f"{value:.{fewest}g}"
    return str(round(value, precision))


def cell(value: object, precision: int | None = None) -> str:
    """A value as it stands in a table, on one line."""
    if value is None:
        return MISSING
    if isinstance(value, str):
        return _printable(value)
    return _printable(str(_rounded(value, precision)))


def render(table: Table, style: str = "plain", precision: int | None = None) -> str:
    """`table` in the `style` ``plain``, ``md`` or ``csv``, with an end of line after each row.

    CSV has all digits. A table without rows is the empty text, but for CSV.
    """
    if style == "csv":
        return _csv(table)
    if not table.rows:
        return ""
    rows = [[cell(value, precision) for value in row] for row in table.rows]
    headings = [_printable(heading) for heading in table.headings]
    if style == "md":
        headings = [_no_bars(heading) for heading in headings]
        rows = [[_no_bars(text) for text in row] for row in rows]
    widths = [
        max(len(heading) + _PADDING, *(len(row[at]) for row in rows))
        for at, heading in enumerate(headings)
    ]
    lines = [
        [text.ljust(width) for text, width in zip(row, widths, strict=True)]
        for row in (headings, *rows)
    ]
    if style == "md":
        made = [f"| {' | '.join(line)} |" for line in lines]
        made.insert(1, f"|{'|'.join('-' * (width + 2) for width in widths)}|")
    else:
        made = ["  ".join(line).rstrip() for line in lines]
    return "\n".join(made) + "\n"


def _csv(table: Table) -> str:
    import csv
    import io

    made = []
    for row in (table.headings, *table.rows):
        out = io.StringIO(newline="")
        # With this end of line, a lone "\r" in a cell is quoted too.
        csv.writer(out, lineterminator="\r\n").writerow(["" if v is None else v for v in row])
        made.append(out.getvalue().removesuffix("\r\n") + "\n")
    return "".join(made)


def _rounded(value: object, precision: int | None) -> object:
    if isinstance(value, float):
        return _Bare(number(value, precision))
    if isinstance(value, list):
        return [_rounded(item, precision) for item in value]
    if isinstance(value, dict):
        return {key: _rounded(item, precision) for key, item in value.items()}
    return value


class _Bare(str):
    """A text that has no quotes even inside of a list."""

    __repr__ = str.__str__


def _printable(text: str) -> str:
    """`text` without anything that a terminal obeys, or that would break a line."""
    if text.isprintable():
        return text
    return "".join(
        char if char.isprintable() or "\udc80" <= char <= "\udcff" else _escaped(char)
        for char in text
    )


def _escaped(char: str) -> str:
    return char.encode("unicode_escape").decode("ascii")


def _no_bars(text: str) -> str:
    return text.replace("|", "\\|")
