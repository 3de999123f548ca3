"""Finding the repository around a directory as git does it, without starting git.

The order and the rules are those of setup.c, `setup_git_directory_gently`. Who
owns the directory is not looked at here: git does that, and says so, as soon as
it is started there.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from git_mlvers.errors import NotARepository

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_SMALL = 1 << 16


class Place(NamedTuple):
    """Where a repository was found; all paths are absolute."""

    git_dir: str
    common_dir: str
    around: str | None
    """The directory that has ``.git``, or the current one when ``GIT_DIR`` is set;
    ``None`` when the search began inside of the git directory."""
    cwd: str
    """Where the search began."""


def find(cwd: str | None, env: Mapping[str, str]) -> Place:
    """The repository around `cwd`, or the one that `env` names; raises `NotARepository`."""
    try:
        start = os.path.realpath(cwd) if cwd else os.getcwd()
    except FileNotFoundError:
        raise NotARepository("the current directory was removed", "change to another one") from None
    given = env.get("GIT_DIR")
    if given:
        git_dir = _follow(os.path.normpath(os.path.join(start, given)))
        place = _place(git_dir, start, start, env)
        if place is None:
            raise NotARepository(f"GIT_DIR is {given!r}, which is no git repository")
        return place
    for directory in _upwards(start, env):
        dot_git = os.path.join(directory, ".git")
        place = _place(_follow(dot_git), directory, start, env)
        if place is None:
            place = _place(directory, None, start, env)
        if place is not None:
            return place
    raise NotARepository(
        f"not inside of a git repository: {start}", "change into one, or make one with git init"
    )


def read_alternates(objects: str) -> list[str]:
    """The object directories, absolute, that the object directory `objects` borrows from."""
    try:
        with open(os.path.join(objects, "info", "alternates"), "rb") as file:
            lines = file.read().split(b"\n")
    except OSError:
        return []
    paths = (_unquote(line) for line in lines if line and not line.startswith(b"#"))
    return [os.path.normpath(os.path.join(objects, os.fsdecode(path))) for path in paths]


def _place(
    git_dir: str | None, around: str | None, cwd: str, env: Mapping[str, str]
) -> Place | None:
    """`git_dir` as a `Place` when it is a git directory, else ``None``."""
    if git_dir is None or not os.path.lexists(os.path.join(git_dir, "HEAD")):
        return None
    given = env.get("GIT_COMMON_DIR")
    common = os.path.normpath(os.path.join(cwd, given)) if given else _common_dir(git_dir)
    has_objects = env.get("GIT_OBJECT_DIRECTORY") or os.path.isdir(os.path.join(common, "objects"))
    if not has_objects or not os.path.isdir(os.path.join(common, "refs")):
        return None
    return Place(git_dir, common, around, cwd)


def _common_dir(git_dir: str) -> str:
    named = _read_line(os.path.join(git_dir, "commondir"))
    return os.path.normpath(os.path.join(git_dir, named)) if named else git_dir


def _follow(path: str) -> str | None:
    """The git directory at `path`: itself, or what a ``gitdir:`` file there names."""
    line = _read_line(path) if os.path.isfile(path) else None
    if line is None:
        return path if os.path.isdir(path) else None
    if not line.startswith("gitdir: "):
        return None
    return os.path.normpath(os.path.join(os.path.dirname(path), line[len("gitdir: ") :]))


def _read_line(path: str) -> str | None:
    """The text of a small file without its line end; ``None`` if it cannot be read."""
    try:
        with open(path, "rb") as file:
            return os.fsdecode(file.read(_SMALL).rstrip(b"\r\n"))
    except OSError:
        return None


def _upwards(start: str, env: Mapping[str, str]) -> Iterator[str]:
    """`start` and the directories above it, as far as git would look."""
    across = env.get("GIT_DISCOVERY_ACROSS_FILESYSTEM", "0").lower() in ("1", "true", "yes", "on")
    ceilings = {
        os.path.realpath(path)
        for path in env.get("GIT_CEILING_DIRECTORIES", "").split(os.pathsep)
        if os.path.isabs(path)
    }
    try:
        device = os.stat(start).st_dev
    except OSError as error:
        raise NotARepository(f"cannot look at {start}: {error.strerror}") from error
    directory = start
    while True:
        yield directory
        above = os.path.dirname(directory)
        if above == directory or above in ceilings:
            return
        if not across and os.stat(above).st_dev != device:
            return
        directory = above


def _unquote(line: bytes) -> bytes:
    """A line of an alternates file, in which git quotes unusual paths."""
    if not line.startswith(b'"'):
        return line
    from git_mlvers.git.quote import unquote

    return unquote(line) or line
