"""Recording what stands at the outputs of stages as what they made, with nothing run."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from git_mlvers.errors import MlversError
from git_mlvers.git.repository import require_work_tree
from git_mlvers.pipeline import guard, lock, staging, steps
from git_mlvers.pipeline.explain import Reason, explain
from git_mlvers.pipeline.graph import Graph
from git_mlvers.pipeline.project import Project
from git_mlvers.pipeline.report import Options, StageError
from git_mlvers.pipeline.repro import choose
from git_mlvers.pipeline.session import Session, is_inside, runs_always
from git_mlvers.pipeline.source import WorkingTree

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from git_mlvers.pipeline.model import Stage
    from git_mlvers.pipeline.report import Report
    from git_mlvers.workspace import Workspace


class NotAgreed(MlversError):
    """A stage is not what its lock file says, and nobody has said that this is right."""


class Recorded(NamedTuple):
    """Addresses of stages: whose facts were written, and which had nothing to write."""

    recorded: tuple[str, ...]
    unchanged: tuple[str, ...]


def record_present(
    workspace: Workspace,
    targets: Sequence[str],
    report: Report,
    agree: Callable[[Stage, Sequence[Reason]], bool],
    *,
    cwd: str,
) -> Recorded:
    """Make what stands there a fact, for the stages that `targets` name (see `reproduce`).

    `agree` is asked for each stage that is not up to date. Raises `NotAgreed` if the
    answer is no, `MissingDep` and `StageError` for what is not there.
    """
    top = require_work_tree(workspace.repo)
    source = WorkingTree(workspace.repo)
    project = Project.load(source)
    options = Options()
    chosen = choose(project, targets, cwd, top, options)
    order = Graph(project.stages).order(chosen, single=bool(targets))
    session = Session(workspace, source, project.stages)
    recorded, unchanged = [], []
    folder = os.path.join(workspace.repo.git_dir, "mlvers")
    try:
        with guard.alone(folder, lambda process: report.line(f"Waiting for process {process}.")):
            session.look(order)
            todo = []
            for stage in order:
                reasons = [] if runs_always(stage) else explain(session, stage)
                if not reasons:
                    unchanged.append(stage.address)
                elif not agree(stage, reasons):
                    raise NotAgreed(
                        f"stage '{stage.address}' is not what its lock file says of it",
                        "git mlvers repro runs it; git mlvers commit -f records it as it is",
                    )
                else:
                    todo.append(stage)
            for stage in todo:
                _record(session, stage, report)
                recorded.append(stage.address)
            steps.stage_locks(session, sorted({lock.path_of(stage) for stage in todo}), report)
    finally:
        session.close()
    return Recorded(tuple(recorded), tuple(unchanged))


def _record(session: Session, stage: Stage, report: Report) -> None:
    state = session.state(stage)
    steps.require_deps(stage, state)
    session.values.require(stage)
    for path, name in state.outs.items():
        if name is None:
            raise StageError(
                f"the output {path} of stage '{stage.address}' does not exist",
                f"git mlvers repro {stage.address}",
            )
    stats = staging.stats_below(session.repo.top, filter(is_inside, state.outs))
    session.forget()
    session.look([stage])
    state = session.state(stage)
    steps.record(session, stage, state, report)
    steps.stage_outputs(session, stage, stats, report)
