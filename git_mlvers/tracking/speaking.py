"""Which of a note's lines speak for a commit, and numbers as people read them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from blake3 import blake3

from git_mlvers.git import notes_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from git_mlvers.git.notes_line import Line

_ID = 16  # hex digits


def own_id(commit: str) -> str:
    """The id of the line that follows from `commit` itself."""
    return blake3(f"commit {commit}".encode()).hexdigest()[:_ID]


def best(note: bytes, commit: str) -> Line | None:
    """The line that speaks for `commit`: its own, else one that was written for it, else any.

    Of several the latest. ``None`` for a note without lines.
    """
    own = own_id(commit)
    return max(
        reversed(notes_line.lines_of(note)),
        key=lambda line: (line.id == own, line.commit == commit),
        default=None,
    )


def telling(lines: Sequence[Line], commit: str) -> list[Line]:
    """`lines` without what the files of earlier forms of `commit` said, if its own are recorded."""
    if all(line.id != own_id(commit) for line in lines):
        return list(lines)
    return [line for line in lines if line.commit == commit or line.id != own_id(line.commit)]


def number(value: object) -> str:
    """A value as people read it: five digits of a fraction."""
    if isinstance(value, float):
        return f"{value:.5g}"
    if isinstance(value, bool) or value is None:
        return str(value).lower() if value is not None else "null"
    return " ".join(str(value).split())
