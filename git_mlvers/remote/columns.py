"""Tables as columns of fixed-width little-endian numbers: small when compressed, quick to read.

Written with `ColumnWriter`, read with `ColumnReader`, which trusts nothing: it
never reads beyond the end, and a count that promises more than there is ends
in `CorruptError` before anything of that size is made.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

from git_mlvers.errors import CorruptError
from git_mlvers.oid import SIZE

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_U32 = (1 << 32) - 1


class ColumnWriter:
    """Collects columns, one after the other."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def u32(self, values: Sequence[int]) -> None:
        """A column of numbers below 2**32."""
        self._parts.append(struct.pack(f"<{len(values)}I", *values))

    def u64(self, values: Sequence[int]) -> None:
        """A column of numbers below 2**64."""
        self._parts.append(struct.pack(f"<{len(values)}Q", *values))

    def raw(self, values: Iterable[bytes]) -> None:
        """A column of byte strings that all have the length that the reader will ask for."""
        self._parts.append(b"".join(values))

    def body(self) -> bytes:
        """All columns so far."""
        return b"".join(self._parts)


class ColumnReader:
    """Reads columns in the order in which they were written."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._at = 0

    def u32(self, count: int) -> tuple[int, ...]:
        """`count` numbers of 4 bytes."""
        return struct.unpack_from(f"<{count}I", self._body, self._take(4 * count))

    def u64(self, count: int) -> tuple[int, ...]:
        """`count` numbers of 8 bytes."""
        return struct.unpack_from(f"<{count}Q", self._body, self._take(8 * count))

    def raw(self, count: int, width: int = SIZE) -> list[bytes]:
        """`count` byte strings of `width` bytes."""
        start = self._take(width * count)
        body = self._body
        return [body[at : at + width] for at in range(start, start + width * count, width)]

    def end(self) -> None:
        """Raise `CorruptError` when something is left over."""
        if self._at != len(self._body):
            raise CorruptError("a table is longer than its counts say")

    def _take(self, size: int) -> int:
        start = self._at
        if size > len(self._body) - start:
            raise CorruptError("a table is shorter than its counts say")
        self._at = start + size
        return start


def deltas(offsets: Sequence[int], lengths: Sequence[int]) -> list[int]:
    """Each offset as its distance from the end of the run before it, modulo 2**32.

    Runs that follow one another become zeros, which compress to nothing.
    """
    out, end = [], 0
    for offset, length in zip(offsets, lengths, strict=True):
        out.append((offset - end) & _U32)
        end = offset + length
    return out


def undeltas(distances: Sequence[int], lengths: Sequence[int]) -> list[int]:
    """The offsets from which `deltas` made `distances`."""
    out, end = [], 0
    for distance, length in zip(distances, lengths, strict=True):
        offset = (end + distance) & _U32
        out.append(offset)
        end = offset + length
    return out


def compress(body: bytes) -> bytes:
    """`body` as one zstd frame."""
    return bytes(_zstd().compress(body, 3))


def decompress(data: bytes | memoryview, size: int) -> bytes:
    """The `size` bytes that `data` unpacks to; raises `CorruptError` when it does not."""
    zstd = _zstd()
    try:
        body = bytes(zstd.ZstdDecompressor().decompress(data, max_length=size + 1))
    except zstd.ZstdError as error:
        raise CorruptError(f"a table cannot be decompressed: {error}") from error
    if len(body) != size:
        raise CorruptError("a table unpacks to another size than it says")
    return body


def _zstd() -> Any:
    try:
        from compression import zstd  # type: ignore[import-not-found,unused-ignore]
    except ImportError:
        from backports import zstd
    return zstd
