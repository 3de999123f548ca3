"""Reading a whole pack, or a whole file of the remote, to see whether it is right."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from blake3 import blake3

from git_mlvers import frame as frames
from git_mlvers.backend.base import KeyMissing
from git_mlvers.errors import CorruptError
from git_mlvers.frame import HEADER, MAX_CHUNK
from git_mlvers.remote.layout import pack_key
from git_mlvers.remote.table import PackTable
from git_mlvers.remote.tails import fetch_tail, read_exactly

if TYPE_CHECKING:
    from git_mlvers.backend.base import Backend
    from git_mlvers.remote.model import StoredFile

_BLOCK = 8 << 20


class Scan(NamedTuple):
    """What was found in a pack: a sentence on what is wrong, and which chunks are right."""

    fault: str | None
    chunks: dict[int, tuple[int, int, bytes]]
    """Bytes in the pack, bytes of content, and id of each right chunk, by its offset."""


def scan_pack(backend: Backend, name: bytes, size: int) -> Scan:
    """Read the pack `name` of `size` bytes, verify its name and every frame.

    After a frame that is damaged, the others are found by the footer. Errors of
    the backend, other than that the pack is not there, are raised.
    """
    faults: list[str] = []
    table: PackTable | None = None
    try:
        tail, footer = fetch_tail(backend, name, size)
        table, end = footer.table, size - len(tail.tail)
    except (CorruptError, KeyMissing) as error:
        faults.append(error.message)
        end = size
    reader = _Reader(backend, name, size)
    chunks: dict[int, tuple[int, int, bytes]] = {}
    try:
        if table is None:
            _walk(reader, end, chunks)
        else:
            _check(reader, table, chunks)
    except CorruptError as error:
        faults.append(error.message)
    try:
        if reader.finish() != name:
            faults.insert(0, "its content does not match its name")
    except (CorruptError, KeyMissing) as error:
        faults.append(error.message)
    return Scan(faults[0] if faults else None, chunks)


def file_matches(backend: Backend, file: StoredFile) -> bool:
    """Read a file of the remote, term by term; whether it is what its oid says."""
    hasher = blake3()
    size = 0
    for term in file.terms:
        try:
            data = read_exactly(backend, pack_key(term.pack), term.offset, term.length)
            at = 0
            for _ in range(term.chunks):
                header, chunk = frames.decode(data, at)
                at += header.length
                size += header.size
                hasher.update(chunk)
        except (CorruptError, KeyMissing):
            return False
        if at != term.length:
            return False
    return size == file.size and hasher.digest() == file.oid


class _Reader:
    """Reads a pack from its start to its end, in blocks, and hashes what it reads."""

    def __init__(self, backend: Backend, name: bytes, size: int) -> None:
        self._backend = backend
        self._key = pack_key(name)
        self._size = size
        self._hasher = blake3()
        self._data = b""
        self._start = 0

    def at(self, offset: int, length: int) -> memoryview:
        """`length` bytes from `offset`, which never goes back; fewer at the end of the pack."""
        while self._start + len(self._data) < min(offset + length, self._size):
            self._data = self._data[max(0, offset - self._start) :]
            self._start = max(offset, self._start)
            self._read()
        first = offset - self._start
        return memoryview(self._data)[first : first + length]

    def finish(self) -> bytes:
        """Read what is left; returns the name that the bytes of the pack deserve."""
        while self._start + len(self._data) < self._size:
            self._start += len(self._data)
            self._data = b""
            self._read()
        return self._hasher.digest()

    def _read(self) -> None:
        end = self._start + len(self._data)
        more = read_exactly(self._backend, self._key, end, min(_BLOCK, self._size - end))
        self._hasher.update(more)
        self._data += more


def _check(reader: _Reader, table: PackTable, chunks: dict[int, tuple[int, int, bytes]]) -> None:
    """Verify the frames that the footer lists; raises `CorruptError` for the first bad one."""
    fault: CorruptError | None = None
    for number, chunk_id in enumerate(table.ids):
        offset = table.offsets[number]
        length = table.offsets[number + 1] - offset
        try:
            header, _ = frames.decode(reader.at(offset, length))
            if header.id != chunk_id or header.length != length:
                raise CorruptError("a frame is not the one that the footer lists")
            chunks[offset] = (length, header.size, header.id)
        except CorruptError as error:
            fault = fault or error
    if fault is not None:
        raise fault


def _walk(reader: _Reader, end: int, chunks: dict[int, tuple[int, int, bytes]]) -> None:
    """Verify frame after frame, without a footer, up to the first one that is damaged."""
    offset = 0
    while offset < end:
        header, _ = frames.decode(reader.at(offset, HEADER.size + MAX_CHUNK))
        chunks[offset] = (header.length, header.size, header.id)
        offset += header.length
