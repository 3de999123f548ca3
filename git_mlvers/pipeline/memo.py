"""What was found out about content before, kept on this machine so that nothing is read twice.

It may be thrown away at any time: all of it can be computed again. So a fault
of the file never is a fault of the command.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from git_mlvers.fsutil import remove_quietly

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Mapping

_LARGEST = 256 << 20  # bytes; beyond that it begins anew
_AT_ONCE = 500
_BUSY = 5.0  # seconds to wait for another process


class Memo:
    """Names of 32 bytes by keys of 32 bytes, in the file `path`, or in memory if that fails."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._open: sqlite3.Connection | None = None

    def get(self, keys: Iterable[bytes]) -> dict[bytes, bytes]:
        """What is known of `keys`."""
        wanted = list(dict.fromkeys(keys))
        if not wanted:
            return {}
        import sqlite3  # where nothing is asked for, it is not needed

        found: dict[bytes, bytes] = {}
        try:
            database = self._database()
            for start in range(0, len(wanted), _AT_ONCE):
                some = wanted[start : start + _AT_ONCE]
                marks = ",".join("?" * len(some))
                found.update(
                    database.execute(f"SELECT key, name FROM names WHERE key IN ({marks})", some)
                )
        except sqlite3.Error:
            self._give_up()
        return found

    def put(self, names: Mapping[bytes, bytes]) -> None:
        """Remember `names`."""
        if not names:
            return
        import sqlite3

        try:
            database = self._database()
            with database:
                database.executemany("INSERT OR REPLACE INTO names VALUES (?, ?)", names.items())
        except sqlite3.Error:
            self._give_up()

    def close(self) -> None:
        """Close the file."""
        if self._open is not None:
            self._open.close()
            self._open = None

    def _database(self) -> sqlite3.Connection:
        if self._open is None:
            import sqlite3

            try:
                self._open = _connect(self._path)
            except (sqlite3.Error, OSError):
                remove_quietly(self._path)
                self._open = _connect(":memory:")
        return self._open

    def _give_up(self) -> None:
        self.close()
        remove_quietly(self._path)
        self._open = _connect(":memory:")


def _connect(path: str) -> sqlite3.Connection:
    import sqlite3

    if path != ":memory:":
        os.makedirs(os.path.dirname(path), exist_ok=True)
        if os.path.exists(path) and os.path.getsize(path) > _LARGEST:
            remove_quietly(path)
    database = sqlite3.connect(path, timeout=_BUSY)
    database.execute("PRAGMA synchronous = OFF")
    database.execute(
        "CREATE TABLE IF NOT EXISTS names (key BLOB PRIMARY KEY, name BLOB NOT NULL) WITHOUT ROWID"
    )
    return database
