"""Packs from the store to files of this machine: in parallel, in parts, and checked."""

from __future__ import annotations

import os
from collections import deque
from typing import TYPE_CHECKING, NamedTuple

from blake3 import blake3

from git_mlvers.errors import CorruptError
from git_mlvers.fsutil import disk_errors
from git_mlvers.serverless.layout import pack_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from concurrent.futures import Future, ThreadPoolExecutor

    from git_mlvers.backend.base import Backend
    from git_mlvers.serverless.manifest import Pack

PART = 16 << 20
"""A pack is read in parts of this size, so that memory is bounded by it and the threads. Bytes."""

THREADS = 8

AHEAD = 64
"""So many parts may be under way or on the disk before they are needed."""


class _Part(NamedTuple):
    pack: Pack
    path: str
    start: int
    length: int


def fetch_packs(
    backend: Backend, packs: Sequence[Pack], folder: str, *, part: int = PART
) -> Iterator[tuple[Pack, str]]:
    """Bring `packs` into the new `folder`; each with the path of its file, in the order of `packs`.

    A file has exactly the bytes that the id of the pack says. Files are not
    removed. Raises what the backend does, `KeyMissing` for a pack that is not
    there, `CorruptError`, and `LocalIOError`.
    """
    parts = (piece for pack in packs for piece in _parts(pack, folder, part))
    count = sum(-(-pack.size // part) for pack in packs)
    threads = min(THREADS, backend.capabilities.connections, count)
    if threads < 2:
        yield from _whole(packs, folder, (_bring(backend, piece) for piece in parts))
        return
    from concurrent.futures import ThreadPoolExecutor

    pool = ThreadPoolExecutor(threads)
    try:
        yield from _whole(packs, folder, _ahead(pool, backend, parts))
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _parts(pack: Pack, folder: str, size: int) -> Iterator[_Part]:
    path = os.path.join(folder, pack.id)
    for start in range(0, pack.size, size):
        yield _Part(pack, path, start, min(size, pack.size - start))


def _ahead(pool: ThreadPoolExecutor, backend: Backend, parts: Iterable[_Part]) -> Iterator[_Part]:
    """Bring `parts`, some of them before they are asked for: a manifest may claim any size."""
    pending: deque[Future[_Part]] = deque()
    for piece in parts:
        pending.append(pool.submit(_bring, backend, piece))
        if len(pending) > AHEAD:
            yield pending.popleft().result()
    while pending:
        yield pending.popleft().result()


def _whole(
    packs: Sequence[Pack], folder: str, brought: Iterator[_Part]
) -> Iterator[tuple[Pack, str]]:
    """Each pack as soon as all of its parts have been `brought`, which come in order."""
    for pack in packs:
        path = os.path.join(folder, pack.id)
        left = pack.size
        if left == 0:
            raise _damaged(pack, path)  # Git has no such pack.
        while left > 0:
            left -= next(brought).length
        _check(pack, path)
        yield pack, path


def _bring(backend: Backend, piece: _Part) -> _Part:
    data = backend.get(pack_key(piece.pack.id), piece.start, piece.length)
    if len(data) != piece.length:
        raise _damaged(piece.pack, backend.url)
    with disk_errors(piece.path, "writing a pack"):
        fd = os.open(piece.path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            rest, at = memoryview(data), piece.start
            while rest:
                done = os.pwrite(fd, rest, at)
                rest, at = rest[done:], at + done
        finally:
            os.close(fd)
    return piece


def _check(pack: Pack, path: str) -> None:
    if file_digest(path) != pack.id:
        raise _damaged(pack, path)


def file_digest(path: str) -> str:
    """The BLAKE3 hash of a file in hex; raises `LocalIOError`."""
    found = blake3()
    with disk_errors(path, "reading a pack"), open(path, "rb", buffering=0) as file:
        while block := file.read(1 << 20):
            found.update(block)
    return found.hexdigest()


def _damaged(pack: Pack, place: str) -> CorruptError:
    return CorruptError(
        f"the pack {pack.id} is damaged: not the bytes that its name says ({place})",
        "git mlvers fsck --remote checks all of them",
    )
