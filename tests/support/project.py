"""A small project with history, the same for every scenario."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from tests.support.git import POINTER_START, Repo, noise

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SMALL, LARGE = 3_000, 200_000
"""Bytes: below and above what the scenarios put into the working tree directly."""

Files = dict[str, bytes]

FIRST: Files = {
    "small.bin": noise(SMALL, "first"),
    "large.bin": noise(LARGE, "first"),
    "data/deep/down/large.bin": noise(LARGE, "deep"),
    "data/sp ace/ünïcode.bin": noise(SMALL, "unicode"),
    "tool.bin": noise(LARGE, "tool"),
    "kept.bin": noise(LARGE, "kept"),
    "empty.bin": b"",
    "readme.txt": b"plain text\n",
}
EXECUTABLE = "tool.bin"

_SECOND: Files = {
    "small.bin": noise(SMALL, "second"),
    "large.bin": noise(LARGE + 1, "second"),
    "new.bin": noise(LARGE, "new"),
    "data/deep/new.bin": noise(SMALL, "deep new"),
    "readme.txt": b"plain text, and more of it\n",
}
_SECOND_REMOVED = "data/deep/down/large.bin"
_TOPIC_ONE: Files = {"topic.bin": noise(LARGE, "topic one"), "notes.txt": b"one\n"}
_TOPIC_TWO: Files = {
    "topic.bin": noise(LARGE, "topic two"),
    "tool.bin": noise(LARGE - 1, "topic two"),
    "data/topic.bin": noise(SMALL, "topic two"),
}
_CLASH: Files = {"large.bin": noise(LARGE, "clash"), "small.bin": noise(SMALL, "clash")}

SECOND: Files = {k: v for k, v in (FIRST | _SECOND).items() if k != _SECOND_REMOVED}
TOPIC: Files = FIRST | _TOPIC_ONE | _TOPIC_TWO
CLASH: Files = FIRST | _CLASH
MERGED: Files = SECOND | _TOPIC_ONE | _TOPIC_TWO


class Project(Repo):
    """A repository with this history, and ``main`` checked out::

        first --- second          main
            |---- one --- two     topic   nothing in common with second
            `---- clash           clash   changes what second changes

    Each branch's head, and ``first``, is a tag too: ``v1`` is first.
    """

    def assert_tree(self, files: Mapping[str, bytes]) -> None:
        """The working tree has exactly `files`, whole and clean."""
        self.assert_contents(files)
        tracked = {path.decode() for path in self.tracked()} - {".gitattributes"}
        assert tracked == set(files)
        assert self.file(EXECUTABLE).stat().st_mode & 0o777 == 0o755
        self.assert_whole()


def make_project(path: Path) -> Project:
    """Make the project in `path`; the filter must be set up for the user already."""
    made = Project.init(path)
    made.attributes("*.bin")
    made.write_all(FIRST)
    made.file(EXECUTABLE).chmod(0o755)
    made.commit("first")
    made.git("tag", "v1")
    made.git("checkout", "-q", "-b", "clash")
    made.write_all(_CLASH)
    made.commit("clash")
    made.git("checkout", "-q", "-b", "topic", "v1")
    made.write_all(_TOPIC_ONE)
    made.commit("one")
    made.write_all(_TOPIC_TWO)
    made.commit("two")
    made.git("checkout", "-q", "main")
    made.write_all(_SECOND)
    made.remove(_SECOND_REMOVED)
    made.commit("second")
    made.settle()
    made.assert_tree(SECOND)
    return made


def copy_project(template: Path, path: Path) -> Project:
    """What `make_project` would make in `path`, in a fraction of the time."""
    shutil.copytree(template / ".git", path / ".git")
    (path / ".git" / "index").unlink()
    copy = Project(path)
    copy.git("reset", "-q", "--hard")
    return copy


class Witness:
    """Hooks that write down every pointer that they find in the working tree."""

    NAMES = ("post-checkout", "post-merge", "post-commit", "post-rewrite", "post-applypatch")

    def __init__(self, log: Path) -> None:
        self._log = log

    def watch(self, repo: Repo) -> None:
        """Put the hooks into `repo`, in front of those that are there."""
        directory = repo.common_dir() / "hooks"
        directory.mkdir(exist_ok=True)
        for name in self.NAMES:
            hook = directory / name
            if hook.exists():
                hook.rename(directory / f"{name}.other")
            hook.write_text(self.script(name))
            hook.chmod(0o755)

    def script(self, name: str) -> str:
        """The text of one hook."""
        start = POINTER_START.decode()
        return (
            "#!/bin/sh\n"
            f"echo 'ran {name}' >>'{self._log}'\n"
            f"grep -rls --exclude-dir=.git '^{start}' . | sed 's/^/pointer {name} /' "
            f">>'{self._log}'\n"
            f'[ ! -x "$0.other" ] || exec "$0.other" "$@"\n'
        )

    def ran(self) -> set[str]:
        """The names of the hooks that ran since the last time this was called; no pointer seen."""
        lines = self._log.read_text().splitlines() if self._log.exists() else []
        self._log.unlink(missing_ok=True)
        seen = [line for line in lines if line.startswith("pointer ")]
        assert not seen, f"hooks saw pointers: {seen}"
        return {line.removeprefix("ran ") for line in lines}
