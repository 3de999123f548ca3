"""Pushes to another repository than the one that is fetched from."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest

from tests.support.git import Repo, clone, noise
from tests.support.project import LARGE

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def other(installed: Path, tmp_path: Path) -> Repo:
    """An empty repository to push to."""
    return Repo.init(tmp_path / "other.git", "--bare")


@pytest.fixture
def work(installed: Path, tmp_path: Path) -> Repo:
    """A repository whose one tracked file its origin has."""
    origin = Repo.init(tmp_path / "origin.git", "--bare")
    made = Repo.init(tmp_path / "work")
    made.git("remote", "add", "origin", str(origin.path))
    made.attributes("*.bin")
    made.write("a.bin", noise(LARGE, "a"))
    made.commit("a")
    made.git("push", "-q", "origin", "main")
    return made


def assert_complete(bare: Repo, path: Path) -> None:
    """Everything of `bare` can be had without any other repository."""
    made = clone(bare.path.as_uri(), path)
    assert made.read("a.bin") == noise(LARGE, "a")
    made.assert_whole()


def test_pushurl(work: Repo, other: Repo, tmp_path: Path) -> None:
    work.git("config", "remote.origin.pushurl", str(other.path))
    work.git("push", "-q", "origin", "main")
    shutil.move(tmp_path / "origin.git", tmp_path / "away.git")
    work.path.rename(tmp_path / "work.away")
    assert_complete(other, tmp_path / "clone")


def test_several_urls(work: Repo, other: Repo, tmp_path: Path) -> None:
    work.git("remote", "set-url", "--add", "origin", str(other.path))
    work.write("b.bin", noise(LARGE, "b"))
    work.commit("b")
    work.git("push", "-q", "origin", "main")
    assert_complete(Repo(tmp_path / "origin.git"), tmp_path / "clone1")
    shutil.move(tmp_path / "origin.git", tmp_path / "away.git")
    work.path.rename(tmp_path / "work.away")
    assert_complete(other, tmp_path / "clone2")


def test_remote_that_was_made_anew_gets_all_history(work: Repo, tmp_path: Path) -> None:
    """What is known of a place is worth nothing when it is another remote by now."""
    content = tmp_path / "content"
    content.mkdir()
    work.mlvers("remote", "add", "-d", "store", str(content))
    work.git("add", "-A")
    work.commit("store")
    work.git("push", "-q", "origin", "main")
    content.rename(tmp_path / "content.away")
    content.mkdir()
    for known in (work.common_dir() / "mlvers" / "remotes").glob("url-*.json"):
        os.unlink(known)
    shutil.rmtree(tmp_path / "origin.git" / "mlvers")
    work.write("b.bin", noise(LARGE, "b"))
    work.commit("b")
    work.git("push", "-q", "origin", "main")
    work.path.rename(tmp_path / "work.away")
    assert_complete(Repo(tmp_path / "origin.git"), tmp_path / "clone")
