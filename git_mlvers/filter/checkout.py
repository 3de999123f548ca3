"""Filling in the pointers that stand in the working tree, without Git asking for it."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, NamedTuple

from git_mlvers.errors import MlversError
from git_mlvers.filter.placeholder import Journal
from git_mlvers.filter.populate import Changed, replace_file
from git_mlvers.filter.recover import recover
from git_mlvers.filter.stat import write_stats
from git_mlvers.git import scan
from git_mlvers.git.index import StatChange
from git_mlvers.git.repository import require_work_tree
from git_mlvers.pointer import MAX_SIZE
from git_mlvers.transfer import download

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from git_mlvers.git.scan import Entry
    from git_mlvers.pointer import Pointer
    from git_mlvers.progress import Progress
    from git_mlvers.workspace import Workspace


class Filled(NamedTuple):
    """What became of one pointer in the working tree; no error means content stands there."""

    path: bytes
    pointer: Pointer
    error: MlversError | None


def standing_pointers(
    workspace: Workspace,
    pathspecs: Sequence[str] = (),
    wanted: Callable[[bytes], bool] | None = None,
) -> list[Entry]:
    """The entries of the index whose file in the working tree is just their pointer's text.

    What a program that was killed has left half-done is put right before.
    """
    recover(workspace.repo)
    root = os.fsencode(require_work_tree(workspace.repo))
    return [
        entry
        for entry in scan.index_pointers(workspace.repo, pathspecs)
        if (wanted is None or wanted(entry.path))
        and _is_pointer_text(os.path.join(root, entry.path), entry.pointer)
    ]


def fetch(
    workspace: Workspace,
    pointers: Iterable[Pointer],
    progress: Progress,
    git_remote: str | None = None,
) -> dict[Pointer, MlversError | None]:
    """Bring content into the cache; for each pointer why that failed, or ``None``."""
    outcomes = download(pointers, workspace.cache, workspace.sources(git_remote), progress)
    result = {outcome.pointer: outcome.error for outcome in outcomes}
    workspace.cache.flush()
    return result


def fill_in(workspace: Workspace, entries: Sequence[Entry]) -> list[Filled]:
    """Put content in place of the pointers `entries`, from the cache, and tell Git's index.

    A file that is no longer just the pointer is left alone, with an error. So
    is everything below a directory that is a symbolic link.
    """
    root = os.fsencode(require_work_tree(workspace.repo))
    results = []
    changes = {}
    journal = Journal(workspace.repo.git_dir, workspace.config.shared)
    try:
        for entry in entries:
            path = os.path.join(root, entry.path)
            try:
                if not _reached_plainly(root, entry.path):
                    raise Changed
                new = _fill_in(workspace, journal, entry, path)
                changes[entry.path] = StatChange(entry.blob, new, None)
                results.append(Filled(entry.path, entry.pointer, None))
            except MlversError as error:
                results.append(Filled(entry.path, entry.pointer, error))
    finally:
        journal.remove_temps()
    # Should that fail, the journal stays, and the next filter tries it again.
    write_stats(workspace.repo, changes, wait=True)
    journal.clear()
    return results


def _fill_in(workspace: Workspace, journal: Journal, entry: Entry, path: bytes) -> os.stat_result:
    def stands(path: bytes) -> bool:
        return _is_pointer_text(path, entry.pointer)

    try:
        mode = stat.S_IMODE(os.lstat(path).st_mode)
    except OSError:
        raise Changed from None
    if not stands(path):
        raise Changed
    journal.add(entry.path, entry.pointer)
    temp = journal.temp_beside(path)
    return replace_file(workspace.cache, entry.pointer, path, mode, temp, stands)


def _is_pointer_text(path: bytes, pointer: Pointer) -> bool:
    try:
        found = os.lstat(path)
        if not stat.S_ISREG(found.st_mode) or found.st_size > MAX_SIZE:
            return False
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return False
    with open(fd, "rb") as file:
        return file.read(MAX_SIZE + 1) == pointer.encode()


def _reached_plainly(root: bytes, path: bytes) -> bool:
    """Whether no directory on the way to `path` is a symbolic link."""
    folder = root
    for part in path.split(b"/")[:-1]:
        folder = os.path.join(folder, part)
        if os.path.islink(folder):
            return False
    return True
