"""Axes: from values to places on a drawing, and where to put the ticks."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class Tick(NamedTuple):
    """A place on an axis, and what is written there."""

    at: float
    text: str


class Linear:
    """An axis of numbers, from `start` to `end` on the drawing.

    Its ends are round numbers around all of `values`; with `zero` one end may be 0.
    """

    def __init__(
        self, values: Iterable[float], start: float, end: float, *, zero: bool = False
    ) -> None:
        found = [0.0, *values] if zero else list(values)
        low, high = (min(found), max(found)) if found else (0.0, 1.0)
        if low == high:
            low, high = low - (abs(low) / 2 or 0.5), high + (abs(high) / 2 or 0.5)
        self._step = _step(high / 5 - low / 5)
        self.low = math.floor(low / self._step) * self._step
        self.high = math.ceil(high / self._step) * self._step
        self._start, self._end = start, end

    def place(self, value: float) -> float:
        """Where `value` is on the drawing."""
        share = (value / 2 - self.low / 2) / (self.high / 2 - self.low / 2)
        return self._start + share * (self._end - self._start)

    def ticks(self) -> list[Tick]:
        """Round numbers from one end to the other."""
        count = round(self.high / self._step - self.low / self._step)
        values = [self.low + i * self._step for i in range(count + 1)]
        return [Tick(self.place(value), self._text(value)) for value in values]

    def _text(self, value: float) -> str:
        largest = max(abs(self.low), abs(self.high))
        if largest >= 1e6 or self._step < 1e-4:
            return f"{0.0 if abs(value) < self._step / 2 else value:.4g}"
        digits = max(0, -math.floor(math.log10(self._step)))
        return f"{round(value, digits) + 0.0:.{digits}f}"  # no "-0"


class Bands:
    """An axis of names, each with a band of the drawing from `start` to `end`."""

    def __init__(self, names: Sequence[str], start: float, end: float) -> None:
        self.names = list(names)
        self._index = {name: at for at, name in enumerate(self.names)}
        self._start = start
        self.width = (end - start) / max(len(self.names), 1)

    def begin(self, name: str) -> float:
        """Where the band of `name` begins."""
        return self._start + self._index[name] * self.width

    def middle(self, name: str) -> float:
        """The middle of the band of `name`."""
        return self.begin(name) + self.width / 2

    def ticks(self, most: int = 1000) -> list[Tick]:
        """The names at the middle of their bands, at `most` so many of them."""
        every = max(1, math.ceil(len(self.names) / most))
        return [Tick(self.middle(name), name) for name in self.names[::every]]


def _step(rough: float) -> float:
    """The round number (1, 2 or 5 times a power of ten) next above `rough`."""
    power = 10.0 ** math.floor(math.log10(rough)) if rough > 1e-300 else 1e-300
    return next((power * factor for factor in (1, 2, 5) if power * factor >= rough), power * 10)
