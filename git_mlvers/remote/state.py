"""This machine's copy of a remote's index, and its journal of packs not yet in an index.

All methods may be called from any thread, and several processes may use the
same database: each change is one short transaction.
"""

from __future__ import annotations

import contextlib
import sqlite3
import struct
import threading
from typing import TYPE_CHECKING, Any

from git_mlvers.oid import Oid
from git_mlvers.remote import schema
from git_mlvers.remote.model import Item, StoredFile, Tail, Term
from git_mlvers.remote.rows import TERM, add_rows, drop_rows, terms
from git_mlvers.remote.table import SET_ASIDE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from git_mlvers.remote.index_file import Index

_PACK = struct.Struct("<I")
_BATCH = 500

_ALL_PACKS = "SELECT id, name, size FROM packs"
_SINGLES = (
    f"SELECT oid, size, terms FROM files WHERE length(terms) = {TERM.size}"
    f" ORDER BY substr(terms, 1, {_PACK.size})"
)


class State:
    """The database at `path`, with the rights of `shared`; made anew when absent or damaged."""

    def __init__(self, path: str, shared: int | None = None) -> None:
        self.path = path
        self._shared = shared
        self._lock = threading.RLock()
        self._db = schema.connect(path, shared)

    def close(self) -> None:
        """Close the database."""
        with self._lock:
            self._db.close()

    def reopen(self) -> None:
        """Start anew after `StateDamaged`."""
        with self._lock:
            self._db.close()
            self._db = schema.connect(self.path, self._shared)

    # -- index files --

    def indexes(self) -> set[bytes]:
        """Names of the index files whose rows are here."""
        with self._reading() as db:
            return {name for (name,) in db.execute("SELECT name FROM indexes")}

    def superseded(self) -> dict[bytes, set[bytes]]:
        """Names of index files that need not be read, with the names of those that say so."""
        query = "SELECT s.name, i.name FROM superseded s JOIN indexes i ON i.id = s.by_index"
        found: dict[bytes, set[bytes]] = {}
        with self._reading() as db:
            for old, successor in db.execute(query):
                found.setdefault(old, set()).add(successor)
        return found

    def ingest(self, name: bytes, index: Index, *, journaled: Iterable[bytes] = ()) -> None:
        """Take in an index file; the packs `journaled` leave the journal with that."""
        with self._writing() as db:
            row = db.execute("INSERT OR IGNORE INTO indexes (name) VALUES (?)", (name,))
            if row.rowcount:
                add_rows(db, int(row.lastrowid or 0), index)
            db.executemany("DELETE FROM journal WHERE pack = ?", ((pack,) for pack in journaled))

    def drop_indexes(self, names: Iterable[bytes]) -> None:
        """Forget index files that are no longer on the remote, or that others supersede."""
        with self._writing() as db:
            drop_rows(db, names)
            db.execute("DELETE FROM large_terms WHERE oid NOT IN (SELECT oid FROM files)")
            listed = "(SELECT pack FROM index_packs)"
            db.execute(f"DELETE FROM hooks WHERE pack NOT IN {listed}")
            db.execute(
                "DELETE FROM footers WHERE pack NOT IN (SELECT pack FROM journal) AND pack NOT IN"
                f" (SELECT name FROM packs WHERE id IN {listed})"
            )
            db.execute(f"DELETE FROM packs WHERE id NOT IN {listed}")

    # -- files --

    def present(self, oids: Iterable[Oid], *, lasting: bool = False) -> set[Oid]:
        """Those of `oids` for which the index has a place that is possible.

        With `lasting` a place in a pack that a collection is going to delete does not count.
        """
        doomed = self._numbers(self.doomed()) if lasting else set()
        if not doomed:
            query = "SELECT DISTINCT oid FROM files WHERE terms <> x'' AND oid IN"
            return {Oid(oid) for (oid,) in self._select(query, oids)}
        found = self._select("SELECT oid, terms FROM files WHERE terms <> x'' AND oid IN", oids)
        return {
            Oid(oid)
            for oid, blob in found
            if all(term[0] not in doomed for term in TERM.iter_unpack(blob))
        }

    def files(self, oids: Iterable[Oid]) -> dict[Oid, list[StoredFile]]:
        """All places of `oids`; one without terms is an entry that contradicts itself."""
        found: dict[Oid, list[StoredFile]] = {}
        rows = self._select("SELECT oid, size, terms FROM files WHERE oid IN", oids)
        numbers = {term[0] for _, _, blob in rows for term in TERM.iter_unpack(blob)}
        names = dict(self._select("SELECT id, name FROM packs WHERE id IN", numbers))
        for oid, size, blob in rows:
            file = StoredFile(Oid(oid), size, terms(blob, names))
            found.setdefault(file.oid, []).append(file)
        return found

    def listed_in(self, indexes: Iterable[bytes]) -> set[Oid]:
        """All files that these index files list."""
        query = "SELECT oid FROM files JOIN indexes i ON i.id = index_id WHERE i.name IN"
        return {Oid(oid) for (oid,) in self._select(query, indexes)}

    def all_files(self) -> Iterator[StoredFile]:
        """Every file in the index, read in batches."""
        with self._reading() as db:
            names = dict(db.execute("SELECT id, name FROM packs").fetchall())
        last: tuple[bytes, int] = (b"", -1)
        query = (
            "SELECT oid, index_id, size, terms FROM files WHERE (oid, index_id) > (?, ?)"
            " ORDER BY oid, index_id LIMIT 5000"
        )
        while True:
            with self._reading() as db:
                rows = db.execute(query, last).fetchall()
            if not rows:
                return
            for oid, _, size, blob in rows:
                yield StoredFile(Oid(oid), size, terms(blob, names))
            last = (rows[-1][0], rows[-1][1])

    def packs_with_singles(self) -> Iterator[tuple[bytes, int, list[StoredFile]]]:
        """Every pack with its size in bytes, and the files that are one chunk in it."""
        own = schema.connect(self.path, self._shared)  # for a cursor that lives long
        with contextlib.closing(own) as db, schema.guarded(self.path):
            packs = [(_PACK.pack(row[0]), *row[1:]) for row in db.execute(_ALL_PACKS)]
            rows = db.execute(_SINGLES)
            row = rows.fetchone()
            for number, name, size in sorted(packs):
                singles = []
                while row is not None and row[2][: _PACK.size] <= number:
                    if row[2].startswith(number):
                        offset, length, chunks, held = TERM.unpack(row[2])[1:]
                        if chunks == 1:
                            term = Term(name, offset, length, chunks, held)
                            singles.append(StoredFile(Oid(row[0]), row[1], (term,)))
                    row = rows.fetchone()
                yield name, size, singles

    def sharing(self, packs: Iterable[bytes]) -> list[Item]:
        """Large files with a term in one of `packs`: whoever has one has chunks of these packs."""
        numbers = self._numbers(packs)
        query = "SELECT DISTINCT oid FROM large_terms WHERE pack IN"
        oids = {oid for (oid,) in self._select(query, numbers)}
        rows = self._select("SELECT DISTINCT oid, size FROM files WHERE oid IN", oids)
        return [Item(Oid(oid), size) for oid, size in rows]

    # -- packs --

    def pack_sizes(self, names: Iterable[bytes] | None = None) -> dict[bytes, int]:
        """Size in bytes of those of `names`, or of all packs, that the index lists."""
        if names is None:
            with self._reading() as db:
                return dict(db.execute("SELECT name, size FROM packs").fetchall())
        return dict(self._select("SELECT name, size FROM packs WHERE name IN", names))

    def hooked(self, hooks: Iterable[int]) -> dict[int, list[bytes]]:
        """The packs that the index lists under each of `hooks`."""
        query = "SELECT hook, name FROM hooks JOIN packs ON packs.id = hooks.pack WHERE hook IN"
        found: dict[int, list[bytes]] = {}
        for hook, name in self._select(query, hooks):
            found.setdefault(hook, []).append(name)
        return found

    def set_aside(self) -> set[bytes]:
        """Packs with damaged content, to which nothing new may refer."""
        return set(self.hooked([SET_ASIDE]).get(SET_ASIDE, ()))

    def tails(self, names: Iterable[bytes]) -> dict[bytes, Tail]:
        """The footers that are kept here, of those of `names`."""
        rows = self._select("SELECT pack, size, tail FROM footers WHERE pack IN", names)
        return {name: Tail(size, tail) for name, size, tail in rows}

    def keep_tails(self, tails: Mapping[bytes, Tail]) -> None:
        """Keep footers for ever."""
        with self._writing() as db:
            rows = ((name, tail.pack_size, tail.tail) for name, tail in tails.items())
            db.executemany("INSERT OR REPLACE INTO footers VALUES (?, ?, ?)", rows)

    # -- journal --

    def note_pack(self, name: bytes, tail: Tail) -> None:
        """Note in the journal that this pack is on the remote, though in no index yet."""
        with self._writing() as db:
            db.execute("INSERT OR REPLACE INTO journal VALUES (?, ?)", (name, tail.pack_size))
            row = (name, tail.pack_size, tail.tail)
            db.execute("INSERT OR REPLACE INTO footers VALUES (?, ?, ?)", row)

    def journal(self) -> dict[bytes, int]:
        """Name and size in bytes of each pack in the journal."""
        with self._reading() as db:
            return dict(db.execute("SELECT pack, size FROM journal ORDER BY rowid").fetchall())

    def forget_packs(self, names: Sequence[bytes]) -> None:
        """Strike packs from the journal that are not on the remote after all."""
        with self._writing() as db:
            for table in ("journal", "footers"):
                db.executemany(f"DELETE FROM {table} WHERE pack = ?", ((name,) for name in names))

    # -- the database --

    # -- collections --

    def dooms(self) -> set[bytes]:
        """Names of the lists of doomed packs whose rows are here."""
        with self._reading() as db:
            return {name for (name,) in db.execute("SELECT name FROM dooms")}

    def doomed(self, doom: bytes | None = None) -> set[bytes]:
        """The packs that a collection is going to delete; only those of the list `doom`, if given.

        Nothing new may refer to them, and nothing may be taken for stored that is only there.
        """
        query = "SELECT pack FROM doomed WHERE ?1 IS NULL OR doom = ?1"
        with self._reading() as db:
            return {pack for (pack,) in db.execute(query, (doom,))}

    def naming(self, packs: Iterable[bytes]) -> dict[bytes, set[bytes]]:
        """The index files that list any of `packs`, each with those that it lists."""
        query = (
            "SELECT i.name, p.name FROM index_packs JOIN indexes i ON i.id = index_id"
            " JOIN packs p ON p.id = pack WHERE p.name IN"
        )
        found: dict[bytes, set[bytes]] = {}
        for index, pack in self._select(query, packs):
            found.setdefault(index, set()).add(pack)
        return found

    def take_doom(self, name: bytes, packs: Iterable[bytes]) -> None:
        """Take in a list of doomed packs."""
        with self._writing() as db:
            db.execute("INSERT OR IGNORE INTO dooms VALUES (?)", (name,))
            rows = ((name, pack) for pack in packs)
            db.executemany("INSERT OR IGNORE INTO doomed VALUES (?, ?)", rows)

    def drop_dooms(self, names: Iterable[bytes]) -> None:
        """Forget lists of doomed packs that are no longer on the remote."""
        with self._writing() as db:
            for name in names:
                db.execute("DELETE FROM dooms WHERE name = ?", (name,))
                db.execute("DELETE FROM doomed WHERE doom = ?", (name,))

    def told(self, user: bytes) -> bool:
        """Whether the remote was told of this user of it."""
        return bool(self._select("SELECT 1 FROM users WHERE name IN", [user]))

    def note_told(self, user: bytes) -> None:
        """The remote was told of this user."""
        with self._writing() as db:
            db.execute("INSERT OR IGNORE INTO users VALUES (?)", (user,))

    def _numbers(self, packs: Iterable[bytes]) -> set[int]:
        return {row[0] for row in self._select("SELECT id FROM packs WHERE name IN", packs)}

    def _select(self, query: str, values: Iterable[bytes | int]) -> list[Any]:
        """All rows of `query`, which ends in ``IN``, for these values."""
        wanted = list(values)
        rows: list[Any] = []
        with self._reading() as db:
            for start in range(0, len(wanted), _BATCH):
                batch = wanted[start : start + _BATCH]
                rows += db.execute(f"{query} ({','.join('?' * len(batch))})", batch).fetchall()
        return rows

    @contextlib.contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        with self._lock, schema.guarded(self.path):
            yield self._db

    @contextlib.contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._lock, schema.guarded(self.path):
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
            except BaseException:
                with contextlib.suppress(sqlite3.Error):
                    self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")
