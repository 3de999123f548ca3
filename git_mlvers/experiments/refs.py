"""Experiments as refs: ``refs/mlvers/exps/<baseline>/<name>`` names the commit of one."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from git_mlvers.errors import MlversError
from git_mlvers.git import refs
from git_mlvers.git.command import GitError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from git_mlvers.git.repository import Repository

PREFIX = "refs/mlvers/exps/"
DVC = "refs/exps/"
"""Where DVC has its own, with a slash after two digits of the baseline. They are only read."""

_HEX = frozenset("0123456789abcdef")


class ExperimentExists(MlversError):
    """There is an experiment of this name already."""


class Experiment(NamedTuple):
    """One experiment: the hex id of its baseline, its name, and the hex id of its commit."""

    baseline: str
    name: str
    commit: str
    foreign: bool = False
    """Whether it is one of DVC."""

    @property
    def ref(self) -> str:
        """The full name of its ref."""
        if self.foreign:
            return f"{DVC}{self.baseline[:2]}/{self.baseline[2:]}/{self.name}"
        return f"{PREFIX}{self.baseline}/{self.name}"

    @property
    def short(self) -> str:
        """``exp-1a2b3``, which resolves as its name does."""
        return f"exp-{self.commit[:5]}"


def listed(repo: Repository) -> list[Experiment]:
    """All experiments that are here, by baseline and name."""
    found = []
    for ref in refs.for_each_ref(repo, PREFIX):
        baseline, slash, name = ref.name.removeprefix(PREFIX).partition("/")
        if slash and "/" not in name:
            found.append(Experiment(baseline, name, ref.oid))
    return found


def everywhere(repo: Repository) -> list[Experiment]:
    """All experiments that are here, those of DVC too, by baseline and name."""
    found = []
    for ref in refs.for_each_ref(repo, PREFIX, DVC):
        if ref.name.startswith(PREFIX):
            baseline, _, name = ref.name.removeprefix(PREFIX).partition("/")
            foreign = False
        else:
            two, _, rest = ref.name.removeprefix(DVC).partition("/")
            (tail, _, name), foreign = rest.partition("/"), True
            baseline = two + tail
        if name and "/" not in name and len(baseline) >= 40 and _HEX.issuperset(baseline):
            found.append(Experiment(baseline, name, ref.oid, foreign))
    return sorted(found)


def change(
    repo: Repository, *, make: Iterable[tuple[str, str]] = (), drop: Iterable[Experiment] = ()
) -> None:
    """Make refs with ids, and delete those of experiments if they are still these; all or nothing.

    Raises `ExperimentExists`.
    """
    new = list(make)
    lines = [f"create {ref}\0{oid}\0" for ref, oid in new]
    lines += [f"delete {each.ref}\0{each.commit}\0" for each in drop]
    try:
        repo.git(*("update-ref", "-z", "--stdin", "--create-reflog"), input="".join(lines).encode())
    except GitError as error:
        for ref, _ in new:
            if refs.resolve_ref(repo, ref) is not None:
                name = ref.rpartition("/")[2]
                raise ExperimentExists(
                    f"there is an experiment {name!r} of this commit already", "take another name"
                ) from error
        raise


def create(
    repo: Repository, experiment: Experiment, *, replace: bool = False, drop: Iterable[str] = ()
) -> None:
    """Make the ref of `experiment`, and delete the refs `drop`, all of it or nothing.

    Raises `ExperimentExists` if there is one of its name and `replace` is not set.
    """
    verb = "update" if replace else "create"
    lines = [f"{verb} {experiment.ref}\0{experiment.commit}\0" + ("\0" if replace else "")]
    lines += [f"delete {ref}\0\0" for ref in drop]
    try:
        repo.git(
            *("update-ref", "-z", "--stdin", "--create-reflog"),
            input="".join(lines).encode(),
        )
    except GitError as error:
        if refs.resolve_ref(repo, experiment.ref) is None:
            raise
        raise ExperimentExists(
            f"there is an experiment {experiment.name!r} of this commit already",
            "give another name with -n",
        ) from error
