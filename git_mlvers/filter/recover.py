"""Putting a working tree right in which a program of ours was killed."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from git_mlvers.errors import LocalIOError
from git_mlvers.filter import placeholder
from git_mlvers.filter.stat import write_stats
from git_mlvers.git.index import StatChange
from git_mlvers.git.objects import blob_id

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from git_mlvers.filter.placeholder import Left
    from git_mlvers.git.repository import Repository


def recover(repo: Repository) -> list[Left]:
    """Mend what was left half-done, and let Git's index know what was done already."""
    found = mend(repo)
    note(repo, found)
    return found


def mend(repo: Repository) -> list[Left]:
    """Give empty placeholders their pointer's text, and remove temporary files.

    The result names all files that a killed process was at work on.
    """
    if repo.work_tree is None:
        return []
    return placeholder.recover(repo.git_dir, repo.work_tree)


def note(repo: Repository, found: Sequence[Left]) -> None:
    """Record in the index those of `found` that have their content already.

    Git would show them as modified for ever, since they are longer than the
    pointers that it knows of. Nothing is done while the index is locked.
    """
    if found and repo.work_tree is not None:
        write_stats(repo, dict(_in_place(repo, repo.work_tree, found)))


def _in_place(
    repo: Repository, work_tree: str, found: Iterable[Left]
) -> Iterator[tuple[bytes, StatChange]]:
    for path, pointer, mended in found:
        full = os.path.join(work_tree, os.fsdecode(path))
        try:
            before = os.lstat(full)
            if mended or not stat.S_ISREG(before.st_mode) or before.st_size != pointer.size:
                continue
            # Next to never, and the cache takes long to import.
            from git_mlvers.cache.objects import hash_file

            if hash_file(full) == pointer.oid:
                blob = blob_id(pointer.encode(), repo.object_format)
                yield path, StatChange(blob, before, None)
        except (OSError, LocalIOError):
            continue  # Git will look at it itself.
