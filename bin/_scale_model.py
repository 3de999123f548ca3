"""What a remote of some size costs: the arithmetic of docs/design.md, "Scale".

Of the constants in `PER`, those of the index come from ``bin/scale --files`` and ``--chunks``
(`index_file` with some room), those of sending and taking from single runs with a store in a
directory. `push_bytes` is the size of lists made up alone; the collection is reckoned, not
measured. That page says which is which.
"""

from __future__ import annotations

from math import ceil
from typing import NamedTuple

TB = 10**12

PACK = 32 << 20
PACK_CHUNKS = 32_768
CELL = 8 << 20
CHUNK = 65_536
WHOLE = 131_072
HOOKED = 64
INDEX_FILES = 100_000
INDEX_TERMS = 500_000
PAGE = 1000


class Per(NamedTuple):
    """Bytes and microseconds for one of each."""

    index_file: float = 36.0
    index_chunk: float = 0.2
    local_file: float = 71.0
    local_chunk: float = 0.85
    encode: float = 0.75
    decode: float = 3.5
    ingest: float = 7.3  # of a million files; more in a larger index: see `GROWTH`
    send_file: float = 26.0
    take_file: float = 25.0
    send_gib: float = 3.0e6
    take_gib: float = 2.3e6
    push_bytes: float = 600.0
    mark_bytes: float = 130.0


PER = Per()

GROWTH = 0.35
"""Taking a row into a larger table takes longer: with this power of the number of rows."""


class Costs(NamedTuple):
    """Of one operation: requests, bytes of memory beside the bounded rest, seconds of CPU."""

    requests: int
    memory: float
    cpu: float


class Remote:
    """A remote with `files` files of `size` bytes together, all alike, none shared."""

    def __init__(self, size: int, files: int) -> None:
        self.size, self.files = size, files
        mean = size / files
        self.chunks = files * (1 if mean <= WHOLE else ceil(mean / CHUNK))
        self.terms = files * max(1, ceil(mean / CELL))
        self.packs = max(ceil(size / PACK), ceil(self.chunks / PACK_CHUNKS))
        self.indexes = max(ceil(files / INDEX_FILES), ceil(self.terms / INDEX_TERMS))
        more = self.chunks - files
        self.index_bytes = files * PER.index_file + more * PER.index_chunk
        self.local_bytes = files * PER.local_file + more * PER.local_chunk
        self._ingest = PER.ingest * max(1.0, files / 1e6) ** GROWTH
        self._learn = files * (PER.decode + self._ingest) / 1e6

    def push(self) -> Costs:
        """Everything, in one push."""
        cpu = self.files * (PER.send_file + PER.encode + self._ingest)
        cpu += self.size / (1 << 30) * PER.send_gib
        return Costs(self.packs + self.indexes + 3, self.files * PER.push_bytes, cpu / 1e6)

    def learn(self) -> Costs:
        """Reading the whole index for the first time, which all that reads begins with."""
        lists = ceil(self.indexes / PAGE)
        return Costs(1 + lists + self.indexes, 64 << 20, self._learn)

    def clone(self) -> Costs:
        """Everything, onto a machine that knows nothing."""
        cpu = self.files * PER.take_file + self.size / (1 << 30) * PER.take_gib
        ranges = ceil(self.size / CELL)
        return Costs(self.learn().requests + ranges, 64 << 20, cpu / 1e6 + self._learn)

    def one(self) -> Costs:
        """One file, onto a machine that knows nothing."""
        learn = self.learn()
        return learn._replace(requests=learn.requests + self.terms // self.files)

    def collect(self) -> Costs:
        """A collection that finds everything needed, on a machine that knows the index."""
        lists = ceil(self.packs / PAGE) + 2 * ceil(self.indexes / PAGE)
        terms = 8 * self.terms + 300 * self.packs
        memory = self.files * PER.mark_bytes + terms
        return Costs(lists + 5, memory, self.files * 2 * PER.decode / 1e6)


def table() -> str:
    """The model for 1, 10 and 100 TB with 1, 10 and 100 million files, in Markdown."""
    lines = [
        "| TB, million files | index, local copy | push: requests, memory, CPU"
        " | clone: requests, CPU | one file: requests, CPU | gc: requests, memory, CPU |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for size in (1, 10, 100):
        for files in (1, 10, 100):
            at = Remote(size * TB, files * 10**6)
            push, clone, one, gc = at.push(), at.clone(), at.one(), at.collect()
            lines.append(
                f"| {size}, {files} | {_bytes(at.index_bytes)}, {_bytes(at.local_bytes)}"
                f" | {push.requests:,}, {_bytes(push.memory)}, {_time(push.cpu)}"
                f" | {clone.requests:,}, {_time(clone.cpu)} | {one.requests:,}, {_time(one.cpu)}"
                f" | {gc.requests:,}, {_bytes(gc.memory)}, {_time(gc.cpu)} |"
            )
    return "\n".join(lines)


def _bytes(size: float) -> str:
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.0f} MB"


def _time(seconds: float) -> str:
    if seconds >= 7200:
        return f"{seconds / 3600:.1f} h"
    return f"{seconds / 60:.0f} min" if seconds >= 120 else f"{seconds:.0f} s"
