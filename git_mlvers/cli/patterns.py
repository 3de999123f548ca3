"""What may be tracked, and how it is written down; for `track`, `untrack` and `add`.

Git must be able to read its own files (`PROTECTED`) before any content is there.
So a pattern that is meant for one of them is refused, and where a wide pattern
matches them too, lines behind it take them out again.
"""

from __future__ import annotations

import os
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from git_mlvers.config import FILE_NAME as MLVERSCONFIG
from git_mlvers.errors import UsageError
from git_mlvers.fsutil import write_atomic
from git_mlvers.git import attributes, attributes_file, scan
from git_mlvers.git.attributes import listing, literal
from git_mlvers.git.command import zsplit

if TYPE_CHECKING:
    from git_mlvers.git.repository import Repository

__all__ = [
    "PROTECTED",
    "added_as_they_are",
    "is_filtered",
    "listing",
    "literal",
    "normalise",
    "refuse_git_files",
    "track",
    "untrack",
]

PROTECTED = (".gitattributes", ".gitignore", ".gitmodules", MLVERSCONFIG)
"""Names of files that stay as they are in Git."""

_ANYWHERE = PROTECTED[:2]  # the others mean something at the top only
_EXEMPT = b" !filter !diff !merge !text"
_EMPTY_BLOBS = (
    b"e69de29bb2d1d6434b8b29ae775ad8c2e48c5391",
    b"473a0f4c3be8a93681a267e3b1e9a7dcda1185436fe141f7749120a303721813",
)


def normalise(text: str, cwd: str, filename: bool = False) -> str:
    """The pattern that `text`, typed in the directory `cwd`, means; raises `UsageError`.

    A path is brought into a form that git compares with its own paths: without
    ``.``, ``..`` and double slashes, and from `cwd` on when it is an absolute one.
    """
    if not text or (text.startswith("!") and not filename):
        raise _no_pattern(text)
    parts, is_path = _parts(text, cwd)
    plain = "/".join(parts)
    if not plain:
        if filename or set(text) == {"/"}:
            raise _no_pattern(text)
        return "*"
    if filename:
        return "/" + literal(plain)
    full = os.path.join(cwd, plain)
    if os.path.isdir(full):
        return literal(plain) + "/**"
    if text.endswith("/") and not os.path.isfile(full):
        return plain + "/**"
    return "/" + plain if is_path or text.startswith("/") else plain


def _parts(text: str, cwd: str) -> tuple[list[str], bool]:
    """The parts of `text` from `cwd` on, and whether it can be nothing but the path of a file."""
    inside = _below(text, cwd) if text.startswith("/") else None
    if inside is None and text.count("/") > 1 and os.path.lexists(text):
        below = text.lstrip("/")
        if text.startswith("/") and not os.path.lexists(os.path.join(cwd, below)):
            raise UsageError(
                f"{text!r} is outside of the current directory",
                f"to mean what is in this directory, write it without the first slash: {below}",
            )
    is_path = inside is not None
    found: list[str] = []
    for part in (text if inside is None else inside).split("/"):
        if part == os.pardir:
            if not found:
                raise UsageError(
                    f"{text!r} is outside of the current directory",
                    "run git mlvers track in that directory, or at the top",
                )
            found.pop()
            is_path = True
        elif part not in ("", os.curdir):
            found.append(part)
    return found, is_path


def _below(path: str, cwd: str) -> str | None:
    """The absolute `path` from `cwd` on, if it is below; by whatever symbolic links it gets there.

    At the top of a machine ``/x`` is a pattern as anywhere else.
    """
    top = os.path.realpath(cwd)
    if top == "/":
        return None
    plain = path.rstrip("/")
    if os.path.realpath(plain) == top:
        return os.curdir
    # Not the last part: a symbolic link is a path as well.
    full = os.path.join(os.path.realpath(os.path.dirname(plain)), os.path.basename(plain))
    return full[len(top) + 1 :] if full.startswith(top + "/") else None


def _no_pattern(text: str) -> UsageError:
    return UsageError(
        f"{text!r} is no pattern of files to track", "see git mlvers help track for examples"
    )


def refuse_git_files(pattern: str) -> None:
    """Raise `UsageError` when `pattern` is meant for a file that git must be able to read."""
    name = pattern.rstrip("/").rpartition("/")[2]
    # A pattern that begins with a wildcard, or is no more than a dot, means all sorts of files.
    if name.startswith((".g", ".m")) and _matched(pattern):
        raise UsageError(
            f"{pattern!r} matches {_matched(pattern)[0]}, which must stay readable for git",
            "leave it to Git itself",
        )


def track(file: str, pattern: str) -> bool:
    """Track `pattern` in the attributes file at `file`, a path; whether that is new."""
    changed = attributes.track(file, pattern)
    _exempt(file)
    return changed


def untrack(file: str, pattern: str) -> bool:
    """Stop tracking `pattern` in the attributes file at `file`; whether it was tracked there."""
    changed = attributes.untrack(file, pattern)
    if changed:
        _exempt(file)
    return changed


def is_filtered(repo: Repository, path: str) -> bool:
    """Whether the file at `path`, from the top of the working tree, goes through our filter."""
    return bool(attributes.filtered_paths(repo, [os.fsencode(path)]))


def added_as_they_are(repo: Repository, directory: str) -> list[str]:
    """Files in Git below `directory` that our filter is for, and that are no pointers there."""
    listed = zsplit(repo.git("ls-files", "-z", "--stage", "--", directory))
    regular = {}
    for line in listed:
        entry, _, path = line.partition(b"\t")
        mode, blob, stage = entry.split(b" ")
        if mode.startswith(b"100") and stage == b"0" and blob not in _EMPTY_BLOBS:
            regular[path] = blob
    ours = attributes.filtered_paths(repo, regular)
    if not ours:
        return []
    pointers = {entry.path for entry in scan.index_pointers(repo)}
    return sorted(os.fsdecode(path) for path in ours - pointers)


def _matched(pattern: str) -> list[str]:
    """Which of the protected files the last part of `pattern` matches."""
    directory, _, name = pattern.strip("/").rpartition("/")
    names = _ANYWHERE if directory and directory != "**" else PROTECTED
    return [protected for protected in names if fnmatchcase(protected, name)]


def _exempt(file: str) -> None:
    """Let the lines that take protected files out again be the last ones of the file."""
    try:
        with open(file, "rb") as opened:
            data = opened.read()
    except FileNotFoundError:
        return
    patterns = attributes_file.tracked_patterns(data, set())
    matched = {name for pattern in patterns for name in _matched(os.fsdecode(pattern))}
    wanted = [os.fsencode(name) + _EXEMPT for name in PROTECTED if name in matched]
    known = {os.fsencode(name) + _EXEMPT for name in PROTECTED}
    lines = data.splitlines(keepends=True)
    if wanted and [line.rstrip() for line in lines[-len(wanted) :]] == wanted:
        return
    kept = b"".join(line for line in lines if line.rstrip() not in known)
    if kept and not kept.endswith(b"\n"):
        kept += b"\n"
    new = kept + b"".join(line + b"\n" for line in wanted)
    if new != data:
        write_atomic(file, new, sync=False)
