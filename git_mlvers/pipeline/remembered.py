"""What was last found at the paths of a pipeline, for when the copy of the index has not changed.

What stands in an index decides all of it, so it is never out of date: it is found by
the state of that file, and by the paths. It may be thrown away at any time.
"""

from __future__ import annotations

import contextlib
import marshal
import os
from typing import TYPE_CHECKING, Any, NamedTuple

from blake3 import blake3

from git_mlvers.errors import LocalIOError
from git_mlvers.fsutil import write_atomic
from git_mlvers.git.scratch import Entry

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_SUM = 32  # bytes


class Looked(NamedTuple):
    """The entries of an index at each path, and the names of those paths that have some."""

    entries: Mapping[str, Sequence[Entry]]
    names: Mapping[str, str]


class Remembered:
    """The last `Looked`, in the file `path`."""

    def __init__(self, path: str) -> None:
        self._path = path

    def get(self, state: str, paths: Iterable[str]) -> Looked | None:
        """What was kept for this state of the index and these paths; ``None`` if it is another."""
        try:
            with open(self._path, "rb") as file:
                kept = file.read()
            body = memoryview(kept)[_SUM:]
            if blake3(body).digest() != kept[:_SUM]:
                return None
            key, entries, names = marshal.loads(body)
            if key != _key(state, paths):
                return None
            return Looked(
                {path: [Entry(*e) for e in some] for path, some in entries.items()}, names
            )
        except (OSError, ValueError, EOFError, TypeError):
            return None

    def keep(self, state: str, paths: Iterable[str], looked: Looked) -> None:
        """Keep it in place of what was kept before; a fault of the disk is no fault of ours."""
        entries: Any = {path: [tuple(e) for e in some] for path, some in looked.entries.items()}
        body = marshal.dumps((_key(state, paths), entries, dict(looked.names)))
        with contextlib.suppress(OSError, LocalIOError):
            os.makedirs(os.path.dirname(self._path), exist_ok=True)
            write_atomic(self._path, blake3(body).digest() + body, sync=False)


def _key(state: str, paths: Iterable[str]) -> bytes:
    return blake3(os.fsencode("\0".join((state, *paths)))).digest()
