"""Git's index: reading its entries, and putting the stat data of some of them right.

Git compares the stat data of an entry with the file to know, without reading
it, that it is unchanged. A file that was put in place behind Git's back is read
again at each look. `patch_stat` tells Git about it: it overwrites 36 bytes of
the entry and the hash at the end, and nothing else.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, NamedTuple

from git_mlvers.git.index_format import (
    ASSUME_VALID,
    INTENT_TO_ADD,
    SKIP_WORKTREE,
    STAGE,
    STAT,
    IndexUnsupported,
    digest,
    hash_size,
    locate,
)
from git_mlvers.git.index_lock import IndexLocked, read_index, replace_index

if TYPE_CHECKING:
    from collections.abc import Mapping

    from git_mlvers.git.index_format import Located

__all__ = ["Entry", "IndexLocked", "IndexUnsupported", "StatChange", "patch_stat", "read_entries"]

_SECOND = 1_000_000_000
_WORD = 0xFFFFFFFF
_ATTEMPTS = 3


class StatChange(NamedTuple):
    """What is to be recorded for one path.

    The entry must have the blob `blob` (hex id); if `expected` is given, it must
    also have exactly its times, size and inode, or it is left as it is.
    """

    blob: str
    new: os.stat_result
    expected: os.stat_result | None = None


class Entry(NamedTuple):
    """One entry. Numbers are as recorded: cut to 32 bits; `size` in bytes modulo 4 GiB."""

    path: bytes
    mode: int
    oid: str
    ctime_s: int
    ctime_ns: int
    mtime_s: int
    mtime_ns: int
    dev: int
    ino: int
    uid: int
    gid: int
    size: int
    stage: int
    assume_valid: bool
    skip_worktree: bool
    intent_to_add: bool


def read_entries(index_path: str, object_format: str) -> list[Entry]:
    """All entries of an index, in its order; none when there is no such file.

    Raises `IndexUnsupported`.
    """
    found = read_index(index_path)
    if found is None:
        return []
    data = bytes(found[0])
    id_size = hash_size(object_format)
    return [_entry(data, located, id_size) for located in locate(data, object_format)]


def patch_stat(
    index_path: str,
    changes: Mapping[bytes, StatChange],
    object_format: str,
    munge_size: bool,
) -> int:
    """Record new stat data for the paths in `changes`; how many entries were changed.

    Left alone are entries with another blob, of a conflict, or marked
    assume-unchanged, skip-worktree or intent-to-add. `munge_size` says that git
    records a size of a multiple of 4 GiB as 0x80000000 (from 2.43 on) and not as 0.
    The index is locked as git does it, but never waited for: git may be waiting
    for us. Raises `IndexLocked` and `IndexUnsupported`, and has then changed nothing.

    The index keeps its own time, on which git's idea of "racily clean" rests: a
    file as new as the index may have changed since without it showing. Only where
    a new entry would be such a one, the time is moved on, and all other entries
    that were racily clean are marked for git to look at.
    """
    path = os.path.realpath(index_path)
    for _ in range(_ATTEMPTS):
        found = read_index(path)
        if found is None:
            return 0
        data, stat = found
        patch = _Patch(data, object_format)
        count = patch.apply(changes, munge_size)
        if count == 0:
            return 0
        mtime_ns = patch.settle(stat.st_mtime_ns)
        patch.seal()
        if replace_index(path, data, stat, mtime_ns):
            return count
    raise IndexLocked(f"the index keeps changing: {path}")


class _Patch:
    """Changes to the bytes of an index."""

    def __init__(self, data: bytearray, object_format: str) -> None:
        self._data = data
        self._format = object_format
        self._body = len(data) - hash_size(object_format)
        # index.skipHash: no hash is kept, and none is looked at.
        self._unhashed = not any(data[self._body :])
        if not self._unhashed and self._digest() != data[self._body :]:
            raise IndexUnsupported("the index is damaged: its checksum is wrong", "git fsck")
        self._newest = 0
        self._changed: set[int] = set()

    def apply(self, changes: Mapping[bytes, StatChange], munge_size: bool) -> int:
        """Change the entries; how many were."""
        for located in locate(self._data, self._format):
            change = changes.get(located.path)
            if change is None or _is_special(located) or not self._applies(located, change):
                continue
            mode = STAT.unpack_from(self._data, located.offset)[6]
            numbers = _recorded(change.new, mode, munge_size)
            STAT.pack_into(self._data, located.offset, *numbers)
            self._newest = max(self._newest, numbers[2])
            self._changed.add(located.offset)
        return len(self._changed)

    def settle(self, mtime_ns: int) -> int:
        """The time that the index gets, `mtime_ns` if that does not make a change useless."""
        second = mtime_ns // _SECOND
        after = self._newest + 1
        if self._newest < second or after > time.time():
            return mtime_ns
        for located in locate(self._data, self._format):
            if located.offset in self._changed or _is_special(located):
                continue
            if STAT.unpack_from(self._data, located.offset)[2] >= second:
                # No size: git takes that for "unknown" and compares the content, once.
                end = located.offset + STAT.size
                self._data[end - 4 : end] = bytes(4)
        return after * _SECOND

    def seal(self) -> None:
        """Put the hash at the end right."""
        if not self._unhashed:
            self._data[self._body :] = self._digest()

    def _applies(self, located: Located, change: StatChange) -> bool:
        data = self._data
        start = located.offset + STAT.size
        if data[start : start + len(data) - self._body].hex() != change.blob:
            return False
        if change.expected is None:
            return True
        present = STAT.unpack_from(data, located.offset)
        # A size that is no multiple of 4 GiB is recorded in the same way by all versions.
        expected = _recorded(change.expected, 0, munge=present[9] != 0)
        return (present[:4], present[5], present[9]) == (expected[:4], expected[5], expected[9])

    def _digest(self) -> bytes:
        return digest(memoryview(self._data)[: self._body], self._format)


def _is_special(located: Located) -> bool:
    """Whether git does not compare this entry with a file as it does others."""
    return bool(
        located.flags & (ASSUME_VALID | STAGE) or located.extended & (SKIP_WORKTREE | INTENT_TO_ADD)
    )


def _recorded(stat: os.stat_result, mode: int, munge: bool) -> tuple[int, ...]:
    """The ten numbers by which git remembers `stat`."""
    size = stat.st_size & _WORD
    if size == 0 and stat.st_size and munge:
        size = 0x80000000
    return (
        stat.st_ctime_ns // _SECOND & _WORD,
        stat.st_ctime_ns % _SECOND,
        stat.st_mtime_ns // _SECOND & _WORD,
        stat.st_mtime_ns % _SECOND,
        stat.st_dev & _WORD,
        stat.st_ino & _WORD,
        mode,
        stat.st_uid & _WORD,
        stat.st_gid & _WORD,
        size,
    )


def _entry(data: bytes, located: Located, id_size: int) -> Entry:
    start = located.offset + STAT.size
    numbers = STAT.unpack_from(data, located.offset)
    return Entry._make(
        (
            located.path,
            numbers[6],
            data[start : start + id_size].hex(),
            *numbers[:6],
            *numbers[7:],
            (located.flags & STAGE) >> 12,
            bool(located.flags & ASSUME_VALID),
            bool(located.extended & SKIP_WORKTREE),
            bool(located.extended & INTENT_TO_ADD),
        )
    )
