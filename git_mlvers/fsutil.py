"""Files on the local disk: whole or not at all, copied in the kernel, durable when asked.

Paths are ``str`` as `os.fsdecode` makes them; sizes are bytes.
"""

from __future__ import annotations

import errno
import fcntl
import os
from typing import TYPE_CHECKING

from git_mlvers.errors import LocalIOError

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

# From linux/fs.h: _IOW(0x94, 9, int).
_FICLONE = 0x40049409
# One system call copies at most this, so that Ctrl-C is heard in a large copy.
_STEP = 64 << 20
_BLOCK = 1 << 20
_ATTEMPTS = 5
# "This way of copying does not work here", as opposed to "the disk failed".
_UNSUPPORTED = frozenset(
    {errno.EXDEV, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL, errno.EPERM, errno.EBADF}
    | {errno.ENOTTY, errno.ETXTBSY, errno.ENOTSOCK, errno.EOVERFLOW}
)

_CAUSES = {
    errno.ENOSPC: ("the disk is full", "make room and run the command again"),
    errno.EDQUOT: ("the disk quota is used up", "make room and run the command again"),
    errno.EROFS: ("the file system is read-only", None),
    errno.EACCES: ("permission denied", "check who owns it"),
    errno.EPERM: ("permission denied", "check who owns it"),
    errno.EIO: ("the disk reports an error", "check the disk"),
    errno.EFBIG: ("the file is too large for the file system or the limit set", None),
    errno.EMFILE: ("too many open files", "raise the limit: ulimit -n"),
}
# Told apart by callers, or nothing that a disk says.
_NOT_DISK = (FileNotFoundError, FileExistsError, BrokenPipeError, InterruptedError, BlockingIOError)


class disk_errors:
    """``with disk_errors(path, "writing the index"):`` turns what the disk refuses into words.

    An `OSError` of the block becomes a `LocalIOError` that names the cause, what
    was being done, and `path`. `FileNotFoundError` and `FileExistsError` pass
    through, as does a broken pipe: they are for the caller to tell.
    """

    __slots__ = ("_doing", "_path")

    def __init__(self, path: str, doing: str) -> None:
        self._path = path
        self._doing = doing

    def __enter__(self) -> None:
        return None

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if isinstance(error, OSError) and not isinstance(error, _NOT_DISK):
            raise local_error(error, self._path, self._doing) from error


def local_error(error: OSError, path: str, doing: str) -> LocalIOError:
    """The sentence for `error`, met while `doing` something to `path`."""
    cause, hint = _CAUSES.get(error.errno or 0, (error.strerror or str(error), None))
    return LocalIOError(f"{cause} while {doing}: {path}", hint)


def temp_path(folder: str, prefix: str = "tmp-") -> str:
    """A path in `folder` that no other process uses; nothing is created."""
    return os.path.join(folder, f"{prefix}{os.getpid()}-{os.urandom(6).hex()}")


