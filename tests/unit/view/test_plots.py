"""Drawings: well-formed, with every point where it belongs, whatever the data is."""

from __future__ import annotations

import base64
import json
import math
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from git_mlvers.view.plots.chart import TEMPLATES, Chart, Image, Picture, Point
from git_mlvers.view.plots.page import draw, page
from git_mlvers.view.plots.scale import Linear
from git_mlvers.view.plots.smooth import MOST, loess, thinned
from git_mlvers.view.plots.vega import SCHEMA, specification

HTML = "{http://www.w3.org/1999/xhtml}"


def chart(points: list[Point], template: str = "linear", **names: str) -> Chart:
    """A chart of `points`."""
    given = {"id": "p.csv", "title": "T", "x_label": "step", "y_label": "loss", **names}
    return Chart(template=template, points=points, **given)


def points(*pairs: tuple[object, object], rev: str = "HEAD", field: str = "loss") -> list[Point]:
    """Points of one series."""
    return [Point(x, y, rev, "p.csv", field) for x, y in pairs]


def drawn(given: Chart) -> ElementTree.Element:
    """The drawing of `given`, parsed."""
    return ElementTree.fromstring(draw(given))


def numbers(element: ElementTree.Element, *names: str) -> list[float]:
    """Attributes of an element."""
    return [float(element.attrib[name]) for name in names]


def texts(root: ElementTree.Element) -> list[str]:
    """All that can be read in the drawing."""
    return [element.text or "" for element in root.iter("text")]


class TestLines:
    def test_points_are_where_they_belong(self) -> None:
        root = drawn(chart(points((0, 0.0), (5, 10.0), (10, 5.0))))
        dots = [numbers(dot, "cx", "cy") for dot in root.iter("circle")]
        (left, bottom), (middle, top), (right, half) = dots
        assert left < middle < right
        assert middle == pytest.approx((left + right) / 2)
        assert top < half < bottom  # SVG counts downwards
        assert half == pytest.approx((top + bottom) / 2, abs=0.02)
        line = next(root.iter("polyline"))
        assert [
            [float(n) for n in pair.split(",")] for pair in line.attrib["points"].split()
        ] == dots

    def test_axes_have_round_ticks_and_titles(self) -> None:
        root = drawn(chart(points((0, 0.013), (100, 0.087))))
        assert {"0", "20", "40", "60", "80", "100", "step", "loss"} <= set(texts(root))
        assert {"0.00", "0.02", "0.04", "0.06", "0.08", "0.10"} <= set(texts(root))

    def test_a_colour_is_a_revision_and_dashes_are_a_column(self) -> None:
        both = [
            *points((0, 1), (1, 2)),
            *points((0, 3), (1, 4), field="acc"),
            *points((0, 1), (1, 2), rev="new"),
            *points((0, 3), (1, 4), rev="new", field="acc"),
        ]
        root = drawn(chart(both))
        look = [
            (line.attrib["class"], line.attrib.get("stroke-dasharray"))
            for line in root.iter("polyline")
        ]
        assert look == [
            ("line s0", None),
            ("line s0", "6 3"),
            ("line s1", None),
            ("line s1", "6 3"),
        ]
        assert texts(root)[:4] == ["HEAD loss", "HEAD acc", "new loss", "new acc"]

    def test_with_one_revision_a_colour_is_a_column(self) -> None:
        root = drawn(chart([*points((0, 1), (1, 2)), *points((0, 3), (1, 4), field="acc")]))
        assert [line.attrib["class"] for line in root.iter("polyline")] == ["line s0", "line s1"]
        assert texts(root)[:2] == ["loss", "acc"]

    def test_one_series_needs_no_legend(self) -> None:
        assert "HEAD" not in texts(drawn(chart(points((0, 1), (1, 2)))))

    def test_nan_is_a_gap(self) -> None:
        found = drawn(chart(points((0, 1.0), (1, 2.0), (2, math.nan), (3, 1.0), (4, math.inf))))
        lines = [line.attrib["points"].split() for line in found.iter("polyline")]
        assert [len(line) for line in lines] == [2, 1]
        assert "nan" not in draw(chart(points((0, math.nan))))

    def test_names_from_left_to_right(self) -> None:
        root = drawn(chart(points(("monday", 1), ("tuesday", 2))))
        assert {"monday", "tuesday"} <= set(texts(root))

    def test_a_long_series_stays_small_and_keeps_its_peaks(self) -> None:
        values = [math.sin(at / 1000) for at in range(50_000)]
        values[12_345] = 99.0
        svg = draw(chart(points(*enumerate(values))))
        assert len(svg) < 40_000
        kept = thinned(list(enumerate(values)))
        assert (12_345, 99.0) in kept
        assert len(kept) <= MOST + 4

    def test_smooth(self) -> None:
        noisy = [(float(x), x + (-1.0) ** x) for x in range(100)]
        curve = loess(noisy)
        assert all(abs(y - x) < 0.3 for x, y in curve)
        root = drawn(chart(points(*noisy), "smooth"))
        faint, line = root.iter("polyline")
        assert faint.attrib["opacity"] == "0.25"
        assert "opacity" not in line.attrib


