"""The list of files in the working tree that are being replaced, for the case of a crash.

Git wants a file written before it goes on, and content comes a little later
(`populate`). A program that is killed in between leaves empty files behind, and
temporary ones. Each path is written down first, so that the next one in this
working tree can put that right: an empty file gets the pointer's text, which
nobody takes for content, and temporary files go.

Temporary files stand in a directory of their own beside the file, with a
``.gitignore`` that covers all of it. Git lists the untracked files before it
starts the filter: it must see none that the filter is going to remove, and must
not add one when no filter is started at all.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat
import threading
import time
from typing import TYPE_CHECKING, NamedTuple

from git_mlvers.fsutil import apply_shared, disk_errors, make_dirs, remove_quietly
from git_mlvers.pointer import Pointer

if TYPE_CHECKING:
    from collections.abc import Iterator

_FOLDER = "placeholders"
_ROOM = b".mlvers-"
_IGNORE = b".gitignore"
# Without locks, or with nothing in it, a journal of this age has no owner any more. Seconds.
_OLD = 3600.0


class Journal:
    """The files that one process is replacing, on disk for as long as it may.

    The file is locked while its process lives: an id may be taken again by
    another process, and one that was killed may keep its id for long. `shared`
    is ``core.sharedRepository`` as permission bits.
    """

    def __init__(self, git_dir: str, shared: int | None = None) -> None:
        self._shared = shared
        self._mark = os.urandom(8).hex()
        self._folder = os.path.join(git_dir, "mlvers", _FOLDER)
        self._path = os.path.join(self._folder, self._mark)
        self._fd: int | None = None
        self._rooms: set[bytes] = set()
        self._named = 0
        self._making = threading.Lock()

    def begin(self) -> None:
        """Have the file, still empty; raises `LocalIOError` where it cannot be made."""
        with disk_errors(self._path, "writing"):
            self._open()

    def add(self, path: bytes, pointer: Pointer) -> None:
        """`path` (relative to the working tree's root) is about to be replaced; `LocalIOError`."""
        with disk_errors(self._path, "writing"):
            os.write(self._open(), pointer.encode() + path + b"\0")

    def _open(self) -> int:
        if self._fd is None:
            make_dirs(self._folder, self._shared)
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
            self._fd = os.open(self._path, flags, 0o666)
            apply_shared(self._fd, self._shared)
            _lock(self._fd, fcntl.LOCK_EX)
        return self._fd

    def temp_beside(self, path: bytes) -> bytes:
        """The name of a new file near `path`, which is removed should this process die.

        It can be renamed to `path`, which was told by `add`, and Git overlooks
        it. Raises `LocalIOError`.
        """
        folder, name = os.path.split(path)
        room = _room(folder, self._mark)
        with self._making:
            if room not in self._rooms:
                _make_room(room)
                self._rooms.add(room)
            self._named += 1
            number = self._named
        # Cut, since a name may already be as long as the file system allows.
        return os.path.join(room, b"%x-" % number + name[:100])

    def remove_temps(self) -> bool:
        """Nothing is being written; whether all could be removed. The next program tries the rest.

        The list of files stays.
        """
        for room in list(self._rooms):
            try:
                _remove_room(room)
            except OSError:
                return False
            self._rooms.remove(room)
        return True

    def clear(self) -> None:
        """Nothing is half-done any more."""
        if not self.remove_temps():
            return
        if self._fd is not None:
            remove_quietly(self._path)
            os.close(self._fd)
            self._fd = None


class Left(NamedTuple):
    """A file that a process which died was about to replace, or had replaced."""

    path: bytes
    pointer: Pointer
    mended: bool
    """Whether it was empty, and has the pointer's text now."""


def recover(git_dir: str, work_tree: str) -> list[Left]:
    """Put right what processes that died have left in the working tree; all of their files.

    What cannot be put right now, on a full disk for one, stays for the next time.
    """
    folder = os.path.join(git_dir, "mlvers", _FOLDER)
    try:
        names = os.listdir(folder)
    except OSError:
        return []
    found: list[Left] = []
    for name in names:
        try:
            found += _recover_one(os.path.join(folder, name), name, work_tree)
        except OSError:
            continue
    return found


def stands_at(path: bytes | str) -> bool:
    """Whether an empty regular file, and so nothing that could be lost, is at `path`."""
    try:
        found = os.lstat(path)
    except OSError:
        return False
    return stat.S_ISREG(found.st_mode) and found.st_size == 0


def _recover_one(journal: str, mark: str, work_tree: str) -> list[Left]:
    fd = os.open(journal, os.O_RDWR | os.O_CLOEXEC)
    try:
        if not _is_abandoned(fd):
            return []
        entries = [
            (path, pointer, os.path.join(os.fsencode(work_tree), path))
            for path, pointer in _entries(fd)
        ]
        inside = [entry for entry in entries if _inside(work_tree, entry[2])]
        for folder in {os.path.dirname(full) for _, _, full in inside}:
            _remove_room(_room(folder, mark))
        found = [Left(path, pointer, _mend(full, pointer)) for path, pointer, full in inside]
        os.unlink(journal)
        return found
    finally:
        os.close(fd)


def _is_abandoned(fd: int) -> bool:
    """Whether the owner of a journal is gone; locks it if it is."""
    if not _lock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB):
        return False
    found = os.fstat(fd)
    # One that is empty may be about to be locked by the process that has just made it.
    return found.st_nlink > 0 and (found.st_size > 0 or _is_old(found))


