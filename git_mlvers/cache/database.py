"""Getting at the index of the packs, whatever state its file is in.

A damaged file is replaced. Where none can be used (another process keeps it
locked, the disk is full or read-only, the file system has no locks) an index in
memory takes its place. So a fault of the database never is a fault of the cache.
"""

from __future__ import annotations

import os
import sqlite3
from typing import TYPE_CHECKING, TypeVar

from git_mlvers.cache.index import IndexLock, PackIndex
from git_mlvers.errors import LocalIOError
from git_mlvers.fsutil import remove_quietly

if TYPE_CHECKING:
    from collections.abc import Callable

_T = TypeVar("_T")
# What sqlite says of a file that is no sound database of ours: ERROR (no such table),
# IOERR, CORRUPT, NOTADB. Being locked, full or read-only is no damage.
_DAMAGE = frozenset({1, 10, 11, 26})


class Database:
    """The file ``index.db`` in `folder`, or what stands in for it.

    `catch_up` is called with each index that is opened, to put right what it
    does not know; its second argument tells that the index is a new and empty one.
    """

    def __init__(
        self,
        folder: str,
        *,
        writable: bool,
        shared: int | None,
        sync: bool,
        catch_up: Callable[[PackIndex, bool], None],
    ) -> None:
        self._folder = folder
        self._writable = writable
        self._shared = shared
        self._sync = sync
        self._catch_up = catch_up
        self._path = os.path.join(folder, "index.db")
        self._index: PackIndex | None = None

    def ask(self, question: Callable[[PackIndex], _T]) -> _T:
        """The answer of the index to `question`."""
        index = self._current()
        try:
            return question(index)
        except sqlite3.Error as error:
            return question(self._open(error))

    def change(self, change: Callable[[PackIndex], bool]) -> bool:
        """Run `change` with the right to change the index; false also when that failed."""
        index = self._current()
        for _ in range(2):
            try:
                with IndexLock(self._folder, self._shared):
                    return change(index)
            except sqlite3.Error as error:
                if not _is_damage(error):
                    return False
                index = self._open(error)
        return False

    def refresh(self, reopen: bool) -> None:
        """Catch up once more; with `reopen`, after opening the file anew."""
        if reopen and self._index is not None and self._index.from_file:
            self.close()
        index = self._index
        # One that is opened now has caught up by that.
        self.ask(lambda current: self._catch_up(current, False) if current is index else None)

    def start_anew(self) -> None:
        """Begin with an empty index, however sound the present one is; nothing is caught up."""
        self.close()
        try:
            if not self._writable:
                raise sqlite3.OperationalError("not ours to replace")
            with IndexLock(self._folder, self._shared):
                self._remove()
                self._index = self._connect()
        except sqlite3.Error:
            self._index = PackIndex.in_memory()

    def close(self) -> None:
        """Close the database."""
        if self._index is not None:
            self._index.close()
            self._index = None

    def _current(self) -> PackIndex:
        if self._index is None or (self._index.is_placeholder and os.path.isdir(self._folder)):
            return self._open()
        return self._index

    def _open(self, error: sqlite3.Error | None = None) -> PackIndex:
        """Open the database; after `error`, another one in its place."""
        self.close()
        if error is None:
            try:
                return self._use(self._connect_first(), False)
            except sqlite3.Error as caught:
                error = caught
        if self._writable and _is_damage(error):
            try:
                return self._use(self._replace(), True)
            except sqlite3.Error as caught:
                error = caught
        try:
            return self._use(PackIndex.in_memory(), True)
        except sqlite3.Error as caught:
            raise LocalIOError(f"no database can be used, not even in memory: {caught}") from caught

    def _use(self, index: PackIndex, new: bool) -> PackIndex:
        try:
            self._catch_up(index, new)
        except BaseException:
            index.close()
            raise
        self._index = index
        return index

    def _connect_first(self) -> PackIndex:
        if not os.path.isdir(self._folder):
            return PackIndex.in_memory(is_placeholder=True)
        if not self._writable or os.path.exists(self._path):
            return self._connect()
        with IndexLock(self._folder, self._shared):
            return self._connect()

    def _connect(self) -> PackIndex:
        return PackIndex.open(
            self._path, writable=self._writable, sync=self._sync, shared=self._shared
        )

    def _replace(self) -> PackIndex:
        """Make the file anew, unless another process has just done that."""
        with IndexLock(self._folder, self._shared):
            try:
                index = self._connect()
                if index.is_sound():
                    return index
                index.close()
            except sqlite3.Error:
                pass  # As damaged as it was.
            self._remove()
            return self._connect()

    def _remove(self) -> None:
        remove_quietly(self._path + "-journal")
        remove_quietly(self._path)


def _is_damage(error: sqlite3.Error) -> bool:
    # Without a code it is our own word on what we found in the database.
    return getattr(error, "sqlite_errorcode", 1) & 0xFF in _DAMAGE
