"""What differs between two sets of values, file by file and name by name."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping


class Change(NamedTuple):
    """A value before and after. What is not there is ``None``."""

    old: object
    new: object

    @property
    def diff(self) -> int | float | None:
        """How much a number grew; ``None`` where one of the two is no number."""
        if is_number(self.old) and is_number(self.new):
            assert isinstance(self.old, (int, float))
            assert isinstance(self.new, (int, float))
            try:
                return self.new - self.old
            except OverflowError:  # an integer that is too large for a float
                return None
        return None

    def as_json(self) -> dict[str, object]:
        """``{"old": …, "new": …, "diff": …}``, as DVC writes it."""
        shown: dict[str, object] = {"old": finite(self.old), "new": finite(self.new)}
        if self.diff is not None:
            shown["diff"] = finite(self.diff)
        return shown


def compare(
    old: Mapping[str, Mapping[str, object]],
    new: Mapping[str, Mapping[str, object]],
    *,
    unchanged: bool = False,
) -> dict[str, dict[str, Change]]:
    """The values of `new` that are others than in `old`, sorted; all of them with `unchanged`."""
    found: dict[str, dict[str, Change]] = {}
    for file in sorted(old.keys() | new.keys()):
        before, after = old.get(file, {}), new.get(file, {})
        changes = {}
        for name in sorted(before.keys() | after.keys()):
            change = Change(before.get(name), after.get(name))
            gone = (name in before) != (name in after)
            if unchanged or gone or not same(change.old, change.new):
                changes[name] = change
        if changes:
            found[file] = changes
    return found


def same(one: object, other: object) -> bool:
    """Whether two values are the same; nan is itself, and 1 is neither 1.0's text nor true."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, float) and isinstance(other, float) and one != one:
        return other != other
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    return one == other


def is_number(value: object) -> bool:
    """Whether `value` is an integer or a float; true and false are not."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def finite(value: object) -> object:
    """`value` as JSON can hold it: nan and infinity as the texts that JavaScript has for them."""
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if value != value else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, list):
        return [finite(item) for item in value]
    return value
