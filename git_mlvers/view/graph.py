"""A graph as text: boxes and stars, the language of Graphviz, or that of Mermaid.

Nodes are names, in the order in which they are to be listed; an edge leads from
what comes first to what comes of it.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from git_mlvers.view.layers import Layout, place

if TYPE_CHECKING:
    from collections.abc import Sequence

Edge = tuple[str, str]
Point = tuple[float, float]

_HIGH = 3
"""Lines of a box, and of the room between two layers."""


def boxes(names: Sequence[str], edges: Sequence[Edge]) -> str:
    """Boxes joined by lines of ``*``, from top to bottom; parts that are not joined in turn."""
    return "\n".join(_drawn(part, inner) for part, inner in parts(names, edges))


def dot(names: Sequence[str], edges: Sequence[Edge]) -> str:
    """The graph for Graphviz."""
    lines = ["strict digraph {"]
    lines += [f"{_dot_name(name)};" for name in names]
    lines += [f"{_dot_name(first)} -> {_dot_name(second)};" for first, second in edges]
    return "\n".join([*lines, "}"])


def mermaid(names: Sequence[str], edges: Sequence[Edge], *, markdown: bool = False) -> str:
    """The graph for Mermaid; with `markdown` in a block that a Markdown page shows as a graph."""
    lines = ["flowchart TD"]
    count = 0
    for part, inner in parts(names, edges):
        numbers = {name: count + at for at, name in enumerate(sorted(part), 1)}
        count += len(part)
        lines += [f'\tnode{at}["{_mermaid_name(name)}"]' for name, at in numbers.items()]
        lines += [f"\tnode{numbers[a]}-->node{numbers[b]}" for a, b in sorted(inner)]
    text = "\n".join(lines)
    return f"```mermaid\n{text}\n```" if markdown else text


def parts(names: Sequence[str], edges: Sequence[Edge]) -> list[tuple[list[str], list[Edge]]]:
    """The parts that no edge joins, each in the order of `names`, with their edges."""
    near: dict[str, list[str]] = {name: [] for name in names}
    for first, second in edges:
        near[first].append(second)
        near[second].append(first)
    part: dict[str, int] = {}
    found: list[tuple[list[str], list[Edge]]] = []
    for start in names:
        if start in part:
            continue
        part[start] = len(found)
        found.append(([], []))
        queue = [start]
        for name in queue:
            for other in near[name]:
                if other not in part:
                    part[other] = part[start]
                    queue.append(other)
    for name in names:
        found[part[name]][0].append(name)
    for first, second in edges:
        found[part[first]][1].append((first, second))
    return found


def _drawn(names: Sequence[str], edges: Sequence[Edge]) -> str:
    at = {name: number for number, name in enumerate(names)}
    widths = [len(name) + 4 for name in names]
    joined = [(at[first], at[second]) for first, second in edges]
    layout = place(widths, joined)
    canvas = _Canvas()
    for (above, below), bends in zip(joined, layout.bends, strict=True):
        canvas.way(_way(layout, widths, above, below, bends))
    for name, width, x, layer in zip(names, widths, layout.x, layout.layer, strict=True):
        canvas.box(name, width, x, 2 * _HIGH * layer)
    return canvas.text()


def _way(
    layout: Layout, widths: Sequence[int], above: int, below: int, bends: Sequence[float]
) -> list[Point]:
    """The points that an edge passes, from the border of one box to that of the other."""
    first = layout.layer[above]
    middles = [(layout.x[above], 0.0), *((x, 0.0) for x in bends), (layout.x[below], 0.0)]
    points = [(x, 2.0 * _HIGH * (first + step) + _HIGH / 2) for step, (x, _) in enumerate(middles)]
    start = _border(points[0], widths[above], points[1])
    end = _border(points[-1], widths[below], points[-2])
    return [start, *points[1:-1], end]


def _border(middle: Point, width: int, towards: Point) -> Point:
    """Where the line from the `middle` of a box `towards` a point leaves the box."""
    dx, dy = towards[0] - middle[0], towards[1] - middle[1]
    wide, high = width // 2, _HIGH // 2
    share = min(wide / abs(dx) if dx else 1.0, high / abs(dy) if dy else 1.0)
    return middle[0] + dx * share, middle[1] + dy * share


class _Canvas:
    """Characters by place; where the canvas begins is known when all is drawn."""

    def __init__(self) -> None:
        self._lines: list[list[Point]] = []
        self._boxes: list[tuple[str, int, float, int]] = []

    def way(self, points: list[Point]) -> None:
        """Draw a line of stars through `points`."""
        self._lines.append(points)

    def box(self, name: str, width: int, x: float, top: int) -> None:
        """Draw a box with `name` whose middle is at `x`; it hides what is under it."""
        self._boxes.append((name, width, x - width / 2, top))

    def text(self) -> str:
        """All that was drawn; no blanks at the ends of lines."""
        ends = [x for points in self._lines for x, _ in points]
        left = min([*ends, *(x for _, _, x, _ in self._boxes)])
        cells: dict[tuple[int, int], str] = {}
        for points in self._lines:
            for (x0, y0), (x1, y1) in itertools.pairwise(points):
                start = round(x0 - left), round(y0 - _HIGH / 2)
                cells.update(_stars(start, (round(x1 - left), round(y1 - _HIGH / 2))))
        for name, width, x, top in self._boxes:
            rule = f"+{'-' * (width - 2)}+"
            start_x = round(x - left)
            for row, text in enumerate((rule, f"| {name} |", rule)):
                cells.update(((start_x + at, top + row), char) for at, char in enumerate(text))
        rows: dict[int, dict[int, str]] = {}
        for (column, row), char in cells.items():
            rows.setdefault(row, {})[column] = char
        lines = []
        for row in range(max(rows) + 1):
            found = rows.get(row, {})
            line = [found.get(column, " ") for column in range(max(found, default=-1) + 1)]
            lines.append("".join(line).rstrip())
        return "\n".join(lines)


def _stars(start: tuple[int, int], end: tuple[int, int]) -> dict[tuple[int, int], str]:
    (x0, y0), (x1, y1) = sorted((start, end))
    dx, dy = x1 - x0, y1 - y0
    if dx >= abs(dy):
        steps = range(dx + 1)
        return {(x0 + step, y0 + (round(step * dy / dx) if dx else 0)): "*" for step in steps}
    if dy < 0:
        (x0, y0), dx, dy = (x1, y1), -dx, -dy
    return {(x0 + round(step * dx / dy), y0 + step): "*" for step in range(dy + 1)}


def _dot_name(name: str) -> str:
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _mermaid_name(name: str) -> str:
    return name.replace('"', "#quot;")
