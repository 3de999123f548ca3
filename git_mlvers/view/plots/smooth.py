"""Curves from points: fewer points that look the same, and local regression."""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

Place = tuple[float, float]

MOST = 1000
"""Points of a curve that are drawn; more are not told apart on a screen."""

BANDWIDTH = 0.3
"""The share of all points that counts for each point of a smooth curve."""

_CURVE = 100


def thinned(points: Sequence[Place], most: int = MOST) -> list[Place]:
    """At most some `most` of `points`, with the lowest and the highest of each stretch kept."""
    if len(points) <= most:
        return list(points)
    size = -(-len(points) // (most // 2))
    kept: list[Place] = []
    for start in range(0, len(points), size):
        stretch = range(start, min(start + size, len(points)))
        low = min(stretch, key=lambda at: points[at][1])
        high = max(stretch, key=lambda at: points[at][1])
        kept += [points[at] for at in sorted({low, high})]
    return [points[0], *kept, points[-1]]


def loess(points: Sequence[Place], bandwidth: float = BANDWIDTH) -> list[Place]:
    """A smooth curve through `points`: local linear regression with tricube weights."""
    known = sorted(thinned(points))
    count = max(3, round(bandwidth * len(known)))
    if len(known) <= count:
        return known
    first, last = known[0][0], known[-1][0]
    places = [first + (last - first) * at / _CURVE for at in range(_CURVE + 1)]
    xs = [x for x, _ in known]
    return [(x, _regress(known, xs, x, count)) for x in places]


def _regress(known: Sequence[Place], xs: Sequence[float], x: float, count: int) -> float:
    near = _nearest(known, xs, x, count)
    reach = max(abs(px - x) for px, _ in near) or 1.0
    weights = [(1 - min(abs(px - x) / reach, 1.0) ** 3) ** 3 + 1e-9 for px, _ in near]
    total = sum(weights)
    mean_x = sum(w * px for w, (px, _) in zip(weights, near, strict=True)) / total
    mean_y = sum(w * py for w, (_, py) in zip(weights, near, strict=True)) / total
    spread = sum(w * (px - mean_x) ** 2 for w, (px, _) in zip(weights, near, strict=True))
    if spread <= 0:
        return mean_y
    both = sum(w * (px - mean_x) * (py - mean_y) for w, (px, py) in zip(weights, near, strict=True))
    return mean_y + both / spread * (x - mean_x)


def _nearest(known: Sequence[Place], xs: Sequence[float], x: float, count: int) -> Sequence[Place]:
    """The `count` of `known`, whose x are `xs`, that are nearest to `x`."""
    start = max(0, min(bisect_left(xs, x) - count // 2, len(known) - count))
    while start > 0 and x - xs[start - 1] < xs[start + count - 1] - x:
        start -= 1
    while start + count < len(known) and xs[start + count] - x < x - xs[start]:
        start += 1
    return known[start : start + count]
