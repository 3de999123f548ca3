"""Facts for ``mlvers.lock``: the stages of ``dvc.lock`` that stand as they were run."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from git_mlvers.errors import MlversError
from git_mlvers.pipeline import guard, lock, staging, steps
from git_mlvers.pipeline.project import Project
from git_mlvers.pipeline.session import Session, is_inside
from git_mlvers.pipeline.source import WorkingTree

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from git_mlvers.migrate.dvcdata import Sums
    from git_mlvers.migrate.dvcfiles import LockedStage
    from git_mlvers.pipeline.model import Stage
    from git_mlvers.pipeline.report import Report
    from git_mlvers.workspace import Workspace


class Facts(NamedTuple):
    """Addresses of stages that need not run again, and of the others why, a sentence each."""

    recorded: list[str]
    stale: list[str]


def record(
    workspace: Workspace, locked: Sequence[LockedStage], sums: Sums, report: Report
) -> Facts:
    """Record what stands there as a fact, where it is what ``dvc.lock`` says; nothing is run."""
    found = Facts([], [])
    if not locked:
        return found
    source = WorkingTree(workspace.repo)
    project = Project.load(source)
    by_name = {(stage.file, stage.name): stage for stage in project.stages}
    session = Session(workspace, source, project.stages)
    folder = os.path.join(workspace.repo.git_dir, "mlvers")
    try:
        with guard.alone(folder, lambda process: report.line(f"Waiting for process {process}.")):
            done = [
                stage
                for each in locked
                if (stage := _agreed(each, by_name, session, sums, found)) is not None
            ]
            files = sorted({lock.path_of(stage) for stage in done})
            for stage in done:
                _record(session, stage, report, found)
            steps.stage_locks(session, files, report)
    finally:
        session.close()
    return found


def _agreed(
    locked: LockedStage,
    by_name: Mapping[tuple[str, str], Stage],
    session: Session,
    sums: Sums,
    found: Facts,
) -> Stage | None:
    stage = by_name.get((locked.file, locked.name))
    if stage is None:
        return None
    why = _difference(locked, stage, session, sums)
    if why is not None:
        found.stale.append(f"stage '{stage.address}' is not as it was run: {why}")
        return None
    return stage


def _difference(locked: LockedStage, stage: Stage, session: Session, sums: Sums) -> str | None:
    """What is different from what ``dvc.lock`` says; ``None``: nothing."""
    if locked.cmds != stage.cmds:
        return "its command is another one"
    deps = {dep.path: dep for dep in locked.deps}
    outs = {out.path: out for out in locked.outs}
    if set(deps) != set(stage.deps) or set(outs) != {out.path for out in stage.outs}:
        return "it has other dependencies or outputs"
    for path, data in {**deps, **outs}.items():
        if not data.md5 or not sums.agrees(data):
            return f"{path} has changed"
    try:
        session.values.require(stage)
        values = session.values.of(stage)
    except MlversError as error:
        return error.message
    known = {file: dict(keys) for file, keys in locked.params.items()}
    for params in stage.params:
        then, now = known.get(params.path, {}), values.get(params.path, {})
        if params.keys is not None and any(
            then.get(key, _ABSENT) != now.get(key, _ABSENT) for key in params.keys
        ):
            return f"params in {params.path} have changed"
        if params.keys is None and then != now.get("", {}):
            return f"{params.path} has changed"
    return None


_ABSENT = object()


def _record(session: Session, stage: Stage, report: Report, found: Facts) -> None:
    stats = staging.stats_below(
        session.repo.top, filter(is_inside, (out.path for out in stage.outs))
    )
    session.forget()
    session.look([stage])
    state = session.state(stage)
    steps.record(session, stage, state, report)
    steps.stage_outputs(session, stage, stats, report)
    found.recorded.append(stage.address)
