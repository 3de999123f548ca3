"""Giving lines to commits that took the place of others.

Git carries notes along when it amends or rebases, and does not on a cherry-pick, a
squashed merge, or anything that a forge does. Each line knows the tree of its commit
and what determined its result, so it is found again by these.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from git_mlvers.git import notes, notes_line, notes_write, refs
from git_mlvers.git.command import joined
from git_mlvers.tracking import record, view
from git_mlvers.tracking.speaking import own_id

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from git_mlvers.git.notes_line import Line
    from git_mlvers.git.repository import Repository
    from git_mlvers.workspace import Workspace


class Adopted(NamedTuple):
    """The commits that were recorded, the lines that were given to others (commit, line), and
    what the user is told, one sentence each."""

    recorded: list[str]
    given: list[tuple[str, Line]]
    problems: list[str]


class _Commit(NamedTuple):
    oid: str
    tree: str
    parent_tree: str | None


def adopt(workspace: Workspace, revisions: Sequence[str] = ("HEAD",)) -> Adopted:
    """Record what is not recorded in the history of `revisions`, and re-attach lines.

    A line goes to a commit with the same tree; else, if the commit that it was
    written for is in no branch any more, to the one with the same inputs.
    """
    repo = workspace.repo
    history = _history(repo, revisions)
    done = record.record(workspace, [commit.oid for commit in history])
    tip = notes.tip(repo)
    known = notes.read_all(repo, tip) if tip is not None else {}
    lines = {commit: notes_line.lines_of(note) for commit, note in known.items()}
    given = _by_tree(history, lines)
    lost = _lost(repo, lines)
    have = {line.id for _, line in given}
    given += [pair for pair in _by_inputs(history, lines, lost) if pair[1].id not in have]
    _attach(repo, given)
    changed = list(dict.fromkeys([*done.commits, *(commit for commit, _ in given)]))
    view.update(repo, changed)
    return Adopted(done.commits, given, done.problems)


def carry(repo: Repository, rewritten: Iterable[tuple[str, str]]) -> list[str]:
    """Give to rewritten commits, pairs of old and new ids, the lines that git has not carried.

    Returns the new commits that have lines.
    """
    pairs = list(rewritten)
    known = notes.read(repo, {oid for pair in pairs for oid in pair})
    given = []
    for old, new in pairs:
        ids = {line.id for line in notes_line.lines_of(known.get(new, b""))}
        lines = notes_line.lines_of(known.get(old, b""))
        given += [(new, line) for line in lines if line.id not in ids]
    _attach(repo, given)
    return list(dict.fromkeys(new for old, new in pairs if old in known or new in known))


def _attach(repo: Repository, given: Iterable[tuple[str, Line]]) -> None:
    more: dict[str, list[Line]] = {}
    for commit, line in given:
        more.setdefault(commit, []).append(line)
    if more:
        notes_write.append(repo, more, why="Adopt lines of rewritten commits")


def _by_tree(
    history: Sequence[_Commit], lines: Mapping[str, Sequence[Line]]
) -> list[tuple[str, Line]]:
    """Lines of commits whose tree another commit has, and made, since its parent has another."""
    of_tree: dict[str, dict[str, Line]] = {}
    for found in lines.values():
        for line in found:
            if line.tree:
                of_tree.setdefault(line.tree, {})[line.id] = line
    given = []
    for commit in history:
        if commit.tree != commit.parent_tree:
            ids = {line.id for line in lines.get(commit.oid, ())}
            same = of_tree.get(commit.tree, {})
            given += [(commit.oid, line) for line in _foreign(same.values()) if line.id not in ids]
    return given


def _by_inputs(
    history: Sequence[_Commit], lines: Mapping[str, Sequence[Line]], lost: set[str]
) -> list[tuple[str, Line]]:
    """Lines of lost commits for the first commit with the same inputs."""
    first: dict[str, str] = {}
    for commit in reversed(history):
        own = own_id(commit.oid)
        for line in lines.get(commit.oid, ()):
            if line.id == own and line.inputs:
                first.setdefault(line.inputs, commit.oid)
    given = []
    for oid in lost:
        for line in _foreign(lines[oid]):
            new = first.get(line.inputs)
            if new is not None and all(line.id != each.id for each in lines[new]):
                given.append((new, line))
    return given


def _foreign(lines: Iterable[Line]) -> list[Line]:
    """Those that say more than the files of a commit, which it has recorded by itself."""
    return [line for line in lines if line.id != own_id(line.commit)]


def _lost(repo: Repository, lines: Iterable[str]) -> set[str]:
    """Commits with notes that no branch, tag or remote-tracking ref reaches."""
    wanted = set(lines)
    said = repo.git("rev-list", "--branches", "--tags", "--remotes", "HEAD", check=False)
    return wanted - set(said.decode("ascii").split())


def _history(repo: Repository, revisions: Sequence[str]) -> list[_Commit]:
    """The commits that `revisions` reach, newest first."""
    tips = [refs.resolve(repo, revision) for revision in revisions]
    said = repo.git(
        *("log", "--no-show-signature", "--no-notes", "--format=%H %T %P", "--topo-order"),
        *("--stdin",),
        input=joined(tips),
    )
    entries = [line.split(" ") for line in said.decode("ascii").splitlines()]
    trees = {entry[0]: entry[1] for entry in entries}
    return [
        _Commit(entry[0], entry[1], trees.get(entry[2]) if len(entry) > 2 else None)
        for entry in entries
    ]
