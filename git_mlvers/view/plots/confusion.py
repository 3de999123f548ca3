"""How often which class was taken for which: confusion and confusion_normalized."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from git_mlvers.view.plots import svg
from git_mlvers.view.plots.scale import Bands

if TYPE_CHECKING:
    from collections.abc import Sequence

    from git_mlvers.view.plots.chart import Chart

_SIDE = 260
_LARGEST = 40
"""Classes of which the numbers still fit into the squares."""


def draw(chart: Chart) -> str:
    """`chart` as an SVG element: one matrix for each revision, side by side."""
    normalized = chart.template == "confusion_normalized"
    xs = sorted({str(point.x) for point in chart.points})
    ys = sorted({str(point.y) for point in chart.points})
    room = svg.room_for(ys)
    parts = []
    for at, rev in enumerate(chart.revisions):
        left = at * (room + _SIDE + 16)
        area = svg.Area(left + room, 24, left + room + _SIDE, 24 + _SIDE)
        counts = Counter((str(p.x), str(p.y)) for p in chart.points if p.rev == rev)
        parts.append(svg.label(svg.short(rev), area.left, 14, class_="rev"))
        parts.append(_matrix(counts, xs, ys, area, normalized))
        x, y = Bands(xs, area.left, area.right), Bands(ys, area.top, area.bottom)
        parts.append(svg.x_axis(x.ticks(most=12), area, chart.x_label, lines=False))
        parts.append(svg.y_axis(y.ticks(most=20), area, chart.y_label, lines=False, edge=left))
    width = len(chart.revisions) * (room + _SIDE + 16)
    return svg.drawing(parts, 24 + _SIDE + 60, chart.title, max(width, svg.WIDTH))


def shares(counts: Counter[tuple[str, str]]) -> dict[tuple[str, str], float]:
    """Each count as a share of all with the same y."""
    sums: Counter[str] = Counter()
    for (_, y), count in counts.items():
        sums[y] += count
    return {(x, y): count / sums[y] for (x, y), count in counts.items()}


def _matrix(
    counts: Counter[tuple[str, str]],
    xs: Sequence[str],
    ys: Sequence[str],
    area: svg.Area,
    normalized: bool,
) -> str:
    x_bands, y_bands = Bands(xs, area.left, area.right), Bands(ys, area.top, area.bottom)
    parts_of_y = shares(counts)
    most = max(counts.values(), default=1)
    parts = []
    for x in xs:
        for y in ys:
            share = parts_of_y.get((x, y), 0.0)
            strength = share if normalized else counts[x, y] / most
            shown = f"{share:.2f}" if normalized else str(counts[x, y])
            told = svg.element("title", svg.text(f"{x}, {y}: {shown}"))
            where = {"x": x_bands.begin(x), "y": y_bands.begin(y)}
            size = {"width": x_bands.width, "height": y_bands.width}
            parts.append(svg.element("rect", told, fill_opacity=strength, **where, **size))
            if len(xs) <= _LARGEST and len(ys) <= _LARGEST:
                look = "strong" if strength > 0.5 else None
                parts.append(
                    svg.label(shown, x_bands.middle(x), y_bands.middle(y) + 4, class_=look)
                )
    return svg.element("g", "".join(parts), class_="matrix s0")
