"""Outputs of an earlier run, put in the place of the present ones."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from git_mlvers.fsutil import make_dirs
from git_mlvers.git.command import GitError
from git_mlvers.git.scratch import tree_entries, write_tree
from git_mlvers.pipeline import content, keep
from git_mlvers.pipeline.contents import folder_name
from git_mlvers.pipeline.recipe import result_key
from git_mlvers.pipeline.session import is_inside

if TYPE_CHECKING:
    from git_mlvers.git.scratch import Entry
    from git_mlvers.pipeline.model import Stage
    from git_mlvers.pipeline.session import Session, State

_EMPTY = folder_name(()).hex()


class Earlier(NamedTuple):
    """What an earlier run of a stage made: the result, and the tree that has it."""

    result: str
    tree: str


def find(session: Session, stage: Stage, state: State, *, run_cache: bool) -> Earlier | None:
    """What `stage` made of just the same before, if it is kept; of several, what its lock names."""
    if any(not is_inside(out.path) for out in stage.outs) or not stage.outs:
        return None
    locked = [result for key, result in session.lock.facts(stage) if key == state.key]
    staged = _staged(session, stage)
    if staged is not None and staged[0] in locked:
        return Earlier(staged[0], write_tree(session.repo, staged[1]))
    if not run_cache or not (stage.deps or stage.params):
        return None
    key = state.recipe.restore_key
    known = session.runs.results(key)
    for result in [*(result for result in locked if result in known), session.runs.newest(key)]:
        tree = session.runs.outs(result) if result is not None else None
        if result is not None and tree is not None and _fits(session, stage, tree):
            return Earlier(result, tree)
    return None


def restore(session: Session, stage: Stage, state: State, earlier: Earlier) -> bool:
    """Put the outputs of `earlier` in place; false if their content cannot be had.

    What stands there must be secured; it is gone in either case.
    """
    entries = tree_entries(session.repo, earlier.tree)
    keep.clear(session, stage, persistent=True)
    top = session.repo.top
    for out in stage.outs:
        make_dirs(os.path.dirname(os.path.join(top, out.path)))
    try:
        if entries:
            _check_out(session, earlier.tree)
    except GitError:
        return False
    if content.standing(top, entries):
        return False
    _make_empty_folders(session, stage, state, earlier)
    return True


def _fits(session: Session, stage: Stage, tree: str) -> bool:
    """Whether `tree` has outputs of `stage` alone: a run cache may come from somebody else."""
    outs = [out.path for out in stage.outs]
    return all(
        any(entry.path == out or entry.path.startswith(f"{out}/") for out in outs)
        for entry in tree_entries(session.repo, tree)
    )


def _staged(session: Session, stage: Stage) -> tuple[str, list[Entry]] | None:
    """What the index has of the outputs of `stage`, if one is missing and it has them all."""
    names: dict[str, str | None] = {}
    entries: list[Entry] = []
    for out in stage.outs:
        name, some = session.snapshot.staged_name(out.path), session.snapshot.staged(out.path)
        if name is None or not some:
            return None
        names[out.path] = name
        entries.extend(some)
    return result_key(names), entries


def _check_out(session: Session, tree: str) -> None:
    """Write all files of `tree`, with no hook run and the user's index left alone."""
    words = ("-c", f"core.hooksPath={os.devnull}", "checkout", "-q", tree, "--", ".")
    with session.snapshot.index() as path:
        session.repo.git(*words, env={"GIT_INDEX_FILE": path})


def _make_empty_folders(session: Session, stage: Stage, state: State, earlier: Earlier) -> None:
    """Make the outputs that were empty folders: no tree has any."""
    fact = session.runs.fact(state.recipe.restore_key, earlier.result)
    for out in stage.outs:
        if fact is not None and fact.outs.get(out.path) == _EMPTY:
            make_dirs(os.path.join(session.repo.top, out.path))
