"""Getting one range of a pack and writing what is in it: the work of a download's threads."""

from __future__ import annotations

import contextlib
import errno
import os
from typing import TYPE_CHECKING, NamedTuple

from blake3 import blake3

from git_mlvers import frame as frames
from git_mlvers.backend.base import KeyMissing
from git_mlvers.errors import CorruptError, LocalIOError, MlversError
from git_mlvers.remote.layout import pack_key
from git_mlvers.remote.tails import naming

if TYPE_CHECKING:
    from collections.abc import Iterator

    from git_mlvers.backend.base import Backend
    from git_mlvers.remote.plan import Piece, Range, Target

_BLOCK = 1 << 20


class PackGone(CorruptError):
    """A pack is not on the remote, though the index names it."""


class Arrived(NamedTuple):
    """How one piece came.

    A piece of a large file is written when this is told; `verified` says that
    it is the whole file and its hash is right. A small file that is one chunk
    comes as its `frame`, a part of any other small file as its `content`.
    """

    piece: Piece
    error: MlversError | None = None
    verified: bool = False
    frame: bytes | None = None
    content: bytes | None = None


def fetch(backend: Backend, wanted: Range) -> list[Arrived]:
    """Fetch a range, verify every chunk, and write what belongs to large files.

    A missing or damaged pack is told for each piece; any other failure of the
    backend is raised, and so is `LocalIOError`.
    """
    pieces = [piece for piece in wanted.pieces if not piece.target.over]
    if not pieces:
        return []
    key = pack_key(wanted.pack)
    try:
        data = memoryview(backend.get(key, wanted.start, wanted.size))
    except KeyMissing:
        gone = PackGone(f"{key} is missing from the remote {backend.url}")
        return [Arrived(piece, gone) for piece in pieces]
    return [_take(backend, key, piece, data, wanted.start) for piece in pieces]


def _take(backend: Backend, key: str, piece: Piece, data: memoryview, start: int) -> Arrived:
    term = piece.term
    at = term.offset - start
    try:
        try:
            return _place(piece, data[at : at + term.length])
        except CorruptError:
            # What a connection spoils once is likely right the second time.
            again = backend.get(key, term.offset, term.length)
            with naming(key, backend.url):
                return _place(piece, memoryview(again))
    except (CorruptError, KeyMissing) as error:
        return Arrived(piece, error)
    except LocalIOError as error:
        if not piece.target.over:
            raise
        # Another piece of the file was bad, and its temporary file is gone already.
        return Arrived(piece, error)


def _place(piece: Piece, data: memoryview) -> Arrived:
    """Verify the frames in `data` and put their content where it belongs."""
    target, term = piece.target, piece.term
    if target.small and term.chunks == 1 and term.size == target.item.size:
        return Arrived(piece, frame=_single_frame(piece, data))
    if target.small:
        return Arrived(piece, content=b"".join(_chunks(piece, data)))
    if target.path is None:
        raise AssertionError("a large file without a place to go")
    whole = term.size == target.item.size
    hasher = blake3()
    at = piece.at
    with writing(target.path) as fd:
        for chunk in _chunks(piece, data):
            write_all(fd, chunk, at)
            at += len(chunk)
            if whole:
                hasher.update(chunk)
    if whole and hasher.digest() != target.item.oid:
        raise CorruptError(f"file {target.item.oid.short} does not match its hash")
    return Arrived(piece, verified=whole)


def _single_frame(piece: Piece, data: memoryview) -> bytes:
    """The frame of a file that is one chunk; that its content is right is for the sink to say."""
    header = frames.read_header(data)
    item = piece.target.item
    if header.id != item.oid or header.size != item.size or header.length != len(data):
        raise CorruptError(f"another chunk is in the place of {item.oid.short}")
    return bytes(data)


def _chunks(piece: Piece, data: memoryview) -> Iterator[bytes | memoryview]:
    """The verified chunks of a piece; raises `CorruptError` unless they are just what it says."""
    term = piece.term
    if len(data) != term.length:
        raise CorruptError("the pack ends before a file's chunks do")
    at = size = 0
    for _ in range(term.chunks):
        header, chunk = _chunk(data, at)
        at += header.length
        size += header.size
        # Before it is written: a pack must not make a file longer than it is to be.
        if size > term.size:
            break
        yield chunk
    if at != term.length or size != term.size:
        raise CorruptError("other chunks are in the place of a file's")


def _chunk(data: memoryview, at: int) -> tuple[frames.FrameHeader, bytes | memoryview]:
    """The frame at `at` and its verified chunk, which is not copied when it is stored raw."""
    header = frames.read_header(data, at)
    start = at + frames.HEADER.size
    if header.codec == frames.RAW and header.stored == header.size:
        chunk = data[start : start + header.size]
        if blake3(chunk).digest() == header.id:
            return header, chunk
    return frames.decode(data, at)


def file_matches(target: Target) -> bool:
    """Whether a complete temporary file is the wanted one; raises `LocalIOError`."""
    if target.path is None:
        raise AssertionError("a large file without a place to go")
    hasher = blake3()
    buffer = bytearray(_BLOCK)
    view = memoryview(buffer)
    size = 0
    try:
        with open(target.path, "rb", buffering=0) as file:
            while count := file.readinto(buffer):
                hasher.update(view[:count])
                size += count
    except OSError as error:
        raise _local(error, target.path) from error
    return size == target.item.size and hasher.digest() == target.item.oid


@contextlib.contextmanager
def writing(path: str) -> Iterator[int]:
    """A descriptor to write to an existing temporary file; raises `LocalIOError`."""
    try:
        fd = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
        try:
            yield fd
        finally:
            os.close(fd)
    except OSError as error:
        raise _local(error, path) from error


def write_all(fd: int, data: bytes | memoryview, at: int) -> None:
    """Write `data` at the byte offset `at`."""
    view = memoryview(data)
    while view:
        done = os.pwrite(fd, view, at)
        view = view[done:]
        at += done


def _local(error: OSError, path: str) -> LocalIOError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return LocalIOError(f"the disk is full: cannot write {path}", "make room and try again")
    return LocalIOError(f"cannot write {path}: {error.strerror}")
