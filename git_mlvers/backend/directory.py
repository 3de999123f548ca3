"""A store in a directory: a disk, a share, or what is mounted there.

A file is written beside its place under a name that begins with ``.tmp-``, made
durable, and then renamed or linked to its place, so that a reader sees it whole
or not at all. Where the directory is writable for a group, so is all that is
made in it, and several users can push to it (``chmod g+ws DIRECTORY`` once).
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import stat
import threading
import time
from typing import TYPE_CHECKING

from blake3 import blake3

from git_mlvers.backend import folders
from git_mlvers.backend.base import (
    BackendError,
    Capabilities,
    Conflict,
    Entry,
    Unreachable,
    check_range,
    is_valid_key,
    validate_key,
    validate_prefix,
)
from git_mlvers.backend.disk_errors import missing, translated

if TYPE_CHECKING:
    from collections.abc import Iterator

LOCK = ".lock"
"""The file in the root that one writer at a time holds while it replaces something."""

LOCK_WAIT = 30.0
"""How long to wait for another writer to be done. Seconds."""

_READ = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
_NO_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK}


class Directory:
    """A `Backend` on the directory `root`, an absolute path.

    The directory is made at the first write when its parent exists; the parent
    is never made. `fsync` asks for durability at each write. `shared` is
    ``core.sharedRepository`` as permission bits, for what is made.
    """

    capabilities = Capabilities(create_only=True, replace_if=True, ranges=True, connections=8)

    def __init__(self, root: str, *, fsync: bool = True, shared: int | None = None) -> None:
        self._shared = shared
        self.url = os.path.abspath(root)
        self._root = self.url
        self._fsync = fsync
        self._swept: set[str] = set()
        self._sweep_lock = threading.Lock()

    def get(self, key: str, start: int = 0, length: int | None = None) -> bytes:
        """See `Backend.get`."""
        check_range(start, length)
        with translated(self._root, "read", key), self._open(key) as file:
            there = max(0, os.fstat(file).st_size - start)
            return self._read(file, key, start, there if length is None else min(length, there))

    def put(self, key: str, data: bytes | memoryview) -> None:
        """See `Backend.put`."""
        with self._writing(key) as (folder, name), self._temp(folder, data) as temp:
            os.rename(temp, name, src_dir_fd=folder, dst_dir_fd=folder)
            self._sync(folder)

    def create(self, key: str, data: bytes | memoryview) -> bool:
        """See `Backend.create`. The answer speaks of this write, whatever was lost on the way."""
        with self._writing(key) as (folder, name):
            if _is_there(folder, name):
                return False
            with self._temp(folder, data) as temp:
                created = self._link(folder, temp, name)
            self._sync(folder)
            return created

    def get_versioned(self, key: str) -> tuple[bytes, str]:
        """See `Backend.get_versioned`; the token is the hash of the content."""
        data = self.get(key)
        return data, _token(data)

    def replace(self, key: str, data: bytes | memoryview, token: str) -> str:
        """See `Backend.replace`. Waits for another writer up to `LOCK_WAIT` seconds."""
        with self._writing(key) as (folder, name), self._temp(folder, data) as temp:
            with self._locked():
                if not _is_there(folder, name) or _token(self.get(key)) != token:
                    raise Conflict(f"{key} in {self.url} was changed by somebody else")
                os.rename(temp, name, src_dir_fd=folder, dst_dir_fd=folder)
            self._sync(folder)
        return _token(data)

    def stat(self, key: str) -> Entry | None:
        """See `Backend.stat`."""
        *parts, name = validate_key(key).split("/")
        with translated(self._root, "look up", key):
            try:
                with folders.existing(self._root, parts) as folder:
                    found = os.lstat(name, dir_fd=folder)
            except FileNotFoundError:
                self._check_there()
                return None
        if not stat.S_ISREG(found.st_mode):
            return None
        return Entry(key, found.st_size, found.st_mtime)

    def list(self, prefix: str) -> Iterator[Entry]:
        """See `Backend.list`."""
        *parts, start = validate_prefix(prefix).split("/")
        yield from self._walk("".join(f"{part}/" for part in parts), start)

    def delete(self, key: str) -> None:
        """See `Backend.delete`."""
        *parts, name = validate_key(key).split("/")
        with translated(self._root, "delete", key):
            try:
                with folders.existing(self._root, parts) as folder:
                    os.unlink(name, dir_fd=folder)
                    self._sync(folder)
            except FileNotFoundError:
                self._check_there()

    def close(self) -> None:
        """Nothing is held open."""

    @contextlib.contextmanager
    def _open(self, key: str) -> Iterator[int]:
        *parts, name = validate_key(key).split("/")
        with folders.existing(self._root, parts) as folder:
            file = os.open(name, _READ, dir_fd=folder)
        try:
            if not stat.S_ISREG(os.fstat(file).st_mode):
                raise BackendError(f"{key} in {self.url} is not a file")
            yield file
        finally:
            os.close(file)

    def _read(self, file: int, key: str, start: int, length: int) -> bytes:
        data = os.pread(file, length, start) if length else b""
        while len(data) < length:
            more = os.pread(file, length - len(data), start + len(data))
            if not more:
                raise Unreachable(
                    f"{key} in {self.url} ended after {start + len(data)} bytes"
                    f" while {start + length} were read"
                )
            data += more
        return data

    @contextlib.contextmanager
    def _writing(self, key: str) -> Iterator[tuple[int, str]]:
        *parts, name = validate_key(key).split("/")
        with (
            translated(self._root, "write", key),
            folders.made(self._root, parts, self._fsync, self._shared) as folder,
        ):
            self._sweep("/".join(parts), folder)
            yield folder, name

    @contextlib.contextmanager
    def _temp(self, folder: int, data: bytes | memoryview) -> Iterator[str]:
        """A complete file with `data` under a temporary name, gone afterwards unless renamed."""
        name = folders.TEMP + os.urandom(8).hex()
        file = os.open(name, _NEW, 0o666, dir_fd=folder)
        try:
            try:
                folders.share(file, folder, self._shared)
                rest = memoryview(data)
                while rest:
                    rest = rest[os.write(file, rest) :]
                if self._fsync:
                    os.fsync(file)
            finally:
                # Some network file systems say only here that the disk is full.
                os.close(file)
            yield name
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(name, dir_fd=folder)

    def _link(self, folder: int, temp: str, name: str) -> bool:
        try:
            os.link(temp, name, src_dir_fd=folder, dst_dir_fd=folder)
        except FileExistsError:
            # Over NFS a link that was made may be answered as if it had been there before.
            return os.lstat(temp, dir_fd=folder).st_nlink > 1
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            return self._rename_new(folder, temp, name)
        return True

    def _rename_new(self, folder: int, temp: str, name: str) -> bool:
        """What `_link` does, on a file system without hard links."""
        with self._locked():
            if _is_there(folder, name):
                return False
            os.rename(temp, name, src_dir_fd=folder, dst_dir_fd=folder)
        return True

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        with folders.existing(self._root, []) as root:
            flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
            file = os.open(LOCK, flags, 0o666, dir_fd=root)
            try:
                folders.share(file, root, self._shared)
                self._wait_for(file)
                yield
            finally:
                os.close(file)

    def _wait_for(self, file: int) -> None:
        deadline = time.monotonic() + LOCK_WAIT
        while True:
            try:
                return fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise BackendError(
                        f"another program has kept {self._root}/{LOCK} locked"
                        f" for {LOCK_WAIT:.0f} seconds",
                        "end it, or wait until it is done",
                    ) from None
            time.sleep(0.01)

    def _walk(self, folder: str, start: str) -> Iterator[Entry]:
        """Everything in `folder` ("" or "a/b/") whose name begins with `start`, by key."""
        with translated(self._root, "list", folder):
            try:
                contents = folders.contents(self._root, folder.split("/")[:-1], start)
            except FileNotFoundError:
                return self._check_there()
            for name, found in contents:
                if stat.S_ISDIR(found.st_mode):
                    yield from self._walk(folder + name, "")
                elif stat.S_ISREG(found.st_mode) and is_valid_key(folder + name):
                    yield Entry(folder + name, found.st_size, found.st_mtime)

    def _check_there(self) -> None:
        """Something is not there: raise `StoreMissing` when the root is not even to be made."""
        if not os.path.isdir(self._root) and not os.path.isdir(os.path.dirname(self._root)):
            raise missing(self._root, "")

    def _sweep(self, where: str, folder: int) -> None:
        with self._sweep_lock:
            if where in self._swept:
                return
            self._swept.add(where)
        folders.remove_stale(folder)

    def _sync(self, folder: int) -> None:
        if self._fsync:
            os.fsync(folder)


def _is_there(folder: int, name: str) -> bool:
    try:
        os.lstat(name, dir_fd=folder)
    except FileNotFoundError:
        return False
    return True


def _token(data: bytes | memoryview) -> str:
    return blake3(data).hexdigest()
