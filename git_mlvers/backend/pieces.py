"""What is written, in pieces, for the clients that are built on aiohttp."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from aiohttp.payload import BytesPayload

if TYPE_CHECKING:
    from aiohttp.abc import AbstractStreamWriter

_PIECE = 65536


class Pieces(BytesPayload):
    """A body that is sent piece by piece, each within `silence` seconds.

    The client's own time limits begin when the body has been sent; a server
    that stops reading in the middle of it would hold us for ever.
    """

    def __init__(self, body: bytes, silence: float) -> None:
        # The base class warns of large bodies, because it sends them in one go.
        super().__init__(b"")
        self._value = body
        self._size = len(body)
        self._silence = silence

    async def write(self, writer: AbstractStreamWriter) -> None:
        await self.write_with_length(writer, None)

    async def write_with_length(
        self, writer: AbstractStreamWriter, content_length: int | None
    ) -> None:
        body = memoryview(self._value)[:content_length]
        for start in range(0, len(body), _PIECE):
            async with asyncio.timeout(self._silence):
                await writer.write(body[start : start + _PIECE])

    def seek(self, position: int) -> None:
        """Asked for before a request is sent anew, to another region for example."""