def write_atomic(
    path: str, data: bytes, mode: int = 0o666, sync: bool = True, shared: int | None = None
) -> None:
    """Write the file `path` whole or not at all, replacing what is there.

    `mode` is cut by the umask and then widened as `shared` wants it (``core.sharedRepository``).
    With `sync` the file survives a power failure once this returns. Raises `LocalIOError`,
    and `FileNotFoundError` when the directory is not there.
    """
    folder = os.path.dirname(path) or "."
    temp = temp_path(folder, f".{os.path.basename(path)[:100]}.")
    with disk_errors(path, "writing"):
        fd = os.open(temp, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
        try:
            try:
                write_all(fd, data)
                apply_shared(fd, shared)
                if sync:
                    sync_file(fd)
            finally:
                os.close(fd)
            os.replace(temp, path)
        except BaseException:
            remove_quietly(temp)
            raise
        if sync:
            fsync_dir(folder)


def write_all(fd: int, data: bytes | bytearray | memoryview) -> None:
    """Write all of `data` at the position of `fd`; raises `OSError`."""
    written = os.write(fd, data)
    if written < len(data):
        rest = memoryview(data)[written:]
        while rest:
            rest = rest[os.write(fd, rest) :]


def remove_quietly(path: str) -> None:
    """Unlink `path` if that can be done; for what is left over when something failed."""
    try:
        os.unlink(path)
    except OSError:
        pass  # Not there, or it stays: the error that led here is the one to tell.


def sync_file(fd: int) -> None:
    """Wait until the content of `fd` is on the disk; raises `OSError`."""
    if hasattr(os, "fdatasync"):
        os.fdatasync(fd)
    else:
        os.fsync(fd)


def fsync_dir(path: str) -> None:
    """Wait until the names in directory `path` are on the disk; raises `OSError`."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP, errno.EBADF):
            raise  # Those three: the file system cannot do it, and needs no help.
    finally:
        os.close(fd)


def shared_mode(mode: int, shared: int | None, folder: bool = False) -> int:
    """The permission bits for `mode` under ``core.sharedRepository``, as Git computes them.

    `shared` is ``None`` for the umask's, 0o660 or 0o664 for "group" and "all",
    which add to `mode`; any other value, or a negative one, replaces it.
    """
    if shared is None:
        return mode
    tweak = abs(shared)
    if not mode & 0o200:
        tweak &= ~0o222
    if mode & 0o100:
        tweak |= (tweak & 0o444) >> 2
    result = mode | tweak if shared in (0o660, 0o664) else (mode & ~0o777) | tweak
    if folder:
        result |= (result & 0o444) >> 2 | 0o2000
    return result


def apply_shared(fd_or_path: int | str, shared: int | None) -> None:
    """Give a file or directory just made its bits for `shared`; raises `OSError`."""
    if shared is None:
        return
    found = os.stat(fd_or_path)
    mode = found.st_mode & 0o7777
    wanted = shared_mode(mode, shared, folder=found.st_mode & 0o170000 == 0o040000)
    if wanted != mode:
        os.chmod(fd_or_path, wanted)


def make_dirs(path: str, shared: int | None = None) -> None:
    """Make directory `path` and those above it, honouring ``core.sharedRepository``.

    Directories that exist are left as they are. Raises `LocalIOError`.
    """
    with disk_errors(path, "making a directory"):
        _make_dirs(path, shared)


def _make_dirs(path: str, shared: int | None) -> None:
    # More than once, since another process may remove what is empty.
    for _ in range(_ATTEMPTS):
        try:
            os.mkdir(path)
        except FileNotFoundError:
            above = os.path.dirname(path)
            if above == path or not above:
                raise
            _make_dirs(above, shared)
        except FileExistsError:
            if not os.path.isdir(path):
                raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), path) from None
            return
        else:
            apply_shared(path, shared)
            return
    raise LocalIOError(f"no directory can be made here: {path}")  # in /proc, for one


def reflink(source: int, target: int) -> bool:
    """Let `target` share all extents of `source` (descriptors); false when that cannot be done.

    `target` becomes a copy that takes no time and no room until one of them is
    changed. Raises `OSError` when the disk itself fails.
    """
    try:
        fcntl.ioctl(target, _FICLONE, source)
    except OSError as error:
        if error.errno in _UNSUPPORTED:
            return False
        raise
    return True


def copy_range(source: int, target: int, size: int, offset: int = 0, share: bool = True) -> None:
    """Copy `size` bytes of `source` from `offset` to the same place in `target` (descriptors).

    Inside the kernel if possible, else through memory. With `share` off the
    copy never has blocks of the disk in common with the source. The positions
    of both do not matter, and may move. Raises `OSError`, and `LocalIOError`
    when the source is shorter.
    """
    end = done = offset
    end += size
    for way in (_copy_file_range if share else _sendfile, _sendfile, _read_write):
        done = way(source, target, end, done)
        if done == end:
            return
    raise LocalIOError(f"a file of at least {end} bytes ended after {done} while it was copied")


def _copy_file_range(source: int, target: int, size: int, done: int) -> int:
    """Copy from offset `done`; returns the offset reached, short when the way is closed."""
    if not hasattr(os, "copy_file_range"):
        return done
    return _in_kernel(
        lambda at, count: os.copy_file_range(source, target, count, at, at), size, done
    )


def _sendfile(source: int, target: int, size: int, done: int) -> int:
    if not hasattr(os, "sendfile"):
        return done
    os.lseek(target, done, os.SEEK_SET)
    return _in_kernel(lambda at, count: os.sendfile(target, source, at, count), size, done)


def _in_kernel(step: Callable[[int, int], int], size: int, done: int) -> int:
    try:
        while done < size:
            count = step(done, min(_STEP, size - done))
            if count == 0:  # the end, or a file system that only says so
                break
            done += count
    except OSError as error:
        if error.errno not in _UNSUPPORTED:
            raise
    return done


def _read_write(source: int, target: int, size: int, done: int) -> int:
    os.lseek(target, done, os.SEEK_SET)
    while done < size:
        block = os.pread(source, min(_BLOCK, size - done), done)
        if not block:
            break
        write_all(target, block)
        done += len(block)
    return done
