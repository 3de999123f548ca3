"""Putting Git's index right after a checkout, so that the next status reads no file.

Git recorded for a populated file that it is empty, and would look at its
content again. Files that went through the pipe in the second in which Git
wrote its index are "racily clean" to Git, which would clean them again. Both
are put right by writing what `stat` says into the index, for just those
entries, and only where Git has not gone on in the meantime.
"""

from __future__ import annotations

import os
import stat
import time
from typing import TYPE_CHECKING

from git_mlvers.git import command
from git_mlvers.git.index import IndexLocked, IndexUnsupported, StatChange, patch_stat
from git_mlvers.oid import Oid

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from git_mlvers.filter.populate import Populated
    from git_mlvers.filter.smudge import Piped
    from git_mlvers.git.repository import Repository

_SECOND = 1_000_000_000
_WORD = 1 << 32
# A filter is waited for at most a moment after it was given the last file.
_RACY_WINDOW = 3.0
# The clock by which files get their times may lag behind by one tick. Seconds.
_TICK = 0.1
# So long a command of ours waits while Git writes the index.
_PATIENCE = 5.0
_PAUSE = 0.05


def refresh_index(repo: Repository, populated: Sequence[Populated], piped: Sequence[Piped]) -> None:
    """Record the present stat of the files that a checkout wrote, where that is safe.

    Nothing is done, and Git looks at the files once, when the index is locked
    or of a kind that cannot be patched in place (a split index).
    """
    try:
        index = os.stat(repo.index_path)
    except OSError:
        return
    changes = dict(_of_populated(populated))
    changes.update(_of_racy(piped, index))
    write_stats(repo, changes)


def write_stats(
    repo: Repository, changes: Mapping[bytes, StatChange], *, wait: bool = False
) -> None:
    """Write `changes` into the index of `repo`, or nothing when that cannot be done at once.

    With `wait`, for a command of ours that Git does not wait for, it is done in
    any case: Git takes a file that is longer than its index says for modified,
    and never looks at its content. Then `IndexLocked` is raised when the index
    stays locked, and `GitError` when Git cannot read it.
    """
    if not changes:
        return
    munge = _munges_size(changes)
    deadline = time.monotonic() + (_PATIENCE if wait else 0)
    while True:
        try:
            patch_stat(repo.index_path, changes, repo.object_format, munge)
        except IndexUnsupported:
            if wait:  # Git can do it, though it reads each file.
                paths = b"".join(path + b"\0" for path in changes)
                repo.git("update-index", "-z", "--stdin", input=paths)
        except IndexLocked as error:
            if time.monotonic() < deadline:
                time.sleep(_PAUSE)
                continue
            if wait:
                raise IndexLocked(
                    f"{error.message}; git status shows {len(changes)} files as modified that are"
                    " not",
                    "when no other git runs here, remove the lock, and run git mlvers checkout",
                ) from error
        return


def _munges_size(changes: Mapping[bytes, StatChange]) -> bool:
    """Whether this git has a number of its own for the sizes in `changes`, if that matters.

    git 2.43 (5143ac07b1) began to tell a multiple of 4 GiB from an empty file. git is
    asked for its version only where such a size occurs: a start of git for every
    checkout would be dear.
    """
    odd = any(change.new.st_size and change.new.st_size % _WORD == 0 for change in changes.values())
    return odd and command.version() >= (2, 43)


def _of_populated(populated: Iterable[Populated]) -> Iterable[tuple[bytes, StatChange]]:
    for result in populated:
        path, _, blob = result.placeholder
        if result.stat is None or blob is None:
            continue
        try:
            now = os.lstat(path)
        except OSError:
            continue
        # A hook may have edited the file since; then Git has to look at it.
        if _same(now, result.stat):
            yield path, StatChange(blob, now, None)


def _of_racy(piped: Sequence[Piped], index: os.stat_result) -> Iterable[tuple[bytes, StatChange]]:
    """Set back the time of racily clean files, which makes them plainly clean.

    What Git wrote before its index cannot have been edited since without
    getting a later time than the index. A file with an earlier time than the
    index is so as Git wrote it, and `patch_stat` compares the rest; one with
    the same time, in ticks of a few milliseconds, has to be read.
    """
    second = index.st_mtime_ns // _SECOND
    back = (second - 2) * _SECOND
    for path, blob, oid, size, when in reversed(piped):
        if when < second - _RACY_WINDOW:
            break
        if when > index.st_mtime_ns / _SECOND + _TICK:
            continue  # Git has not written its index since: it went no further.
        try:
            found = os.lstat(path)
            racy = found.st_mtime_ns >= second * _SECOND and found.st_size == size
            if not racy or not stat.S_ISREG(found.st_mode):
                continue
            os.utime(path, ns=(found.st_atime_ns, back), follow_symlinks=False)
            if found.st_mtime_ns >= index.st_mtime_ns and not _holds(path, oid, size):
                os.utime(path, follow_symlinks=False)
                continue
            new = os.lstat(path)
        except OSError:
            continue
        # Who edits the file at this moment gives it another time.
        if (new.st_ino, new.st_size, new.st_mtime_ns) == (found.st_ino, size, back):
            yield path, StatChange(blob, new, found)


def _holds(path: bytes, oid: Oid, size: int) -> bool:
    with open(path, "rb") as file:
        return Oid.of(file.read(size + 1)) == oid


def _same(a: os.stat_result, b: os.stat_result) -> bool:
    return (a.st_ino, a.st_size, a.st_mtime_ns, a.st_ctime_ns) == (
        b.st_ino,
        b.st_size,
        b.st_mtime_ns,
        b.st_ctime_ns,
    )
