"""An index file: what one push added to a remote, or several such files merged.

::

    header    8 bytes "MLVIDX01", u64 unpacked bytes
    zstd of   u32 counts (packs, hooks, files, terms, superseded),
              packs: names, u64 sizes
              hooks: first 8 bytes of a chunk's id, u32 number of its pack
              files: see `terms`; a pack's number is its place in the list of packs
              superseded: names of index files that this one replaces

Its name is the BLAKE3 of all its bytes.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

from blake3 import blake3

from git_mlvers.errors import CorruptError
from git_mlvers.remote.columns import ColumnReader, ColumnWriter, compress, decompress
from git_mlvers.remote.layout import MAX_COUNT, MAX_INDEX, MAX_PACK
from git_mlvers.remote.model import StoredFile
from git_mlvers.remote.terms import read_files, write_files

_HEADER = struct.Struct("<8sQ")
_MAGIC = b"MLVIDX01"


class Index(NamedTuple):
    """The content of an index file."""

    packs: dict[bytes, int]
    """Size in bytes of each pack, by its raw name; all packs of all terms are here."""
    hooks: list[tuple[int, bytes]]
    """Chunks by which packs are found again (see `pack.hook_of`), and the pack of each."""
    files: list[StoredFile]
    supersedes: list[bytes]
    """Raw names of the index files that this one makes superfluous."""


def encode(index: Index) -> tuple[bytes, bytes]:
    """The raw name and the bytes of the index file."""
    numbers = {name: number for number, name in enumerate(index.packs)}
    hooks = sorted((numbers[pack], hook) for hook, pack in index.hooks)
    writer = ColumnWriter()
    terms = sum(len(file.terms) for file in index.files)
    counts = [len(numbers), len(hooks), len(index.files), terms, len(index.supersedes)]
    writer.u32(counts)
    writer.raw(index.packs)
    writer.u64(list(index.packs.values()))
    writer.raw(hook.to_bytes(8, "little", signed=True) for _, hook in hooks)
    writer.u32([number for number, _ in hooks])
    write_files(writer, index.files, numbers)
    writer.raw(index.supersedes)
    body = writer.body()
    data = _HEADER.pack(_MAGIC, len(body)) + compress(body)
    return blake3(data).digest(), data


def decode(data: bytes, name: bytes) -> Index:
    """Read an index file; raises `CorruptError` unless `data` is the one called `name`."""
    if blake3(data).digest() != name:
        raise CorruptError("an index file does not match its hash")
    if len(data) < _HEADER.size:
        raise CorruptError("an index file is cut short")
    magic, size = _HEADER.unpack_from(data)
    if magic != _MAGIC or size > MAX_INDEX:
        raise CorruptError("an index file has a damaged header")
    reader = ColumnReader(decompress(memoryview(data)[_HEADER.size :], size))
    pack_count, hook_count, file_count, terms, superseded = reader.u32(5)
    if max(pack_count, hook_count, file_count, terms, superseded) > MAX_COUNT:
        raise CorruptError("an index file has too many rows")
    names = reader.raw(pack_count)
    sizes = reader.u64(pack_count)
    if sizes and max(sizes) > MAX_PACK:
        raise CorruptError("an index file lists a pack of impossible size")
    hook_ids = reader.raw(hook_count, 8)
    hook_packs = reader.u32(hook_count)
    if hook_packs and max(hook_packs) >= pack_count:
        raise CorruptError("an index file has a hook for a pack that is not listed")
    hooks = [
        (int.from_bytes(hook, "little", signed=True), names[number])
        for hook, number in zip(hook_ids, hook_packs, strict=True)
    ]
    files = read_files(reader, file_count, terms, names)
    supersedes = reader.raw(superseded)
    reader.end()
    return Index(dict(zip(names, sizes, strict=True)), hooks, files, supersedes)
