"""The local database of one remote: how it is made, opened, and thrown away.

Everything in it can be had again from the remote, except for the journal,
whose loss costs no more than sending some packs once more. So a database that
is damaged, or of another version, is deleted and made anew.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from typing import TYPE_CHECKING

from git_mlvers.errors import LocalIOError
from git_mlvers.fsutil import apply_shared, disk_errors, make_dirs

if TYPE_CHECKING:
    from collections.abc import Iterator

VERSION = 2

# How long a process waits for another one that writes. Seconds.
_BUSY = 60.0

_TABLES = """
CREATE TABLE indexes (id INTEGER PRIMARY KEY, name BLOB NOT NULL UNIQUE);
CREATE TABLE superseded (name BLOB, by_index INTEGER, PRIMARY KEY (name, by_index)) WITHOUT ROWID;
CREATE TABLE packs (id INTEGER PRIMARY KEY, name BLOB NOT NULL UNIQUE, size INTEGER NOT NULL);
CREATE TABLE index_packs (index_id INTEGER, pack INTEGER, PRIMARY KEY (index_id, pack))
    WITHOUT ROWID;
CREATE TABLE files (oid BLOB, index_id INTEGER, size INTEGER NOT NULL, terms BLOB NOT NULL,
    PRIMARY KEY (oid, index_id)) WITHOUT ROWID;
CREATE TABLE hooks (hook INTEGER, pack INTEGER, PRIMARY KEY (hook, pack)) WITHOUT ROWID;
CREATE TABLE large_terms (pack INTEGER, oid BLOB, PRIMARY KEY (pack, oid)) WITHOUT ROWID;
CREATE TABLE footers (pack BLOB PRIMARY KEY, size INTEGER NOT NULL, tail BLOB NOT NULL);
CREATE TABLE journal (pack BLOB PRIMARY KEY, size INTEGER NOT NULL);
CREATE TABLE dooms (name BLOB PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE doomed (doom BLOB, pack BLOB, PRIMARY KEY (doom, pack)) WITHOUT ROWID;
CREATE TABLE users (name BLOB PRIMARY KEY) WITHOUT ROWID;
"""


class StateDamaged(LocalIOError):
    """The local copy of a remote's index is damaged; it was deleted and will be made anew."""


def connect(path: str, shared: int | None = None) -> sqlite3.Connection:
    """Open the database at `path`, made anew when it is absent, damaged or of another version.

    `shared` is ``core.sharedRepository`` as permission bits, for a database that is made.
    """
    make_dirs(os.path.dirname(path), shared)
    try:
        return _open(path, shared)
    except StateDamaged:
        return _open(path, shared)


@contextlib.contextmanager
def guarded(path: str) -> Iterator[None]:
    """Turn what sqlite raises into errors of ours; a damaged database is deleted."""
    try:
        yield
    except sqlite3.OperationalError as error:
        raise LocalIOError(f"cannot use {path}: {error}") from error
    except sqlite3.DatabaseError as error:
        delete(path)
        raise StateDamaged(
            f"the local copy of a remote's index was damaged ({error}); it was deleted: {path}",
            "run the command again",
        ) from error


def delete(path: str) -> None:
    """Remove the database and what sqlite keeps beside it."""
    for suffix in ("", "-wal", "-shm", "-journal"):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path + suffix)


def _open(path: str, shared: int | None) -> sqlite3.Connection:
    if shared is not None:
        _make_file(path, shared)
    with guarded(path):
        # Threads share the connection; State lets only one use it at a time.
        db = sqlite3.connect(path, timeout=_BUSY, isolation_level=None, check_same_thread=False)
        try:
            _prepare(db)
        except BaseException:
            db.close()
            raise
        return db


def _make_file(path: str, shared: int) -> None:
    """Make the empty file, which sqlite takes for a new database; its rights are those of all."""
    try:
        with disk_errors(path, "making a file"):
            fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
            try:
                apply_shared(fd, shared)
            finally:
                os.close(fd)
    except FileExistsError:
        return


def _prepare(db: sqlite3.Connection) -> None:
    # Readers go on while another process writes; no commit waits for the disk,
    # and yet a power failure leaves the database sound.
    db.execute("PRAGMA journal_mode=WAL")
    db.execute("PRAGMA synchronous=NORMAL")
    if _version(db) == VERSION:
        return
    db.execute("BEGIN IMMEDIATE")
    found = _version(db)
    if found == 0:
        for statement in _TABLES.split(";"):
            db.execute(statement)
        db.execute(f"PRAGMA user_version={VERSION}")
    db.execute("COMMIT")
    if found not in (0, VERSION):
        raise sqlite3.DatabaseError(f"version {found}")


def _version(db: sqlite3.Connection) -> int:
    return int(db.execute("PRAGMA user_version").fetchone()[0])
