"""An index that is made up, taken through what pushes and first fetches do with it."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING, NamedTuple

from git_mlvers.oid import Oid
from git_mlvers.remote import index_file
from git_mlvers.remote.model import StoredFile, Term
from git_mlvers.remote.state import State

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FILES_AT_ONCE = 100_000
TERMS_AT_ONCE = 500_000
PACK = 32 << 20
SMALL = 10_000
CHUNK = 65_536
TERM = 8 << 20
LARGE = 1 << 30
HOOKED = 64


class Measured(NamedTuple):
    """Seconds of CPU for each step and bytes of each form, for the whole index."""

    index_files: int
    index_bytes: int
    local_bytes: int
    encode: float
    decode: float
    ingest: float
    first: float
    last: float
    lookup: float


def small_files(count: int) -> Iterator[index_file.Index]:
    """`count` files of one chunk each, as pushes of at most `FILES_AT_ONCE` tell them."""
    chance = random.Random(1)
    for start in range(0, count, FILES_AT_ONCE):
        left = min(FILES_AT_ONCE, count - start)
        packs: dict[bytes, int] = {}
        hooks, files = [], []
        while left:
            pack = chance.randbytes(32)
            inside = min(PACK // SMALL, left)
            left -= inside
            packs[pack] = inside * SMALL
            for number in range(inside):
                term = Term(pack, number * SMALL, SMALL, 1, SMALL - 40)
                files.append(StoredFile(Oid(chance.randbytes(32)), SMALL - 40, (term,)))
            hooks += [(chance.getrandbits(62), pack) for _ in range(inside // HOOKED)]
        yield index_file.Index(packs, hooks, files, [])


def large_files(chunks: int) -> Iterator[index_file.Index]:
    """Files of `LARGE` bytes that share nothing and have `chunks` chunks together."""
    chance = random.Random(2)
    terms = LARGE // TERM
    files_left = max(1, chunks * CHUNK // LARGE) if chunks else 0
    while files_left:
        packs: dict[bytes, int] = {}
        hooks, files = [], []
        for _ in range(min(files_left, TERMS_AT_ONCE // terms)):
            files_left -= 1
            places = []
            for number in range(terms):
                if number % (PACK // TERM) == 0:
                    pack = chance.randbytes(32)
                    packs[pack] = PACK
                    held = PACK // CHUNK // HOOKED
                    hooks += [(chance.getrandbits(62), pack) for _ in range(held)]
                offset = number % (PACK // TERM) * TERM
                places.append(Term(pack, offset, TERM, TERM // CHUNK, TERM))
            files.append(StoredFile(Oid(chance.randbytes(32)), LARGE, tuple(places)))
        yield index_file.Index(packs, hooks, files, [])


def run(parts: Iterator[index_file.Index], path: Path) -> Measured:
    """Write and read each of `parts`, and take it into a new database at `path`."""
    state = State(str(path))
    size = number = 0
    encode = decode = 0.0
    ingests: list[float] = []
    some: list[Oid] = []
    for part in parts:
        at = time.process_time()
        name, data = index_file.encode(part)
        encoded = time.process_time()
        back = index_file.decode(data, name)
        decoded = time.process_time()
        state.ingest(name, back)
        ingests.append(time.process_time() - decoded)
        encode += encoded - at
        decode += decoded - encoded
        size += len(data)
        number += 1
        some = (some + [file.oid for file in part.files[:100]])[-1000:]
    at = time.process_time()
    if state.present(some) != set(some):
        raise AssertionError("files that were taken in are not there")
    lookup = (time.process_time() - at) * 1000 / max(1, len(some))
    state.close()
    local = sum(p.stat().st_size for p in path.parent.glob(path.name + "*"))
    return Measured(
        number, size, local, encode, decode, sum(ingests), ingests[0], ingests[-1], lookup
    )