def _lock(fd: int, how: int) -> bool:
    try:
        fcntl.flock(fd, how)
    except BlockingIOError:
        return False
    except OSError:
        return _is_old(os.fstat(fd))  # a file system without locks
    return True


def _is_old(found: os.stat_result) -> bool:
    return time.time() - found.st_mtime > _OLD


def _mend(full: bytes, pointer: Pointer) -> bool:
    if not stands_at(full):
        return False
    # In place: Git may have opened the file already, to add it.
    fd = os.open(full, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        os.write(fd, pointer.encode())
    finally:
        os.close(fd)
    return True


def _room(folder: bytes, mark: str) -> bytes:
    """Where the temporary files for files in `folder` are."""
    return os.path.join(folder, _ROOM + mark.encode())


def _make_room(room: bytes) -> None:
    try:
        with disk_errors(os.fsdecode(room), "making a directory"):
            os.mkdir(room)
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
            fd = os.open(os.path.join(room, _IGNORE), flags, 0o666)
            try:
                os.write(fd, b"*\n")
            finally:
                os.close(fd)
    except FileNotFoundError:
        return  # The folder is gone, which the one who writes there will be told.
    except BaseException:
        with contextlib.suppress(OSError):
            _remove_room(room)
        raise


def _remove_room(room: bytes) -> None:
    try:
        names = os.listdir(room)
    except FileNotFoundError:
        return
    # What tells Git to overlook the others goes last.
    for name in sorted(names, key=lambda name: name == _IGNORE):
        os.unlink(os.path.join(room, name))
    os.rmdir(room)


def _entries(fd: int) -> Iterator[tuple[bytes, Pointer]]:
    with open(fd, "rb", closefd=False) as file:
        records = file.read().split(b"\0")[:-1]
    for record in records:
        # The pointer's three lines stand before the path, which may hold any byte but NUL.
        *lines, path = record.split(b"\n", 3)
        pointer = Pointer.parse(b"".join(line + b"\n" for line in lines))
        if pointer is not None:
            yield path, pointer


def _inside(work_tree: str, full: bytes) -> bool:
    root = os.path.realpath(os.fsencode(work_tree))
    return (os.path.realpath(os.path.dirname(full)) + b"/").startswith(root + b"/")
