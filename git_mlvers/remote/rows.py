"""The rows that index files are in the local database of a remote."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from git_mlvers.remote.model import Term
from git_mlvers.remote.table import LARGE
from git_mlvers.remote.terms import is_possible

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Mapping

    from git_mlvers.remote.index_file import Index
    from git_mlvers.remote.model import StoredFile

TERM = struct.Struct("<IIIII")
"""A term as the database keeps it: the number of its pack, and what else a `Term` has."""

_SORTED = 100_000  # rows are put in order together: in its order a table takes them quicker


def add_rows(db: sqlite3.Connection, number: int, index: Index) -> None:
    """Add the rows of the index file that has this number in the table of them."""
    db.executemany("INSERT OR IGNORE INTO packs (name, size) VALUES (?, ?)", index.packs.items())
    ids = {
        name: db.execute("SELECT id FROM packs WHERE name = ?", (name,)).fetchone()[0]
        for name in index.packs
    }
    rows = ((number, pack) for pack in ids.values())
    db.executemany("INSERT OR IGNORE INTO index_packs VALUES (?, ?)", rows)
    hooks = ((hook, ids[pack]) for hook, pack in index.hooks)
    db.executemany("INSERT OR IGNORE INTO hooks VALUES (?, ?)", hooks)
    for start in range(0, len(index.files), _SORTED):
        some = index.files[start : start + _SORTED]
        files = [(file.oid, number, file.size, _blob(file, index.packs, ids)) for file in some]
        files.sort()
        db.executemany("INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?)", files)
    large = (
        (ids[pack], file.oid)
        for file in index.files
        if file.size > LARGE
        for pack in {term.pack for term in file.terms}
    )
    db.executemany("INSERT OR IGNORE INTO large_terms VALUES (?, ?)", large)
    replaced = ((name, number) for name in index.supersedes)
    db.executemany("INSERT OR REPLACE INTO superseded VALUES (?, ?)", replaced)


def drop_rows(db: sqlite3.Connection, names: Iterable[bytes]) -> None:
    """Remove the rows of the index files `names`."""
    found = [
        row
        for name in names
        for row in db.execute("SELECT id FROM indexes WHERE name = ?", (name,))
    ]
    db.execute("CREATE TEMP TABLE dropped (id INTEGER PRIMARY KEY)")
    db.executemany("INSERT INTO dropped VALUES (?)", found)
    for table, column in (
        ("files", "index_id"),
        ("index_packs", "index_id"),
        ("superseded", "by_index"),
        ("indexes", "id"),
    ):
        # One pass over the table, however many index files are dropped.
        db.execute(f"DELETE FROM {table} WHERE {column} IN (SELECT id FROM dropped)")
    db.execute("DROP TABLE dropped")


def _blob(file: StoredFile, sizes: Mapping[bytes, int], ids: Mapping[bytes, int]) -> bytes:
    """The terms of `file` as the database keeps them; nothing when they are impossible."""
    if not is_possible(file, sizes):
        return b""
    return b"".join([TERM.pack(ids[term[0]], *term[1:]) for term in file.terms])


def terms(blob: bytes, names: Mapping[int, bytes]) -> tuple[Term, ...]:
    """The terms that `_blob` wrote down; `names` are those of the packs by their numbers."""
    rows = list(TERM.iter_unpack(blob))
    if any(row[0] not in names for row in rows):  # dropped by another process just now
        return ()
    return tuple(Term(names[pack], *rest) for pack, *rest in rows)
