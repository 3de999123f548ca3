"""Where the boxes of a graph go: nodes in layers, each below all that it comes from.

The method is Sugiyama's: a layer for every node, a bend in every layer that an
edge passes, an order in each layer that has few crossings, and the horizontal
places of Brandes and Köpf, the mean of four ways to line up neighbours.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

_SWEEPS = 8


class Layout(NamedTuple):
    """`x` of each node's middle, its layer, and for each edge the middles of its bends."""

    x: list[float]
    layer: list[int]
    bends: list[list[float]]
    """For an edge, one place in each layer between its ends."""


def place(widths: Sequence[int], edges: Sequence[tuple[int, int]]) -> Layout:
    """The places of nodes with these `widths`, joined by `edges` from above to below.

    The graph must have no cycle. The unit is a character.
    """
    count = len(widths)
    layer = _layers(count, edges)
    ends: list[tuple[int, int]] = []
    bends: list[list[int]] = []
    level = list(layer)
    for above, below in edges:
        way = list(range(len(level), len(level) + layer[below] - layer[above] - 1))
        level += range(layer[above] + 1, layer[below])
        points = [above, *way, below]
        ends += itertools.pairwise(points)
        bends.append(way)
    middle = sorted(widths)[count // 2]
    whole = [*widths, *[middle] * (len(level) - count)]
    rows = _Rows(level, ends, first_bend=count)
    rows.untangle()
    x = _Positions(rows, whole, gap=min(widths)).mean()
    return Layout(x[:count], layer, [[x[bend] for bend in way] for way in bends])


def _layers(count: int, edges: Sequence[tuple[int, int]]) -> list[int]:
    """The layer of each node: below all that it comes from, and else as low as can be."""
    above: list[list[int]] = [[] for _ in range(count)]
    below: list[list[int]] = [[] for _ in range(count)]
    for first, second in edges:
        above[second].append(first)
        below[first].append(second)
    waits = [len(nodes) for nodes in above]
    layer = [0] * count
    queue = [node for node in range(count) if not waits[node]]
    for node in queue:
        for other in below[node]:
            layer[other] = max(layer[other], layer[node] + 1)
            waits[other] -= 1
            if not waits[other]:
                queue.append(other)
    for node in reversed(queue):
        if below[node]:
            layer[node] = min(layer[other] for other in below[node]) - 1
    return layer


class _Rows:
    """Nodes and bends by layer, in an order that `untangle` improves."""

    def __init__(
        self, level: Sequence[int], ends: Sequence[tuple[int, int]], first_bend: int
    ) -> None:
        self.rows: list[list[int]] = [[] for _ in range(max(level) + 1)]
        self.up: list[list[int]] = [[] for _ in level]
        self.down: list[list[int]] = [[] for _ in level]
        self.level = level
        self._first_bend = first_bend
        for node, at in enumerate(level):
            self.rows[at].append(node)
        for above, below in ends:
            self.down[above].append(below)
            self.up[below].append(above)
        self.place = [0] * len(level)
        self._number()

    def is_bend(self, node: int) -> bool:
        """Whether this is a bend of a long edge."""
        return node >= self._first_bend

    def untangle(self) -> None:
        """Sort each layer by the mean place of its neighbours, down and up, while that helps."""
        best, fewest = [list(row) for row in self.rows], self._crossings()
        for sweep in range(_SWEEPS):
            if not fewest:
                break
            down = sweep % 2 == 0
            near = self.up if down else self.down
            for at in range(len(self.rows)) if down else reversed(range(len(self.rows))):
                self.rows[at].sort(key=lambda node: self._mean(node, near))
                self._number(at)
            crossings = self._crossings()
            if crossings < fewest:
                best, fewest = [list(row) for row in self.rows], crossings
        self.rows = best
        self._number()

    def _mean(self, node: int, near: list[list[int]]) -> float:
        places = [self.place[other] for other in near[node]]
        return sum(places) / len(places) if places else self.place[node]

    def _number(self, only: int | None = None) -> None:
        for row in self.rows if only is None else [self.rows[only]]:
            for at, node in enumerate(row):
                self.place[node] = at

    def _crossings(self) -> int:
        from bisect import bisect, insort

        count = 0
        for row in self.rows:
            seen: list[int] = []
            for node in row:
                for place in sorted(self.place[other] for other in self.up[node]):
                    count += len(seen) - bisect(seen, place)
                    insort(seen, place)
        return count


class _Positions:
    """Horizontal places for an order that is settled; `gap` is the least room between two."""

    def __init__(self, rows: _Rows, widths: Sequence[int], gap: int) -> None:
        self._rows = rows
        self._widths = widths
        self._gap = gap
        self._crossed = self._crossed_ends()

    def mean(self) -> list[float]:
        """The mean of the two middle ones of four placements."""
        ways = [self._one(down, left) for down in (True, False) for left in (True, False)]
        extents = [(min(way), max(way)) for way in ways]
        low, high = min(extents, key=lambda extent: extent[1] - extent[0])
        shifted = []
        for at, (way, (first, last)) in enumerate(zip(ways, extents, strict=True)):
            move = low - first if at % 2 == 0 else high - last
            shifted.append([x + move for x in way])
        middle = [sorted(four)[1:3] for four in zip(*shifted, strict=True)]
        return [(first + second) / 2 for first, second in middle]

    def _one(self, down: bool, left: bool) -> list[float]:
        """One placement: blocks of nodes lined up with those above or below, pushed together."""
        step = 1 if left else -1
        rows = [row[::step] for row in self._rows.rows]
        root = self._blocks(rows if down else rows[::-1], down, step)
        # Nodes to the left in any row come before the block that they push.
        pushed_by: dict[int, list[tuple[int, float]]] = {node: [] for node in set(root)}
        for row in rows:
            for first, second in itertools.pairwise(row):
                room = self._gap + (self._widths[first] + self._widths[second]) / 2
                pushed_by[root[second]].append((root[first], room))
        x: dict[int, float] = {}
        for start in pushed_by:
            stack = [start]
            while stack:
                node = stack[-1]
                missing = [other for other, _ in pushed_by[node] if other not in x]
                if missing:
                    stack += missing
                else:
                    stack.pop()
                    x[node] = max((x[other] + room for other, room in pushed_by[node]), default=0)
        return [step * x[node] for node in root]

    def _blocks(self, rows: list[list[int]], down: bool, step: int) -> list[int]:
        """For each node, the first node of the block that it lines up with."""
        place = self._rows.place
        near = self._rows.up if down else self._rows.down
        root = list(range(len(place)))
        taken: set[int] = set()
        for row in rows:
            last: int | None = None
            for node in row:
                found = sorted(near[node], key=lambda other: step * place[other])
                middle = found[(len(found) - 1) // 2 : len(found) // 2 + 1]
                for other in middle:
                    pair = (other, node) if down else (node, other)
                    free = other not in taken and pair not in self._crossed
                    if free and (last is None or last < step * place[other]):
                        root[node] = root[other]
                        taken.add(other)
                        last = step * place[other]
                        break
        return root

    def _crossed_ends(self) -> set[tuple[int, int]]:
        """Pieces of edges that cross a piece between two bends, which is to be straight."""
        rows, place = self._rows, self._rows.place
        crossed: set[tuple[int, int]] = set()
        for row in rows.rows:
            pieces = [(above, node) for node in row for above in rows.up[node]]
            inner = [pair for pair in pieces if rows.is_bend(pair[0]) and rows.is_bend(pair[1])]
            for above, node in pieces:
                if rows.is_bend(above) and rows.is_bend(node):
                    continue
                if any(
                    (place[above] - place[up]) * (place[node] - place[low]) < 0 for up, low in inner
                ):
                    crossed.add((above, node))
        return crossed
