"""What stands beside the stages, and which files a repository can have."""

from __future__ import annotations

import pytest

from git_mlvers.pipeline.model import Plot
from tests.support.grammar import project, refused


def test_lists_of_files() -> None:
    text = "params: [p.yaml, ../q.json]\nmetrics: ['${name}.json']\n"
    found = project(sub__dvc_yaml=text, sub__params_yaml="name: m\n").pipelines["sub/dvc.yaml"]
    assert found.params == ("sub/p.yaml", "q.json")
    assert found.metrics == ("sub/m.json",)


def test_plots() -> None:
    text = """
        plots:
        - a.csv
        - b.csv: {x: step, y: loss, title: T}
        - curve:
            x: step
            y: {c.csv: [v, w], ../d.csv: z}
        - alone.csv:
        """
    found = project(sub__dvc_yaml=text).pipelines["sub/dvc.yaml"]
    assert found.plots == (
        Plot("sub/a.csv", {}),
        Plot("sub/b.csv", {"x": "step", "y": "loss", "title": "T"}),
        Plot("curve", {"x": "step", "y": {"sub/c.csv": ["v", "w"], "d.csv": "z"}}),
        Plot("sub/alone.csv", {}),
    )


def test_plots_as_a_mapping() -> None:
    found = project("plots: {a.csv: {x: k}}").pipelines["dvc.yaml"]
    assert found.plots == (Plot("a.csv", {"x": "k"}),)


def test_artifacts() -> None:
    text = "artifacts:\n  m: {path: model, type: t, labels: [a], desc: d, meta: {x: 1}}\n"
    found = project(sub__dvc_yaml=text).pipelines["sub/dvc.yaml"]
    assert found.artifacts["m"]["path"] == "sub/model"
    assert found.artifacts["m"]["labels"] == ["a"]


def test_datasets_are_no_error() -> None:
    assert project("datasets:\n- {name: d, url: x, type: url}\n").stages == []


@pytest.mark.parametrize("text", ["# nothing\n", "stages:\n", "stages: {}\n"])
def test_a_file_without_stages(text: str) -> None:
    assert project(text).stages == []


def test_an_unknown_key_is_a_warning() -> None:
    found = project("stages: {a: {cmd: x}}\nplotz: 3\nx-mine: 4\n")
    assert found.warnings == ("dvc.yaml, line 2: 'plotz' is not known (did you mean plots?)",)
    assert len(found.stages) == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("stages: [a]", "stages: a mapping is needed here, not a list"),
        ("- a", "a mapping is needed here, not a list"),
        ("metrics: m.json", "metrics: a list is needed here, not a text"),
        ("metrics: [{a: b}]", "metrics.0: a text is needed here, not a mapping"),
        ("plots: [{a: {why: b}}]", "plots.0.a.why: there is no such key"),
        ("artifacts: {m: {type: t}}", "artifacts.m.path: a text is needed here, not nothing"),
        ("artifacts: {m: {path: p, tipe: t}}", "artifacts.m.tipe: there is no such key"),
    ],
)
def test_errors(text: str, message: str) -> None:
    error = refused(text)
    assert error.message == f"dvc.yaml, line 1: {message}"


def test_both_names_in_one_folder() -> None:
    error = refused("", a__dvc_yaml="stages:\n", a__mlvers_yaml="stages:\n")
    assert error.message.startswith("a/dvc.yaml and a/mlvers.yaml are in one folder")


def test_both_names_in_two_folders() -> None:
    found = project("stages: {a: {cmd: x}}", b__mlvers_yaml="stages: {c: {cmd: x}}")
    assert {stage.address for stage in found.stages} == {"a", "b/mlvers.yaml:c"}
