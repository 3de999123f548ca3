"""Edges, order, and what cannot be ordered."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from git_mlvers.pipeline.errors import PipelineError
from git_mlvers.pipeline.graph import Graph
from git_mlvers.pipeline.model import Out, Params, Stage
from tests.support.grammar import stages


def stage(name: str, reads: str = "", writes: str = "", *, frozen: bool = False) -> Stage:
    return Stage(
        name=name,
        file="dvc.yaml",
        line=0,
        wdir=".",
        cmds=("x",),
        deps=tuple(reads.split()),
        outs=tuple(Out(path) for path in writes.split()),
        frozen=frozen,
    )


DIAMOND = (
    stage("top", "", "t"),
    stage("left", "t", "l"),
    stage("right", "t", "r"),
    stage("bottom", "l r", "b"),
    stage("alone", "x", "y"),
)


def names(found: list[Stage]) -> list[str]:
    return [one.name for one in found]


def named(graph: Graph, name: str) -> Stage:
    return next(one for one in graph.stages if one.name == name)


@pytest.mark.parametrize(
    ("reads", "writes"),
    [
        ("data", "data"),
        ("data/a/b.csv", "data"),
        ("data", "data/a/b.csv"),
        (".", "data"),
        ("/else/where", "/else"),
    ],
)
def test_what_meets_is_an_edge(reads: str, writes: str) -> None:
    graph = Graph([stage("reader", reads), stage("writer", "", writes)])
    assert names(graph.upstream(graph.stages[0])) == ["writer"]
    assert names(graph.downstream(graph.stages[1])) == ["reader"]


@pytest.mark.parametrize(
    ("reads", "writes"),
    [("data2", "data"), ("data", "data2"), ("da", "data"), ("a/data", "data"), (".", "/else")],
)
def test_what_does_not_meet_is_none(reads: str, writes: str) -> None:
    graph = Graph([stage("reader", reads), stage("writer", "", writes)])
    assert graph.upstream(graph.stages[0]) == []


def test_params_files_that_a_stage_writes() -> None:
    reader = stage("reader")._replace(params=(Params("best.yaml", ("lr",)),))
    graph = Graph([reader, stage("search", "", "best.yaml")])
    assert names(graph.order()) == ["search", "reader"]


def test_one_folder_read_with_many_outputs_in_it() -> None:
    made = [stage(f"s{at}", "", f"data/{at}/o") for at in range(4)]
    graph = Graph([stage("reader", "data"), *made])
    assert names(graph.upstream(graph.stages[0])) == ["s0", "s1", "s2", "s3"]
    assert graph.reads(graph.stages[0]) == [f"data/{at}/o" for at in range(4)]


def test_owners() -> None:
    graph = Graph([stage("a", "", "data/raw")])
    for path, owner in {
        "data/raw": "a",
        "data/raw/x/y": "a",
        "data": None,
        "data/ra": None,
    }.items():
        found = graph.owner(path)
        assert (found and found.name) == owner


def test_order() -> None:
    graph = Graph(DIAMOND)
    assert names(graph.order()) == ["top", "left", "right", "bottom", "alone"]
    assert names(graph.order([named(graph, "right")])) == ["top", "right"]
    found = graph.order([named(graph, "right"), named(graph, "left")])
    assert names(found) == ["top", "right", "left"]


def test_order_does_not_follow_the_file() -> None:
    found = names(Graph(DIAMOND[::-1]).order())
    assert found == ["alone", "top", "left", "right", "bottom"]


def test_single() -> None:
    graph = Graph(DIAMOND)
    chosen = [named(graph, "bottom"), named(graph, "top"), named(graph, "bottom")]
    assert names(graph.order(chosen, single=True)) == ["bottom", "top"]


def test_downstream() -> None:
    graph = Graph(DIAMOND)
    assert names(graph.order([named(graph, "left")], downstream=True)) == ["left", "bottom"]
    found = names(graph.order([named(graph, "top")], downstream=True))
    assert found == ["top", "left", "right", "bottom"]


def test_a_frozen_stage_needs_nothing() -> None:
    graph = Graph([stage("a", "", "a"), stage("b", "a", "b", frozen=True), stage("c", "b", "c")])
    assert names(graph.order([named(graph, "c")])) == ["b", "c"]
    assert names(graph.order([named(graph, "a")], downstream=True)) == ["a"]
    assert set(names(graph.order())) == {"a", "b", "c"}


def test_a_long_chain() -> None:
    chain = [stage(f"s{at}", f"o{at - 1}", f"o{at}") for at in range(5000)]
    graph = Graph(chain[::-1])
    assert names(graph.order()) == [f"s{at}" for at in range(5000)]


def cannot(*made: Stage) -> str:
    with pytest.raises(PipelineError) as caught:
        Graph(made)
    return caught.value.message


def test_cycles() -> None:
    found = cannot(
        stage("a", "z", "x"), stage("b", "x", "y"), stage("c", "y", "z"), stage("d", "z", "w")
    )
    assert found.startswith("these stages need each other: ")
    way = found.partition(": ")[2].split(" -> ")
    assert way[0] == way[-1]
    assert "".join(way[:-1]) in ("abc", "bca", "cab")


def test_a_stage_that_reads_what_it_writes() -> None:
    assert cannot(stage("a", "o/x", "o")) == "stage 'a' (dvc.yaml) reads what it writes itself"


def test_one_output_of_two_stages() -> None:
    found = cannot(stage("a", "", "o"), stage("b", "", "o"))
    assert found == "o is an output of stage 'a' (dvc.yaml) and of stage 'b' (dvc.yaml)"


@pytest.mark.parametrize("writes", [("o/x", "o"), ("o", "o/x/y")])
def test_outputs_inside_each_other(writes: tuple[str, str]) -> None:
    found = cannot(stage("a", "", writes[0]), stage("b", "", writes[1]))
    assert "an output of stage 'a' (dvc.yaml)" in found
    assert "an output of stage 'b' (dvc.yaml)" in found
    assert " is inside o, " in found


def test_outputs_of_one_stage_inside_each_other() -> None:
    assert "o/x, an output of stage 'a' (dvc.yaml), is inside o" in cannot(stage("a", "", "o o/x"))


def test_a_pipeline_file_in_an_output() -> None:
    inside = stage("b")._replace(file="o/dvc.yaml")
    assert cannot(stage("a", "", "o"), inside) == (
        "o/dvc.yaml is inside o, an output of stage 'a' (dvc.yaml)"
    )


def test_errors_name_the_line() -> None:
    made = stages("stages:\n  a: {cmd: x, outs: [o]}\n\n  b: {cmd: x, outs: [o]}\n")
    assert "'a' (dvc.yaml, line 2) and of stage 'b' (dvc.yaml, line 4)" in cannot(*made.values())


edges = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=25)


@given(edges, st.permutations(range(10)))
def test_any_graph_is_ordered_or_has_a_cycle(
    pairs: list[tuple[int, int]], order: list[int]
) -> None:
    reads = {at: {first for first, second in pairs if second == at} for at in range(10)}
    made = [stage(f"s{at}", " ".join(f"o{one}" for one in reads[at]), f"o{at}") for at in order]
    reached = {at: set(reads[at]) for at in range(10)}
    for _ in range(10):
        for at in range(10):
            reached[at] |= {far for near in reached[at] for far in reached[near]}
    if any(at in reached[at] for at in range(10)):
        assert cannot(*made)
        return
    found = [int(one.name[1:]) for one in Graph(made).order()]
    assert sorted(found) == list(range(10))
    for at in range(10):
        assert all(found.index(one) < found.index(at) for one in reads[at])
