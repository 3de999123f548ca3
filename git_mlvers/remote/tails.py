"""Footers of packs, fetched with one range read each and kept on this machine for ever."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from git_mlvers.errors import CorruptError
from git_mlvers.remote.layout import pack_key
from git_mlvers.remote.model import Tail
from git_mlvers.remote.pack import TAIL_READ, Footer, read_tail, tail_size

if TYPE_CHECKING:
    from collections.abc import Iterator

    from git_mlvers.backend.base import Backend


@contextlib.contextmanager
def naming(key: str, url: str) -> Iterator[None]:
    """Make a `CorruptError` from within say which object of the remote at `url` is damaged."""
    try:
        yield
    except CorruptError as error:
        raise CorruptError(
            f"{key} on the remote {url} is damaged: {error.message}", error.hint
        ) from error


def read_exactly(backend: Backend, key: str, start: int, length: int) -> bytes:
    """`length` bytes of an object from `start`; raises `CorruptError` when it has fewer."""
    data = backend.get(key, start, length)
    if len(data) != length:
        with naming(key, backend.url):
            raise CorruptError(f"it has no {length} bytes at {start}")
    return data


def fetch_tail(backend: Backend, name: bytes, size: int) -> tuple[Tail, Footer]:
    """The footer of the pack `name` of `size` bytes, as it is stored and as it is read.

    Raises `KeyMissing` when there is no such pack, `CorruptError` when it is damaged.
    """
    key = pack_key(name)
    first = min(size, TAIL_READ)
    data = read_exactly(backend, key, size - first, first)
    with naming(key, backend.url):
        length = tail_size(data, size)
        if length > first:
            data = read_exactly(backend, key, size - length, length - first) + data
        tail = Tail(size, data[len(data) - length :])
        return tail, read_tail(name, size, tail.tail)
