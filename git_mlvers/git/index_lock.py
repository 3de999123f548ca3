"""The file of the index: read whole, and replaced under git's own lock."""

from __future__ import annotations

import os

from git_mlvers.errors import MlversError
from git_mlvers.git.index_format import IndexUnsupported

# A header and the shortest hash. Bytes.
_SMALLEST = 12 + 20


class IndexLocked(MlversError):
    """Somebody else is writing the index, or it cannot be written."""


def read_index(path: str) -> tuple[bytearray, os.stat_result] | None:
    """The bytes of an index and the stat of just that file; ``None`` if there is none.

    Raises `IndexUnsupported` when it cannot be read.
    """
    try:
        with open(path, "rb", buffering=0) as file:
            stat = os.fstat(file.fileno())
            data = bytearray(stat.st_size)
            view, done = memoryview(data), 0
            while done < len(data) and (count := file.readinto(view[done:])):
                done += count
    except FileNotFoundError:
        return None
    except OSError as error:
        raise IndexUnsupported(f"cannot read {path}: {error.strerror}") from error
    if done < stat.st_size or done < _SMALLEST:
        raise IndexUnsupported(f"the index is cut short: {path}")
    return data, stat


def replace_index(path: str, data: bytearray, stat: os.stat_result, mtime_ns: int) -> bool:
    """Put `data` in the place of the index that had `stat`; ``False`` if it is another one now.

    It gets the permissions of the old one and the time `mtime_ns`. Raises
    `IndexLocked` when it is locked or cannot be written; nothing is left behind.
    """
    lock = path + ".lock"
    try:
        fd = os.open(lock, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
    except OSError as error:
        raise IndexLocked(f"cannot lock the index: {error.strerror}: {lock}") from error
    try:
        try:
            if not _same(os.stat(path), stat):
                os.unlink(lock)
                return False
            _like(fd, stat)
            view = memoryview(data)
            while view:
                view = view[os.write(fd, view) :]
            os.utime(fd, ns=(stat.st_atime_ns, mtime_ns))
        finally:
            os.close(fd)
        os.replace(lock, path)
    except BaseException as error:
        _discard(lock)
        if isinstance(error, OSError):
            raise IndexLocked(f"cannot write the index: {error.strerror}: {path}") from error
        raise
    return True


def _like(fd: int, stat: os.stat_result) -> None:
    """Give the new file the permissions of the old one, as core.sharedRepository made them."""
    if os.fstat(fd).st_gid != stat.st_gid:
        try:
            os.fchown(fd, -1, stat.st_gid)
        except OSError:
            pass  # not of that group; git itself would leave it at that
    os.fchmod(fd, stat.st_mode & 0o7777)


def _same(a: os.stat_result, b: os.stat_result) -> bool:
    return (a.st_ino, a.st_size, a.st_mtime_ns, a.st_ctime_ns) == (
        b.st_ino,
        b.st_size,
        b.st_mtime_ns,
        b.st_ctime_ns,
    )


def _discard(lock: str) -> None:
    try:
        os.unlink(lock)
    except FileNotFoundError:
        pass
