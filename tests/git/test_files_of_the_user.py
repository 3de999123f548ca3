"""Files in the working tree that a command reads past, or that Git keeps an unusual index of."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest

from tests.support.git import Repo, noise
from tests.support.project import LARGE, SECOND

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.project import Project


def newer_than_the_index(repo: Repo, name: str, data: bytes) -> int:
    """Edit a file; its time in nanoseconds."""
    os.utime(repo.git_path("index"), (time.time() - 5,) * 2)
    return repo.write(name, data).stat().st_mtime_ns


@pytest.mark.parametrize(
    "command",
    [
        ["archive", "--output=../all.tar", "HEAD"],
        ["cat-file", "--filters", "HEAD:small.bin"],
        ["checkout-index", "-a", "--prefix=../other/"],
    ],
    ids=lambda command: str(command[0]),
)
def test_reading_commands_do_not_touch_what_is_being_edited(
    project: Project, command: list[str]
) -> None:
    same_size = noise(len(SECOND["small.bin"]), "edited")
    before = newer_than_the_index(project, "small.bin", same_size)
    project.git_bytes(*command)
    assert project.file("small.bin").stat().st_mtime_ns == before
    assert project.read("small.bin") == same_size


@pytest.fixture
def pointers(project: Project, tmp_path: Path) -> Repo:
    """A clone with pointers in place of content, which is at hand."""
    env = {"MLVERS_SKIP_SMUDGE": "1"}
    made = Repo(tmp_path / "pointers")
    project.git("clone", "-q", str(project.path), str(made.path), env=env)
    assert made.pointers_on_disk()
    return made


def test_pull_with_a_split_index(pointers: Repo) -> None:
    pointers.git("update-index", "--split-index")
    pointers.mlvers("pull")
    pointers.assert_whole()


def test_pull_while_the_index_is_locked(pointers: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    lock = pointers.git_path("index.lock")
    lock.touch()
    said = pointers.fails("mlvers", "pull").stderr
    assert "index.lock" in said
    assert "modified" in said
    assert pointers.pointers_on_disk() == []
    lock.unlink()
    pointers.mlvers("checkout")
    pointers.assert_whole()


@pytest.mark.parametrize("size", [5_000, 9_000_000])
def test_file_that_was_committed_as_it_is(project: Project, tmp_path: Path, size: int) -> None:
    """It comes back as it is, whether it fits into memory or not."""
    data = noise(size, "raw")
    project.write("raw.bin", data)
    project.git(
        "-c",
        "filter.mlvers.process=",
        "-c",
        "filter.mlvers.clean=",
        "-c",
        "filter.mlvers.required=false",
        "add",
        "raw.bin",
    )
    project.git("commit", "-q", "-m", "raw")
    project.assert_not_pointer("raw.bin", data)
    project.remove("raw.bin")
    project.git("checkout", "raw.bin")
    assert project.read("raw.bin") == data


def test_pull_leaves_what_is_edited_meanwhile(pointers: Repo) -> None:
    pointers.write("large.bin", noise(LARGE, "edited"))
    pointers.mlvers("pull")
    assert pointers.read("large.bin") == noise(LARGE, "edited")
    pointers.assert_status(" M large.bin")
