"""Lines and clouds of points: the templates linear, simple, smooth and scatter."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from git_mlvers.view.plots import svg
from git_mlvers.view.plots.chart import real
from git_mlvers.view.plots.scale import Bands, Linear
from git_mlvers.view.plots.smooth import loess, thinned

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from git_mlvers.view.plots.chart import Chart, Point
    from git_mlvers.view.plots.scale import Tick
    from git_mlvers.view.plots.smooth import Place

_HEIGHT = 300
_FEW = 60
"""A line through so many points has a dot at each."""

_MANY = 500
"""A line through so many points is thin, so that it is no stain."""

_JITTER = 6.0


class Series(NamedTuple):
    """What is drawn in one look; a gap in it is ``None``."""

    key: svg.Key
    points: Sequence[Point | None]


def draw(chart: Chart) -> str:
    """`chart` as an SVG element."""
    series = split(chart)
    keys = [one.key for one in series] if len(series) > 1 else []
    shown = [point for one in series for point in one.points if point is not None]
    legend, top = svg.legend(keys, 16, svg.WIDTH - 16)
    height = top + _HEIGHT + 60
    y = Linear([_real(point.y) for point in shown], top + _HEIGHT, top + 8)
    left = svg.room_for(tick.text for tick in y.ticks())
    area = svg.Area(left, top + 8, svg.WIDTH - 16, top + _HEIGHT)
    place, ticks = _horizontal(shown, area)
    parts = [
        legend,
        svg.x_axis(ticks, area, chart.x_label),
        svg.y_axis(y.ticks(), area, chart.y_label),
    ]

    def at(point: Point) -> Place:
        return place(point), y.place(_real(point.y))

    parts += [_marks(chart.template, one, at) for one in series]
    return svg.drawing(parts, height, chart.title)


def split(chart: Chart) -> list[Series]:
    """The series of `chart`.

    A colour is a revision, a pattern of dashes a column; with one revision alone a
    colour is a column. Points without a place are gaps.
    """
    found: dict[tuple[str, str, str], list[Point | None]] = defaultdict(list)
    for point in chart.points:
        drawn = real(point.y) is not None and point.x is not None and point.x == point.x
        found[point.rev, point.file, point.field].append(point if drawn else None)
    revs = list(dict.fromkeys(rev for rev, _, _ in found))
    columns = list(dict.fromkeys((file, field) for _, file, field in found))
    files = {file for file, _ in columns}
    fields = {field for _, field in columns}
    made = []
    for (rev, file, field), points in found.items():
        names = [rev] if len(revs) > 1 or len(columns) == 1 else []
        names += [file] if len(files) > 1 else []
        names += [field] if len(fields) > 1 else []
        column = columns.index((file, field))
        look = (revs.index(rev), column) if len(revs) > 1 else (column, 0)
        made.append(Series(svg.Key(" ".join(names), *look), points))
    return made


def _horizontal(
    points: Sequence[Point], area: svg.Area
) -> tuple[Callable[[Point], float], Sequence[Tick]]:
    """Where each point is from left to right, and the ticks there."""
    if all(real(point.x) is not None for point in points):
        x = Linear([_real(point.x) for point in points], area.left, area.right)
        return lambda point: x.place(_real(point.x)), x.ticks()
    names = dict.fromkeys(str(point.x) for point in points)
    bands = Bands(list(names), area.left, area.right)
    return lambda point: bands.middle(str(point.x)), bands.ticks(most=8)


def _marks(template: str, series: Series, place: Callable[[Point], Place]) -> str:
    points = [point for point in series.points if point is not None]
    if template.startswith("scatter"):
        return _dots(series, points, place, jitter=template == "scatter_jitter")
    thin = " thin" if len(points) > _MANY and template != "smooth" else ""
    look = {
        "class_": f"line {svg.colour(series.key.colour)}{thin}",
        "stroke_dasharray": svg.dashes(series.key.dashes),
    }
    places = [[place(point) for point in run] for run in _runs(series.points)]
    if template == "smooth":
        faint = [svg.polyline(thinned(run), **{**look, "opacity": 0.25}) for run in places]
        curve = svg.polyline(loess([at for run in places for at in run]), **look)
        return svg.element("g", "".join(faint) + curve)
    drawn = [svg.polyline(thinned(run), **look) for run in places]
    few = len(points) <= _FEW
    return svg.element("g", "".join(drawn)) + (_dots(series, points, place) if few else "")


def _runs(points: Sequence[Point | None]) -> list[list[Point]]:
    """Stretches without a gap."""
    runs: list[list[Point]] = [[]]
    for point in points:
        if point is None:
            runs.append([])
        else:
            runs[-1].append(point)
    return [run for run in runs if run]


def _dots(
    series: Series,
    points: Sequence[Point],
    place: Callable[[Point], Place],
    *,
    jitter: bool = False,
) -> str:
    dots = []
    for at, point in enumerate(points):
        x, y = place(point)
        if jitter:
            # The same page for the same data: spread by number, not by chance.
            x += _JITTER * ((at * 0.618034) % 1 - 0.5)
            y += _JITTER * ((at * 0.754878) % 1 - 0.5)
        told = svg.element("title", svg.text(f"{series.key.name}: {point.x}, {point.y}"))
        dots.append(svg.element("circle", told, cx=x, cy=y, r=3))
    return svg.element("g", "".join(dots), class_=f"dots {svg.colour(series.key.colour)}")


def _real(value: object) -> float:
    found = real(value)
    assert found is not None
    return found
