"""Graphs as boxes, for Graphviz and for Mermaid."""

from __future__ import annotations

import itertools
import textwrap

from hypothesis import given, settings
from hypothesis import strategies as st

from git_mlvers.view.graph import Edge, boxes, dot, mermaid, parts
from git_mlvers.view.layers import place
from tests.support.pipelines import SEED_DAG

SEED_NAMES = ["get_data", "featurize", "train", "evaluate"]
SEED_EDGES = [
    ("get_data", "featurize"),
    ("featurize", "train"),
    ("featurize", "evaluate"),
    ("train", "evaluate"),
]


def test_the_graph_of_the_seed() -> None:
    assert boxes(SEED_NAMES, SEED_EDGES) == SEED_DAG


def test_a_chain() -> None:
    assert boxes(["prepare", "fit"], [("prepare", "fit")]) == textwrap.dedent("""\
        +---------+
        | prepare |
        +---------+
              *
              *
              *
          +-----+
          | fit |
          +-----+""")


def test_parts_that_are_not_joined_stand_below_each_other() -> None:
    assert boxes(["a", "bb"], []) == textwrap.dedent("""\
        +---+
        | a |
        +---+
        +----+
        | bb |
        +----+""")


def test_a_source_stands_just_above_what_reads_it() -> None:
    lines = boxes(["a", "b", "c", "d"], [("a", "b"), ("b", "c"), ("d", "c")]).splitlines()
    row = {name: at for at, line in enumerate(lines) for name in "abcd" if f"| {name} |" in line}
    assert row == {"a": 1, "b": 7, "d": 7, "c": 13}


def test_for_graphviz() -> None:
    assert dot(["a", 'b"c'], [("a", 'b"c')]) == (
        'strict digraph {\n"a";\n"b\\"c";\n"a" -> "b\\"c";\n}'
    )


def test_for_mermaid() -> None:
    text = mermaid(["b", "a", "lonely"], [("b", "a")])
    assert text == ('flowchart TD\n\tnode1["a"]\n\tnode2["b"]\n\tnode2-->node1\n\tnode3["lonely"]')
    assert mermaid(["a"], [], markdown=True) == '```mermaid\nflowchart TD\n\tnode1["a"]\n```'


graphs = st.lists(st.tuples(st.integers(0, 11), st.integers(0, 11)), max_size=30).map(
    lambda pairs: sorted({(min(pair), max(pair)) for pair in pairs if pair[0] != pair[1]})
)


@settings(deadline=None)
@given(graphs)
def test_boxes_never_cover_each_other(pairs: list[tuple[int, int]]) -> None:
    names = [f"stage{at}" for at in range(12)]
    edges: list[Edge] = [(f"stage{first}", f"stage{second}") for first, second in pairs]
    lines = boxes(names, edges).splitlines()
    where = {
        name: (row, line.index(f"| {name} |"))
        for row, line in enumerate(lines)
        for name in names
        if f"| {name} |" in line
    }
    assert sorted(where) == sorted(names)
    for name, (row, column) in where.items():
        rule = f"+{'-' * (len(name) + 2)}+"
        for line in (lines[row - 1], lines[row + 1]):
            assert line[column : column + len(rule)] == rule
    for first, second in edges:
        assert where[first][0] < where[second][0]


@settings(deadline=None)
@given(graphs, st.lists(st.integers(4, 30), min_size=12, max_size=12))
def test_there_is_room_between_neighbours(pairs: list[tuple[int, int]], widths: list[int]) -> None:
    layout = place(widths, pairs)
    rows: dict[int, list[tuple[float, int]]] = {}
    for x, layer, width in zip(layout.x, layout.layer, widths, strict=True):
        rows.setdefault(layer, []).append((x, width))
    for row in rows.values():
        row.sort()
        for (x, width), (next_x, next_width) in itertools.pairwise(row):
            assert next_x - x >= (width + next_width) / 2 + min(widths) - 1e-6


@given(graphs)
def test_parts_have_all_and_share_nothing(pairs: list[tuple[int, int]]) -> None:
    names = [str(at) for at in range(12)]
    edges: list[Edge] = [(str(first), str(second)) for first, second in pairs]
    found = parts(names, edges)
    assert sorted(name for part, _ in found for name in part) == sorted(names)
    assert sorted(edge for _, inner in found for edge in inner) == sorted(edges)
    for part, inner in found:
        assert {name for edge in inner for name in edge} <= set(part)


def test_a_wide_and_long_graph_is_drawn() -> None:
    names = [f"s{at}" for at in range(300)]
    edges = [(f"s{at // 3}", f"s{at}") for at in range(1, 300)]
    edges += [("s0", f"s{at}") for at in range(250, 300)]
    drawn = boxes(names, edges)
    assert all(f"| {name} |" in drawn for name in names)
