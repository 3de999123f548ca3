"""Experiments on a git remote: one ref for all experiments of a baseline.

A ref each would be told of by the git remote at every fetch and push of anybody, a
thousand times for a sweep. ``refs/mlvers/exps-shared/<baseline>`` names a commit instead
whose tree has two files: `experiments`, a line ``<commit> <name>`` each, and `removed`,
a commit a line, for those that are not to come back. Its parents are the state before,
and the experiments that are new in it. So every change is a fast-forward, two who
push at once are told apart by Git itself, and the second one adds to what the
first has made.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from git_mlvers.experiments import snapshot
from git_mlvers.git.catfile import objects
from git_mlvers.git.scratch import Entry, write_tree

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from git_mlvers.git.repository import Repository

PREFIX = "refs/mlvers/exps-shared/"
TRACKING = "refs/mlvers/exps-of/"
"""What git remotes had when they were last talked to: ``<this><git remote>/<baseline>``."""

EXPERIMENTS, REMOVED = "experiments", "removed"
_HEX = frozenset("0123456789abcdef")
# Git takes any number of parents; a line of `git log` should still be readable. Commits.
_PARENTS = 500


class State(NamedTuple):
    """What a git remote has of one baseline: the hex id of its commit, and what that says."""

    tip: str | None
    commits: Mapping[str, str]
    """The commits of experiments by their names."""
    removed: frozenset[str]
    """Commits of experiments that somebody has removed."""


NOTHING = State(None, {}, frozenset())


def tracking_ref(git_remote: str, baseline: str) -> str:
    """The ref that stands here for what `git_remote` has."""
    return f"{TRACKING}{git_remote}/{baseline}"


def read(repo: Repository, tip: str | None) -> State:
    """The state that the commit `tip` keeps; a line that cannot be understood says nothing."""
    if tip is None:
        return NOTHING
    texts = objects(repo, [f"{tip}:{EXPERIMENTS}", f"{tip}:{REMOVED}"])
    listed, removed = (b"" if each is None else each.data for each in texts)
    commits = {}
    for line in listed.decode("utf-8", "replace").splitlines():
        commit, _, name = line.partition(" ")
        if _is_id(commit) and is_name(name):
            commits[name] = commit
    gone = (line for line in removed.decode("ascii", "replace").splitlines() if _is_id(line))
    return State(tip, commits, frozenset(gone))


def write(repo: Repository, old: State, new: State, why: str) -> str:
    """A commit that keeps `new` and follows `old`; its hex id."""
    listed = "".join(f"{commit} {name}\n" for name, commit in sorted(new.commits.items()))
    gone = "".join(f"{commit}\n" for commit in sorted(new.removed))
    entries = [
        Entry(b"100644", _blob(repo, text), name)
        for name, text in ((EXPERIMENTS, listed), (REMOVED, gone))
        if text
    ]
    tree = write_tree(repo, entries)
    fresh = sorted(set(new.commits.values()) - set(old.commits.values()))
    tip = old.tip
    for start in range(0, len(fresh) or 1, _PARENTS):
        parents = [*([tip] if tip else []), *fresh[start : start + _PARENTS]]
        tip = snapshot.commit(repo, tree, parents, why)
    assert tip is not None
    return tip


def is_name(name: str) -> bool:
    """Whether an experiment of a git remote may be called `name` here."""
    from git_mlvers.errors import UsageError
    from git_mlvers.experiments import names

    try:
        return names.checked(name) == name
    except UsageError:
        return False


def baselines_of(refs: Iterable[str], prefix: str) -> list[str]:
    """The baselines in names of refs that begin with `prefix`."""
    found = (ref.removeprefix(prefix) for ref in refs if ref.startswith(prefix))
    return [baseline for baseline in found if _is_id(baseline)]


def _blob(repo: Repository, text: str) -> str:
    said: Sequence[bytes] = repo.git("hash-object", "-w", "--stdin", input=text.encode()).split()
    return said[0].decode("ascii")


def _is_id(word: str) -> bool:
    return len(word) in (40, 64) and _HEX.issuperset(word)
