"""Params set in files: all or none of them, and what a user is told of a wrong name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from git_mlvers.errors import MlversError
from git_mlvers.experiments import params
from git_mlvers.experiments.setparam import combinations
from git_mlvers.git.repository import Repository
from git_mlvers.pipeline.source import WorkingTree
from tests.support.git import Repo

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    made = Repo.init(tmp_path / "work")
    made.write("params.yaml", "train:\n  C: 1  # reg\n  epochs: 3\n")
    made.write("sub/params.yaml", "depth: 1\n")
    made.write("conf.toml", "[opt]\nlr = 0.1\n")
    made.write("dvc.yaml", "stages:\n  a:\n    cmd: ls\n    params: [conf.toml: [opt]]\n")
    return made


def plan(repo: Repo, *words: str, folder: str = ".") -> list[params.Changed]:
    found = Repository.discover(str(repo.path), {})
    return params.plan(WorkingTree(found), combinations(words)[0], folder)


def apply(repo: Repo, *words: str, folder: str = ".") -> list[params.Changed]:
    changes = plan(repo, *words, folder=folder)
    params.write(str(repo.path), changes)
    return changes


def test_several_in_several_files(repo: Repo) -> None:
    repo.file("params.yaml").chmod(0o640)
    changes = apply(repo, "train.C=10", "conf.toml:opt.lr=1e-3", "~train.epochs", "+train.n.m=[1]")
    assert repo.read("params.yaml") == b"train:\n  C: 10  # reg\n  n: {m: [1]}\n"
    assert repo.read("conf.toml") == b"[opt]\nlr = 0.001\n"
    assert repo.file("params.yaml").stat().st_mode & 0o777 == 0o640
    repo.write("conf.toml", "mine\n")
    assert params.restore(str(repo.path), changes) == ["conf.toml"]
    assert repo.read("params.yaml") == b"train:\n  C: 1  # reg\n  epochs: 3\n"
    assert repo.read("conf.toml") == b"mine\n"


def test_the_file_of_the_folder_is_meant(repo: Repo) -> None:
    apply(repo, "depth=2", "../conf.toml:opt.lr=2", folder="sub")
    assert repo.read("sub/params.yaml") == b"depth: 2\n"
    assert repo.read("conf.toml") == b"[opt]\nlr = 2\n"
    repo.remove("sub/params.yaml")
    apply(repo, "train.C=7", folder="sub")
    assert b"C: 7" in repo.read("params.yaml")


def test_the_value_that_is_there_changes_nothing(repo: Repo) -> None:
    assert plan(repo, "train.C=1") == []


@pytest.mark.parametrize(
    ("word", "says", "hint"),
    [
        ("train.c=1", "params.yaml has no param train.c", "did you mean train.C?"),
        ("~trian", "params.yaml has no param trian", "did you mean train?"),
        ("opt.lr=1", "params.yaml has no param opt.lr", "did you mean conf.toml:opt.lr?"),
        ("zzz=1", "has no param zzz", "-S +zzz="),
        ("+train.C=1", "params.yaml has a param train.C already", "changes it"),
        ("+train.C.x=1", "train.C is a value", ""),
        ("parms.yaml:a=1", "there is no params file parms.yaml", "conf.toml, params.yaml"),
        ("/etc/passwd:a=1", "outside of the repository", ""),
        (".git/config:a=1", "outside of the repository", ""),
    ],
)
def test_what_is_wrong(repo: Repo, word: str, says: str, hint: str) -> None:
    before = repo.read("params.yaml")
    with pytest.raises(MlversError) as raised:
        plan(repo, "train.C=5", word)
    assert says in raised.value.message
    assert hint in (raised.value.hint or "")
    assert repo.read("params.yaml") == before


def test_a_link_stays_one(repo: Repo) -> None:
    repo.file("linked.yaml").symlink_to("params.yaml")
    apply(repo, "linked.yaml:train.C=3")
    assert repo.file("linked.yaml").is_symlink()
    assert b"C: 3" in repo.read("params.yaml")
