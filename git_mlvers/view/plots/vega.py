"""Vega-Lite 5 specifications, for tools that draw those.

The data has the columns ``x``, ``y``, ``rev``, ``filename`` and ``field``, whatever
they are called in the files: the titles of the axes have those names.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from git_mlvers.view.plots.chart import real
from git_mlvers.view.plots.smooth import BANDWIDTH

if TYPE_CHECKING:
    from git_mlvers.view.plots.chart import Chart, Point

SCHEMA = "https://vega.github.io/schema/vega-lite/v5.json"

_REV = {"field": "rev", "type": "nominal", "sort": None, "title": "revision"}
_COLUMN = {"field": "field", "type": "nominal", "sort": None}


def specification(chart: Chart) -> dict[str, Any]:
    """The whole specification of `chart`, with its data in it."""
    return {
        "$schema": SCHEMA,
        "title": chart.title,
        "data": {"values": [_value(point) for point in chart.points]},
        **_BUILDERS[chart.template](chart),
    }


def _value(point: Point) -> dict[str, object]:
    return {
        "x": _cell(point.x),
        "y": _cell(point.y),
        "rev": point.rev,
        "filename": point.file,
        "field": point.field,
    }


def _cell(value: object) -> object:
    """A value as JSON has it: nothing in place of nan and infinity."""
    return None if isinstance(value, float) and real(value) is None else value


def _lines(chart: Chart) -> dict[str, Any]:
    encoding = {
        "x": _axis("x", chart.x_label, _kind(chart)),
        "y": {**_axis("y", chart.y_label, "quantitative"), "scale": {"zero": False}},
        **_look(chart, "strokeDash"),
    }
    return {**_size(), "mark": {"type": "line", "tooltip": True}, "encoding": encoding}


def _smooth(chart: Chart) -> dict[str, Any]:
    plain = _lines(chart)
    curve = {"loess": "y", "on": "x", "groupby": ["rev", "filename", "field"]}
    return {
        **_size(),
        "encoding": plain["encoding"],
        "layer": [
            {"mark": {"type": "line", "opacity": 0.25}},
            {"mark": "line", "transform": [{**curve, "bandwidth": BANDWIDTH}]},
        ],
    }


def _scatter(chart: Chart) -> dict[str, Any]:
    encoding = {
        "x": {**_axis("x", chart.x_label, _kind(chart)), "scale": {"zero": False}},
        "y": {**_axis("y", chart.y_label, "quantitative"), "scale": {"zero": False}},
        **_look(chart, "shape"),
    }
    spec = {**_size(), "mark": {"type": "point", "tooltip": True}, "encoding": encoding}
    if chart.template == "scatter_jitter":
        random = [{"calculate": "random()", "as": name} for name in ("randomX", "randomY")]
        spec["transform"] = random
        for axis in ("x", "y"):
            encoding[f"{axis}Offset"] = {"field": f"random{axis.upper()}", "type": "quantitative"}
    return spec


def _bars(chart: Chart) -> dict[str, Any]:
    order = "-x" if chart.template == "bar_horizontal_sorted" else None
    encoding = {
        "x": _axis("x", chart.x_label, "quantitative"),
        "y": {**_axis("y", chart.y_label, "nominal"), "sort": order},
        "yOffset": {"field": "rev", "sort": None},
        "color": _REV,
    }
    return {"width": 400, "mark": {"type": "bar", "tooltip": True}, "encoding": encoding}


def _confusion(chart: Chart) -> dict[str, Any]:
    normalized = chart.template == "confusion_normalized"
    shown = "share" if normalized else "count"
    counted = [
        {"aggregate": [{"op": "count", "as": "count"}], "groupby": ["rev", "x", "y"]},
        {"impute": "count", "groupby": ["rev", "y"], "key": "x", "value": 0},
        {"impute": "count", "groupby": ["rev", "x"], "key": "y", "value": 0},
        {
            "joinaggregate": [{"op": "sum", "field": "count", "as": "sum"}],
            "groupby": ["rev", "y"],
        },
        {"calculate": "datum.sum ? datum.count / datum.sum : 0", "as": "share"},
    ]
    numbers: dict[str, Any] = {"field": shown, "type": "quantitative"}
    form = {"format": ".2f"} if normalized else {}
    dark = {"test": "datum.share > 0.5", "value": "white"}
    words = {"text": {**numbers, **form}, "color": {"condition": dark, "value": "black"}}
    squares = {
        "mark": {"type": "rect", "tooltip": True},
        "encoding": {"color": {**numbers, "title": shown}},
    }
    return {
        "facet": {"column": {**_REV, "title": None}},
        "spec": {
            "width": 260,
            "height": 260,
            "transform": counted,
            "encoding": {
                "x": _axis("x", chart.x_label, "nominal"),
                "y": _axis("y", chart.y_label, "nominal"),
            },
            "layer": [squares, {"mark": "text", "encoding": words}],
        },
    }


def _axis(name: str, title: str, kind: str) -> dict[str, Any]:
    return {"field": name, "type": kind, "title": title}


def _kind(chart: Chart) -> str:
    numbers = all(isinstance(point.x, (int, float)) for point in chart.points)
    return "quantitative" if numbers else "nominal"


def _look(chart: Chart, channel: str) -> dict[str, Any]:
    """A colour for each revision; `channel` tells columns apart where there are several."""
    columns = {(point.file, point.field) for point in chart.points}
    return {"color": _REV, channel: _COLUMN} if len(columns) > 1 else {"color": _REV}


def _size() -> dict[str, Any]:
    return {"width": 400, "height": 300}


_BUILDERS = {
    "linear": _lines,
    "simple": _lines,
    "smooth": _smooth,
    "scatter": _scatter,
    "scatter_jitter": _scatter,
    "bar_horizontal": _bars,
    "bar_horizontal_sorted": _bars,
    "confusion": _confusion,
    "confusion_normalized": _confusion,
}
