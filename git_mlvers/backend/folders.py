"""Folders inside a store on disk: opened step by step, so that no symbolic link leads out of it."""

from __future__ import annotations

import contextlib
import os
import stat
import time
from typing import TYPE_CHECKING

from git_mlvers.fsutil import apply_shared

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

TEMP = ".tmp-"
"""How the names of unfinished files begin; no key does."""

STALE = 24 * 3600
"""Seconds after which an unfinished file is taken for one whose writer died."""

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_GROUP_FOLDER = stat.S_IRWXG | stat.S_ISGID
_GROUP_FILE = stat.S_IRGRP | stat.S_IWGRP


@contextlib.contextmanager
def existing(root: str, parts: Sequence[str]) -> Iterator[int]:
    """A descriptor of the folder `parts` under `root`; raises ``OSError`` when it is not there.

    `root` may be a symbolic link, nothing below it may (``ENOTDIR`` or ``ELOOP``).
    """
    folder = os.open(root, _FOLDER)
    try:
        for part in parts:
            deeper = os.open(part, _FOLDER | os.O_NOFOLLOW, dir_fd=folder)
            os.close(folder)
            folder = deeper
        yield folder
    finally:
        os.close(folder)


@contextlib.contextmanager
def made(root: str, parts: Sequence[str], fsync: bool, shared: int | None = None) -> Iterator[int]:
    """The same as `existing`, and folders that are not there are made, `root` itself included.

    The parent of `root` is never made: a share that is not mounted stays empty.
    """
    folder = _root(root, fsync, shared)
    try:
        for part in parts:
            deeper = _step(folder, part, fsync, shared)
            os.close(folder)
            folder = deeper
        yield folder
    finally:
        os.close(folder)


def share(file: int, folder: int, shared: int | None = None) -> None:
    """Give the group the rights on the open `file` that it has on the open `folder`.

    In a folder that a group writes to, what one of them makes is of use to the
    others whatever the umask; elsewhere the umask alone counts. `shared` comes
    before both: ``core.sharedRepository`` as permission bits.
    """
    if shared is not None:
        with contextlib.suppress(PermissionError):
            apply_shared(file, shared)
        return
    theirs = os.fstat(folder).st_mode
    if not theirs & stat.S_IWGRP:
        return
    mine = os.fstat(file).st_mode
    granted = theirs & (_GROUP_FOLDER if stat.S_ISDIR(mine) else _GROUP_FILE)
    if mine | granted != mine:
        # A file system with fixed rights, or with others' rules, refuses: its own count then.
        with contextlib.suppress(PermissionError):
            os.fchmod(file, stat.S_IMODE(mine | granted))


def contents(root: str, parts: Sequence[str], start: str) -> list[tuple[str, os.stat_result]]:
    """What is in the folder `parts` under `root` with names that begin with `start`, in order.

    Folders have a slash after their name; names with a leading dot, so all
    unfinished files, are left out. Raises ``OSError``.
    """
    found = []
    with existing(root, parts) as folder:
        for name in os.listdir(folder):
            if not name.startswith(start) or name.startswith("."):
                continue
            # Another process may just have deleted it.
            with contextlib.suppress(FileNotFoundError):
                info = os.lstat(name, dir_fd=folder)
                found.append((name + "/" * stat.S_ISDIR(info.st_mode), info))
    return sorted(found, key=lambda item: item[0])


def remove_stale(folder: int) -> None:
    """Remove what writers that died long ago left in the open `folder`."""
    with os.scandir(folder) as entries:
        names = [entry.name for entry in entries if entry.name.startswith(TEMP)]
    for name in names:
        # Another process may be doing the same, and a file of another user stays.
        with contextlib.suppress(OSError):
            if time.time() - os.lstat(name, dir_fd=folder).st_mtime > STALE:
                os.unlink(name, dir_fd=folder)


def _root(root: str, fsync: bool, shared: int | None) -> int:
    try:
        return os.open(root, _FOLDER)
    except FileNotFoundError:
        parent = os.open(os.path.dirname(root) or ".", _FOLDER)
    try:
        return _step(parent, os.path.basename(root), fsync, shared, follow=True)
    finally:
        os.close(parent)


def _step(folder: int, name: str, fsync: bool, shared: int | None, follow: bool = False) -> int:
    flags = _FOLDER if follow else _FOLDER | os.O_NOFOLLOW
    try:
        return os.open(name, flags, dir_fd=folder)
    except FileNotFoundError:
        try:
            os.mkdir(name, dir_fd=folder)
        except FileExistsError:
            # Somebody else just made it, and gives it its rights.
            return os.open(name, flags, dir_fd=folder)
    made_now = os.open(name, flags, dir_fd=folder)
    try:
        share(made_now, folder, shared)
        if fsync:
            os.fsync(folder)
    except BaseException:
        os.close(made_now)
        raise
    return made_now