class TestBars:
    DATA = points((1, "a"), (3, "b"), (-2, "c"))

    def test_length_and_order(self) -> None:
        root = drawn(chart(self.DATA, "bar_horizontal"))
        a, b, c = [numbers(bar, "x", "width", "y") for bar in root.iter("rect")]
        assert b[1] == pytest.approx(3 * a[1], abs=0.05)
        assert a[0] == b[0] == pytest.approx(c[0] + c[1], abs=0.02)  # all begin at zero
        assert a[2] < b[2] < c[2]

    def test_sorted(self) -> None:
        root = drawn(chart(self.DATA, "bar_horizontal_sorted"))
        assert [bar[0].text for bar in root.iter("rect")] == [
            "HEAD: b, 3.0", "HEAD: a, 1.0", "HEAD: c, -2.0"
        ]  # fmt: skip


class TestConfusion:
    DATA = points(("cat", "cat"), ("cat", "cat"), ("dog", "cat"), ("dog", "dog"))

    def test_counts(self) -> None:
        root = drawn(chart(self.DATA, "confusion"))
        squares = {square[0].text: square for square in root.iter("rect")}
        assert set(squares) == {"cat, cat: 2", "dog, cat: 1", "cat, dog: 0", "dog, dog: 1"}
        assert squares["cat, cat: 2"].attrib["fill-opacity"] == "1"
        assert squares["cat, dog: 0"].attrib["fill-opacity"] == "0"

    def test_shares_of_each_row(self) -> None:
        root = drawn(chart(self.DATA, "confusion_normalized"))
        shown = {square[0].text for square in root.iter("rect")}
        assert shown == {"cat, cat: 0.67", "dog, cat: 0.33", "cat, dog: 0.00", "dog, dog: 1.00"}

    def test_a_matrix_for_each_revision(self) -> None:
        more = [point._replace(rev="new") for point in self.DATA]
        root = drawn(chart([*self.DATA, *more], "confusion"))
        assert len(list(root.iter("rect"))) == 8
        assert {"HEAD", "new"} <= set(texts(root))


NAMES = st.text(max_size=8)
VALUES = st.none() | st.booleans() | st.integers() | st.floats() | NAMES
POINTS = st.builds(Point, VALUES, VALUES, NAMES, NAMES, NAMES)


@given(st.lists(POINTS, max_size=6), NAMES, st.sampled_from(TEMPLATES))
def test_any_data_is_drawn(data: list[Point], name: str, template: str) -> None:
    given = chart(data, template, title=name, x_label=name, y_label=name, id=name)
    for element in drawn(given).iter():
        assert not {"nan", "inf"} & set(element.attrib.values())
    json.dumps(specification(given), allow_nan=False)
    ElementTree.fromstring(page([given], name).encode("utf-8", "replace"))


@given(st.lists(st.floats(allow_nan=False, min_value=-1e300, max_value=1e300), max_size=5))
def test_an_axis_holds_all_values(values: list[float]) -> None:
    axis = Linear(values, 0, 100)
    assert all(-0.01 <= axis.place(value) <= 100.01 for value in values)
    assert 2 <= len(axis.ticks()) <= 12
    assert len({tick.text for tick in axis.ticks()}) > 1 or abs(axis.high) > 1e15


class TestSpecification:
    @pytest.mark.parametrize("template", TEMPLATES)
    def test_every_template(self, template: str) -> None:
        given = chart(points((0, 1.0), (1, math.nan)), template)
        spec = specification(given)
        assert spec["$schema"] == SCHEMA
        assert spec["title"] == "T"
        assert spec["data"]["values"] == [
            {"x": 0, "y": 1.0, "rev": "HEAD", "filename": "p.csv", "field": "loss"},
            {"x": 1, "y": None, "rev": "HEAD", "filename": "p.csv", "field": "loss"},
        ]

    def test_axes(self) -> None:
        encoding = specification(chart(points(("a", 1))))["encoding"]
        assert encoding["x"] == {"field": "x", "type": "nominal", "title": "step"}
        assert encoding["y"]["title"] == "loss"


class TestPage:
    def parsed(self, *plots: Chart | Picture) -> ElementTree.Element:
        return ElementTree.fromstring(page(plots, "Plots"))

    def test_it_needs_nothing_and_runs_nothing(self) -> None:
        hostile = "</title><script>alert(1)</script>\"'&"
        given = chart(points((hostile, 1), rev=hostile), title=hostile, id=hostile)
        picture = Picture(hostile, hostile, [Image(hostile, "image/svg+xml", b"<svg onload='x'/>")])
        root = self.parsed(given, picture)
        assert not list(root.iter(f"{HTML}script"))
        for element in root.iter():
            for name, value in element.attrib.items():
                assert not name.startswith("on")
                assert name not in ("src", "href") or value.startswith("data:")
        assert "default-src 'none'" in str(root.find(f".//{HTML}meta[@http-equiv]").attrib)  # type: ignore[union-attr]

    def test_the_specification_can_be_saved(self) -> None:
        root = self.parsed(chart(points((0, 1)), id="a/b.csv"))
        link = root.find(f".//{HTML}a")
        assert link is not None
        assert link.attrib["download"] == "a-b.csv.vl.json"
        spec: Any = json.loads(base64.b64decode(link.attrib["href"].partition(",")[2]))
        assert spec["$schema"] == SCHEMA

    def test_pictures(self) -> None:
        root = self.parsed(Picture("a.png", "A", [Image("HEAD", "image/png", b"\x89PNG")]))
        image = root.find(f".//{HTML}img")
        assert image is not None
        assert image.attrib["src"] == "data:image/png;base64,iVBORw=="
