"""What the operating system says of a store on disk, as errors of a backend."""

from __future__ import annotations

import contextlib
import errno
import os
from typing import TYPE_CHECKING

from git_mlvers.backend.base import (
    BackendError,
    Forbidden,
    KeyMissing,
    StoreFull,
    StoreMissing,
    StoreNotMade,
    Unreachable,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

_FULL = {errno.ENOSPC, errno.EDQUOT}
_FORBIDDEN = {errno.EACCES, errno.EPERM}
_GONE = {
    *(errno.ESTALE, errno.EIO, errno.ENXIO, errno.ENODEV, errno.ENOTCONN, errno.ETIMEDOUT),
    *(errno.EHOSTDOWN, errno.EHOSTUNREACH, errno.ECONNABORTED, errno.ESHUTDOWN),
    getattr(errno, "EREMOTEIO", errno.EIO),
}


@contextlib.contextmanager
def translated(root: str, doing: str, key: str) -> Iterator[None]:
    """Turn an ``OSError`` within into a `BackendError` that names what was done, and to which key.

    `doing` is a phrase such as "read"; the sentence becomes "cannot read KEY in ROOT: why".
    """
    try:
        yield
    except OSError as error:
        raise _error(error, root, doing, key) from error


def missing(root: str, key: str) -> KeyMissing | StoreMissing:
    """The error for something that is not there, by how much else is not there."""
    if os.path.isdir(root):
        return KeyMissing(f"{root} has no {key}")
    if os.path.isdir(os.path.dirname(root)):
        return StoreNotMade(
            f"the directory {root} is not there", "is it mounted? the first push makes it"
        )
    return StoreMissing(
        f"neither the directory {root} nor the one above it is there",
        "is it mounted? is the path right?",
    )


def _error(error: OSError, root: str, doing: str, key: str) -> BackendError:
    number = error.errno
    what = f"cannot {doing} {key} in {root}" if key else f"cannot {doing} {root}"
    if number in _FULL:
        return StoreFull(
            f"{what}: there is no room left on the device, or no quota", "make room and try again"
        )
    if number == errno.EROFS:
        return Forbidden(f"{what}: it is mounted read-only")
    if number in _FORBIDDEN:
        return Forbidden(f"{what}: permission denied", f"ls -ld {root}")
    if number == errno.ENOENT:
        return missing(root, key)
    if number in (errno.ENOTDIR, errno.ELOOP):
        if os.path.exists(root) and not os.path.isdir(root):
            return StoreMissing(f"{root} is not a directory")
        return BackendError(
            f"{what}: on the way there is a file or a symbolic link, which is not followed"
        )
    if number in _GONE:
        return Unreachable(
            f"{what}: {_words(error)}", "is the disk or the share still there?", transient=False
        )
    return BackendError(f"{what}: {_words(error)}")


def _words(error: OSError) -> str:
    return error.strerror or str(error)
