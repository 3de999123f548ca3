"""A pack: frames, then a footer that lists them, then a trailer that finds the footer.

::

    frames    one after the other, from offset 0
    footer    zstd of the tables below
    trailer   32 bytes BLAKE3 of the stored footer, u32 its stored bytes,
              u32 its unpacked bytes, 8 bytes "MLVPACK1"

The footer's columns: u32 counts (chunks, singles, files, terms, other packs);
the chunks' ids, stored payload bytes (u32) and content bytes (u32); the numbers
of those chunks that are a whole file each (singles, u32); the names of the other
packs; then the files of several chunks that this pack completes (see `terms`),
for which pack 0 is this one and pack n the n-th other. The name of a pack is the
BLAKE3 of all its bytes.
"""

from __future__ import annotations

import mmap
import struct
from bisect import bisect_right
from itertools import accumulate
from typing import TYPE_CHECKING, NamedTuple

from blake3 import blake3

from git_mlvers.errors import CorruptError
from git_mlvers.frame import HEADER, MAGIC, MAX_CHUNK, RAW, encode
from git_mlvers.oid import SIZE, Oid
from git_mlvers.remote.columns import ColumnReader, ColumnWriter, compress, decompress
from git_mlvers.remote.layout import MAX_COUNT, MAX_INDEX, MAX_PACK
from git_mlvers.remote.model import StoredFile, Term
from git_mlvers.remote.table import LARGE, PackTable, Run
from git_mlvers.remote.terms import read_files, write_files

if TYPE_CHECKING:
    from collections.abc import Container

TRAILER = struct.Struct("<32sII8s")
TAIL_READ = 64 << 10
"""The tail that is read first to find a footer; most footers fit. Bytes."""

TARGET = 32 << 20
"""A pack is closed when it has this many bytes of frames, """
TARGET_COUNT = 32768
"""or this many chunks or files."""

_MAGIC = b"MLVPACK1"


class Pack(NamedTuple):
    """A finished pack: its table, its bytes, its tail (footer and trailer), files and hooks.

    `data` lies in `buffer`, which may be given to another `PackBuilder` when
    the pack has been sent.
    """

    table: PackTable
    data: memoryview
    tail: bytes
    files: list[StoredFile]
    hooks: set[int]
    buffer: mmap.mmap


class Footer(NamedTuple):
    """What a pack's tail tells: the chunks, the files that the pack completes, and its hooks."""

    table: PackTable
    files: list[StoredFile]
    hooks: set[int]


class PackBuilder:
    """Puts frames together to a pack, in a `buffer` of an earlier pack if there is one."""

    def __init__(self, buffer: mmap.mmap | None = None) -> None:
        self.table = PackTable()
        # Memory that is used again costs no page faults, a third of the time of a large upload.
        self._data = mmap.mmap(-1, TARGET + (4 << 20)) if buffer is None else buffer
        self._singles: list[int] = []
        self._files: list[tuple[Oid, int, list[Run]]] = []
        self._starts: set[int] = set()

    @property
    def full(self) -> bool:
        """Whether it is time to close this pack."""
        count = max(len(self.table.ids), len(self._files))
        return self.table.offsets[-1] >= TARGET or count >= TARGET_COUNT

    @property
    def empty(self) -> bool:
        """Whether there is neither a chunk nor a file in it."""
        return not (self.table.ids or self._files)

    def add(self, data: bytes | memoryview, chunk_id: bytes, try_compress: bool) -> bool:
        """Append a chunk; returns whether compression made it smaller."""
        size = len(data)
        if try_compress:
            frame = encode(data, chunk_id)
            self.add_frame(frame, chunk_id, size)
            return frame[4] != RAW
        end = self._write(self.table.offsets[-1], HEADER.pack(MAGIC, RAW, size, size, chunk_id))
        self._write(end, data)
        self.table.append(chunk_id, HEADER.size + size, size)
        return False

    def add_frame(self, frame: bytes | memoryview, chunk_id: bytes, size: int) -> None:
        """Append a ready frame of `size` bytes of content."""
        self._write(self.table.offsets[-1], frame)
        self.table.append(chunk_id, len(frame), size)

    def add_file(self, oid: Oid, size: int, runs: list[Run]) -> None:
        """Note that this pack completes a file that consists of `runs`."""
        first = runs[0]
        if first.table is self.table:
            whole = len(runs) == 1 and first.chunks == 1
            if whole and self.table.ids[first.first] == oid:
                self._singles.append(first.first)
                return
            if size >= LARGE:
                self._starts.add(first.first)
        self._files.append((oid, size, runs))

    def close(self, avoid: Container[bytes] = ()) -> Pack:
        """Add footer and trailer, and give the pack its name, which is none of `avoid`.

        A pack that would have such a name tells it among the other packs, and so has another.
        """
        table = self.table
        files = [StoredFile(oid, size, _terms(runs)) for oid, size, runs in self._files]
        avoided: list[bytes] = []
        while not table.name or table.name in avoid:
            avoided += [table.name] if table.name else []
            table.name = b""
            tail = _encode_tail(table, self._singles, files, avoided)
            end = self._write(table.offsets[-1], tail)
            data = memoryview(self._data)[:end]
            table.name = blake3(data, max_threads=blake3.AUTO).digest()
        named = [StoredFile(oid, size, _terms(runs)) for oid, size, runs in self._files]
        named += _single_files(table, self._singles)
        return Pack(table, data, tail, named, table.hooks(self._starts), self._data)

    def _write(self, start: int, data: bytes | memoryview) -> int:
        """Put `data` at `start` of the pack; returns where it ends."""
        end = start + len(data)
        if end > len(self._data):
            larger = mmap.mmap(-1, end + (1 << 20))
            larger[:start] = self._data[:start]
            self._data = larger
        self._data[start:end] = data
        return end


