"""Large objects, each a file of its own that is named by its content.

Such a file may be hard-linked into working trees, where someone can write to
it. So each carries one fixed modification time, `STAMP`: a file with another
time or size was touched, and is hashed before it is believed again.
"""

from __future__ import annotations

import os
import stat
import threading
import time
from typing import TYPE_CHECKING

from blake3 import blake3

from git_mlvers.fsutil import (
    disk_errors,
    fsync_dir,
    make_dirs,
    remove_quietly,
    shared_mode,
    sync_file,
    temp_path,
)
from git_mlvers.oid import SIZE, Oid

if TYPE_CHECKING:
    from collections.abc import Iterator

STAMP = 1_000_000_000
"""The modification time of every object, in seconds since the epoch."""

BAD = "bad"
"""The directory in a cache that damaged content is moved to."""

_STAMP_NS = STAMP * 1_000_000_000
_BLOCK = 1 << 20
_ATTEMPTS = 5
# Waiting for many files at once lets the file system write its journal once for several.
_FEW = 16
_SYNCERS = 8


class ObjectStore:
    """The large objects of the cache at `root`; used by any thread and process.

    With `writable` off nothing is changed. What the disk refuses becomes a
    `LocalIOError`.
    """

    def __init__(self, root: str, *, writable: bool = True, shared: int | None = None) -> None:
        self.root = root
        self.writable = writable
        self.shared = shared
        self._objects = os.path.join(root, "objects")
        self._temps = os.path.join(root, "tmp")
        self._unsynced: list[str] = []
        self._believed: dict[str, tuple[int, int, int]] = {}
        self.damaged: dict[Oid, str] = {}
        """What this process found to be damaged, and where it is now."""

    # -- asking --

    def path(self, oid: Oid) -> str:
        """Where the object `oid` is, if it is here."""
        digits = oid.hex()
        return f"{self._objects}/{digits[:2]}/{digits[2:4]}/{digits}"

    def find(self, oid: Oid, size: int) -> str | None:
        """The path of `oid`, which is `size` bytes long; ``None`` when it is not here.

        An object that was touched is hashed; a damaged one is moved away.
        """
        path = self.path(oid)
        try:
            found = os.lstat(path)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            with disk_errors(path, "looking into the cache"):
                raise error
        if found.st_mtime_ns == _STAMP_NS and found.st_size == size and stat.S_ISREG(found.st_mode):
            return path
        return path if self._examine(oid, path, found) and found.st_size == size else None

    def has_file(self, oid: Oid) -> bool:
        """Whether there is a file for `oid`, be it damaged."""
        return os.path.lexists(self.path(oid))

    def __iter__(self) -> Iterator[tuple[Oid, int]]:
        """Every object with its size in bytes, damaged ones too."""
        for oid, path in self.files():
            try:
                yield oid, os.lstat(path).st_size
            except FileNotFoundError:
                continue  # removed at this moment

    def files(self) -> Iterator[tuple[Oid, str]]:
        """Every object with its path."""
        for upper in _names(self._objects):
            for lower in _names(f"{self._objects}/{upper}"):
                for name in _names(f"{self._objects}/{upper}/{lower}"):
                    if len(name) == 2 * SIZE and not name.strip("0123456789abcdef"):
                        yield Oid(bytes.fromhex(name)), f"{self._objects}/{upper}/{lower}/{name}"

    # -- adding --

    def temp_file(self) -> tuple[int, str]:
        """A new empty file on the file system of the objects: descriptor for both ways, and path.

        Its owner may open it again to write to it, until `adopt` makes it an object.
        """
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        path = temp_path(self._temps)
        with disk_errors(self._temps, "adding to the cache"):
            try:
                return os.open(path, flags, 0o644), path
            except FileNotFoundError:
                make_dirs(self._temps, self.shared)
                return os.open(path, flags, 0o644), path

    def adopt(self, temp: str, oid: Oid, size: int) -> None:
        """Take the closed file `temp`, known to be the content of `oid`; it is gone afterwards."""
        try:
            there = self.find(oid, size)
            if there is not None and self._freshen(there):
                return
            path = self.path(oid)
            with disk_errors(path, "adding to the cache"):
                os.utime(temp, (STAMP, STAMP))
                mode = stat.S_IMODE(os.stat(temp).st_mode) & ~0o222
                os.chmod(temp, shared_mode(mode, self.shared))
                self._rename(temp, path)
            self._unsynced.append(path)
        finally:
            remove_quietly(temp)

    def flush(self, sync: bool) -> None:
        """Make durable what was added; only forget about it with `sync` off."""
        paths, self._unsynced = self._unsynced, []
        if not sync:
            return
        with disk_errors(self._objects, "flushing the cache"):
            _sync_all(paths)
            # A new directory may have been made on each level.
            lower = {os.path.dirname(path) for path in paths}
            upper = {os.path.dirname(path) for path in lower}
            for folder in (*lower, *upper, *((self._objects, self.root) if paths else ())):
                try:
                    fsync_dir(folder)
                except FileNotFoundError:
                    continue  # pruned since, with what was in it

    # -- removing --

    def remove(self, oid: Oid, before: float | None = None) -> int | None:
        """Remove `oid`, unless it was added, or added again, at or after `before` (seconds).

        Returns its size in bytes, ``None`` when it was not removed.
        """
        path = self.path(oid)
        try:
            found = os.lstat(path)
            if before is not None and found.st_ctime >= before:
                return None
            with disk_errors(path, "removing from the cache"):
                os.unlink(path)
        except (FileNotFoundError, NotADirectoryError):
            return None
        self._remove_empty(os.path.dirname(path))
        return found.st_size

    def clean_temps(self, age: float) -> int:
        """Remove what killed processes left, if older than `age` seconds; returns the bytes."""
        freed, now = 0, time.time()
        for name in _names(self._temps):
            path = os.path.join(self._temps, name)
            try:
                found = os.lstat(path)
                if now - max(found.st_mtime, found.st_ctime) > age and stat.S_ISREG(found.st_mode):
                    os.unlink(path)
                    freed += found.st_size
            except OSError:
                continue  # gone already, or another user's
        return freed

    # -- damage --

    def is_intact(self, oid: Oid) -> bool:
        """Hash the object `oid`; false when it is damaged, and then it is moved away."""
        path = self.path(oid)
        try:
            return self._examine(oid, path, os.lstat(path), forget=True)
        except FileNotFoundError:
            return True  # removed at this moment; what is not here is not damaged

    def set_aside(self, path: str) -> str:
        """Move the damaged file `path` to ``bad/``; returns its new path."""
        folder = os.path.join(self.root, BAD)
        make_dirs(folder, self.shared)
        target = temp_path(folder, f"{os.path.basename(path)}-")
        with disk_errors(path, "moving damaged content away"):
            os.rename(path, target)
        return target

    def _examine(self, oid: Oid, path: str, found: os.stat_result, forget: bool = False) -> bool:
        """Hash an object that may have been touched; false when it is not `oid` any more."""
        signature = (found.st_ino, found.st_size, found.st_mtime_ns)
        if not forget and self._believed.get(path) == signature:
            return True
        if stat.S_ISREG(found.st_mode):
            try:
                digest = hash_file(path)
            except FileNotFoundError:
                return False
            if digest == oid:
                self._believed[path] = signature
                if self.writable and found.st_mtime_ns != _STAMP_NS:
                    self._freshen(path)
                return True
        self.damaged[oid] = self.set_aside(path) if self.writable else path
        return False

    def _rename(self, temp: str, path: str) -> None:
        for _ in range(_ATTEMPTS):
            try:
                return os.rename(temp, path)
            except FileNotFoundError:
                # Another process that prunes may remove it again while it is empty.
                make_dirs(os.path.dirname(path), self.shared)
        return os.rename(temp, path)

    def _freshen(self, path: str) -> bool:
        """Stamp an object anew, by which its change time says that it is in use; false if gone."""
        try:
            os.utime(path, (STAMP, STAMP))
        except FileNotFoundError:
            return False
        except OSError:
            pass  # Another user's: one who may not touch it may not prune it either.
        return True

    def _remove_empty(self, folder: str) -> None:
        try:
            os.rmdir(folder)
            os.rmdir(os.path.dirname(folder))
        except OSError:
            pass  # There is more in it.


def hash_file(path: str) -> Oid:
    """The oid of the file `path`; raises `LocalIOError` and `FileNotFoundError`."""
    hasher = blake3()
    block = memoryview(bytearray(_BLOCK))
    with disk_errors(path, "reading"), open(path, "rb", buffering=0) as file:
        while count := file.readinto(block):
            hasher.update(block[:count])
    return Oid(hasher.digest())


def _names(folder: str) -> list[str]:
    try:
        return sorted(os.listdir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return []


def _sync_all(paths: list[str]) -> None:
    if len(paths) <= _FEW:
        _sync_each(paths, None)
        return
    errors: list[OSError] = []
    parts = [paths[first::_SYNCERS] for first in range(_SYNCERS)]
    threads = [threading.Thread(target=_sync_each, args=(part, errors)) for part in parts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


def _sync_each(paths: list[str], errors: list[OSError] | None) -> None:
    try:
        for path in paths:
            try:
                fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            except FileNotFoundError:
                continue  # pruned since
            try:
                sync_file(fd)
            finally:
                os.close(fd)
    except OSError as error:
        if errors is None:
            raise
        errors.append(error)
