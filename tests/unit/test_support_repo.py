"""The helpers of the tests see what they are meant to see."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.environment import CHECKOUT
from tests.support.git import Trace, noise, pointer_of

if TYPE_CHECKING:
    from tests.support.git import Repo


def test_home_is_sealed(home: Path) -> None:
    assert os.environ["HOME"] == str(home)
    assert not [name for name in os.environ if name.startswith(("MLVERS_", "GITHUB_"))]
    assert "CI" not in os.environ
    said = subprocess.run(
        ["git", "config", "--list", "--show-origin"], capture_output=True, text=True, cwd=home
    ).stdout
    assert {line.split("\t")[0] for line in said.splitlines()} == {f"file:{home}/.gitconfig"}


def test_programs_of_the_checkout_come_first() -> None:
    found = shutil.which("git-mlvers")
    assert found is not None
    assert Path(found) == CHECKOUT / "bin" / "git-mlvers"


def test_trace_counts_filters(repo: Repo) -> None:
    repo.config("filter.mlvers.clean", "true mlvers clean; cat")
    repo.attributes("*.bin")
    repo.write("a.bin", b"x")
    assert repo.filter_starts("add", ".") == 1
    repo.git("commit", "-q", "-m", "one")
    with Trace(repo.path / "trace") as trace:
        repo.run("log", "-1", env=trace.env)
        assert trace.filters() == 0


def test_pointers_on_disk_are_seen(repo: Repo) -> None:
    repo.write("a/b.bin", pointer_of(noise(10)))
    repo.write("c.bin", noise(10))
    assert repo.pointers_on_disk() == ["a/b.bin"]
    repo.commit()
    repo.assert_pointer("a/b.bin", noise(10))
    with pytest.raises(AssertionError, match="no pointer"):
        repo.assert_pointer("c.bin")
    with pytest.raises(AssertionError, match="pointers left"):
        repo.assert_whole()


def test_failure_shows_what_git_said(repo: Repo) -> None:
    with pytest.raises(AssertionError, match="not a git command"):
        repo.git("no-such-command")
    assert "no-such" in repo.fails("checkout", "no-such").stderr
