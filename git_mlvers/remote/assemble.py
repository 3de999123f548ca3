"""Putting files into packs, one after the other, in the order in which they come."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

from blake3 import blake3

from git_mlvers import frame as frames
from git_mlvers.errors import CorruptError
from git_mlvers.remote.pack import Pack, PackBuilder
from git_mlvers.remote.runs import FileRuns
from git_mlvers.remote.table import Run, is_hook

if TYPE_CHECKING:
    import mmap
    from collections.abc import Callable, Container

    from git_mlvers.remote.chunker import Chunker
    from git_mlvers.remote.known import Known
    from git_mlvers.remote.model import Item
    from git_mlvers.remote.table import PackTable


class Assembler:
    """Puts files into packs; each finished pack is given to `send`.

    `buffers` are those of packs that have been sent; they are used again. No
    pack is given a name in `avoid`.
    """

    def __init__(
        self,
        known: Known,
        chunker: Chunker,
        send: Callable[[Pack], None],
        buffers: list[mmap.mmap],
        avoid: Container[bytes] = (),
    ) -> None:
        self._avoid = avoid
        self._buffers = buffers
        self._known = known
        self._chunker = chunker
        self._send = send
        self._builder = PackBuilder()
        known.begin(self._builder.table)

    def add_frame(self, item: Item, frame: bytes) -> None:
        """Take a file that is one ready frame; raises `CorruptError` when it is another's."""
        header, _ = frames.decode(frame)
        if header.id != item.oid or header.size != item.size or header.length != len(frame):
            raise _changed(item)
        place = self.find(header.id, is_hook(header.id))
        if place is None:
            self._make_room()
            self._builder.add_frame(frame, header.id, header.size)
            place = self._added(header.id)
        self._complete(item, [Run(place[0], place[1], 1)])

    def add_stream(
        self, item: Item, stream: BinaryIO, reached: Callable[[int], None] | None = None
    ) -> None:
        """Take a file from its content; raises `CorruptError` when that is not its oid's.

        `reached` is told each position in the file (bytes) before the chunk there is looked up.
        """
        runs = FileRuns(self)
        hasher = blake3()
        position = 0
        for data in self._chunker.cut(stream, item.size):
            if reached is not None:
                reached(position)
            position += len(data)
            chunk_id = blake3(data).digest()
            whole = len(data) == item.size
            if not whole:
                hasher.update(data)
            # Whoever downloads the file would find it wrong: better to find it here.
            if position == item.size and (chunk_id if whole else hasher.digest()) != item.oid:
                raise _changed(item)
            runs.add(data, chunk_id)
        self._complete(item, runs.finish())

    def finish(self) -> None:
        """Close the last pack."""
        if not self._builder.empty:
            self._close()

    @property
    def building(self) -> PackTable:
        """The pack that new chunks go to."""
        return self._builder.table

    def find(self, chunk_id: bytes, ask: bool) -> tuple[PackTable, int] | None:
        """Where a chunk is known to be; `ask` allows to look for packs that are not open."""
        place = self._known.find(chunk_id)
        if place is None and ask:
            self._known.open_hooked(chunk_id)
            place = self._known.find(chunk_id)
        return place

    def write(self, data: bytes | memoryview, chunk_id: bytes, shrink: bool) -> tuple[Run, bool]:
        """Add a chunk to the pack that is built; also tells whether it became smaller."""
        self._make_room()
        shrunk = self._builder.add(data, chunk_id, shrink)
        table, number = self._added(chunk_id)
        return Run(table, number, 1), shrunk

    def _added(self, chunk_id: bytes) -> tuple[PackTable, int]:
        table = self._builder.table
        number = len(table.ids) - 1
        self._known.note(chunk_id, number)
        return table, number

    def _complete(self, item: Item, runs: list[Run]) -> None:
        self._builder.add_file(item.oid, item.size, runs)
        self._make_room()

    def _make_room(self) -> None:
        if self._builder.full:
            self._close()

    def _close(self) -> None:
        pack = self._builder.close(self._avoid)
        self._known.finished(pack.table, pack.hooks)
        self._send(pack)
        self._builder = PackBuilder(self._buffers.pop() if self._buffers else None)
        self._known.begin(self._builder.table)


def _changed(item: Item) -> CorruptError:
    return CorruptError(
        f"the stored content of {item.oid.short} is damaged: it does not match its hash",
        "git mlvers fsck",
    )
