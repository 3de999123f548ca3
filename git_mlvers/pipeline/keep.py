"""Outputs that are about to be replaced, and how they can be had back.

What a stage made is in the run cache, what was committed is in a commit. What is
in neither was edited by hand, or was there before: it is kept under a ref.
"""

from __future__ import annotations

import os
import re
import shutil
from typing import TYPE_CHECKING

from git_mlvers.errors import MlversError
from git_mlvers.fsutil import disk_errors, remove_quietly, temp_path
from git_mlvers.git import refs
from git_mlvers.git.scratch import Entry, ScratchIndex, tree_entries, write_tree
from git_mlvers.pipeline import runcache
from git_mlvers.pipeline.recipe import result_key
from git_mlvers.pipeline.session import is_inside, is_stored

if TYPE_CHECKING:
    from collections.abc import Sequence

    from git_mlvers.pipeline.model import Stage
    from git_mlvers.pipeline.session import Session, State

REFS = "refs/mlvers/kept/"
WHO = {
    f"GIT_{role}_{what}": value
    for role in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "git-mlvers"), ("EMAIL", "git-mlvers@localhost"))
}
"""The environment for a git that commits where the user has given no name, or is not asked."""


class BadOutput(MlversError):
    """An output is a place where nothing may be deleted."""


class WayBack:
    """How what stood at `paths` can be had back: from the tree, or the commit, `source`."""

    def __init__(self, source: str, paths: Sequence[str], *, new: bool = False) -> None:
        self.source = source
        self.paths = paths
        self.new = new
        """Whether it was kept just now, since nothing else had it."""

    @property
    def command(self) -> str:
        """The command that does it, wherever it is given."""
        from shlex import quote

        paths = " ".join(quote(f":/{path}") for path in self.paths)
        return f"git restore --source={quote(self.source)} -- {paths}"


def secure(session: Session, stage: Stage, state: State) -> WayBack | None:
    """See to it that the outputs of `stage` that stand there can be had back.

    ``None`` if there are none, or if running the stage as it was makes them again.
    """
    paths = [path for path, name in state.outs.items() if name is not None and is_inside(path)]
    if not paths:
        return None
    result = result_key(state.outs)
    if session.runs.outs(result) is not None:
        return WayBack(f"{runcache.REF}:outs/{result[:2]}/{result}", paths)
    entries = [entry for path in paths for entry in session.snapshot.entries(path)]
    all_stored = all(is_stored(out) for out in stage.outs)
    if all_stored and sorted(tree_entries(session.repo, "HEAD", paths)) == sorted(entries):
        # HEAD will be another one when this is read.
        head = refs.head(session.repo) if entries else None
        return None if head is None else WayBack(head[:12], paths)
    if not all_stored:
        if any(result == known for _, known in session.lock.facts(stage)):
            return None
        entries = _all_entries(session, paths)
    return WayBack(_keep(session, stage, entries), paths, new=True) if entries else None


def clear(session: Session, stage: Stage, *, persistent: bool) -> None:
    """Delete the outputs of `stage`, those that stay in place too if `persistent`."""
    top = session.repo.top
    for out in stage.outs:
        # Behind a link nothing was kept, and what is there may be anybody's.
        if not session.snapshot.is_plain(out.path) or (out.persist and not persistent):
            continue
        _check(stage, out.path)
        full = os.path.join(top, out.path)
        with disk_errors(full, f"deleting an output of stage '{stage.address}'"):
            if os.path.isdir(full) and not os.path.islink(full):
                shutil.rmtree(full)
            elif os.path.lexists(full):
                os.unlink(full)


def _check(stage: Stage, path: str) -> None:
    holds_pipeline = f"{stage.file}/".startswith(f"{path}/")
    if path in ("", ".") or path.split("/")[0] == ".git" or holds_pipeline:
        raise BadOutput(
            f"stage '{stage.address}' has the output {path}, which would be deleted with"
            " all that is in it before each run",
            "name the files or the folder that the stage makes, or give it persist: true",
        )


def _all_entries(session: Session, paths: Sequence[str]) -> list[Entry]:
    """What stands at `paths`, those that Git is not to keep included."""
    path = temp_path(os.path.join(session.repo.git_dir, "mlvers"), "index-")
    index = ScratchIndex(session.repo, path)
    try:
        index.add(paths, force=True)
        return index.entries(paths)
    finally:
        remove_quietly(path)


def _keep(session: Session, stage: Stage, entries: Sequence[Entry]) -> str:
    """Keep a tree of `entries` under a ref, whose name is returned."""
    tree = write_tree(session.repo, entries)
    name = re.sub(r"[^A-Za-z0-9_-]+", "-", stage.address).strip("-") or "stage"
    ref = f"{REFS}{name}-{tree[:10]}"
    if refs.resolve_ref(session.repo, ref) is None:
        message = f"Outputs of stage '{stage.address}' before it ran again\n"
        said = session.repo.git(
            "commit-tree", tree, input=message.encode("utf-8", "replace"), env=WHO
        )
        session.repo.git("update-ref", ref, said.strip())
    return ref
