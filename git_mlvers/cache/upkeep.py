"""How much a cache holds, and removing from it what nobody needs."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    from git_mlvers.cache.store import Store
    from git_mlvers.oid import Oid


class Usage(NamedTuple):
    """What a cache holds; sizes in bytes."""

    objects: int
    object_bytes: int
    small: int
    small_bytes: int
    pack_bytes: int
    """What the packs take on disk, dead frames included."""


class Removed(NamedTuple):
    """How many files `remove` removed, and their size in bytes of content."""

    files: int
    size: int


def usage(store: Store) -> Usage:
    """How much is in `store`."""
    large = [size for _, size in store.objects]
    small = [size for _, size in store.packs]
    return Usage(len(large), sum(large), len(small), sum(small), store.packs.disk_size())


def remove(store: Store, oids: Iterable[Oid], before: float | None = None) -> Removed:
    """Remove `oids` from `store`; see `Cache.remove`."""
    wanted = list(oids)
    sizes = [size for oid in wanted if (size := store.objects.remove(oid, before)) is not None]
    sizes += [size for _, size in store.packs.remove(wanted, before)]
    store.packs.flush()
    return Removed(len(sizes), sum(sizes))
