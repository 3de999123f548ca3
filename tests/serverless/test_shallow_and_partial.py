"""Part of the history, part of the objects: what a store cannot give, git does from a copy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.git import Repo
from tests.support.serverless import address, commit, refs_at, whole

if TYPE_CHECKING:
    from pathlib import Path


def count(repo: Repo) -> int:
    """How many commits git sees from HEAD."""
    return int(repo.git("rev-list", "--count", "HEAD"))


def test_depth_deepen_and_unshallow(pushed: Repo, place: Path, tmp_path: Path) -> None:
    for name in ("three", "four", "five"):
        commit(pushed, name)
    pushed.git("push", "-q")
    made = whole(place, tmp_path / "clone", "--depth", "1")
    assert count(made) == 1
    made.git("fetch", "-q", "--depth", "2")
    assert count(made) == 2
    made.git("fetch", "-q", "--deepen", "1")
    assert count(made) == 3
    commit(pushed, "six")
    pushed.git("push", "-q")
    made.git("pull", "-q")
    assert count(made) == 4
    made.git("fetch", "-q", "--unshallow")
    assert count(made) == 6
    made.git("fsck", "--full")


def test_a_shallow_clone_pushes(pushed: Repo, place: Path, tmp_path: Path) -> None:
    made = whole(place, tmp_path / "clone", "--depth", "1")
    commit(made, "three")
    made.git("push", "-q")
    assert count(whole(place, tmp_path / "again")) == 3


def test_a_shallow_clone_leaves_no_hole(pushed: Repo, place: Path, tmp_path: Path) -> None:
    made = whole(place, tmp_path / "clone", "--depth", "1")
    ran = made.fails("push", address(tmp_path / "empty"), "main")
    assert "(shallow update not allowed)" in ran.stderr
    assert not (tmp_path / "empty").exists()


def test_without_blobs(pushed: Repo, place: Path, tmp_path: Path) -> None:
    pushed.write("one", "changed\n")
    pushed.commit()
    pushed.git("push", "-q")
    made = Repo(tmp_path / "clone")
    pushed.git("clone", "-q", "--filter=blob:none", address(place), str(made.path))
    assert "?" in made.git("rev-list", "--objects", "--missing=print", "HEAD")
    assert made.git("show", "HEAD~1:one") == "one"
    commit(made, "three")
    made.git("push", "-q")
    assert refs_at(pushed, place)["refs/heads/main"] == made.head()
    whole(place, tmp_path / "again")
    commit(pushed, "mine")
    pushed.git("pull", "-q", "--rebase")
    pushed.git("push", "-q")
    made.git("pull", "-q")
    assert made.read("mine") == b"mine\n"


def test_archive(pushed: Repo, place: Path, tmp_path: Path) -> None:
    pushed.git(
        "archive", f"--remote={address(place)}", "-o", str(tmp_path / "a.tar"), "main", "one"
    )
    listed = pushed.program("tar", "tf", str(tmp_path / "a.tar")).stdout
    assert listed.split() == ["one"]


def test_a_single_branch(pushed: Repo, place: Path, tmp_path: Path) -> None:
    pushed.git("push", "-q", "store", "main~1:refs/heads/side")
    made = whole(place, tmp_path / "clone", "--branch", "side", "--single-branch")
    assert count(made) == 1
