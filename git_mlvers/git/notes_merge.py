"""Merging notes of two sides: every line of both, by commit.

``git notes merge -s cat_sort_uniq`` comes to the same lines, but leaves its work
in a directory of the repository, of which there is one, and keeps what one side
has removed. Only what differs from the common ancestor is looked at.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from git_mlvers.git import notes, notes_line
from git_mlvers.git.catfile import objects
from git_mlvers.git.notes_write import Change, move, update

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from git_mlvers.git.repository import Repository

_MERGES = 20


_Side: TypeAlias = tuple[str, ...]
"""What a note was at some time: blob ids, sorted, most often a single one, or none."""


def merge(repo: Repository, theirs: str) -> list[str]:
    """Take the notes under the commit `theirs` (full hex id) into ours; the commits whose
    note has changed here. Raises `NotesBusy` or `GitError`.
    """
    for _ in range(_MERGES):
        ours = notes.tip(repo)
        if ours == theirs:
            return []
        base = _base(repo, ours, theirs) if ours else None
        if base == theirs:
            return []
        if base == ours:
            if move(repo, notes.REF, theirs, ours):
                return list(_changes(repo, ours, theirs))
            continue
        break
    why = "Merge notes of git-mlvers"
    change = update(repo, notes.REF, lambda tip: _merged(repo, tip, theirs), why=why)
    return [*change.texts, *change.blobs]


def _merged(repo: Repository, ours: str | None, theirs: str) -> Change:
    base = _base(repo, ours, theirs) if ours else None
    change = Change()
    if base == theirs:
        return change
    change.parent = theirs
    mine, other = _changes(repo, base, ours), _changes(repo, base, theirs)
    # Git moves all notes to other paths when they grow many.
    here = notes.blobs(repo, ours) if ours else {}
    both = []
    for commit, (old, new) in other.items():
        if commit not in mine:
            if len(new) == 1:
                change.put_blob(commit, _paths(here, commit), new[0])
                continue
            mine[commit] = old, old
        if mine[commit][1] != new:
            both.append(commit)
    text = _texts(repo, (side for commit in both for side in (*mine[commit], other[commit][1])))
    for commit in both:
        old, ours_now = mine[commit]
        parts = (text[side] for side in (old, ours_now, other[commit][1]))
        change.put(commit, _paths(here, commit), notes_line.merge(*parts))
    return change


def _paths(listed: Mapping[str, list[tuple[str, str]]], commit: str) -> list[str]:
    return [path for path, _ in listed.get(commit, ())]


def _changes(repo: Repository, old: str | None, new: str | None) -> dict[str, tuple[_Side, _Side]]:
    """The notes that differ between two commits of a notes ref, as they were and as they are."""
    if new is None:
        return {}
    if old is None:
        listed = notes.blobs(repo, new)
        return {commit: ((), _side(entries)) for commit, entries in listed.items()}
    raw = repo.git("diff-tree", "-r", "-z", "--no-renames", old, new).decode("ascii", "replace")
    before: dict[str, list[tuple[str, str]]] = {}
    after: dict[str, list[tuple[str, str]]] = {}
    fields = iter(raw.split("\0"))
    for info, path in zip(fields, fields, strict=False):
        commit = notes.commit_of(path)
        words = info.split(" ")
        if commit is None or len(words) != 5:
            continue
        for oid, place in ((words[2], before), (words[3], after)):
            if oid.strip("0"):
                place.setdefault(commit, []).append((path, oid))
    both = (
        (commit, before.get(commit, []), after.get(commit, [])) for commit in {**before, **after}
    )
    sides = ((commit, _side(was), _side(now)) for commit, was, now in both)
    return {commit: (was, now) for commit, was, now in sides if was != now}


def _side(entries: Iterable[tuple[str, str]]) -> _Side:
    return tuple(sorted(oid for _, oid in entries))


def _texts(repo: Repository, sides: Iterable[_Side]) -> Mapping[_Side, bytes]:
    wanted = list(dict.fromkeys(sides))
    oids = list(dict.fromkeys(oid for side in wanted for oid in side))
    blob = zip(oids, objects(repo, oids), strict=True)
    text = {oid: each.data for oid, each in blob if each is not None}
    return {side: notes_line.join(*(text[oid] for oid in side if oid in text)) for side in wanted}


def _base(repo: Repository, ours: str, theirs: str) -> str | None:
    said = repo.git("merge-base", ours, theirs, check=False).split()
    return said[0].decode("ascii") if said else None
