"""Bytes for files, and their pointers, worked out by hand."""

from __future__ import annotations

import random
import re
from pathlib import Path
from typing import NamedTuple

from blake3 import blake3

POINTER = re.compile(
    rb"version git-mlvers/1\noid blake3:(?P<oid>[0-9a-f]{64})\nsize (?P<size>[1-9][0-9]*)\n\Z"
)
POINTER_START = b"version git-mlvers/"


class PointerText(NamedTuple):
    """A pointer read from git by hand: 64 hex digits, and bytes."""

    oid: str
    size: int


def noise(size: int, seed: int | str = 0) -> bytes:
    """`size` bytes that do not compress, the same for the same `seed`."""
    return random.Random(f"{seed}:{size}").randbytes(size)


def oid_of(data: bytes) -> str:
    """The 64 hex digits that name `data`."""
    return blake3(data).hexdigest()


def pointer_of(data: bytes) -> bytes:
    """The pointer text of `data`, which is not empty."""
    return b"version git-mlvers/1\noid blake3:%b\nsize %d\n" % (oid_of(data).encode(), len(data))


def object_file(cache: Path | str, oid: str) -> Path:
    """Where a cache keeps the large content named by the 64 hex digits `oid`."""
    return Path(cache, "objects", oid[:2], oid[2:4], oid)


def parse_pointer(text: bytes) -> PointerText | None:
    """Read a canonical pointer; ``None`` for anything else."""
    match = POINTER.match(text)
    return PointerText(match["oid"].decode(), int(match["size"])) if match else None
