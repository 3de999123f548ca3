"""Everything is killed at some moment, wherever that is, many times over."""

from __future__ import annotations

import os
import random
import time
from typing import TYPE_CHECKING

import pytest

from tests.support.git import Repo, noise
from tests.support.scene import (
    FIRST,
    SECOND,
    Scene,
    assert_tree,
    on_disk,
    unlock,
)
from tests.support.trouble import Running

if TYPE_CHECKING:
    from pathlib import Path

# In all: 30 kills as a rule, and 240 with MLVERS_NIGHTLY=1.
ROUNDS = 40 if os.environ.get("MLVERS_NIGHTLY") else 5
LONGEST = 0.45
"""Seconds after which the last command is killed, unless it has ended."""


def moments(seed: str) -> list[float]:
    """The same moments every time, spread over the whole length of a command."""
    chance = random.Random(seed)
    return [(number + chance.random()) * LONGEST / ROUNDS for number in range(ROUNDS)]


def killed(repo: Repo, after: float, *argv: str) -> None:
    running = Running(repo.path, argv)
    time.sleep(after)
    running.kill()
    running.end()


def test_add(scene: Scene) -> None:
    repo = scene.repo
    expected = dict(SECOND)
    for number, moment in enumerate(moments("add")):
        new = {
            f"{number}/{i}.bin": noise(20_000 * (i % 5) ** 3 + 9, f"{number} {i}")
            for i in range(12)
        }
        repo.write_all(new)
        expected |= new
        killed(repo, moment, "git", "add", ".")
        assert_tree(repo, expected)
        unlock(repo)
        repo.git("status")
    repo.git("add", ".")
    repo.git("commit", "-q", "-m", "all")
    repo.fsck()
    for name in expected:
        repo.remove(name)
    repo.git("reset", "-q", "--hard")
    assert_tree(repo, expected)
    repo.mlvers("fsck", "--objects")


@pytest.mark.parametrize("cached", [True, False], ids=["cached", "to download"])
def test_checkout(pushed: Scene, cached: bool) -> None:
    repo = pushed.repo
    trees = [("v1", FIRST), ("main", SECOND)]
    for number, moment in enumerate(moments("checkout")):
        if not cached:
            repo.drop_cache()
        name, files = trees[number % 2]
        killed(repo, moment, "git", "checkout", "-q", "-f", name)
        unlock(repo)
        repo.git("checkout", "-q", "-f", name)
        assert_tree(repo, files)
        repo.assert_status()
    repo.fsck()
    repo.mlvers("fsck", "--objects")


def test_push(scene: Scene) -> None:
    repo = scene.repo
    for number, moment in enumerate(moments("push")):
        repo.write("large.bin", noise(400_000, number))
        repo.commit(f"{number}")
        killed(repo, moment, "git", "push", "-q", "origin", "main", "v1")
        # Whatever refs are there, their content is.
        if scene.bare.git("for-each-ref", "refs/heads"):
            made = scene.clone()
            assert not [name for name, data in on_disk(made).items() if data[:8] == b"version "]
        for lock in scene.bare.path.rglob("*.lock"):
            lock.unlink()
    repo.git("push", "-q", "origin", "main", "v1")
    scene.bare.fsck()
    assert_tree(scene.clone(), SECOND | {"large.bin": noise(400_000, ROUNDS - 1)})


def test_clone(pushed: Scene, tmp_path: Path) -> None:
    for number, moment in enumerate(moments("clone")):
        made = Repo(tmp_path / f"made{number}")
        killed(Repo(tmp_path), moment, "git", "clone", "-q", pushed.url, made.path.name)
        try:
            made.head()
        except (AssertionError, FileNotFoundError):
            continue  # git had not come to what is checked out
        unlock(made)
        made.git("checkout", "-q", "-f", "HEAD")
        assert_tree(made, SECOND)
        made.assert_status()
        made.mlvers("fsck")
    pushed.assert_readable()


def test_pull(pushed: Scene) -> None:
    made = pushed.clone(skip=True)
    for moment in moments("pull"):
        killed(made, moment, "git", "mlvers", "pull")
        unlock(made)
        made.git("status")
    made.mlvers("pull")
    assert_tree(made, SECOND)
    made.assert_status()
    made.fsck()
