"""Bars from left to right: the templates bar_horizontal and bar_horizontal_sorted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_mlvers.view.plots import svg
from git_mlvers.view.plots.chart import real
from git_mlvers.view.plots.scale import Bands, Linear

if TYPE_CHECKING:
    from git_mlvers.view.plots.chart import Chart

_BAR = 14
_MOST = 200
"""Bars that are drawn of each revision; the rest is cut off."""


def draw(chart: Chart) -> str:
    """`chart` as an SVG element: x is how long a bar is, y its name."""
    revs = chart.revisions
    bars: dict[tuple[str, str], float] = {}
    for point in chart.points:
        length = real(point.x)
        if length is not None:
            bars[str(point.y), point.rev] = length
    names = list(dict.fromkeys(name for name, _ in bars))
    if chart.template == "bar_horizontal_sorted":
        sums = {name: sum(bars.get((name, rev), 0.0) for rev in revs) for name in names}
        names.sort(key=lambda name: -sums[name])
    names = names[:_MOST]
    keys = [svg.Key(rev, at) for at, rev in enumerate(revs)] if len(revs) > 1 else []
    legend, top = svg.legend(keys, 16, svg.WIDTH - 16)
    bottom = top + 8 + len(names) * (_BAR * len(revs) + 6)
    area = svg.Area(svg.room_for(names), top + 8, svg.WIDTH - 16, bottom)
    x = Linear([bars[key] for key in bars], area.left, area.right, zero=True)
    y = Bands(names, area.top, area.bottom)
    parts = [
        legend,
        svg.x_axis(x.ticks(), area, chart.x_label),
        svg.y_axis(y.ticks(), area, chart.y_label, lines=False),
    ]
    for name in names:
        for at, rev in enumerate(revs):
            if (name, rev) in bars:
                start, end = sorted((x.place(0.0), x.place(bars[name, rev])))
                told = svg.element("title", svg.text(f"{rev}: {name}, {bars[name, rev]}"))
                where = {"x": start, "y": y.begin(name) + 3 + at * _BAR}
                size = {"width": end - start, "height": _BAR - 2}
                parts.append(svg.element("rect", told, class_=svg.colour(at), **where, **size))
    return svg.drawing(parts, bottom + 60, chart.title)
