"""SVG: elements with everything escaped, and the frame around a plot."""

from __future__ import annotations

import re
from html import escape
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from git_mlvers.view.plots.scale import Tick

COLOURS = 8
"""Colours that the page defines, ``s0`` to ``s7``; more series begin again with the first."""

DASHES = ("", "6 3", "2 2", "8 3 2 3", "12 4")
WIDTH = 640

_LETTER = 6.6
"""About how wide a letter is, at the size of text that the page has."""

_NOT_IN_XML = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class Area(NamedTuple):
    """The part of a drawing that has the data."""

    left: float
    top: float
    right: float
    bottom: float


class Key(NamedTuple):
    """An entry of a legend: the look of a series by the number of its colour and its dashes."""

    name: str
    colour: int
    dashes: int = 0


def text(value: object) -> str:
    """`value` as text in XML: escaped, and without what XML cannot hold."""
    return escape(_NOT_IN_XML.sub("\N{REPLACEMENT CHARACTER}", str(value)))


def element(name: str, content: str | None = None, /, **attributes: object) -> str:
    """An element; in the names of attributes ``_`` stands for ``-``. `content` is markup."""
    words = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{text(_number(value))}"'
        for key, value in attributes.items()
        if value not in (None, "")
    )
    return f"<{name}{words}/>" if content is None else f"<{name}{words}>{content}</{name}>"


def label(value: object, x: float, y: float, **attributes: object) -> str:
    """A text at a place."""
    return element("text", text(value), x=x, y=y, **attributes)


def colour(number: int) -> str:
    """The class of the series with this number."""
    return f"s{number % COLOURS}"


def dashes(number: int) -> str:
    """How lines with this number are dashed; the first are not."""
    return DASHES[number % len(DASHES)]


def polyline(points: Iterable[tuple[float, float]], **attributes: object) -> str:
    """A line through `points`."""
    joined = " ".join(f"{_number(x)},{_number(y)}" for x, y in points)
    return element("polyline", points=joined, **attributes)


def short(value: str, most: int = 24) -> str:
    """`value`, or its beginning and end where it is long."""
    return value if len(value) <= most else f"{value[: most // 2]}…{value[-(most // 2 - 1) :]}"


def legend(keys: Sequence[Key], left: float, right: float) -> tuple[str, float]:
    """Markup of a legend at the top of a drawing, and how high it is."""
    if not keys:
        return "", 0.0
    parts, x, y = [], left, 12.0
    for key in keys:
        name = short(key.name, 40)
        width = 44 + _LETTER * len(name)
        if x > left and x + width > right:
            x, y = left, y + 18
        look = {"class_": f"line {colour(key.colour)}", "stroke_dasharray": dashes(key.dashes)}
        parts.append(element("line", x1=x, y1=y - 4, x2=x + 18, y2=y - 4, **look))
        parts.append(label(name, x + 24, y))
        x += width
    return element("g", "".join(parts), class_="legend"), y + 10


def x_axis(ticks: Sequence[Tick], area: Area, title: str, *, lines: bool = True) -> str:
    """The axis below `area`, with a thin line upwards at each tick."""
    parts = []
    room = (area.right - area.left) / max(len(ticks), 1) / _LETTER
    for at, name in ticks:
        if lines:
            parts.append(element("line", x1=at, y1=area.top, x2=at, y2=area.bottom))
        parts.append(label(short(name, max(int(room), 4)), at, area.bottom + 16))
    middle = (area.left + area.right) / 2
    parts.append(label(short(title, 80), middle, area.bottom + 36, class_="title"))
    return element("g", "".join(parts), class_="axis x")


def y_axis(
    ticks: Sequence[Tick], area: Area, title: str, *, lines: bool = True, edge: float = 0
) -> str:
    """The axis between `edge` and `area`, with a thin line to the right at each tick."""
    parts = []
    for at, name in ticks:
        if lines:
            parts.append(element("line", x1=area.left, y1=at, x2=area.right, y2=at))
        parts.append(label(short(name), area.left - 6, at + 4))
    middle = (area.top + area.bottom) / 2
    turn = f"translate({_number(edge + 12)} {_number(middle)}) rotate(-90)"
    parts.append(label(short(title, 40), 0, 0, class_="title", transform=turn))
    return element("g", "".join(parts), class_="axis y")


def room_for(names: Iterable[str]) -> float:
    """How far from the edge a vertical axis is that has `names`."""
    return 30 + _LETTER * max((len(short(name)) for name in names), default=0)


def drawing(parts: Iterable[str], height: float, name: str, width: float = WIDTH) -> str:
    """A whole drawing; `name` is for who cannot see it."""
    return element(
        "svg",
        "".join(parts),
        viewBox=f"0 0 {_number(width)} {_number(height)}",
        role="img",
        aria_label=name,
    )


def _number(value: object) -> object:
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else value
