"""Whether there is anything to record or to merge, found out at little cost."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from git_mlvers.git import notes, refs

if TYPE_CHECKING:
    from git_mlvers.git.repository import Repository


def waiting(repo: Repository) -> bool:
    """Whether notes are on, and a commit may be unrecorded or fetched notes may be new."""
    if not os.path.exists(switch_path(repo, "post-commit")):
        return False
    found = notes.tips(repo)
    mine = found.get(notes.REF)
    if any(oid != mine for ref, oid in found.items() if ref.startswith(notes.TRACKING)):
        return True
    return refs.head(repo) not in (None, *marks(repo))


def marks(repo: Repository) -> list[str]:
    """The commits that were looked at with all before them, newest first."""
    try:
        with open(marks_path(repo), "rb") as file:
            return file.read().decode("ascii", "replace").split()
    except FileNotFoundError:
        return []


def switch_path(repo: Repository, hook: str) -> str:
    """The file that lets `hook` start."""
    return os.path.join(repo.common_dir, "mlvers", "on", hook)


def marks_path(repo: Repository) -> str:
    """The file of `marks`."""
    return os.path.join(repo.common_dir, "mlvers", "notes-seen")
