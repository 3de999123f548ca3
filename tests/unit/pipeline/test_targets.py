"""What the words of a user name."""

from __future__ import annotations

import pytest

from git_mlvers.pipeline.errors import TargetError
from tests.support.grammar import TOP, project

PROJECT = project(
    """
    stages:
      train: {cmd: x, outs: [models, a@b.txt]}
      eval: {cmd: x, outs: [report.json]}
      build:
        foreach: [us, 'g:b/x']
        do: {cmd: x, outs: ["out/${item}"]}
      build2: {cmd: x}
      report.json: {cmd: x}
    """,
    sub__mlvers_yaml="""
    stages:
      train: {cmd: x, outs: [deep/model]}
      clean: {cmd: x}
    """,
    more__dvc_yaml="""
    stages:
      clean: {cmd: x}
    """,
)


def found(*words: str, cwd: str = ".") -> list[str]:
    return [stage.address for stage in PROJECT.find(words, cwd)]


@pytest.mark.parametrize(
    ("word", "cwd", "stages"),
    [
        ("train", ".", ["train"]),
        ("train", "sub", ["sub/mlvers.yaml:train"]),
        ("build", ".", ["build@us", "build@g:b/x"]),
        ("build@us", ".", ["build@us"]),
        ("build@g:b/x", ".", ["build@g:b/x"]),
        ("dvc.yaml:build@g:b/x", ".", ["build@g:b/x"]),
        ("dvc.yaml:build", ".", ["build@us", "build@g:b/x"]),
        ("dvc.yaml:train", ".", ["train"]),
        ("../dvc.yaml:train", "sub", ["train"]),
        ("./sub/mlvers.yaml:clean", ".", ["sub/mlvers.yaml:clean"]),
        ("sub/mlvers.yaml", ".", ["sub/mlvers.yaml:train", "sub/mlvers.yaml:clean"]),
        ("mlvers.yaml", "sub", ["sub/mlvers.yaml:train", "sub/mlvers.yaml:clean"]),
        ("models", ".", ["train"]),
        ("models/", ".", ["train"]),
        ("models/deep/file.bin", ".", ["train"]),
        ("./models", ".", ["train"]),
        ("../models", "sub", ["train"]),
        (f"{TOP}/models", "sub", ["train"]),
        ("deep/model", "sub", ["sub/mlvers.yaml:train"]),
        ("out/us", ".", ["build@us"]),
        ("a@b.txt", ".", ["train"]),
        ("report.json", ".", ["report.json"]),
        ("./report.json", ".", ["eval"]),
        ("eval", "sub", ["eval"]),
        ("build2", "more", ["build2"]),
    ],
)
def test_targets(word: str, cwd: str, stages: list[str]) -> None:
    assert found(word, cwd=cwd) == stages


def test_each_stage_once_in_the_order_of_the_words() -> None:
    assert found("eval", "models", "train", "eval") == ["eval", "train"]


@pytest.mark.parametrize(
    ("word", "cwd", "message", "hint"),
    [
        ("trane", ".", "there is no stage or output 'trane'", "did you mean train?"),
        ("build@uk", ".", "there is no stage or output 'build@uk'", "did you mean build@us?"),
        ("model", "more", "there is no stage or output 'model'", "did you mean models?"),
        ("zzz", ".", "there is no stage or output 'zzz'", None),
        ("dvc.yaml:trai", ".", "there is no stage 'trai' in dvc.yaml", "did you mean train?"),
        ("sup/mlvers.yaml", ".", "there is no pipeline file", "did you mean sub/mlvers.yaml?"),
        ("", ".", "there is no stage or output ''", None),
    ],
)
def test_what_is_not_there(word: str, cwd: str, message: str, hint: str | None) -> None:
    with pytest.raises(TargetError) as caught:
        found(word, cwd=cwd)
    assert caught.value.message.startswith(message)
    assert caught.value.hint == hint


def test_a_name_that_several_files_have() -> None:
    with pytest.raises(TargetError) as caught:
        found("clean")
    assert caught.value.message == "several pipeline files have a stage 'clean'"
    assert caught.value.hint is not None
    assert "sub/mlvers.yaml:clean" in caught.value.hint
    assert "more/dvc.yaml:clean" in caught.value.hint


def test_a_repository_without_pipelines() -> None:
    with pytest.raises(TargetError, match="this repository has no pipeline"):
        project("# none\n").find(["train"])
