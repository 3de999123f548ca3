"""Which line of which ``.gitignore`` hides a path, and how an exception is made for it."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, NamedTuple

from git_mlvers.cli.patterns import literal
from git_mlvers.fsutil import write_atomic
from git_mlvers.git import command
from git_mlvers.git.repository import require_work_tree

if TYPE_CHECKING:
    from git_mlvers.git.repository import Repository


class IgnoringLine(NamedTuple):
    """The line that hides a path.

    `source` is git's name of the file with the line, `number` its place there from
    1, `pattern` its text. The exception goes into `file` after line `after`, as
    `exception`; it has no effect unless `can_except`.
    """

    source: str
    number: int
    pattern: str
    file: str
    after: int
    exception: str
    can_except: bool


def find(repo: Repository, path: str) -> IgnoringLine | None:
    """What hides `path` (from the top of the working tree); ``None`` when nothing does."""
    top = require_work_tree(repo)
    found = _check(repo, path)
    if found is None:
        return None
    source, number, pattern = found
    file = os.path.join(top, source)
    base = os.path.dirname(source)
    if os.path.basename(source) != ".gitignore" or os.path.isabs(source):
        # The user's own list, or the clone's: an exception in the tree outranks both.
        file, base, number = os.path.join(top, ".gitignore"), "", -1
    exception = "!/" + _in_one_line(literal(os.path.relpath(path, base or os.curdir)))
    if os.path.isdir(os.path.join(top, path)):
        exception += "/"
    return IgnoringLine(
        source, number, pattern, file, number, exception, not _parent_ignored(repo, path)
    )


def make_exception(line: IgnoringLine) -> None:
    """Write the exception that `line` describes, right behind the line that hides the path."""
    try:
        with open(line.file, "rb") as file:
            lines = file.readlines()
    except FileNotFoundError:
        lines = []
    at = len(lines) if line.after < 0 else line.after
    if at and not lines[at - 1].endswith(b"\n"):
        lines[at - 1] += b"\n"
    lines.insert(at, os.fsencode(line.exception) + b"\n")
    write_atomic(line.file, b"".join(lines))


def _in_one_line(pattern: str) -> str:
    """`pattern` as the end of a line: git knows no way to write a newline, and drops blanks."""
    pattern = re.sub("[\n\r]", "?", pattern)
    return pattern[:-1] + "\\ " if pattern.endswith(" ") else pattern


def _parent_ignored(repo: Repository, path: str) -> bool:
    """Whether a directory around `path` is ignored: git makes no exceptions below such a one."""
    parent = os.path.dirname(path)
    while parent:
        if _check(repo, parent) is not None:
            return True
        parent = os.path.dirname(parent)
    return False


def _check(repo: Repository, path: str) -> tuple[str, int, str] | None:
    """The (file, line number, pattern) that decides about `path`, if it hides it."""
    words = ("check-ignore", "--no-index", "-v", "-z", "--stdin")
    output = repo.git(*words, input=os.fsencode(path) + b"\0", check=False)
    fields = [os.fsdecode(field) for field in command.zsplit(output)]
    if len(fields) < 3 or not fields[0] or fields[2].startswith("!"):
        return None
    return fields[0], int(fields[1]), fields[2]
