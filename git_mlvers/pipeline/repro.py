"""Making what a pipeline makes: stages run if anything that they are made of is different.

A stage is up to date if it is a fact that it made what stands there of what
there is. If it made something else of just that before, that is put in place
again; else its commands run.
"""

from __future__ import annotations

import os
import signal
import threading
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING

from git_mlvers.errors import MlversError
from git_mlvers.git.repository import require_work_tree
from git_mlvers.pipeline import guard
from git_mlvers.pipeline.graph import Graph
from git_mlvers.pipeline.project import Project
from git_mlvers.pipeline.report import Options, Result, Silent
from git_mlvers.pipeline.schedule import Schedule
from git_mlvers.pipeline.session import Session
from git_mlvers.pipeline.source import WorkingTree

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from git_mlvers.pipeline.model import Stage
    from git_mlvers.pipeline.report import Report
    from git_mlvers.workspace import Workspace

_ENDINGS = ("SIGTERM", "SIGHUP")


def reproduce(
    workspace: Workspace,
    targets: Sequence[str] = (),
    options: Options | None = None,
    report: Report | None = None,
    *,
    cwd: str | None = None,
) -> Result:
    """Bring the stages that `targets` name, and what they depend on, up to date.

    Targets are stages, pipeline files or outputs, as `Project.find` knows them; without
    any it is the pipeline file in the folder `cwd` (an absolute path), or all if there
    is none. Raises the error of the first stage that fails; with `keep_going` all
    others are tried, and the result has those that failed.
    """
    options = Options() if options is None else options
    report = Silent() if report is None else report
    top = require_work_tree(workspace.repo)
    source = WorkingTree(workspace.repo)
    project = Project.load(source)
    for warning in project.warnings:
        report.warn(warning)
    if options.pull and options.run_cache and not options.dry:
        _fetch_runs(workspace, report)
    graph = Graph(project.stages)
    chosen = choose(project, targets, top if cwd is None else cwd, top, options)
    order = graph.order(chosen, downstream=options.downstream, single=options.single)
    session = Session(workspace, source, project.stages, allow_missing=options.allow_missing)
    folder = os.path.join(workspace.repo.git_dir, "mlvers")

    def wait_for(process: str) -> None:
        report.line(f"Another repro runs here (process {process}); waiting for its end.")

    # Commands of a stage may repro others: whoever runs that stage has the lock.
    nested = workspace.env.get("MLVERS_STAGE") and workspace.env.get("DVC_ROOT") == top
    own = nullcontext() if options.dry or nested else guard.alone(folder, wait_for)
    try:
        with own, endings_heard():
            groups = guard.Groups(folder)
            if not options.dry and not nested:
                groups.check()
            return Schedule(session, graph, order, options, report, groups).run()
    finally:
        session.close()


def choose(
    project: Project, targets: Sequence[str], cwd: str, top: str, options: Options
) -> list[Stage]:
    """The stages that are meant; see `reproduce`."""
    stages = list(project.stages)
    if options.all_pipelines:
        return stages
    folder = os.path.relpath(os.path.realpath(cwd), os.path.realpath(top))
    if targets:
        return project.find(targets, folder)
    here = [stage for stage in stages if (os.path.dirname(stage.file) or ".") == folder]
    return here or stages


def _fetch_runs(workspace: Workspace, report: Report) -> None:
    """Bring the run cache of the git remote here, if there is one that can be asked."""
    from git_mlvers.pipeline import runsync

    try:
        runsync.fetch(workspace.repo, runsync.git_remote_of(workspace.repo, None))
    except runsync.NoGitRemote:
        pass  # all that can be had is here
    except MlversError as error:
        report.warn(error.message, error.hint)


@contextmanager
def endings_heard() -> Iterator[None]:
    """Let the signals that end a program do so as Ctrl-C does: in order, with children ended."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def leave(number: int, _frame: object) -> None:
        raise SystemExit(128 + number)

    before = {}
    for name in _ENDINGS:
        number = getattr(signal, name)
        if signal.getsignal(number) is not signal.SIG_IGN:
            before[number] = signal.signal(number, leave)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
