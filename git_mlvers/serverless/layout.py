"""Which objects of a store make up its git repository, and how they are named."""

from __future__ import annotations

import re

FOLDER = "git/"
MANIFEST = "git/manifest.json"
PACKS = "git/packs/"
NUMBERED = "git/manifests/"
HISTORY = "git/history/"
PROBE = "git/probe-"

_PACK = re.compile(rf"{PACKS}([0-9a-f]{{64}})\.pack")
_NUMBER = re.compile(rf"{NUMBERED}([0-9]{{12}})\.json")


def pack_key(pack_id: str) -> str:
    """The key of the pack whose bytes have the BLAKE3 hash `pack_id`, in hex."""
    return f"{PACKS}{pack_id}.pack"


def pack_id(key: str) -> str | None:
    """The id of the pack at `key`; ``None`` when `key` is not that of a pack."""
    match = _PACK.fullmatch(key)
    return match[1] if match else None


def numbered_key(generation: int) -> str:
    """The key of a manifest in a store that can create but not replace."""
    return f"{NUMBERED}{generation:012d}.json"


def number(key: str) -> int | None:
    """The generation that `numbered_key` was given; ``None`` for any other key."""
    match = _NUMBER.fullmatch(key)
    return int(match[1]) if match else None


def history_key(generation: int, digest: str) -> str:
    """Where a superseded manifest with the hash `digest` is kept for a while."""
    return f"{HISTORY}{generation:012d}-{digest[:16]}.json"
