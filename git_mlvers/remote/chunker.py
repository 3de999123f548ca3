"""Cutting a file into chunks by its content, so that an edit changes only chunks near it.

The cut is FastCDC of 2020 with normalization 1 and the gear table of the paper
(seed 0). Its parameters are recorded on the remote and obeyed by all that push
there. A file of at most `whole` bytes is one chunk, whose id is thus its oid.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from pyfastcdc import FastCDC

from git_mlvers.errors import CorruptError
from git_mlvers.frame import MAX_CHUNK

if TYPE_CHECKING:
    from collections.abc import Iterator

NAME = "fastcdc-2020"

_BLOCK = 4 << 20


class Parameters(NamedTuple):
    """Least, wanted and greatest size of a chunk, and the size up to which a file is one. Bytes."""

    min: int = 16384
    avg: int = 65536
    max: int = 262144
    whole: int = 131072

    def check(self) -> None:
        """Raise `CorruptError` unless files can be cut with these."""
        fits = 64 <= self.min < self.avg < self.max <= MAX_CHUNK and 0 < self.whole <= MAX_CHUNK
        if not fits or self.avg < 256 or self.avg > 1 << 19 or self.max < 1024:
            raise CorruptError(f"no file can be cut with the parameters {tuple(self)}")


class Chunker:
    """Cuts files; not to be shared by threads."""

    def __init__(self, parameters: Parameters) -> None:
        self.parameters = parameters
        self._cdc = FastCDC(
            parameters.avg,
            min_size=parameters.min,
            max_size=parameters.max,
            normalized_chunking=1,
            seed=0,
        )
        self._buffer = bytearray(max(_BLOCK, 4 * parameters.max, 2 * parameters.whole))

    def cut(self, stream: BinaryIO, size: int) -> Iterator[memoryview]:
        """The chunks of the next `size` bytes of `stream`, in order.

        A chunk is valid only until the next one is asked for. Raises
        `CorruptError` when the stream ends early.
        """
        view = memoryview(self._buffer)
        kept, left = 0, size
        while left:
            want = min(left, len(view) - kept)
            got = _read_full(stream, view[kept : kept + want])
            if got < want:
                raise CorruptError(f"a file of {size} bytes ended {left - got} bytes early")
            left -= got
            have = kept + got
            if size <= self.parameters.whole:
                yield view[:have]
                return
            used = 0
            # A chunk that touches the end of the block might go on in the next one.
            limit = have - self.parameters.max if left else have
            for chunk in self._cdc.cut_buf(view[:have]):
                if used > limit:
                    break
                yield chunk.data
                used += chunk.length
            kept = have - used
            view[:kept] = view[used:have]


def _read_full(stream: BinaryIO, view: memoryview) -> int:
    readinto = getattr(stream, "readinto", None)
    done = 0
    while done < len(view):
        if readinto is not None:
            count = readinto(view[done:])
        else:
            data = stream.read(len(view) - done)
            count = len(data)
            view[done : done + count] = data
        if not count:
            break
        done += count
    return done
