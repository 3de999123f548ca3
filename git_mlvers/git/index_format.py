"""The bytes of Git's index file (gitformat-index(5)), versions 2, 3 and 4.

An index is a header, entries sorted by path, extensions, and a hash of all
that. Of an entry only the place, the flags and the path are read here; the
rest has fixed offsets from its place.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, NamedTuple

from git_mlvers.errors import MlversError

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    Buffer = bytes | bytearray

STAT = struct.Struct(">10I")
"""ctime (s, ns), mtime (s, ns), dev, ino, mode, uid, gid, size: the first 40 bytes of an entry."""

ASSUME_VALID = 0x8000
EXTENDED = 0x4000
STAGE = 0x3000
SKIP_WORKTREE = 0x4000
INTENT_TO_ADD = 0x2000

_HEADER = struct.Struct(">4sII")
_EXTENSION = struct.Struct(">4sI")
_FLAGS = struct.Struct(">H")
_NAME_LENGTH = 0x0FFF
_HASH_SIZES = {"sha1": 20, "sha256": 32}


class IndexUnsupported(MlversError):
    """An index that is split, damaged, or of an unknown version."""


class Located(NamedTuple):
    """Where an entry begins, in bytes from the start of the file, and what its end says."""

    offset: int
    flags: int
    extended: int
    path: bytes


def hash_size(object_format: str) -> int:
    """Bytes of an id in a repository of `object_format`."""
    try:
        return _HASH_SIZES[object_format]
    except KeyError:
        raise IndexUnsupported(f"ids of the kind {object_format} are not known") from None


def digest(data: bytes | bytearray | memoryview, object_format: str) -> bytes:
    """The hash that ends an index of which `data` is all before."""
    import hashlib

    return hashlib.new(object_format, data, usedforsecurity=False).digest()


def locate(data: Buffer, object_format: str) -> Iterator[Located]:
    """The entries of an index, in its order; at the end its extensions are checked.

    Raises `IndexUnsupported`, which for a split index is only known at the end.
    """
    id_size = hash_size(object_format)
    try:
        magic, version, count = _HEADER.unpack_from(data)
        if magic != b"DIRC" or version not in (2, 3, 4):
            raise IndexUnsupported(f"an index of version {version} is not known")
        walk = _locate_compressed if version == 4 else _locate_padded
        end = yield from walk(data, count, STAT.size + id_size)
        _check_extensions(data, end, len(data) - id_size)
    except (struct.error, ValueError, IndexError):
        raise IndexUnsupported("the index is cut short") from None


def _locate_padded(data: Buffer, count: int, fixed: int) -> Generator[Located, None, int]:
    """Versions 2 and 3: each entry is filled up with NULs to a multiple of 8 bytes."""
    offset = _HEADER.size
    flags_at = _FLAGS.unpack_from
    for _ in range(count):
        (flags,) = flags_at(data, offset + fixed)
        start = offset + fixed + 2
        extended = 0
        if flags & EXTENDED:
            (extended,) = flags_at(data, start)
            start += 2
        end = start + (flags & _NAME_LENGTH)
        if flags & _NAME_LENGTH == _NAME_LENGTH:
            end = data.index(0, end)
        yield Located(offset, flags, extended, bytes(data[start:end]))
        offset += (end - offset + 8) & ~7
    return offset


def _locate_compressed(data: Buffer, count: int, fixed: int) -> Generator[Located, None, int]:
    """Version 4: a path says how much of the end of the path before it is replaced by what."""
    offset = _HEADER.size
    flags_at = _FLAGS.unpack_from
    path = b""
    for _ in range(count):
        (flags,) = flags_at(data, offset + fixed)
        start = offset + fixed + 2
        extended = 0
        if flags & EXTENDED:
            (extended,) = flags_at(data, start)
            start += 2
        byte = data[start]
        removed = byte & 127
        start += 1
        while byte & 128:
            byte = data[start]
            removed = ((removed + 1) << 7) + (byte & 127)
            start += 1
        end = data.index(0, start)
        if removed > len(path):
            raise ValueError
        path = path[: len(path) - removed] + bytes(data[start:end])
        yield Located(offset, flags, extended, path)
        offset = end + 1
    return offset


def _check_extensions(data: Buffer, start: int, end: int) -> None:
    """Go through the extensions; one that changes what the entries mean is not supported."""
    while start < end:
        name, size = _EXTENSION.unpack_from(data, start)
        if name == b"link":
            raise IndexUnsupported("the index is split")
        # Those whose name begins with a small letter must be understood; "sdir" only says
        # that some entries are directories.
        if not name[:1].isupper() and name != b"sdir":
            raise IndexUnsupported(f"the index has an unknown extension {name!r}")
        start += _EXTENSION.size + size
    if start != end:
        raise ValueError
