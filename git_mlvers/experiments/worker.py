"""One task run from beginning to end, by a process of its own."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from git_mlvers.errors import MlversError
from git_mlvers.experiments import logs, params, tasks, trees
from git_mlvers.experiments.pool import TAKEN
from git_mlvers.experiments.run import run
from git_mlvers.pipeline.repro import endings_heard
from git_mlvers.pipeline.source import WorkingTree

if TYPE_CHECKING:
    from git_mlvers.experiments.refs import Experiment
    from git_mlvers.experiments.tasks import Outcome, Task
    from git_mlvers.pipeline.report import Report
    from git_mlvers.workspace import Workspace


def work(workspace: Workspace, task: Task, report: Report) -> int:
    """Run `task` unless somebody does, or it has ended; the exit code of the process."""
    with tasks.held(task.path("lock")) as mine:
        if not mine:
            return TAKEN
        done = task.outcome()
        if done is None:
            done = _run(workspace, task, report)
            tasks.finish(workspace.repo, task, done, workspace.config.shared)
        return done.exit_code


def _run(workspace: Workspace, task: Task, report: Report) -> Outcome:
    """What came of it. When this process is told to end, it comes to nothing, unless the user
    has asked for the end of just this task.
    """
    try:
        with (
            endings_heard(),
            trees.made(workspace, task.id, task.snapshot, task.request.baseline) as path,
        ):
            return _run_in(workspace, task, path, report)
    except MlversError as error:
        return tasks.Outcome(
            tasks.FAILED, message=error.message, hint=error.hint, exit_code=error.exit_code
        )
    except (KeyboardInterrupt, SystemExit):
        if not os.path.exists(task.path("kill")):
            raise
        return tasks.Outcome(tasks.KILLED, message=tasks.KILLED_BY_USER, exit_code=1)


def _run_in(workspace: Workspace, task: Task, path: str, report: Report) -> Outcome:
    from git_mlvers.workspace import Workspace as Opened

    def kept(experiment: Experiment) -> None:
        logs.keep(task.log, workspace, experiment.commit)

    with Opened.open(path, trees.environment(workspace.env)) as own:
        changes = params.plan(WorkingTree(own.repo), task.request.settings, task.request.folder)
        ran = run(own, task.request, report, changes=changes, kept=kept, keeping=False)
    commit, left_out = ran.experiment.commit, ran.left_out
    if ran.error is None:
        return tasks.Outcome(tasks.DONE, commit, left_out=left_out)
    error = ran.error
    return tasks.Outcome(tasks.FAILED, commit, error.message, error.hint, error.exit_code, left_out)
