"""One experiment in a working tree: params are set, the pipeline is run, all of it is kept."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, NamedTuple

from git_mlvers.errors import ContentMissing, MlversError
from git_mlvers.experiments import params, record, refs, snapshot
from git_mlvers.experiments.setparam import changed
from git_mlvers.git import refs as git_refs
from git_mlvers.pipeline.paramvalues import MissingParam
from git_mlvers.pipeline.project import Project
from git_mlvers.pipeline.readings import cached, read
from git_mlvers.pipeline.report import Options, StageError
from git_mlvers.pipeline.repro import reproduce
from git_mlvers.pipeline.session import MissingDep, is_inside, is_stored
from git_mlvers.pipeline.shell import CommandFailed
from git_mlvers.pipeline.source import WorkingTree

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from git_mlvers.experiments.setparam import Setting
    from git_mlvers.git.repository import Repository
    from git_mlvers.pipeline.report import Report, Result
    from git_mlvers.workspace import Workspace

FAILURES = (CommandFailed, StageError, MissingDep, MissingParam, ContentMissing)
"""Errors of a stage: what was tried is an experiment all the same, one that failed."""


class Request(NamedTuple):
    """What is to be run. `folder` is from where paths and targets are meant, from the top."""

    name: str
    baseline: str
    """The hex id of the commit that it starts from."""
    settings: Sequence[Setting] = ()
    targets: Sequence[str] = ()
    folder: str = "."
    force: bool = False
    pull: bool = False
    message: str = ""
    replace: bool = False
    """Whether an experiment of the same name gives way to it."""


class Ran(NamedTuple):
    """What came of it: the experiment, and why it failed."""

    experiment: refs.Experiment
    result: Result | None
    error: MlversError | None
    left_out: Sequence[str] = ()
    """Untracked files that are not part of it."""


def baseline_of(repo: Repository) -> str:
    """The hex id of the commit that is checked out; raises `NoCommit`."""
    head = git_refs.head(repo)
    if head is None:
        raise snapshot.NoCommit(
            "there is no commit yet, and an experiment is compared with the one it starts from",
            "git add, git commit",
        )
    return head


def run(
    workspace: Workspace,
    request: Request,
    report: Report,
    *,
    changes: Sequence[params.Changed],
    kept: Callable[[refs.Experiment], None] = lambda experiment: None,
    drop: Sequence[str] = (),
    keeping: bool = True,
) -> Ran:
    """Run the pipeline with `changes` of params (see `params.plan`) and keep what comes of it.

    That a stage failed is told in the result; other errors are raised, and nothing is kept
    then. `kept` is called with the experiment before its ref is made, which deletes the
    refs `drop`. Without `keeping`, outputs
    that are replaced cannot be had back.
    """
    repo, started = workspace.repo, time.time()
    workspace.env = {
        **workspace.env,
        "MLVERS_EXP_NAME": request.name,
        "DVC_EXP_NAME": request.name,
        "DVC_EXP_BASELINE_REV": request.baseline,
    }
    params.write(repo.top, changes)
    result, error = None, None
    try:
        options = Options(force=request.force, pull=request.pull, keep=keeping)
        where = os.path.join(repo.top, request.folder)
        result = reproduce(workspace, request.targets, options, report, cwd=where)
    except FAILURES as caught:
        error = caught
    return save(workspace, request, started, (result, error), kept, drop)


def save(
    workspace: Workspace,
    request: Request,
    started: float,
    outcome: tuple[Result | None, MlversError | None] = (None, None),
    kept: Callable[[refs.Experiment], None] = lambda experiment: None,
    drop: Sequence[str] = (),
) -> Ran:
    """Make the working tree as it stands the experiment that `request` names; see `run`."""
    repo, (result, error) = workspace.repo, outcome
    source = WorkingTree(repo)
    project = Project.load(source)
    taken = snapshot.take(repo, forced=stored(workspace, project))
    message = request.message or _message(request)
    commit = snapshot.commit(repo, taken.tree, [request.baseline], message)
    experiment = refs.Experiment(request.baseline, request.name, commit)
    outcome_of_it = record.Run(
        name=request.name,
        status=record.DONE if error is None else record.FAILED,
        started=started,
        seconds=time.time() - started,
        changed=changed(request.settings),
        error="" if error is None else error.message,
    )
    readings = read(source, project=project, content=cached(workspace))
    record.write(repo, commit, taken.tree, readings, outcome_of_it)
    kept(experiment)
    refs.create(repo, experiment, replace=request.replace, drop=drop)
    return Ran(experiment, result, error, taken.left_out)


def stored(workspace: Workspace, project: Project) -> list[str]:
    """Outputs that may not be in the index by themselves, and belong to the experiment."""
    if workspace.config.autostage:
        return []
    outs = (out for stage in project.stages for out in stage.outs)
    return [out.path for out in outs if is_stored(out) and is_inside(out.path)]


def _message(request: Request) -> str:
    what = " ".join(setting.text for setting in request.settings)
    return f"Experiment {request.name}" + (f": {what}" if what else "")