def tail_size(tail: bytes, pack_size: int) -> int:
    """How many bytes at the end of a pack are footer and trailer, read from its last bytes.

    Raises `CorruptError` when these are not the last bytes of a pack.
    """
    if len(tail) < TRAILER.size or pack_size > MAX_PACK:
        raise CorruptError("a pack is too short or too long to be one")
    _, stored, unpacked, magic = TRAILER.unpack(tail[-TRAILER.size :])
    if magic != _MAGIC or stored + TRAILER.size > pack_size or unpacked > MAX_INDEX:
        raise CorruptError("a pack has no trailer")
    return int(stored) + TRAILER.size


def read_tail(name: bytes, pack_size: int, tail: bytes) -> Footer:
    """Read the footer of the pack `name` of `pack_size` bytes from the bytes at its end.

    `tail` may begin before the footer, but not after its start. Raises
    `CorruptError` when the footer does not match its checksum or the pack.
    """
    size = tail_size(tail, pack_size)
    if len(tail) < size:
        raise CorruptError("a pack's footer is cut short")
    checksum, _, unpacked, _ = TRAILER.unpack(tail[-TRAILER.size :])
    stored = tail[len(tail) - size : -TRAILER.size]
    if blake3(stored).digest() != checksum:
        raise CorruptError("a pack's footer does not match its checksum")
    footer = _read_tables(name, ColumnReader(decompress(stored, unpacked)))
    if footer.table.offsets[-1] != pack_size - size:
        raise CorruptError("a pack's footer lists other frames than the pack has room for")
    return footer


def _encode_tail(
    table: PackTable, singles: list[int], files: list[StoredFile], avoided: list[bytes]
) -> bytes:
    others = list(dict.fromkeys(term.pack for file in files for term in file.terms))
    others = list(dict.fromkeys((*others, *avoided)))
    others = [name for name in others if name != table.name]
    terms = sum(len(file.terms) for file in files)
    writer = ColumnWriter()
    writer.u32([len(table.ids), len(singles), len(files), terms, len(others)])
    writer.raw(table.ids)
    offsets, sums = table.offsets, table.sums
    numbers = range(len(table.ids))
    writer.u32([offsets[i + 1] - offsets[i] - HEADER.size for i in numbers])
    writer.u32([sums[i + 1] - sums[i] for i in numbers])
    writer.u32(singles)
    writer.raw(others)
    names = {table.name: 0} | {name: n for n, name in enumerate(others, 1)}
    write_files(writer, files, names)
    body = writer.body()
    stored = compress(body)
    return stored + TRAILER.pack(blake3(stored).digest(), len(stored), len(body), _MAGIC)


def _read_tables(name: bytes, reader: ColumnReader) -> Footer:
    chunks, single_count, file_count, terms, other_count = reader.u32(5)
    if max(chunks, single_count, file_count, terms, other_count) > MAX_COUNT:
        raise CorruptError("a pack's footer has too many rows")
    table = PackTable(name)
    table.ids = reader.raw(chunks)
    stored = reader.u32(chunks)
    sizes = reader.u32(chunks)
    if any(not 0 < kept <= size <= MAX_CHUNK for kept, size in zip(stored, sizes, strict=True)):
        raise CorruptError("a pack's footer lists an impossible chunk")
    table.offsets.extend(accumulate(kept + HEADER.size for kept in stored))
    table.sums.extend(accumulate(sizes))
    singles = reader.u32(single_count)
    if singles and max(singles) >= chunks:
        raise CorruptError("a pack's footer lists a file that it does not have")
    others = reader.raw(other_count, SIZE)
    files = read_files(reader, file_count, terms, [name, *others])
    reader.end()
    hooks = table.hooks(_large_starts(table, files))
    return Footer(table, files + _single_files(table, list(singles)), hooks)


def _terms(runs: list[Run]) -> tuple[Term, ...]:
    return tuple(term for run in runs for term in run.table.terms(run.first, run.chunks))


def _single_files(table: PackTable, singles: list[int]) -> list[StoredFile]:
    offsets, sums = table.offsets, table.sums
    files = []
    for number in singles:
        size = sums[number + 1] - sums[number]
        start = offsets[number]
        term = Term(table.name, start, offsets[number + 1] - start, 1, size)
        files.append(StoredFile(Oid(table.ids[number]), size, (term,)))
    return files


def _large_starts(table: PackTable, files: list[StoredFile]) -> set[int]:
    starts = set()
    for file in files:
        first = file.terms[0]
        if file.size >= LARGE and first.pack == table.name:
            number = bisect_right(table.offsets, first.offset) - 1
            if number < len(table.ids):
                starts.add(number)
    return starts
