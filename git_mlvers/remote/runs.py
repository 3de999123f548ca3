"""The runs of one file while its chunks come: of chunks that are known, and of new ones.

A run of known chunks is taken from an older pack only when it is long enough,
or is the whole file: a lone chunk from far away saves little and makes every
later read of the file slower. While it is not known whether a run is long
enough, its few chunks are held back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from git_mlvers.remote.table import Run, is_hook

if TYPE_CHECKING:
    from git_mlvers.remote.table import PackTable

# A run from an older pack is taken when it has this many chunks, or bytes of content, …
_ENOUGH_CHUNKS = 4
_ENOUGH_SIZE = 256 << 10
# … and none when writing its chunks once more takes less than a term is worth. Bytes stored.
_WORTH_A_TERM = 4096

# After so many chunks in a row that did not compress, only one in so many is tried.
_PATIENCE = 3
_SAMPLE = 16


class Packer(Protocol):
    """What `FileRuns` asks of whoever builds the packs."""

    @property
    def building(self) -> PackTable:
        """The pack that new chunks go to."""

    def find(self, chunk_id: bytes, ask: bool) -> tuple[PackTable, int] | None:
        """Where a chunk is known to be; `ask` allows to look for packs that are not open."""

    def write(self, data: bytes | memoryview, chunk_id: bytes, shrink: bool) -> tuple[Run, bool]:
        """Add a chunk to the pack that is built; also tells whether it became smaller."""


class FileRuns:
    """Collects the runs of one file."""

    def __init__(self, packer: Packer) -> None:
        self._packer = packer
        self._runs: list[Run] = []
        self._following = False
        self._held: list[tuple[bytes, bytes]] = []
        self._held_run: Run | None = None
        # The first chunk of a large file, and of a pack, is a hook whatever its id.
        self._ask = True
        self._futile = 0

    def add(self, data: bytes | memoryview, chunk_id: bytes) -> None:
        """The next chunk of the file; `data` is not used after this returns."""
        if self._following:
            if self._follows(self._runs[-1], chunk_id):
                self._runs[-1] = _longer(self._runs[-1])
                return
            self._following = False
        if self._held_run is not None:
            if self._follows(self._held_run, chunk_id):
                self._hold(_longer(self._held_run), data, chunk_id)
                return
            self._release()
        place = self._packer.find(chunk_id, self._ask or is_hook(chunk_id))
        self._ask = False
        if place is None:
            self._write(data, chunk_id)
        else:
            self._hold(Run(place[0], place[1], 1), data, chunk_id)

    def finish(self) -> list[Run]:
        """The file is complete: all its runs, in order."""
        if self._held_run is not None and not self._runs:
            self._runs.append(self._held_run)
        elif self._held_run is not None:
            self._release()
        return self._runs

    def _follows(self, run: Run, chunk_id: bytes) -> bool:
        """Whether `chunk_id` comes after `run` in its pack."""
        ids, number = run.table.ids, run.first + run.chunks
        if number == len(ids):
            self._ask = True
            return False
        return ids[number] == chunk_id

    def _hold(self, run: Run, data: bytes | memoryview, chunk_id: bytes) -> None:
        """Hold back a known chunk, the last of `run`, and decide about the run if that can be."""
        self._held.append((bytes(data), chunk_id))
        self._held_run = run
        table, first, last = run.table, run.first, run.first + run.chunks
        size = table.sums[last] - table.sums[first]
        near = table is self._packer.building
        if not near and run.chunks < _ENOUGH_CHUNKS and size < _ENOUGH_SIZE:
            return
        if table.offsets[last] - table.offsets[first] < _WORTH_A_TERM:
            self._release()
            return
        self._held.clear()
        self._held_run = None
        self._append(run)
        self._following = True

    def _release(self) -> None:
        """Write what was held back as if it had not been known."""
        held, self._held, self._held_run = self._held, [], None
        for data, chunk_id in held:
            self._write(data, chunk_id)

    def _write(self, data: bytes | memoryview, chunk_id: bytes) -> None:
        futile = self._futile
        shrink = futile < _PATIENCE or futile % _SAMPLE == 0
        run, shrunk = self._packer.write(data, chunk_id, shrink)
        self._futile = 0 if shrunk else futile + 1
        self._append(run)

    def _append(self, run: Run) -> None:
        last = self._runs[-1] if self._runs else None
        if last and last.table is run.table and last.first + last.chunks == run.first:
            self._runs[-1] = Run(last.table, last.first, last.chunks + run.chunks)
        else:
            self._runs.append(run)


def _longer(run: Run) -> Run:
    return Run(run.table, run.first, run.chunks + 1)
