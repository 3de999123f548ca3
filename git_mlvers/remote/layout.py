"""Which keys a remote has, and the sizes that bound its objects.

Names are made by us and checked when they come back from a listing: a key of
any other form is not ours and is passed over.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_mlvers.oid import SIZE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from git_mlvers.backend.base import Entry

MARKER = "mlvers.json"
"""What makes a place a remote; never changes once written."""

PACKS = "content/packs/"
INDEXES = "content/index/"

MAX_PACK = 256 << 20
"""No pack is larger. Bytes."""

MAX_TERM = 16 << 20
"""No term is longer, so that one range of bounded memory reads it. Bytes in the pack."""

MAX_INDEX = 64 << 20
"""No index file is larger, stored or unpacked. Bytes."""

MAX_COUNT = 1 << 22
"""No table of a pack or of an index file has more rows."""


def pack_key(name: bytes) -> str:
    """The key of the pack with this raw name."""
    digits = name.hex()
    return f"{PACKS}{digits[:2]}/{digits}"


def index_key(name: bytes) -> str:
    """The key of the index file with this raw name."""
    return INDEXES + name.hex()


def pack_name(key: str) -> bytes | None:
    """The raw name of the pack at `key`; ``None`` when no pack of ours has such a key."""
    name = _name(key.rpartition("/")[2])
    return name if name is not None and pack_key(name) == key else None


def index_name(key: str) -> bytes | None:
    """The raw name of the index file at `key`; ``None`` when none of ours has such a key."""
    name = _name(key.removeprefix(INDEXES))
    return name if name is not None and index_key(name) == key else None


def named_indexes(entries: Iterable[Entry]) -> Iterator[tuple[bytes, Entry]]:
    """The index files in a listing, with their raw names."""
    for entry in entries:
        name = index_name(entry.key)
        if name is not None:
            yield name, entry


def named_packs(entries: Iterable[Entry]) -> Iterator[tuple[bytes, Entry]]:
    """The packs in a listing, with their raw names."""
    for entry in entries:
        name = pack_name(entry.key)
        if name is not None:
            yield name, entry


def _name(digits: str) -> bytes | None:
    if len(digits) != 2 * SIZE or digits.strip("0123456789abcdef"):
        return None
    return bytes.fromhex(digits)
