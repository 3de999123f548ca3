"""Reading notes: which commits have one, and what stands in it.

Git keeps the notes of one ref in a tree, under the hex id of the commit, with or
without slashes after the first pairs of digits. All of these forms are read.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from git_mlvers.git import promised
from git_mlvers.git.catfile import objects

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from git_mlvers.git.repository import Repository

REF = "refs/notes/mlvers"
"""The truth: lines of JSON. It is pushed and fetched."""

VIEW = "refs/notes/mlvers-view"
"""The same in plain words, for ``git log``. Made from `REF`, and never pushed."""

TRACKING = "refs/mlvers/notes/"
"""What git remotes had when they were last talked to: ``<this><git remote>/mlvers``."""

REFSPEC = "+refs/notes/mlvers*:" + TRACKING + "{}/mlvers*"
"""With the name of a git remote, what a plain ``git fetch`` needs to bring its notes. The
pattern makes git silent about a git remote that has none."""

# Of so many, listing all notes takes less time than looking for each. Commits.
_MANY = 200
_HEX = frozenset("0123456789abcdef")


def tracking_ref(git_remote: str) -> str:
    """The ref that stands here for `REF` of `git_remote`."""
    return f"{TRACKING}{git_remote}/mlvers"


def tips(repo: Repository) -> dict[str, str]:
    """The hex ids of `REF`, `VIEW` and all tracking refs, by their names, as far as there are."""
    said = repo.git("for-each-ref", "--format=%(objectname) %(refname)", REF, VIEW, TRACKING)
    pairs = (os.fsdecode(line).split(" ", 1) for line in said.split(b"\n") if line)
    return {name: oid for oid, name in pairs}


def tip(repo: Repository, ref: str = REF) -> str | None:
    """The hex id of the commit that `ref` names; ``None`` without the ref."""
    said = repo.git("rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}", check=False).strip()
    return said.decode("ascii") or None


def blobs(repo: Repository, treeish: str) -> dict[str, list[tuple[str, str]]]:
    """All notes of the tree: for each commit the paths and blob ids, most often a single one."""
    said = repo.git("ls-tree", "-r", "-z", "--full-tree", treeish)
    found: dict[str, list[tuple[str, str]]] = {}
    for entry in said.decode("ascii", "replace").split("\0"):
        info, tab, path = entry.partition("\t")
        commit = commit_of(path)
        if tab and commit is not None:
            found.setdefault(commit, []).append((path, info.split(" ")[2]))
    return found


def read_all(repo: Repository, treeish: str) -> dict[str, bytes]:
    """The text of every note of the tree, by commit."""
    return texts(repo, blobs(repo, treeish))


def texts(repo: Repository, listed: dict[str, list[tuple[str, str]]]) -> dict[str, bytes]:
    """The texts of notes that `blobs` has listed."""
    wanted = [(commit, oid) for commit, entries in listed.items() for _, oid in entries]
    _bring(repo, [oid for _, oid in wanted])
    found: dict[str, bytes] = {}
    blob = objects(repo, (oid for _, oid in wanted))
    for (commit, _), each in zip(wanted, blob, strict=True):
        if each is not None:
            found[commit] = _glued(found.get(commit), each.data)
    return found


def read(repo: Repository, commits: Iterable[str], treeish: str = REF) -> dict[str, bytes]:
    """The notes of `commits` (full hex ids), those that there are; nothing else is looked at."""
    return {commit: text for commit, (_, text) in read_with_paths(repo, commits, treeish).items()}


def read_with_paths(
    repo: Repository, commits: Iterable[str], treeish: str = REF
) -> dict[str, tuple[list[str], bytes]]:
    """The same, each with the paths at which the note stands."""
    wanted = set(commits)
    if len(wanted) > _MANY:
        every = {name: at for name, at in blobs(repo, treeish).items() if name in wanted}
        found = texts(repo, every)
        return {name: ([path for path, _ in every[name]], text) for name, text in found.items()}
    return _looked_up(repo, wanted, treeish)


def _looked_up(
    repo: Repository, commits: Iterable[str], treeish: str
) -> dict[str, tuple[list[str], bytes]]:
    asked = [(commit, path) for commit in commits for path in paths(commit)]
    found: dict[str, tuple[list[str], bytes]] = {}
    blob = objects(repo, (f"{treeish}:{path}" for _, path in asked))
    for (commit, path), each in zip(asked, blob, strict=True):
        if each is not None and each.type == "blob":
            at, text = found.get(commit, ([], None))
            found[commit] = [*at, path], _glued(text, each.data)
    return found


def path_of(commit: str) -> str:
    """Where a new note is put. One form whatever their number keeps each change small."""
    return f"{commit[:2]}/{commit[2:]}"


def paths(commit: str) -> Sequence[str]:
    """Where a note may stand, in the order of how likely that is."""
    return path_of(commit), commit, f"{commit[:2]}/{commit[2:4]}/{commit[4:]}"


def commit_of(path: str) -> str | None:
    """The commit whose note is at `path`; ``None`` for a file that is no note."""
    name = path.replace("/", "")
    return name if len(name) in (40, 64) and _HEX.issuperset(name) else None


def _glued(first: bytes | None, second: bytes) -> bytes:
    if first is None:
        return second
    return first + (b"" if first.endswith(b"\n") else b"\n") + second


def _bring(repo: Repository, oids: Sequence[str]) -> None:
    """In a partial clone, fetch what is absent in one go instead of one by one."""
    if not repo.partial or not oids:
        return
    absent = set(oids) - promised.present(repo, oids)
    for git_remote in promised.promisors(repo) if absent else ():
        if promised.bring(repo, git_remote, absent):
            return
