"""What is to be drawn, whatever draws it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

LINEAR = "linear"
TEMPLATES = (
    LINEAR,
    "simple",
    "smooth",
    "scatter",
    "scatter_jitter",
    "bar_horizontal",
    "bar_horizontal_sorted",
    "confusion",
    "confusion_normalized",
)
"""Ways to draw data, with the names that DVC has for them."""

_LARGEST = 1e300


class Point(NamedTuple):
    """One pair of values, and where it is from: the revision, the file and its column."""

    x: object
    y: object
    rev: str
    file: str
    field: str


class Chart(NamedTuple):
    """Data with the template that draws it."""

    id: str
    title: str
    template: str
    x_label: str
    y_label: str
    points: Sequence[Point]

    @property
    def revisions(self) -> list[str]:
        """Those that have points, in order."""
        return list(dict.fromkeys(point.rev for point in self.points))


class Image(NamedTuple):
    """A picture file of one revision; `mime` is its type."""

    rev: str
    mime: str
    data: bytes


class Picture(NamedTuple):
    """A picture file, as each revision has it."""

    id: str
    title: str
    images: Sequence[Image]

    @property
    def revisions(self) -> list[str]:
        """Those that have it, in order."""
        return [image.rev for image in self.images]


def real(value: object) -> float | None:
    """`value` as a finite number that can be drawn; ``None`` if it is none."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value != value:
        return None
    if isinstance(value, float) and math.isinf(value):
        return None
    return float(max(min(value, _LARGEST), -_LARGEST))
