"""Content that has to be there before a stage can run: pointers are filled in, files brought."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from git_mlvers.errors import ContentMissing
from git_mlvers.git.command import GitError
from git_mlvers.pipeline.session import is_inside
from git_mlvers.pointer import MAX_SIZE, VERSION_LINE, Pointer
from git_mlvers.progress import Silent

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from git_mlvers.git.scratch import Entry
    from git_mlvers.pipeline.model import Stage
    from git_mlvers.pipeline.session import Session


def pull(session: Session, paths: Iterable[str]) -> None:
    """Bring what is missing at `paths` into the working tree, as far as Git knows what it is."""
    top = session.repo.top
    absent = [
        path
        for path in dict.fromkeys(paths)
        if is_inside(path)
        and not os.path.lexists(os.path.join(top, path))
        and session.snapshot.staged_name(path) is not None
    ]
    if absent:
        try:
            session.repo.git("--literal-pathspecs", "checkout", "-q", "--", *absent)
        except GitError:
            pass  # what is not there now is missing, and that is told where it matters
    present = [path for path in paths if session.snapshot.name(path) is not None or path in absent]
    _fill_in(session, present, fetching=True)


def require(session: Session, stage: Stage, *, fetching: bool) -> None:
    """See to it that no dependency of `stage` is a pointer without its content.

    The cache is asked for it, and with `fetching` the remotes. Raises `ContentMissing`.
    """
    deps = [path for path in stage.deps if session.snapshot.name(path) is not None]
    left = standing(session.repo.top, _entries(session, deps))
    if not left:
        return
    _fill_in(session, deps, fetching=fetching)
    left = standing(session.repo.top, _entries(session, deps))
    if left:
        more = f" and {len(left) - 1} more files" if len(left) > 1 else ""
        raise ContentMissing(
            f"stage '{stage.address}' needs {left[0]}{more}, whose content is not here",
            "git mlvers repro --pull, or git mlvers pull",
        )


def standing(top: str, entries: Iterable[Entry]) -> list[str]:
    """Those of `entries` whose file in the working tree is a pointer."""
    found = []
    for entry in entries:
        full = os.path.join(top, entry.path)
        try:
            if os.lstat(full).st_size > MAX_SIZE:
                continue
            with open(full, "rb") as file:
                data = file.read(MAX_SIZE + 1)
        except OSError:
            continue
        if data.startswith(VERSION_LINE) and Pointer.parse(data) is not None:
            found.append(entry.path)
    return found


def _entries(session: Session, paths: Iterable[str]) -> list[Entry]:
    return [entry for path in paths for entry in session.snapshot.entries(path)]


def _fill_in(session: Session, paths: Sequence[str], *, fetching: bool) -> None:
    specs = [f":(top,literal){path}" for path in paths if is_inside(path)]
    if not specs:
        return
    # A repro with nothing to do pays for none of this.
    from git_mlvers.filter.checkout import fetch, fill_in, standing_pointers

    workspace = session.workspace
    entries = standing_pointers(workspace, specs)
    if fetching:
        missing = workspace.cache.missing(entry.pointer for entry in entries)
        fetch(workspace, missing, Silent())
    absent = set(workspace.cache.missing(entry.pointer for entry in entries))
    fill_in(workspace, [entry for entry in entries if entry.pointer not in absent])
