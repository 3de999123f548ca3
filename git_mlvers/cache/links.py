"""Getting content out of the cache into a file of its own."""

from __future__ import annotations

import errno
import os

from git_mlvers.cache import direct
from git_mlvers.errors import LocalIOError
from git_mlvers.fsutil import disk_errors, reflink, remove_quietly, write_all

AUTO, COPY, HARDLINK = "auto", "copy", "hardlink"
POLICIES = (AUTO, COPY, HARDLINK)
"""How content gets into a working tree: as a reflink or else a copy, as a copy, as a hard link."""

# The file system, or a rule of the system, does not allow this link; a copy does.
_NO_LINK = frozenset(
    {errno.EXDEV, errno.EMLINK, errno.EPERM, errno.EACCES, errno.ENOTSUP, errno.ENOSYS}
)


def write_new(dest: str, data: bytes, mode: int) -> None:
    """Write `data` to the new file `dest` with exactly `mode`; raises `LocalIOError`."""
    with _Target(dest, mode) as fd:
        write_all(fd, data)


def materialise(source: str, size: int, dest: str, mode: int, policy: str) -> bool:
    """Bring the object file `source` to the new file `dest`; false when it is gone.

    The file gets exactly `mode`, but for a hard link, which has the object's and
    is made only where no execute bit is wanted. Raises `LocalIOError`; `dest`
    is then not there.
    """
    if policy == HARDLINK and not mode & 0o111 and _link(source, dest):
        return True
    try:
        with disk_errors(source, "reading the cache"):
            fd = os.open(source, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        with _Target(dest, mode) as target:
            if policy == COPY or not reflink(fd, target):
                direct.copy(fd, target, size, share=policy != COPY)
    finally:
        os.close(fd)
    return True


def _link(source: str, dest: str) -> bool:
    try:
        with disk_errors(dest, "checking out"):
            try:
                os.link(source, dest)
            except OSError as error:
                if error.errno in _NO_LINK:
                    return False
                raise
    except (FileNotFoundError, FileExistsError):
        return False  # The copy tells which of the two it is.
    return True


class _Target:
    """A new file that is removed again unless all goes well; for ``with``."""

    def __init__(self, path: str, mode: int) -> None:
        self._path = path
        self._mode = mode
        self._fd = -1

    def __enter__(self) -> int:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        try:
            with disk_errors(self._path, "writing"):
                self._fd = os.open(self._path, flags, self._mode & 0o777)
        except (FileNotFoundError, FileExistsError) as error:
            raise LocalIOError(
                f"cannot make a new file ({error.strerror}): {self._path}"
            ) from error
        return self._fd

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        fd, self._fd = self._fd, -1
        try:
            with disk_errors(self._path, "writing"):
                try:
                    if error is None:
                        self._set_mode(fd)
                finally:
                    os.close(fd)
                if error is not None:
                    raise error
        except BaseException:
            remove_quietly(self._path)
            raise

    def _set_mode(self, fd: int) -> None:
        if os.fstat(fd).st_mode & 0o777 != self._mode & 0o777:
            try:
                os.fchmod(fd, self._mode & 0o777)
            except OSError as error:
                if error.errno not in (errno.EPERM, errno.ENOTSUP):
                    raise  # Those: a file system without permissions, where Git ignores them too.
