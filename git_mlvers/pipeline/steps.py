"""One stage: what is done before its commands run, and what when they have."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from git_mlvers.errors import MlversError
from git_mlvers.fsutil import make_dirs
from git_mlvers.git.attributes import FILE_NAME as ATTRIBUTES
from git_mlvers.git.process import inherited
from git_mlvers.git.scratch import ScratchIndex, write_tree
from git_mlvers.pipeline import autotrack, content, keep, lock, staging
from git_mlvers.pipeline.recipe import result_key
from git_mlvers.pipeline.report import StageError
from git_mlvers.pipeline.runcache import Fact
from git_mlvers.pipeline.session import MissingDep, is_inside, is_stored
from git_mlvers.pipeline.shell import Job

if TYPE_CHECKING:
    from collections.abc import Sequence

    from git_mlvers.git.scratch import Entry
    from git_mlvers.pipeline.keep import WayBack
    from git_mlvers.pipeline.model import Stage
    from git_mlvers.pipeline.report import Report
    from git_mlvers.pipeline.session import Session, State


def prepare(
    session: Session, stage: Stage, state: State, *, fetching: bool, keeping: bool = True
) -> WayBack | None:
    """Make everything ready for the commands of `stage`; how its old outputs can be had back.

    Without `keeping` they cannot.

    Raises `MissingDep`, `MissingParam` and `ContentMissing`, and has then deleted nothing.
    """
    require_deps(stage, state)
    session.values.require(stage)
    content.require(session, stage, fetching=fetching)
    way_back = keep.secure(session, stage, state) if keeping else None
    keep.clear(session, stage, persistent=False)
    for out in stage.outs:
        make_dirs(os.path.dirname(os.path.join(session.repo.top, out.path)))
    return way_back


def require_deps(stage: Stage, state: State) -> None:
    """Raise `MissingDep` if a dependency is not there."""
    if not state.missing:
        return
    path = state.missing[0]
    if "://" in path:
        raise MissingDep(
            f"stage '{stage.address}' depends on {path}, and a URL cannot be watched",
            "let the stage's command fetch it, or depend on a file that is tracked",
        )
    raise MissingDep(
        f"stage '{stage.address}' depends on {path}, which does not exist",
        "make or restore it, or take it out of the deps",
    )


def job_of(session: Session, stage: Stage) -> Job:
    """The commands of `stage`, as they are to run."""
    top = session.repo.top
    env = dict(session.workspace.env or inherited())
    env.update(DVC_ROOT=top, DVC_STAGE=stage.address, MLVERS_STAGE=stage.address)
    return Job(stage.address, stage.cmds, os.path.normpath(os.path.join(top, stage.wdir)), env)


def finish(session: Session, stage: Stage, before: State, report: Report) -> State:
    """Record what `stage` made of what it was made of `before` it ran; what stands there now.

    Raises `StageError` if an output is missing, and has then recorded nothing.
    """
    top = session.repo.top
    for out in stage.outs:
        if not os.path.lexists(os.path.join(top, out.path)):
            raise StageError(
                f"stage '{stage.address}' has run, but its output {out.path} does not exist",
                "let the command write it there, or correct the path; commands run in wdir,"
                " each in a shell of its own",
            )
    paths = [out.path for out in stage.outs]
    stats = staging.stats_below(top, filter(is_inside, paths))
    autotrack.track_large(session, stage, stats, report)
    session.forget()
    session.look_at(paths)
    outs = {path: session.snapshot.name(path) for path in paths}
    record(session, stage, before._replace(outs=outs), report)
    stage_outputs(session, stage, stats, report)
    return before._replace(outs=outs)


def record(session: Session, stage: Stage, state: State, report: Report) -> None:
    """Make it a fact that `stage` makes what `state` says of what it says."""
    result = result_key(state.outs)
    facts = [Fact(state.key, result, state.recipe._replace(start={}), state.outs)]
    if state.recipe.start:
        facts.append(Fact(state.recipe.restore_key, result, state.recipe, state.outs))
    entries = session.stored(stage)
    tree = write_tree(session.repo, entries) if entries else None
    session.runs.record(stage.address, facts, tree)
    write_lock(session, stage, state, report)


def write_lock(session: Session, stage: Stage, state: State, report: Report) -> bool:
    """Have the fact of `state` alone in the lock file of `stage`; whether that was to be written.

    Other facts of the stage come with a merge, and have done their work.
    """
    fact = (state.key, result_key(state.outs))
    if list(session.lock.facts(stage)) == [fact]:
        return False
    path, new = session.lock.record(stage, *fact)
    if new:
        changed = lock.merge_by_union(session.repo.top)
        session.attributes_changed = session.attributes_changed or changed
        report.line(f"Generating lock file '{path}'")
    report.line(f"Updating lock file '{path}'")
    return True


def stage_outputs(
    session: Session,
    stage: Stage,
    stats: dict[str, os.stat_result],
    report: Report,
) -> None:
    """Stage the outputs of `stage` that Git or the cache is to keep, unless that is turned off."""
    if not session.workspace.config.autostage:
        return
    paths = [
        out.path
        for out in stage.outs
        if is_stored(out) and out.push and session.snapshot.entries(out.path)
    ]
    entries = [entry for path in paths for entry in session.snapshot.entries(path)]
    _stage(session, paths, entries, stats, report)
    session.snapshot.confirm_staging()


def stage_locks(session: Session, files: Sequence[str], report: Report) -> None:
    """Stage the lock `files`, and what says how they are merged."""
    if not files or not session.workspace.config.autostage:
        return
    top = session.repo.top
    paths = [*files, ATTRIBUTES] if session.attributes_changed else list(files)
    paths = [path for path in paths if os.path.exists(os.path.join(top, path))]
    try:
        ScratchIndex(session.repo, session.repo.index_path).add(paths, force=True)
    except MlversError as error:
        report.warn(f"{', '.join(paths)} cannot be staged: {error.message}", "git add them")


def _stage(
    session: Session,
    paths: Sequence[str],
    entries: Sequence[Entry],
    stats: dict[str, os.stat_result],
    report: Report,
) -> None:
    session.snapshot.expect_staging()
    try:
        staging.stage_entries(session.repo, paths, entries, stats)
    except MlversError as error:
        report.warn(f"{', '.join(paths)} cannot be staged: {error.message}", "git add -f them")
