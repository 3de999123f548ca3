"""Content on its way into the cache: hashed and stored as it comes, whatever its length.

The hash and the disk run in a thread of their own, so that whoever brings the
content, mostly Git through a pipe, is read from meanwhile.
"""

from __future__ import annotations

import os
import queue
import threading
from typing import TYPE_CHECKING, Protocol

from blake3 import blake3

from git_mlvers.cache import clone, direct
from git_mlvers.cache.packs import SMALL
from git_mlvers.errors import LocalIOError
from git_mlvers.fsutil import local_error, remove_quietly
from git_mlvers.oid import Oid
from git_mlvers.pointer import Pointer

if TYPE_CHECKING:
    from types import TracebackType

BATCH = 1 << 20
"""So much is hashed and written at a time. Bytes."""

_IN_FLIGHT = 4


class Store(Protocol):
    """What a writer needs of the cache."""

    def has(self, oid: Oid, size: int) -> bool:
        """Whether content is there already."""

    def temp_file(self) -> tuple[int, str]:
        """A new file: descriptor, path."""

    def keep_small(self, data: bytes, oid: Oid) -> None:
        """Keep content of at most `SMALL` bytes."""

    def keep_file(self, path: str, oid: Oid, size: int) -> None:
        """Keep a complete temporary file."""


class Writer:
    """Takes one file's content piece by piece; `finish` gives its pointer.

    A piece belongs to the caller again as soon as `write` returns: it is copied
    (a twentieth of a second for a GiB), so a reader may use one buffer for all.
    `finish` may raise `LocalIOError`; then nothing is left behind. It does not
    when the content is in the cache already, though nothing can be written there.
    In a ``with`` statement it is aborted unless it was finished.

    `source_path` may name the file that the content is said to come from; where
    the file system can, the object then shares its room on the disk.
    """

    def __init__(
        self, store: Store, buffers: list[memoryview], source_path: str | bytes | None = None
    ) -> None:
        self._store = store
        self._buffers = buffers
        self._source_path = source_path
        self._head = bytearray()
        self._file: _File | None = None
        self._batch = memoryview(b"")
        self._filled = 0
        self._size = 0

    def write(self, block: bytes | bytearray | memoryview) -> None:
        """Take the next piece."""
        size = len(block)
        self._size += size
        if self._file is None:
            if self._size <= SMALL:
                self._head += block
                return
            self._open_file()
        end = self._filled + size
        if end <= BATCH:
            self._batch[self._filled : end] = block
            self._filled = end
        else:
            self._write_across(memoryview(block))

    def finish(self) -> Pointer:
        """The content is complete; once this returns it is in the cache.

        It then survives the end of the process; the end of the machine only
        after `Cache.flush`.
        """
        try:
            if self._file is None:
                data = bytes(self._head)
                oid = Oid.of(data)
                self._store.keep_small(data, oid)
                return Pointer(oid, len(data))
            file = self._file
            oid = file.finish(self._batch, self._filled)
            if file.failure is None:
                self._file = None
                self._store.keep_file(file.path, oid, self._size)
            elif not self._store.has(oid, self._size):
                raise file.failure
            return Pointer(oid, self._size)
        finally:
            self.abort()

    def abort(self) -> None:
        """Forget what came so far; harmless after `finish`."""
        if self._file is not None:
            self._file.abort()
            self._file = None

    def __enter__(self) -> Writer:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.abort()

    def _open_file(self) -> None:
        self._file = _File(self._store, self._buffers, self._source_path)
        self._batch = self._file.buffer()
        self._filled = len(self._head)
        self._batch[: self._filled] = self._head
        self._head = bytearray()

    def _write_across(self, block: memoryview) -> None:
        """Take a piece that does not fit into the batch."""
        assert self._file is not None
        while block:
            count = min(len(block), BATCH - self._filled)
            self._batch[self._filled : self._filled + count] = block[:count]
            self._filled += count
            block = block[count:]
            if self._filled == BATCH:
                self._batch = self._file.submit(self._batch)
                self._filled = 0


class _File:
    """A temporary file that is being written and hashed, from the second batch on in a thread.

    When it cannot be written it is hashed all the same: `failure` tells why.
    """

    def __init__(
        self, store: Store, buffers: list[memoryview], source_path: str | bytes | None
    ) -> None:
        self._hasher = blake3()
        self._pool = buffers
        self._free: queue.SimpleQueue[memoryview] = queue.SimpleQueue()
        self._full: queue.SimpleQueue[tuple[memoryview, int] | None] = queue.SimpleQueue()
        self._taken = 0
        self._thread: threading.Thread | None = None
        self._aborted = False
        self._fd, self.path = -1, ""
        self.failure: LocalIOError | None = None
        self._output: clone.CloneOutput | direct.Output | None = None
        try:
            self._fd, self.path = store.temp_file()
        except LocalIOError as error:
            self.failure = error
            return
        cloned = source_path is not None and clone.begin(self._fd, source_path)
        self._output = clone.CloneOutput(self._fd) if cloned else direct.Output(self._fd)

    def buffer(self) -> memoryview:
        """A buffer of `BATCH` bytes to fill."""
        if self._taken < _IN_FLIGHT:
            self._taken += 1
            return self._pool.pop() if self._pool else direct.buffer(BATCH)
        return self._free.get()

    def submit(self, batch: memoryview) -> memoryview:
        """Have a full batch written; returns the next one to fill."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="cache-writer", daemon=True)
            self._thread.start()
        self._full.put((batch, BATCH))
        return self.buffer()

    def finish(self, batch: memoryview, filled: int) -> Oid:
        """Write the last batch and close the file; returns the oid of it all."""
        self._join()
        self._take(batch, filled)
        self._pool.append(batch)
        self._close()
        return Oid(self._hasher.digest())

    def abort(self) -> None:
        """Stop, and remove the file."""
        self._aborted = True
        self._join()
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
        if self.path:
            remove_quietly(self.path)

    def _close(self) -> None:
        if self._output is None:
            return
        fd, self._fd = self._fd, -1
        try:
            try:
                if self.failure is None:
                    self._output.finish()
            finally:
                os.close(fd)  # NFS and quotas tell here that there is no room.
        except OSError as error:
            self._fail(error)

    def _fail(self, error: OSError) -> None:
        folder = os.path.dirname(self.path)
        self.failure = self.failure or local_error(error, folder, "adding to the cache")

    def _run(self) -> None:
        while (job := self._full.get()) is not None:
            self._take(*job)
            self._free.put(job[0])

    def _take(self, batch: memoryview, filled: int) -> None:
        if self._aborted:
            return  # Taken all the same, so that nobody waits for a buffer.
        data = batch[:filled]
        self._hasher.update(data)
        if self._output is None or self.failure is not None:
            return
        try:
            self._output.write(data)
        except OSError as error:
            self._fail(error)

    def _join(self) -> None:
        if self._thread is not None:
            self._full.put(None)
            self._thread.join()
            self._thread = None
        while not self._free.empty():
            self._pool.append(self._free.get())
