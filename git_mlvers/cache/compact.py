"""Making room: packs without the frames of content that was removed.

A pack is copied under a new name, the index is pointed there, and the old one
is unlinked. Killed at any point, each object is in the old pack, in the new
one, or in both.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from git_mlvers.cache.appender import SUFFIX, absorb_tail, lock_pack
from git_mlvers.cache.scan import content_of
from git_mlvers.fsutil import disk_errors, remove_quietly, sync_file, write_all

if TYPE_CHECKING:
    from git_mlvers.cache.index import Row
    from git_mlvers.cache.packs import LocalPacks
    from git_mlvers.oid import Oid


def compact(packs: LocalPacks, dead_share: float) -> int:
    """Rewrite those of `packs` of which more than `dead_share` (0 to 1) is dead.

    Returns the bytes of disk freed. Raises `LocalIOError`.
    """
    freed = 0
    with packs.mutex:
        packs.flush()
        packs.catalog.refresh()
        if not packs.catalog.lasting:
            return 0
        with disk_errors(packs.folder, "compacting the cache"):
            for name, size in packs.catalog.packs().items():
                fd = lock_pack(os.path.join(packs.folder, name))
                if fd is None:
                    continue
                try:
                    size = absorb_tail(packs.catalog, name, fd)
                    if not packs.catalog.commit():
                        return freed
                    rows = packs.catalog.rows(name)
                    live = sum(row.length for _, row in rows)
                    if not rows or size - live > dead_share * size:
                        freed += _rewrite(packs, name, fd, rows, size)
                finally:
                    os.close(fd)
        packs.forget_files()
    return freed


def _rewrite(packs: LocalPacks, old: str, fd: int, rows: list[tuple[Oid, Row]], size: int) -> int:
    temp = None
    moved: dict[Oid, tuple[Row, Row]] = {}
    length = 0
    try:
        if rows:
            target, temp = packs.temp_file()
            try:
                moved, length = _copy(packs, fd, rows, target)
            finally:
                os.close(target)
        done = packs.catalog.move(old, moved, temp if moved else None, length)
    finally:
        if temp is not None:
            remove_quietly(temp)
    return size - length if done else 0


def _copy(
    packs: LocalPacks, fd: int, rows: list[tuple[Oid, Row]], target: int
) -> tuple[dict[Oid, tuple[Row, Row]], int]:
    """Copy the frames at `rows` of the pack `fd` to `target`: from where to where, bytes in all."""
    name = os.urandom(10).hex() + SUFFIX
    moved: dict[Oid, tuple[Row, Row]] = {}
    length = 0
    for oid, row in rows:
        data = os.pread(fd, row.length, row.offset)
        if content_of(data, oid) is None:
            packs.drop_damaged(oid, row, data)
            continue
        write_all(target, data)
        moved[oid] = (row, row._replace(pack=name, offset=length))
        length += row.length
    packs.catalog.commit()
    if packs.sync:
        sync_file(target)
    return moved, length
