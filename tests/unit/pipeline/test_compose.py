"""A stage made of what stands on the command line."""

from __future__ import annotations

import pytest

from git_mlvers.errors import UsageError
from git_mlvers.pipeline.compose import Listed, check_name, command_line, definition, file_for


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["python a.py > log"], "python a.py > log"),
        (["python", "a.py", "--x", "1"], "python a.py --x 1"),
        (["echo", "a b", "c"], 'echo "a b" c'),
        (["echo", "$X y"], 'echo "$X y"'),
        (["echo", ""], 'echo ""'),
        (["echo", 'a "b"'], "echo 'a \"b\"'"),
    ],
)
def test_command_lines(words: list[str], line: str) -> None:
    assert command_line(words) == line


def test_everything_is_sorted() -> None:
    found = definition(
        cmd="x",
        deps=["./b/", "a"],
        params=["t,b", "p.json:z,y", "all.yaml:", "a"],
        outs=[
            Listed("o2", "outs"),
            Listed("./o1", "outs", cache=False),
            Listed("m", "metrics", cache=False, persist=True),
            Listed("p", "plots"),
        ],
        wdir="sub/",
        desc="why",
        always_changed=True,
    )
    assert list(found) == [
        *("desc", "cmd", "wdir", "deps", "params", "outs", "metrics", "plots", "always_changed"),
    ]
    assert found["deps"] == ["a", "b"]
    assert found["params"] == ["a", "b", "t", {"all.yaml": None}, {"p.json": ["y", "z"]}]
    assert found["outs"] == [{"o1": {"cache": False}}, "o2"]
    assert found["metrics"] == [{"m": {"cache": False, "persist": True}}]
    assert found["wdir"] == "sub"


def test_what_is_not_given_is_not_written() -> None:
    assert definition(cmd="x", wdir=".") == {"cmd": "x"}


def test_all_of_params_yaml() -> None:
    assert definition(cmd="x", params=["params.yaml:"])["params"] == [{"params.yaml": None}]


@pytest.mark.parametrize("outs", ["a", "./a"])
def test_a_path_is_one_thing(outs: str) -> None:
    with pytest.raises(UsageError, match="a is named twice"):
        definition(cmd="x", deps=["a"], outs=[Listed(outs, "outs")])


@pytest.mark.parametrize("name", ["a", "a-b_c", "Größe", "1"])
def test_good_names(name: str) -> None:
    check_name(name)


@pytest.mark.parametrize("name", ["", "a.b", "a@b", "a:b", "a/b", "a b", "a$"])
def test_bad_names(name: str) -> None:
    with pytest.raises(UsageError, match="cannot be called"):
        check_name(name)


@pytest.mark.parametrize(
    ("folder", "here", "known", "file"),
    [
        (".", [], [], "dvc.yaml"),
        ("a/b", [], [], "a/b/dvc.yaml"),
        (".", ["mlvers.yaml"], ["mlvers.yaml"], "mlvers.yaml"),
        (".", ["dvc.yaml"], ["a/mlvers.yaml"], "dvc.yaml"),
        (".", [], ["a/mlvers.yaml"], "mlvers.yaml"),
        (".", [], ["a/dvc.yaml"], "dvc.yaml"),
    ],
)
def test_where_a_stage_goes(folder: str, here: list[str], known: list[str], file: str) -> None:
    assert file_for(folder, here, known) == file
