"""The few settings that say what kind of repository this is, read without starting git.

git itself reads them before anything else, from the repository's own file
alone and without following includes (setup.c, `read_repository_format`), so
reading that one file gives the same answer.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from git_mlvers.errors import MlversError

if TYPE_CHECKING:
    from collections.abc import Iterator

_TRUE = ("true", "yes", "on", "1")
_ESCAPES = {"n": "\n", "t": "\t", "b": "\b", '"': '"', "\\": "\\"}


class BadFormat(MlversError):
    """The configuration file of a repository cannot be read."""


class Format(NamedTuple):
    """What kind of repository this is."""

    bare: bool = False
    work_tree: str | None = None
    """``core.worktree`` as written: relative to the git directory."""
    object_format: str = "sha1"
    """``sha1`` or ``sha256``."""
    partial: bool = False
    """Objects may be absent here because a git remote promised to have them."""


def read_format(git_dir: str, common_dir: str) -> Format:
    """The format of a repository; for a linked worktree `git_dir` and `common_dir` differ."""
    found = dict(_pairs(os.path.join(common_dir, "config")))
    partial = "extensions.partialclone" in found or any(
        key.startswith("remote.") and key.endswith(".promisor") and _is_true(value)
        for key, value in found.items()
    )
    object_format = found.get("extensions.objectformat") or "sha1"
    per_worktree = _is_true(found.get("extensions.worktreeconfig", "false"))
    if git_dir != common_dir:
        # These two speak of the main working tree, not of this one.
        found.pop("core.bare", None)
        found.pop("core.worktree", None)
    if per_worktree:
        found.update(_pairs(os.path.join(git_dir, "config.worktree")))
    return Format(
        bare=_is_true(found.get("core.bare", "false")),
        work_tree=found.get("core.worktree"),
        object_format=object_format.lower(),
        partial=partial,
    )


def _is_true(value: str | None) -> bool:
    # A key without "=" has no value and means true.
    return value is None or value.lower() in _TRUE


def _pairs(path: str) -> Iterator[tuple[str, str | None]]:
    """The settings in a file of git's configuration syntax; none when there is no file."""
    try:
        with open(path, encoding="utf-8-sig", errors="surrogateescape", newline="\n") as file:
            text = file.read()
    except FileNotFoundError:
        return
    except OSError as error:
        raise BadFormat(f"cannot read {path}: {error.strerror}") from error
    section = ""
    lines = iter(text.split("\n"))
    for line in lines:
        line = line.strip()
        if line.startswith("["):
            header, line = _split_header(line)
            section = _section(header)
        if not line or line[0] in "#;":
            continue
        name, equals, value = line.partition("=")
        if not equals:
            name = name.split("#")[0].split(";")[0]
        yield f"{section}.{name.strip().lower()}", _value(value, lines) if equals else None


def _split_header(line: str) -> tuple[str, str]:
    """A section header without its brackets, and what stands behind it on the line."""
    quoted = escaped = False
    for at, sign in enumerate(line):
        if escaped:
            escaped = False
        elif quoted and sign == "\\":
            escaped = True
        elif sign == '"':
            quoted = not quoted
        elif sign == "]" and not quoted:
            return line[1:at], line[at + 1 :].strip()
    return line[1:], ""


def _section(header: str) -> str:
    name, quote, rest = header.partition('"')
    if not quote:
        return header.strip().lower()
    return f"{name.strip().lower()}.{rest.rpartition(chr(34))[0]}"


def _value(text: str, more: Iterator[str]) -> str:
    """What is written behind ``=``: quotes, escapes, comments, and lines that go on."""
    value: list[str] = []
    kept = 0  # what follows is cut off as space before the end or a comment
    quoted = False
    signs = iter(text.lstrip())
    while (sign := next(signs, None)) is not None:
        if sign == "\\":
            following = next(signs, None)
            if following is None:
                signs = iter(next(more, ""))
                continue
            value.append(_ESCAPES.get(following, following))
            kept = len(value)
        elif sign == '"':
            quoted = not quoted
            kept = len(value)
        elif sign in "#;" and not quoted:
            break
        else:
            value.append(sign)
            if quoted or not sign.isspace():
                kept = len(value)
    return "".join(value[:kept])
