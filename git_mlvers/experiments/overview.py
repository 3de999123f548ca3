"""Experiments below the commits that they start from, with params and metrics.

What is noted on a commit is taken as it is; only of commits without a note are the
files read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from git_mlvers.experiments import record, refs, tasks
from git_mlvers.git import notes, notes_line
from git_mlvers.git.command import GitError
from git_mlvers.tracking.record import by_key
from git_mlvers.tracking.speaking import own_id

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from git_mlvers.experiments.refs import Experiment
    from git_mlvers.git.notes_line import Line
    from git_mlvers.git.repository import Repository
    from git_mlvers.workspace import Workspace

WORKSPACE, BASELINE, EXPERIMENT = "workspace", "baseline", "experiment"
"""Kinds of rows."""


class Row(NamedTuple):
    """One row: a commit, or the working tree, or an experiment that waits or runs.

    `commit` is a hex id, empty for what has none; `status` is empty but for experiments.
    """

    kind: str
    name: str
    commit: str = ""
    status: str = ""
    created: int = 0
    """Seconds since 1970; 0 if it is not known."""
    params: Mapping[str, object] = {}
    metrics: Mapping[str, object] = {}
    error: str = ""


class Group(NamedTuple):
    """A baseline and its experiments."""

    baseline: Row
    experiments: Sequence[Row]


class Overview(NamedTuple):
    """All that is to be shown; `problems` are sentences for the user."""

    workspace: Row | None
    groups: Sequence[Group]
    problems: Sequence[str]


def overview(workspace: Workspace, baselines: Sequence[str] | None) -> Overview:
    """The working tree, and the experiments of `baselines` (hex ids), or of all that have some.

    A baseline that is not here any more is left out with all that started from it.
    """
    repo = workspace.repo
    known = refs.everywhere(repo)
    if baselines is None:
        baselines = list(dict.fromkeys(each.baseline for each in known))
    chosen = [each for each in known if each.baseline in set(baselines)]
    commits = _commits(repo, [*baselines, *(each.commit for each in chosen)])
    lines = _lines(repo, commits)
    problems: list[str] = []
    unread = [oid for oid in commits if oid not in lines]
    lines.update(_read(workspace, unread, problems))
    labels = _labels(repo)
    waiting = _waiting(workspace)
    groups = []
    for baseline in sorted(baselines, key=lambda oid: -commits.get(oid, 0)):
        if baseline in commits:
            rows = [_row(each, commits, lines) for each in chosen if each.baseline == baseline]
            rows.sort(key=lambda row: -row.created)
            name = labels.get(baseline, baseline[:7])
            row = _filled(Row(BASELINE, name, baseline, created=commits[baseline]), lines)
            groups.append(Group(row, [*rows, *waiting.get(baseline, ())]))
    here = None if repo.work_tree is None else _here(workspace, problems)
    return Overview(here, groups, problems)


def values_of(workspace: Workspace, commit: str) -> Row:
    """Params and metrics of one commit, or of the working tree without one."""
    if not commit:
        return _here(workspace, [])
    lines = _lines(workspace.repo, [commit])
    if not lines:
        lines = _read(workspace, [commit], [])
    return _filled(Row(EXPERIMENT, commit[:7], commit), lines)


def statuses(repo: Repository, commits: Sequence[str]) -> dict[str, str]:
    """How the experiments with these commits ended, as far as that was noted."""
    return {
        commit: str(noted.get("status", ""))
        for commit, line in _lines(repo, commits).items()
        if isinstance(noted := line.more.get(record.FIELD), dict)
    }


def _row(experiment: Experiment, commits: Mapping[str, int], lines: Mapping[str, Line]) -> Row:
    row = Row(
        EXPERIMENT,
        experiment.name,
        experiment.commit,
        status=tasks.DONE,
        created=commits.get(experiment.commit, 0),
    )
    return _filled(row, lines)


def _filled(row: Row, lines: Mapping[str, Line]) -> Row:
    """`row` with what is known of its commit."""
    line = lines.get(row.commit)
    if line is None:
        return row
    row = row._replace(params=line.params, metrics=line.metrics)
    noted = line.more.get(record.FIELD)
    if not isinstance(noted, dict) or not row.status:
        return row
    return row._replace(status=str(noted.get("status", "")), error=str(noted.get("error", "")))


def _here(workspace: Workspace, problems: list[str]) -> Row:
    from git_mlvers.pipeline.readings import cached, read
    from git_mlvers.pipeline.source import WorkingTree

    found = read(WorkingTree(workspace.repo), content=cached(workspace))
    problems += found.problems
    params, metrics = by_key(found.params), by_key(found.metrics)
    return Row(WORKSPACE, WORKSPACE, params=params, metrics=metrics)


def _commits(repo: Repository, oids: Iterable[str]) -> dict[str, int]:
    """When the commits `oids` were made, in seconds since 1970; those that are here."""
    words = "".join(f"{oid}\n" for oid in dict.fromkeys(oids))
    if not words:
        return {}
    form = ("rev-list", "--no-walk=unsorted", "--ignore-missing", "--timestamp", "--stdin")
    try:
        said = repo.git(*form, input=words.encode("ascii"))
    except GitError:
        return {}
    pairs = (line.split() for line in said.decode("ascii").splitlines())
    return {oid: int(when) for when, oid in pairs}


def _lines(repo: Repository, commits: Iterable[str]) -> dict[str, Line]:
    """What notes say of `commits`: of an experiment what was noted of it, else of its files."""
    if notes.tip(repo) is None:
        return {}
    found = {}
    for commit, text in notes.read(repo, commits).items():
        lines = [line for line in notes_line.lines_of(text) if line.commit == commit]
        ours = [line for line in lines if record.FIELD in line.more]
        own = [line for line in lines if line.id == own_id(commit)]
        if ours or own:
            found[commit] = (ours or own)[-1]
    return found


def _read(workspace: Workspace, commits: Sequence[str], problems: list[str]) -> dict[str, Line]:
    """The same from the files of `commits`."""
    if not commits:
        return {}
    from git_mlvers.pipeline.history import History
    from git_mlvers.pipeline.readings import cached

    found, content = {}, cached(workspace)
    with History(workspace.repo) as history:
        for commit in commits:
            readings = history.read(commit, content=content)
            problems += (f"in {commit[:7]}: {each}" for each in readings.problems)
            found[commit] = notes_line.Line(
                "", "", commit, params=by_key(readings.params), metrics=by_key(readings.metrics)
            )
    return found


def _labels(repo: Repository) -> dict[str, str]:
    """Commits by the branch, or else the tag, that names them; the branch one is on first."""
    current = repo.head_branch()
    found: dict[str, str] = {}
    form = "--format=%(objectname) %(*objectname) %(refname:short) %(refname)"
    said = repo.git("for-each-ref", form, "refs/heads/", "refs/tags/")
    for line in said.decode("utf-8", "surrogateescape").splitlines():
        own, peeled, name, ref = line.split(" ", 3)
        if ref == f"refs/heads/{current}":
            found[own] = name
        else:
            found.setdefault(peeled or own, name)
    return found


def _waiting(workspace: Workspace) -> dict[str, list[Row]]:
    """Experiments that wait, run, or have ended without a commit, by baseline."""
    found: dict[str, list[Row]] = {}
    for task in tasks.listed(workspace):
        outcome = task.outcome()
        if outcome is None or not outcome.commit:
            message = "" if outcome is None else outcome.message
            row = Row(EXPERIMENT, task.name, "", task.status(), int(task.created), error=message)
            found.setdefault(task.request.baseline, []).append(row)
    return found
