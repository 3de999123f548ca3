"""One repository: where its parts lie, found without starting git."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from git_mlvers.errors import NotARepository
from git_mlvers.git import command, discovery
from git_mlvers.git.format import Format, read_format
from git_mlvers.git.process import CAPTURE, NULL, PIPE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from git_mlvers.git.process import Process

_SEQUENCES = ("rebase-merge", "rebase-apply", "sequencer")
_DEPTH = 5  # git follows alternates of alternates no deeper


class Repository:
    """A repository and, unless it is bare, the working tree that is looked at.

    `git_dir` belongs to this working tree, `common_dir` to all linked ones; both
    are absolute. git is run at `top`, with an environment that means this
    repository and no other.
    """

    def __init__(self, place: discovery.Place, env: Mapping[str, str]) -> None:
        self.git_dir = place.git_dir
        self.common_dir = place.common_dir
        self._place = place
        self._given = {name: value for name, value in env.items() if name.startswith("GIT_")}
        self._format: Format | None = None
        self._env: dict[str, str] | None = None

    @classmethod
    def discover(cls, cwd: str | None = None, env: Mapping[str, str] | None = None) -> Repository:
        """The repository around the directory `cwd` (the current one if not given).

        `env` is the environment whose ``GIT_DIR``, ``GIT_WORK_TREE``,
        ``GIT_INDEX_FILE`` and so on count; none do if it is not given. Raises
        `NotARepository`.
        """
        given = {} if env is None else env
        return cls(discovery.find(cwd, given), given)

    @property
    def format(self) -> Format:
        """What kind of repository this is, read at the first use."""
        if self._format is None:
            self._format = read_format(self.git_dir, self.common_dir)
        return self._format

    @property
    def object_format(self) -> str:
        """``sha1`` or ``sha256``: how git names its objects here."""
        return self.format.object_format

    @property
    def partial(self) -> bool:
        """Whether objects may be absent here that a git remote promised to have."""
        return self.format.partial

    @property
    def work_tree(self) -> str | None:
        """The top of the working tree, absolute; ``None`` if there is none."""
        given = self._given.get("GIT_WORK_TREE")
        if given:
            return os.path.normpath(os.path.join(self._place.cwd, given))
        if self.format.bare:
            return None
        if self.format.work_tree is not None:
            return os.path.normpath(os.path.join(self.git_dir, self.format.work_tree))
        if self._given.get("GIT_IMPLICIT_WORK_TREE", "1").lower() in ("0", "false", "no", "off"):
            return None  # git --bare
        return self._place.around

    @property
    def top(self) -> str:
        """Where git is run: the top of the working tree, else the git directory."""
        return self.work_tree or self.git_dir

    @property
    def index_path(self) -> str:
        """The file of the index, absolute."""
        given = self._given.get("GIT_INDEX_FILE")
        # git goes to the top before it looks at this variable.
        base = self.work_tree or self._place.cwd
        return os.path.join(base, given) if given else os.path.join(self.git_dir, "index")

    @property
    def objects_dir(self) -> str:
        """The directory of git's own objects, absolute."""
        given = self._given.get("GIT_OBJECT_DIRECTORY")
        if given:
            return os.path.join(self.top, given)
        return os.path.join(self.common_dir, "objects")

    @property
    def env(self) -> dict[str, str]:
        """The whole environment for a git that works on this repository, wherever it runs."""
        if self._env is None:
            env = command.local_env_dropped() | self._given
            env.pop("GIT_PREFIX", None)
            # Reading must never take a lock that a command of the user needs.
            env["GIT_OPTIONAL_LOCKS"] = "0"
            env.update(self._pinned())
            self._env = env
        return self._env

    def _pinned(self) -> dict[str, str]:
        """Variables that stand for what was found; none when git at `top` finds the same.

        git looks at a repository's owner only where it finds it by itself, so
        it is left to find it where it can.
        """
        given, pinned = self._given, {}
        found_from_top = self.top in (self._place.around, self.git_dir)
        if "GIT_DIR" in given or "GIT_WORK_TREE" in given or not found_from_top:
            pinned["GIT_DIR"] = self.git_dir
            if self.work_tree is not None:
                pinned["GIT_WORK_TREE"] = self.work_tree
        if "GIT_COMMON_DIR" in given:
            pinned["GIT_COMMON_DIR"] = self.common_dir
        if "GIT_INDEX_FILE" in given:
            pinned["GIT_INDEX_FILE"] = self.index_path
        if "GIT_OBJECT_DIRECTORY" in given:
            pinned["GIT_OBJECT_DIRECTORY"] = self.objects_dir
        return pinned

    def git(
        self,
        *args: str | bytes,
        input: bytes | None = None,  # noqa: A002
        check: bool = True,
        env: Mapping[str, str] | None = None,
    ) -> bytes:
        """Run ``git ARGS`` at `top`, with `env` added to its environment; see `command.run`."""
        return command.run(
            *args, cwd=self.top, input=input, check=check, env={**self.env, **(env or {})}
        )

    def start(
        self,
        *args: str | bytes,
        stdin: int | None = NULL,
        stdout: int | None = PIPE,
        stderr: int | None = CAPTURE,
        env: Mapping[str, str] | None = None,
    ) -> Process:
        """Start ``git ARGS`` at `top`; see `command.start`."""
        return command.start(
            *args,
            cwd=self.top,
            env={**self.env, **(env or {})},
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
        )

    def path_for(self, name: str) -> str:
        """Where git keeps `name` ("hooks", "info/exclude"), core.hooksPath honoured."""
        said = self.git("rev-parse", "--git-path", name)
        return os.path.normpath(os.path.join(self.top, os.fsdecode(said.removesuffix(b"\n"))))

    def in_sequence(self) -> bool:
        """Whether a rebase, an am, or a series of picks or reverts is going on."""
        return any(os.path.isdir(os.path.join(self.git_dir, name)) for name in _SEQUENCES)

    def head_branch(self) -> str | None:
        """The short name of the branch that is checked out, born or not; ``None`` if detached."""
        with open(os.path.join(self.git_dir, "HEAD"), "rb") as file:
            head = file.read().strip()
        if head == b"ref: refs/heads/.invalid":  # the refs are kept in a reftable
            head = b"ref: " + self.git("symbolic-ref", "-q", "HEAD", check=False).strip()
        ref = os.fsdecode(head.removeprefix(b"ref: "))
        return ref.removeprefix("refs/heads/") if ref.startswith("refs/heads/") else None

    def alternates(self) -> list[str]:
        """The object directories of other repositories that this one borrows from, absolute."""
        given = self._given.get("GIT_ALTERNATE_OBJECT_DIRECTORIES", "")
        found = [os.path.join(self.top, path) for path in given.split(os.pathsep) if path]
        queue = [(self.objects_dir, 0), *((path, 1) for path in found)]
        for objects, depth in queue:
            for path in discovery.read_alternates(objects):
                if path not in found and path != self.objects_dir and depth < _DEPTH:
                    found.append(path)
                    queue.append((path, depth + 1))
        return [path for path in found if os.path.isdir(path)]


def require_work_tree(repo: Repository) -> str:
    """The top of the working tree; raises `NotARepository` in a bare repository."""
    if repo.work_tree is None:
        raise NotARepository(
            f"this repository has no working tree: {repo.git_dir}", "run it in a clone that has one"
        )
    return repo.work_tree
