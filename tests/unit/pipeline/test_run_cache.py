"""``refs/mlvers/runs``: many may write it, and nothing in it is lost."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from git_mlvers.git.repository import Repository
from git_mlvers.pipeline.recipe import Recipe
from git_mlvers.pipeline.runcache import REF, Fact, RunCache
from tests.support.git import Repo

if TYPE_CHECKING:
    from collections.abc import Iterator

RECIPE = Recipe(("make",), ".", {"in": "1"}, {"params.yaml": {"rate": 0.1}}, ("out",))


@pytest.fixture
def runs(repo: Repo) -> Iterator[RunCache]:
    cache = RunCache(Repository.discover(str(repo.path), os.environ))
    yield cache
    cache.close()


def fact(key: str = "a" * 32, result: str = "b" * 32) -> Fact:
    return Fact(key, result, RECIPE, {"out": "2"})


def tree_of(repo: Repo, text: str) -> str:
    """A tree with one file."""
    blob = repo.git("hash-object", "-w", "--stdin", stdin=text)
    return repo.git("mktree", stdin=f"100644 blob {blob}\tout\n")


def test_a_fact_and_its_outputs(repo: Repo, runs: RunCache) -> None:
    assert runs.results("a" * 32) == []
    assert runs.newest("a" * 32) is None
    tree = tree_of(repo, "made")
    runs.record("train", [fact()], tree)
    assert runs.results("a" * 32) == ["b" * 32]
    assert runs.fact("a" * 32, "b" * 32) == fact()
    assert runs.outs("b" * 32) == tree
    assert runs.fact("a" * 32, "c" * 32) is None
    assert runs.outs("c" * 32) is None
    repo.fsck()


def test_what_is_known_makes_no_commit(repo: Repo, runs: RunCache) -> None:
    runs.record("train", [fact()], tree_of(repo, "made"))
    before = repo.head(REF)
    runs.record("train", [fact()], tree_of(repo, "made"))
    assert repo.head(REF) == before


def test_the_newest_result(repo: Repo, runs: RunCache) -> None:
    for digit in "dbc":
        runs.record("train", [fact(result=digit * 32)], None)
    assert runs.newest("a" * 32) == "c" * 32


def test_merge(repo: Repo, runs: RunCache) -> None:
    trees = {digit: tree_of(repo, digit) for digit in "bcd"}
    runs.record("train", [fact()], trees["b"])
    base = repo.head(REF)
    runs.record("train", [fact(result="c" * 32)], trees["c"])
    ours = repo.head(REF)
    repo.git("update-ref", REF, base)
    runs.record("train", [fact(key="d" * 32, result="d" * 32)], trees["d"])
    theirs = repo.head(REF)
    assert runs.merge(ours)
    assert runs.results("a" * 32) == ["b" * 32, "c" * 32]
    assert runs.results("d" * 32) == ["d" * 32]
    assert [runs.outs(digit * 32) for digit in "bcd"] == list(trees.values())
    repo.git("merge-base", "--is-ancestor", ours, REF)
    repo.git("merge-base", "--is-ancestor", theirs, REF)
    assert not runs.merge(theirs)
    repo.git("update-ref", REF, base)
    assert runs.merge(theirs)
    assert repo.head(REF) == theirs
    repo.git("update-ref", "-d", REF)
    assert runs.merge(theirs)
    repo.fsck()


def test_histories_with_nothing_in_common(repo: Repo, runs: RunCache) -> None:
    runs.record("train", [fact()], None)
    other = repo.head(REF)
    repo.git("update-ref", "-d", REF)
    runs.record("train", [fact(key="c" * 32)], None)
    assert runs.merge(other)
    assert runs.results("a" * 32) == runs.results("c" * 32) == ["b" * 32]


_WRITER = """
import os, sys
from git_mlvers.git.repository import Repository
from git_mlvers.pipeline.recipe import Recipe
from git_mlvers.pipeline.runcache import Fact, RunCache
runs = RunCache(Repository.discover(os.getcwd(), os.environ))
sys.stdin.read(1)
for number in range(5):
    key = f"{int(sys.argv[1]) * 5 + number:032x}"
    runs.record("train", [Fact(key, "b" * 32, Recipe((), ".", {}, {}, ()), {})], None)
runs.close()
"""


def test_many_at_once(repo: Repo, runs: RunCache) -> None:
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", _WRITER, str(number)],
            cwd=repo.path,
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.getcwd()},
        )
        for number in range(6)
    ]
    for writer in writers:
        writer.communicate(b"x", timeout=60)
    assert [writer.returncode for writer in writers] == [0] * len(writers)
    for number in range(5 * len(writers)):
        assert runs.results(f"{number:032x}") == ["b" * 32]
    repo.fsck()


def test_a_merge_keeps_what_is_recorded_meanwhile(
    repo: Repo, runs: RunCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs.record("train", [fact()], None)
    base = repo.head(REF)
    runs.record("train", [fact(key="ab" * 16)], None)
    theirs = repo.head(REF)
    repo.git("update-ref", REF, base)
    runs.record("train", [fact(result="c" * 32)], None)
    looked, other = runs._differences, RunCache(runs._repo)

    def slowly(ours: str | None, commit: str, path: str = "") -> list[bytes]:
        found = looked(ours, commit, path)
        if not path and not other.results("ab" + "d" * 30):
            # In the folder that theirs has too, and that ours has not yet.
            other.record("train", [fact(key="ab" + "d" * 30)], None)
        return found

    monkeypatch.setattr(runs, "_differences", slowly)
    assert runs.merge(theirs)
    other.close()
    assert runs.results("ab" * 16) == runs.results("ab" + "d" * 30) == ["b" * 32]
    assert runs.results("a" * 32) == ["b" * 32, "c" * 32]


@pytest.mark.parametrize("text", ["[]", "3", "{", '{"recipe": [], "made": {}}'])
def test_a_fact_that_is_none_is_not_known(repo: Repo, runs: RunCache, text: str) -> None:
    blob = repo.git("hash-object", "-w", "--stdin", stdin=text)
    name = f"facts/aa/{'a' * 32}/{'b' * 32}"
    repo.git("update-index", "--add", "--cacheinfo", f"100644,{blob},{name}")
    commit = repo.git("commit-tree", repo.git("write-tree"), stdin="bad")
    repo.git("update-ref", REF, commit)
    assert runs.fact("a" * 32, "b" * 32) is None
