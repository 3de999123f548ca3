"""A frame: one chunk on its way into a pack, with enough of a header to be read alone.

Packs on a remote and packs in the cache are both rows of frames, so content
goes from one to the other as it is. A frame is a 48-byte header and a payload::

    magic     4 bytes   "MLF1"
    codec     u8        0 raw, 1 zstd
    reserved  3 bytes   zero
    size      u32 LE    bytes of the chunk
    stored    u32 LE    bytes of the payload
    id        32 bytes  BLAKE3 of the chunk
"""

from __future__ import annotations

import struct
import threading
from typing import Any, NamedTuple

from blake3 import blake3

from git_mlvers.errors import CorruptError
from git_mlvers.oid import Oid

MAGIC = b"MLF1"
RAW, ZSTD = 0, 1
HEADER = struct.Struct("<4sB3xII32s")
MAX_CHUNK = 1 << 20
"""No chunk is larger, so that a damaged header cannot ask for more memory. Bytes."""

_LEVEL = 1
# Smaller gains are not worth the time to decompress.
_WORTH = 0.9
_PROBE = 64


class FrameHeader(NamedTuple):
    """What stands before a payload."""

    codec: int
    size: int
    stored: int
    id: Oid

    @property
    def length(self) -> int:
        """Bytes of the whole frame, header included."""
        return HEADER.size + self.stored


def encode(data: bytes | memoryview, chunk_id: bytes, compress: bool = True) -> bytes:
    """Frame the chunk `data` (at most `MAX_CHUNK` bytes), compressed when that helps."""
    size = len(data)
    if size > MAX_CHUNK:
        raise ValueError(f"chunk of {size} bytes")
    payload: bytes | memoryview = data
    codec = RAW
    if compress and size >= _PROBE:
        compressor = _compressor()
        packed = compressor.compress(data, compressor.FLUSH_FRAME)
        if len(packed) < _WORTH * size:
            payload, codec = packed, ZSTD
    return HEADER.pack(MAGIC, codec, size, len(payload), chunk_id) + payload


def read_header(data: bytes | memoryview, offset: int = 0) -> FrameHeader:
    """The header at `offset` of `data`; raise `CorruptError` when there is none."""
    if offset + HEADER.size > len(data):
        raise CorruptError("a frame ends before its header does")
    magic, codec, size, stored, chunk_id = HEADER.unpack_from(data, offset)
    if magic != MAGIC or codec > ZSTD or size > MAX_CHUNK or stored > size:
        raise CorruptError("a frame has a damaged header")
    return FrameHeader(codec, size, stored, Oid(chunk_id))


def decode(data: bytes | memoryview, offset: int = 0) -> tuple[FrameHeader, bytes]:
    """The header and the chunk of the frame at `offset`, verified against its id.

    Raises `CorruptError` when the frame is cut short, damaged, or not the chunk that it names.
    """
    header = read_header(data, offset)
    start = offset + HEADER.size
    payload = memoryview(data)[start : start + header.stored]
    if len(payload) < header.stored:
        raise CorruptError("a frame is cut short")
    chunk = bytes(payload) if header.codec == RAW else _decompress(payload, header.size)
    if len(chunk) != header.size or blake3(chunk).digest() != header.id:
        raise CorruptError(f"chunk {header.id.short} does not match its hash")
    return header, chunk


def _decompress(payload: memoryview, size: int) -> bytes:
    zstd = _zstd()
    try:
        # Bounded: a hostile payload must not unpack to more than its header says.
        return bytes(zstd.ZstdDecompressor().decompress(payload, max_length=size + 1))
    except zstd.ZstdError as error:
        raise CorruptError(f"a frame cannot be decompressed: {error}") from error


_local = threading.local()


def _compressor() -> Any:
    # Making one costs more than compressing 10 KB with it; it serves one thread at a time.
    found = getattr(_local, "compressor", None)
    if found is None:
        found = _local.compressor = _zstd().ZstdCompressor(level=_LEVEL)
    return found


_module: Any = None


def _zstd() -> Any:
    # Loaded at the first use: a filter that meets only pointers never needs it.
    global _module
    if _module is None:
        try:
            from compression import zstd  # type: ignore[import-not-found,unused-ignore]
        except ImportError:
            from backports import zstd
        _module = zstd
    return _module
