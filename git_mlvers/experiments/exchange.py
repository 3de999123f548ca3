"""Experiments to and from git remotes; nothing is forced, and nobody's is lost."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from git_mlvers.errors import RemoteError
from git_mlvers.experiments import refs, shared
from git_mlvers.experiments.refs import Experiment
from git_mlvers.git import refs as git_refs
from git_mlvers.git.command import failure
from git_mlvers.tracking.sync import OVERTAKEN

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from git_mlvers.experiments.shared import State
    from git_mlvers.git.repository import Repository

_TRIES = 10


class Sent(NamedTuple):
    """What became of experiments that were to be sent.

    `taken` are those whose name another one has there, `removed` those that somebody
    has removed there.
    """

    sent: Sequence[Experiment]
    there: Sequence[Experiment]
    taken: Sequence[Experiment]
    removed: Sequence[Experiment]


def push(
    repo: Repository, git_remote: str, experiments: Iterable[Experiment], *, force: bool = False
) -> Sent:
    """Send `experiments`, with their content by the hook that every push runs.

    With `force` also those that are taken or removed there. Raises `RemoteError`.
    """
    wanted: dict[str, list[Experiment]] = {}
    for each in experiments:
        wanted.setdefault(each.baseline, []).append(each)
    groups: dict[str, list[Experiment]] = {name: [] for name in Sent._fields}

    def change(baseline: str, state: State) -> State:
        for group in groups.values():
            group[:] = [each for each in group if each.baseline != baseline]
        commits, gone = dict(state.commits), set(state.removed)
        for each in wanted[baseline]:
            kind = _kind(each, state)
            if kind == "sent" or (force and kind in ("taken", "removed")):
                kind = "sent"
                commits[each.name] = each.commit
                gone.discard(each.commit)
            groups[kind].append(each)
        return state._replace(commits=commits, removed=frozenset(gone))

    _change(repo, git_remote, list(wanted), change, "Share experiments")
    return Sent(**groups)


def remove(repo: Repository, git_remote: str, words: Sequence[str]) -> list[Experiment]:
    """Remove experiments from a git remote, by name or ``exp-1a2b3``; those that were there."""
    known = [each for each in fetch(repo, git_remote) if {each.name, each.short} & set(words)]
    doomed: dict[str, list[Experiment]] = {}
    for each in known:
        doomed.setdefault(each.baseline, []).append(each)

    def change(baseline: str, state: State) -> State:
        gone = {each.commit for each in doomed[baseline]}
        commits = {name: oid for name, oid in state.commits.items() if oid not in gone}
        return state._replace(commits=commits, removed=state.removed | gone)

    _change(repo, git_remote, list(doomed), change, "Remove experiments")
    return known


def fetch(repo: Repository, git_remote: str) -> list[Experiment]:
    """All experiments that a git remote has, which are here from then on. Raises `RemoteError`."""
    _fetch(repo, git_remote, "*")
    prefix = shared.tracking_ref(git_remote, "")
    tips = {ref.name: ref.oid for ref in git_refs.for_each_ref(repo, prefix)}
    found = []
    for baseline in shared.baselines_of(tips, prefix):
        state = shared.read(repo, tips[prefix + baseline])
        found += [Experiment(baseline, name, oid) for name, oid in state.commits.items()]
    return found


def take_in(repo: Repository, found: Iterable[Experiment]) -> list[Experiment]:
    """Make what was fetched experiments of this repository; those that were none yet.

    One whose name another one has here gets the beginning of its id behind it.
    """
    here = refs.listed(repo)
    commits = {each.commit for each in here}
    taken = {(each.baseline, each.name) for each in here}
    new = []
    for each in found:
        if each.commit in commits:
            continue
        if (each.baseline, each.name) in taken:
            each = each._replace(name=f"{each.name}-{each.commit[:5]}")
        if (each.baseline, each.name) not in taken:
            taken.add((each.baseline, each.name))
            new.append(each)
    refs.change(repo, make=[(each.ref, each.commit) for each in new])
    return new


def _kind(each: Experiment, state: State) -> str:
    if each.commit in state.removed:
        return "removed"
    there = state.commits.get(each.name)
    return "sent" if there is None else "there" if there == each.commit else "taken"


def _change(
    repo: Repository,
    git_remote: str,
    baselines: Collection[str],
    change: Callable[[str, State], State],
    why: str,
) -> None:
    """Change what a git remote has of `baselines`; again when somebody else was first."""
    left = list(baselines)
    for _ in range(_TRIES if left else 0):
        for baseline in left:
            _fetch(repo, git_remote, f"{baseline}*")
        tips: dict[str, str] = {}
        for baseline in left:
            old = shared.read(repo, _tip(repo, git_remote, baseline))
            new = change(baseline, old)
            if new != old:
                tips[baseline] = shared.write(repo, old, new, why)
        left = _push(repo, git_remote, tips) if tips else []
        if not left:
            return
    if left:
        raise RemoteError(
            f"the experiments of {git_remote} change faster than ours can be added",
            f"git mlvers exp push {git_remote}",
        )


def _tip(repo: Repository, git_remote: str, baseline: str) -> str | None:
    return git_refs.resolve_ref(repo, shared.tracking_ref(git_remote, baseline))


def _fetch(repo: Repository, git_remote: str, which: str) -> None:
    refspec = f"+{shared.PREFIX}{which}:{shared.tracking_ref(git_remote, which)}"
    process = repo.start(
        *("fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-auto-maintenance"),
        *("--recurse-submodules=no", "--no-prune", "--refmap=", "--", git_remote, refspec),
        env={"MLVERS_IN_HOOK": "1"},
    )
    with process:
        b"".join(process.blocks())
        if process.wait() != 0:
            error = failure(process)
            raise RemoteError(
                f"experiments cannot be had from {git_remote}: {error.message}", error.hint
            ) from error


def _push(repo: Repository, git_remote: str, tips: Mapping[str, str]) -> list[str]:
    """Send the new states of baselines; those at which somebody else was first."""
    refspecs = [f"{tip}:{shared.PREFIX}{baseline}" for baseline, tip in tips.items()]
    process = repo.start(
        *("push", "--porcelain", "--no-follow-tags", "--recurse-submodules=no"),
        *("--", git_remote, *refspecs),
        stderr=None,  # the progress of content
    )
    with process:
        said = os.fsdecode(b"".join(process.blocks()))
        failed = process.wait() != 0
    results = dict(_results(said))
    for baseline, tip in tips.items():
        if results.get(shared.PREFIX + baseline, "!") == "":
            repo.git("update-ref", shared.tracking_ref(git_remote, baseline), tip)
    late = [baseline for baseline in tips if results.get(shared.PREFIX + baseline) == "late"]
    refused = [reason for reason in results.values() if reason not in ("", "late")]
    if refused or (failed and not late):
        why = refused[0] if refused else "see above"
        raise RemoteError(f"{git_remote} took no experiments: {why}", "git mlvers status --remote")
    return late


def _results(said: str) -> Iterable[tuple[str, str]]:
    """Of ``git push --porcelain``: each ref, and "" if it went, "late", or why it did not."""
    for line in said.splitlines():
        mark, _, rest = line.partition("\t")
        refspec, _, what = rest.partition("\t")
        ref = refspec.rpartition(":")[2]
        if not ref.startswith(shared.PREFIX):
            continue
        reason = what.partition(" (")[2].removesuffix(")") or what
        if mark != "!":
            yield ref, ""
        elif what.startswith("[rejected]") or reason.startswith(OVERTAKEN):
            yield ref, "late"
        else:
            yield ref, reason
