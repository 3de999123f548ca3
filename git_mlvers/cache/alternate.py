"""The cache of another repository on this machine, which may be closed to this user.

What of it cannot be read counts as not being there, so that the content comes
from elsewhere.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, TypeVar

from git_mlvers.cache.objects import ObjectStore
from git_mlvers.cache.packs import LocalPacks
from git_mlvers.cache.store import Store
from git_mlvers.errors import LocalIOError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from git_mlvers.cache.index import Row
    from git_mlvers.oid import Oid

_T = TypeVar("_T")


class Alternate(Store):
    """The cache at `root`, of which nothing is changed."""

    def __init__(self, root: str) -> None:
        super().__init__(root, writable=False)
        self.objects = _Objects(root, writable=False)
        self.packs = _Packs(root, writable=False)


class _Objects(ObjectStore):
    def find(self, oid: Oid, size: int) -> str | None:
        """See `ObjectStore.find`; what was found damaged is not looked at again."""
        if oid in self.damaged:
            return None
        try:
            path = super().find(oid, size)
        except LocalIOError:
            return None
        return path if path is not None and _may_read(path) else None


class _Packs(LocalPacks):
    def __init__(self, root: str, *, writable: bool) -> None:
        super().__init__(root, writable=writable)
        self._closed = False
        self._readable: dict[str, bool] = {}

    def find(self, oid: Oid) -> Row | None:
        """See `LocalPacks.find`."""
        row = self._find_any(oid)
        return row if row is not None and self._is_readable(row.pack) else None

    def find_many(self, oids: Sequence[Oid]) -> dict[Oid, Row]:
        """See `LocalPacks.find_many`."""
        nothing: dict[Oid, Row] = {}
        found = self._unless_closed(lambda: super(_Packs, self).find_many(oids), nothing)
        return {oid: row for oid, row in found.items() if self._is_readable(row.pack)}

    def read(self, oid: Oid, look_again: bool = True) -> tuple[bytes, bytes] | None:
        """See `LocalPacks.read`."""
        row = self._find_any(oid)
        if row is not None and not self._is_readable(row.pack):
            return None
        return self._unless_closed(lambda: super(_Packs, self).read(oid, look_again), None)

    def _find_any(self, oid: Oid) -> Row | None:
        return self._unless_closed(lambda: super(_Packs, self).find(oid), None)

    def _unless_closed(self, ask: Callable[[], _T], otherwise: _T) -> _T:
        """What `ask` gives; `otherwise` once it turned out that this cache cannot be read."""
        if self._closed:
            return otherwise
        try:
            return ask()
        except (LocalIOError, OSError):
            self._closed = True  # Looking at it again for each file would take long.
            return otherwise

    def _is_readable(self, pack: str) -> bool:
        known = self._readable.get(pack)
        if known is None:
            path = os.path.join(self.folder, pack)
            # One that was compacted is no obstacle: who reads looks where its content is now.
            known = _may_read(path) or not os.path.exists(path)
            self._readable[pack] = known
        return known


def _may_read(path: str) -> bool:
    return os.access(path, os.R_OK, effective_ids=os.access in os.supports_effective_ids)
