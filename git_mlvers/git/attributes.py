"""Which files are ours: asked of git, listed, and written down in ``.gitattributes``."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from git_mlvers.git import command
from git_mlvers.git.attributes_file import (
    ATTRIBUTES,
    BadPattern,
    track,
    tracked_patterns,
    untrack,
)
from git_mlvers.git.command import zsplit

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from git_mlvers.git.repository import Repository

__all__ = [
    "ATTRIBUTES",
    "FILE_NAME",
    "BadPattern",
    "Tracked",
    "filtered_paths",
    "listing",
    "literal",
    "track",
    "untrack",
]

FILE_NAME = ".gitattributes"
INDEX = ":"
_LARGE = 1 << 20


class Tracked(NamedTuple):
    """A pattern as written (unquoted), and the file that has it, relative to the top."""

    pattern: str
    file: str


def filtered_paths(
    repo: Repository, paths: Iterable[bytes], source: str | None = None
) -> set[bytes]:
    """Those of `paths`, relative to the top, whose filter is ours.

    The attributes are those of the working tree; of the index if `source` is
    `INDEX`; else of the tree that `source` names.
    """
    asked = b"".join(path + b"\0" for path in paths)
    if not asked:
        return set()
    if source is None or source == INDEX:
        return _check(repo, asked, () if source is None else ("--cached",), {})
    from git_mlvers.git import refs

    tree = refs.resolve(repo, source, "tree")
    if command.version() >= (2, 40):
        return _check(repo, asked, (f"--source={tree}",), {})
    return _check_in_scratch_index(repo, asked, tree)


def literal(path: str) -> str:
    """The pattern that matches just the file name or path `path`, whatever signs are in it."""
    escaped = "".join("\\" + sign if sign in "*?[\\" else sign for sign in path)
    return "\\" + escaped if escaped.startswith("!") else escaped


def listing(repo: Repository) -> list[Tracked]:
    """Every tracked pattern of the working tree, and of ``info/attributes``.

    In the order in which git looks at them: those of deeper directories count more.
    """
    listed = repo.git(
        *("ls-files", "-z", "--cached", "--others", "--exclude-standard"),
        *("--", f":(top,glob)**/{FILE_NAME}"),
    )
    names = sorted({os.fsdecode(name) for name in zsplit(listed)}, key=_depth)
    files = [(name, os.path.join(repo.top, name)) for name in names]
    info = repo.path_for("info/attributes")
    files.append((os.path.relpath(info, repo.top), info))
    macros: set[bytes] = set()
    found = []
    for name, path in files:
        found += [
            Tracked(os.fsdecode(pattern), name)
            for pattern in tracked_patterns(_content(path), macros)
        ]
    return found


def _depth(name: str) -> tuple[int, str]:
    return name.count("/"), name


def _content(path: str) -> bytes:
    """What git would read of an attributes file: nothing if it is no regular file."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return b""
    with open(fd, "rb") as file:
        return file.read(_LARGE) if os.path.isfile(path) else b""


def _check(
    repo: Repository, asked: bytes, options: tuple[str, ...], env: Mapping[str, str]
) -> set[bytes]:
    output = repo.git("check-attr", "-z", "--stdin", *options, "filter", input=asked, env=env)
    fields = iter(zsplit(output))
    answers = zip(fields, fields, fields, strict=True)
    return {path for path, _, value in answers if value == b"mlvers"}


def _check_in_scratch_index(repo: Repository, asked: bytes, tree: str) -> set[bytes]:
    """The same for a git that cannot ask a tree: it is read into an index of its own."""
    import tempfile

    with tempfile.TemporaryDirectory() as directory:
        env = {"GIT_INDEX_FILE": os.path.join(directory, "index")}
        repo.git("read-tree", tree, env=env)
        return _check(repo, asked, ("--cached",), env)
