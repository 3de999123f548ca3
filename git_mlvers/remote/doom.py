"""A list of doomed packs: what a collection is going to delete once the grace is over.

::

    8 bytes "MLVDOOM1", u64 seconds since 1970, u32 count, names of the packs

Its name is the BLAKE3 of all its bytes. When it was written is told by the store;
the time within only gives two lists of the same packs different names.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from blake3 import blake3

from git_mlvers.errors import CorruptError
from git_mlvers.oid import SIZE
from git_mlvers.remote.layout import MAX_COUNT

if TYPE_CHECKING:
    from collections.abc import Collection

_HEADER = struct.Struct("<8sQI")
_MAGIC = b"MLVDOOM1"

MAX_SIZE = _HEADER.size + SIZE * MAX_COUNT
"""No list is larger. Bytes."""


def encode(packs: Collection[bytes], at: float) -> tuple[bytes, bytes]:
    """The raw name and the bytes of a list of `packs`, written `at` (seconds since 1970)."""
    names = sorted(packs)
    data = _HEADER.pack(_MAGIC, int(at), len(names)) + b"".join(names)
    return blake3(data).digest(), data


def decode(data: bytes, name: bytes) -> list[bytes]:
    """The names of the packs; raises `CorruptError` unless `data` is the list called `name`."""
    if blake3(data).digest() != name:
        raise CorruptError("a list of doomed packs does not match its hash")
    if len(data) < _HEADER.size:
        raise CorruptError("a list of doomed packs is cut short")
    magic, _, count = _HEADER.unpack_from(data)
    if magic != _MAGIC or len(data) != _HEADER.size + SIZE * count:
        raise CorruptError("a list of doomed packs is damaged")
    return [data[at : at + SIZE] for at in range(_HEADER.size, len(data), SIZE)]
