"""Where each small object is: a database that only remembers what the packs say.

It may be thrown away at any time. Whoever changes it holds the lock file beside
it, so that one process can replace a damaged database while others run.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import sqlite3
import time
from typing import TYPE_CHECKING, NamedTuple

from git_mlvers.fsutil import apply_shared
from git_mlvers.oid import Oid

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from types import TracebackType

_VERSION = 1
_SCHEMA = f"""
CREATE TABLE packs (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE, length INTEGER);
CREATE TABLE frames (oid BLOB PRIMARY KEY, pack INTEGER, offset INTEGER, length INTEGER,
                     size INTEGER, added INTEGER) WITHOUT ROWID;
PRAGMA user_version = {_VERSION};
"""
_GET = (
    "SELECT p.name, f.offset, f.length, f.size, f.added"
    " FROM frames f JOIN packs p ON p.id = f.pack WHERE f.oid = ?"
)
# Seconds to wait for another process; then this one goes on without the database.
_PATIENCE = 5.0
_PAUSE = 0.01
# As many values as every sqlite takes in one statement.
_MANY = 500


class Row(NamedTuple):
    """Where a frame is: pack, place and content size in bytes, and when it was added (seconds)."""

    pack: str
    offset: int
    length: int
    size: int
    added: int


class IndexLock:
    """The right to change the database, held by one process at a time; for ``with``."""

    def __init__(self, folder: str, shared: int | None) -> None:
        self._path = os.path.join(folder, "index.lock")
        self._shared = shared
        self._fd = -1

    def __enter__(self) -> None:
        try:
            self._fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
            apply_shared(self._fd, self._shared)
            self._wait()
        except OSError:
            # A file system without locks, or a lock of another user: sqlite has locks too.
            self._release()

    def _wait(self) -> None:
        end = time.monotonic() + _PATIENCE
        while True:
            try:
                return fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > end:
                    raise
                time.sleep(_PAUSE)

    def _release(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._release()


class PackIndex:
    """The database of one cache's packs; every method may raise `sqlite3.Error`.

    `from_file` is false for one in memory, `lasting` for one that cannot be changed for good.
    """

    def __init__(self, db: sqlite3.Connection, *, from_file: bool, lasting: bool) -> None:
        self._db = db
        self.from_file = from_file
        self.lasting = lasting
        self.is_placeholder = False

    @classmethod
    def in_memory(cls, is_placeholder: bool = False) -> PackIndex:
        """An empty index that ends with this process; a placeholder sooner."""
        db = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
        db.executescript(_SCHEMA)
        index = cls(db, from_file=False, lasting=False)
        index.is_placeholder = is_placeholder
        return index

    @classmethod
    def open(cls, path: str, *, writable: bool, sync: bool, shared: int | None) -> PackIndex:
        """The index in the file `path`; it is made if `writable`, by a caller who has the lock."""
        new = not os.path.exists(path)
        mode = "rwc" if writable else "ro"
        db = sqlite3.connect(
            f"file:{_uri(path)}?mode={mode}",
            uri=True,
            timeout=_PATIENCE,
            check_same_thread=False,
            isolation_level=None,
        )
        try:
            if writable:
                db.execute(f"PRAGMA synchronous = {'FULL' if sync else 'OFF'}")
            if new:
                db.executescript(f"BEGIN IMMEDIATE; {_SCHEMA} COMMIT;")
                with contextlib.suppress(OSError):
                    apply_shared(path, shared)
            elif db.execute("PRAGMA user_version").fetchone() != (_VERSION,):
                raise sqlite3.DatabaseError("the index has another version")
            db.execute("SELECT 1 FROM frames LIMIT 1").fetchone()
        except sqlite3.Error:
            db.close()
            raise
        return cls(db, from_file=True, lasting=writable)

    def close(self) -> None:
        """Close the database."""
        self._db.close()

    def get(self, oid: bytes) -> Row | None:
        """Where `oid` is."""
        found = self._db.execute(_GET, (oid,)).fetchone()
        return None if found is None else Row(*found)

    def get_many(self, oids: Iterable[Oid]) -> dict[Oid, Row]:
        """Where those of `oids` are that are here; a few times quicker than one by one."""
        wanted = list(oids)
        found: dict[Oid, Row] = {}
        for start in range(0, len(wanted), _MANY):
            part = wanted[start : start + _MANY]
            marks = ",".join("?" * len(part))
            query = (
                "SELECT f.oid, p.name, f.offset, f.length, f.size, f.added FROM frames f"
                f" JOIN packs p ON p.id = f.pack WHERE f.oid IN ({marks})"
            )
            found.update((Oid(oid), Row(*rest)) for oid, *rest in self._db.execute(query, part))
        return found

    def lengths(self) -> dict[str, int]:
        """How much of each pack is in the index, bytes by name of the pack."""
        return dict(self._db.execute("SELECT name, length FROM packs").fetchall())

    def rows(self, pack: str) -> list[tuple[Oid, Row]]:
        """The frames in use of one pack, in their order."""
        query = (
            "SELECT f.oid, p.name, f.offset, f.length, f.size, f.added FROM frames f"
            " JOIN packs p ON p.id = f.pack WHERE p.name = ? ORDER BY f.offset"
        )
        return [(Oid(oid), Row(*rest)) for oid, *rest in self._db.execute(query, (pack,))]

    def after(self, last: bytes, count: int = 5000) -> list[tuple[Oid, Row]]:
        """The next `count` objects whose oid is greater than `last`; none at the end."""
        query = (
            "SELECT f.oid, p.name, f.offset, f.length, f.size, f.added FROM frames f"
            " JOIN packs p ON p.id = f.pack WHERE f.oid > ? ORDER BY f.oid LIMIT ?"
        )
        return [(Oid(oid), Row(*rest)) for oid, *rest in self._db.execute(query, (last, count))]

    def is_sound(self) -> bool:
        """Whether sqlite finds no fault in the database, and each object is in some pack."""
        if self._db.execute("PRAGMA integrity_check").fetchall() != [("ok",)]:
            return False
        lost = "SELECT 1 FROM frames WHERE pack NOT IN (SELECT id FROM packs) LIMIT 1"
        return self._db.execute(lost).fetchone() is None

    def record(
        self,
        cut: Iterable[str],
        lengths: Mapping[str, int],
        rows: Mapping[Oid, Row],
        dropped: Iterable[Oid],
    ) -> None:
        """Take in what is new, all or nothing.

        Everything about the packs `cut` is forgotten; then the packs are known
        up to `lengths`, and `rows` are in them; `dropped` are gone.
        """
        with self._change():
            for name in cut:
                inside = "pack = (SELECT id FROM packs WHERE name = ?)"
                self._db.execute(f"DELETE FROM frames WHERE {inside}", (name,))
                self._db.execute("DELETE FROM packs WHERE name = ?", (name,))
            for name, length in lengths.items():
                self._lengthen(name, length)
            ids = self._ids()
            self._db.executemany(
                "INSERT OR REPLACE INTO frames VALUES (?, ?, ?, ?, ?, ?)",
                (
                    (oid, ids[row.pack], row.offset, row.length, row.size, row.added)
                    for oid, row in rows.items()
                    if row.pack in ids  # Else all of the pack is still to be read.
                ),
            )
            self._delete(dropped)

    def move(self, old: str, moved: Mapping[Oid, tuple[Row, Row]], new: str, length: int) -> bool:
        """Let the objects of pack `old` be at the second row of `moved`, and forget `old`.

        `new` is the pack that holds them now, of `length` bytes. False, with
        nothing changed, when an object is in `old` that was not moved.
        """
        with self._change():
            if moved:
                self._lengthen(new, length)
            ids = self._ids()
            if old not in ids:
                return True
            self._db.executemany(
                "UPDATE frames SET pack = ?, offset = ? WHERE oid = ? AND pack = ? AND offset = ?",
                (
                    (ids[new], to.offset, oid, ids[old], row.offset)
                    for oid, (row, to) in moved.items()
                ),
            )
            left = self._db.execute("SELECT 1 FROM frames WHERE pack = ? LIMIT 1", (ids[old],))
            if left.fetchone() is not None:
                self._db.execute("ROLLBACK")
                return False
            self._db.execute("DELETE FROM packs WHERE name = ?", (old,))
            return True

    def _lengthen(self, pack: str, length: int) -> None:
        self._db.execute(
            "INSERT INTO packs (name, length) VALUES (?, ?) ON CONFLICT (name)"
            " DO UPDATE SET length = MAX(length, excluded.length)",
            (pack, length),
        )

    def _ids(self) -> dict[str, int]:
        return dict(self._db.execute("SELECT name, id FROM packs").fetchall())

    def _delete(self, oids: Iterable[Oid]) -> None:
        self._db.executemany("DELETE FROM frames WHERE oid = ?", ((oid,) for oid in oids))

    @contextlib.contextmanager
    def _change(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise
        if self._db.in_transaction:
            self._db.execute("COMMIT")


def _uri(path: str) -> str:
    return "".join(
        f"%{byte:02x}" if byte in b"%?#" or byte > 126 else chr(byte) for byte in os.fsencode(path)
    )
