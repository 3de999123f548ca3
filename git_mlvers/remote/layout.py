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
DOOMED = INDEXES + "doomed-"
"""Lists of packs that will be deleted: among the index files, so that one listing tells both."""
USERS = "content/users/"
"""Who uses the remote: what a collection has to look at before it deletes."""
GC = "content/gc/"
"""What a collection writes to learn the time of the store."""
PROBE = "content/probe/"
"""What is written to find out what the store can do, and deleted at once."""

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


def doom_key(name: bytes) -> str:
    """The key of the list of doomed packs with this raw name."""
    return DOOMED + name.hex()


def user_key(name: bytes) -> str:
    """The key of the object that tells of the user with this raw name."""
    return USERS + name.hex()


def doom_name(key: str) -> bytes | None:
    """The raw name of the list of doomed packs at `key`; ``None`` when none has such a key."""
    name = _name(key.removeprefix(DOOMED))
    return name if name is not None and doom_key(name) == key else None


def user_name(key: str) -> bytes | None:
    """The raw name of the user at `key`; ``None`` when none has such a key."""
    name = _name(key.removeprefix(USERS))
    return name if name is not None and user_key(name) == key else None


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
