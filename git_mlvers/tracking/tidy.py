"""Keeping notes small: what was replaced or taken back goes, and the words follow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_mlvers.git import notes, notes_line, notes_write
from git_mlvers.tracking import view

if TYPE_CHECKING:
    from git_mlvers.git.repository import Repository


def tidy(repo: Repository) -> int:
    """Drop lines that a later line with their id has replaced, and make all words anew.

    Nothing that counts goes. Returns how many lines went. Raises `NotesBusy` or `GitError`.
    """
    dropped = 0

    def make(tip: str | None) -> notes_write.Change:
        nonlocal dropped
        dropped = 0
        change = notes_write.Change()
        listed = notes.blobs(repo, tip) if tip else {}
        for commit, old in notes.texts(repo, listed).items():
            new = notes_line.compact(old)
            if new != notes_line.join(old):
                dropped += old.count(b"\n") - new.count(b"\n")
                change.put(commit, [path for path, _ in listed[commit]], new)
        return change

    notes_write.update(repo, notes.REF, make, why="Drop lines that were replaced")
    tip, shown = notes.tip(repo), notes.tip(repo, notes.VIEW)
    noted = set(notes.blobs(repo, tip)) if tip else set[str]()
    left = set(notes.blobs(repo, shown)) - noted if shown else set[str]()
    notes_write.replace(repo, notes.VIEW, dict.fromkeys(left, b""), why="Follow the notes")
    view.update(repo, noted)
    view.trim(repo)
    return dropped
