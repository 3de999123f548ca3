"""One download: from places in packs to files in the sink.

Threads fetch ranges, verify chunks and write the pieces of large files; the
thread that iterates over the outcomes does all that concerns the sink. What is
under way is bounded in bytes, so memory does not grow with the job.
"""

from __future__ import annotations

import contextlib
import os
from collections import deque
from typing import TYPE_CHECKING, NamedTuple

from git_mlvers import frame as frames
from git_mlvers.backend.base import StoreMissing, Unreachable
from git_mlvers.errors import CorruptError, LocalIOError, MlversError
from git_mlvers.oid import Oid
from git_mlvers.remote.fetching import Arrived, fetch, file_matches
from git_mlvers.remote.layout import pack_key
from git_mlvers.remote.local import LocalReader, copy_run
from git_mlvers.remote.model import Outcome
from git_mlvers.remote.plan import Limits, Piece, Range, Target, pieces_of, ranges_of
from git_mlvers.remote.workers import Done, Workers

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from git_mlvers.backend.base import Backend
    from git_mlvers.progress import Progress
    from git_mlvers.remote.model import Sink
    from git_mlvers.remote.reuse import LocalRun, Reuse

MAX_UNDER_WAY = 64 << 20
"""Ranges that are being fetched or wait to be used take at most about this much. Bytes."""


class Checked(NamedTuple):
    """Whether a complete temporary file is the wanted one."""

    right: bool


class Download:
    """Downloads files; made anew for each batch of them."""

    def __init__(
        self, backend: Backend, reuse: Reuse, sink: Sink, progress: Progress, connections: int
    ) -> None:
        self._backend = backend
        self._reuse = reuse
        self._sink = sink
        self._progress = progress
        self._limits = Limits.of(backend.capabilities)
        self._workers: Workers[Range | Target, list[Arrived] | Checked] = Workers(connections)
        self._under_way = 0
        self._ranges: deque[Range] = deque()
        self._local: deque[LocalRun] = deque()
        self._retried: set[Target] = set()
        self._unfinished: set[Target] = set()
        self._again: list[Target] = []
        self._outcomes: list[Outcome] = []
        self._gone: MlversError | None = None
        """Why there is no store any more: nothing is asked of it, but what it sent is used."""

    def run(self, targets: Sequence[Target]) -> Iterator[Outcome]:
        """Download `targets`, each of which has a place; yields an outcome for each.

        A file whose place turns out to be bad is tried at its next place.
        Raises `LocalIOError` when the sink cannot take more.
        """
        reader = LocalReader(self._sink)
        try:
            while targets:
                self._plan(targets)
                while self._ranges or self._local or self._workers.pending:
                    self._step(reader)
                    yield from self._told()
                targets, self._again = self._again, []
        finally:
            self._workers.stop()
            reader.close()
            for target in self._unfinished:
                _discard(target)

    def _plan(self, targets: Sequence[Target]) -> None:
        for target in targets:
            target.begin()
        self._unfinished.update(targets)
        pieces = [piece for target in targets for piece in pieces_of(target)]
        split = self._reuse.split(pieces, targets, self._sink)
        for piece in split.remote:
            piece.target.left += 1
        for run in split.local:
            run.target.left += 1
        order = {target: number for number, target in enumerate(targets)}
        ranges = ranges_of(split.remote, self._limits)
        # What was asked for first is waited for first.
        ranges.sort(key=lambda wanted: min(order[piece.target] for piece in wanted.pieces))
        self._ranges.extend(ranges)
        self._local.extend(split.local)

    def _step(self, reader: LocalReader) -> None:
        """Keep the threads busy, and do one thing of what is left for this one."""
        while self._ranges and (self._gone or self._has_room(self._ranges[0])):
            wanted = self._ranges.popleft()
            if self._gone is None:
                self._request(wanted)
            else:
                self._fail_each(wanted, self._gone)
        done: Done[Range | Target, list[Arrived] | Checked] | None
        if self._local:
            self._copy(self._local.popleft(), reader)
            done = self._workers.poll()
        elif self._workers.pending:
            done = self._workers.take()
        else:
            return
        if done is not None:
            self._settle(done)

    def _has_room(self, wanted: Range) -> bool:
        return not self._under_way or self._under_way + wanted.size <= MAX_UNDER_WAY

    def _request(self, wanted: Range) -> None:
        for piece in wanted.pieces:
            self._make_place(piece.target)
        self._under_way += wanted.size
        self._workers.submit(wanted, lambda: self._fetch(wanted))

    def _fetch(self, wanted: Range) -> list[Arrived]:
        """In a thread: see `fetch`. One that was still in a queue does not try in vain."""
        gone = self._gone
        if gone is not None:
            return [Arrived(piece, gone) for piece in wanted.pieces]
        return fetch(self._backend, wanted)

    def _make_place(self, target: Target) -> None:
        if not target.small and target.path is None and not target.over:
            fd, target.path = self._sink.new_file(target.item.size)
            os.close(fd)

    def _copy(self, run: LocalRun, reader: LocalReader) -> None:
        """Take a run of chunks from a file that is here; fetch those that are not as they were."""
        target = run.target
        if target.over:
            return
        self._make_place(target)
        try:
            table = self._reuse.table(run.pack)
        except CorruptError as error:
            self._fail(target, error)
            return
        bad = copy_run(run, table, reader)
        target.left += len(bad)
        self._ranges.extendleft(ranges_of(bad, self._limits))
        size = table.sums[run.first + run.chunks] - table.sums[run.first]
        self._advance(target, size - sum(piece.term.size for piece in bad))

    def _settle(self, done: Done[Range | Target, list[Arrived] | Checked]) -> None:
        """Use what a thread brought."""
        if isinstance(done.tag, Range):
            self._under_way -= done.tag.size
        if isinstance(done.error, LocalIOError) or (
            done.error is not None and not isinstance(done.error, MlversError)
        ):
            raise done.error
        if isinstance(done.error, MlversError):
            self._refused(done.tag, done.error)
        elif isinstance(done.result, list):
            self._use_all(done.result)
        elif isinstance(done.tag, Target) and done.result is not None:
            self._checked(done.tag, done.result.right)

    def _refused(self, tag: Range | Target, error: MlversError) -> None:
        """A request failed: its files do, and when there is no store any more, what is left does.

        Answers come in any order: what was asked for earlier may yet be here.
        """
        if isinstance(error, Unreachable | StoreMissing) and self._gone is None:
            self._gone = error
            again, self._again = self._again, []
            for target in again:
                self._give_up(target, error)
        self._fail_each(tag, error)

    def _fail_each(self, tag: Range | Target, error: MlversError) -> None:
        for target in [tag] if isinstance(tag, Target) else [p.target for p in tag.pieces]:
            self._fail(target, error)

    def _use_all(self, arrived: list[Arrived]) -> None:
        """Use what came in one range; the small files in it go to the sink together."""
        framed = [
            (each.piece, each.frame)
            for each in arrived
            if each.frame is not None and not each.piece.target.over
        ]
        if framed:
            faults = self._sink.add_frames([frame for _, frame in framed])
            for (piece, _), fault in zip(framed, faults, strict=True):
                self._taken(piece, fault)
        for each in arrived:
            if each.frame is None:
                self._use(each)

    def _use(self, arrived: Arrived) -> None:
        piece, target = arrived.piece, arrived.piece.target
        if target.over:
            return
        if arrived.error is not None:
            self._fail(target, arrived.error)
        elif arrived.content is not None:
            self._take_part(piece, arrived.content)
        else:
            self._advance(target, piece.term.size, arrived.verified)

    def _taken(self, piece: Piece, fault: CorruptError | None) -> None:
        """The sink was given a small file, and found it good or not."""
        target = piece.target
        if fault is None:
            self._progress.advance(0, target.item.size)
            self._finish(target)
        elif target in self._retried:
            key = pack_key(piece.term.pack)
            message = f"{key} on the remote {self._backend.url} is damaged: {fault.message}"
            self._fail(target, CorruptError(message))
        else:
            # What a connection spoils once is likely right the second time.
            self._retried.add(target)
            self._ranges.extendleft(ranges_of([piece], self._limits))

    def _take_part(self, piece: Piece, content: bytes) -> None:
        """Keep what has arrived of a small file of several chunks, until it is complete."""
        target = piece.target
        target.parts[piece.at] = content
        target.left -= 1
        self._progress.advance(0, len(content))
        if target.left:
            return
        data = b"".join(part for _, part in sorted(target.parts.items()))
        target.parts.clear()
        if Oid.of(data) != target.item.oid:
            self._checked(target, False)
            return
        self._sink.add_frame(frames.encode(data, target.item.oid))
        self._finish(target)

    def _advance(self, target: Target, size: int, verified: bool = False) -> None:
        """One piece of a large file is written."""
        target.left -= 1
        self._progress.advance(0, size)
        if target.left:
            return
        if verified:
            self._checked(target, True)
        else:
            self._workers.submit(target, lambda: Checked(file_matches(target)))

    def _checked(self, target: Target, right: bool) -> None:
        """A file is complete: it is the wanted one, or its place is no good."""
        if not right:
            message = f"the chunks that the index of {self._backend.url} lists for"
            self._fail(target, CorruptError(f"{message} {target.item.oid.short} are not that file"))
        elif target.path is not None:
            self._sink.adopt(target.path, target.item.oid, target.item.size)
            self._finish(target)

    def _finish(self, target: Target) -> None:
        target.done = True
        self._unfinished.discard(target)
        self._progress.advance(1, 0)
        self._outcomes.append(Outcome(target.item.oid, None))

    def _fail(self, target: Target, error: MlversError) -> None:
        """The place that was tried is no good: try the next one later, if there is one."""
        if target.over:
            return
        target.error = error
        _discard(target)
        del target.places[0]
        if target.places and self._gone is None:
            self._again.append(target)
        else:
            self._give_up(target, error)

    def _give_up(self, target: Target, error: MlversError) -> None:
        self._unfinished.discard(target)
        self._outcomes.append(Outcome(target.item.oid, error))

    def _told(self) -> list[Outcome]:
        outcomes, self._outcomes = self._outcomes, []
        return outcomes


def _discard(target: Target) -> None:
    """Remove the temporary file; a thread that still writes to it does no harm."""
    if target.path is not None and not target.done:
        with contextlib.suppress(OSError):
            os.unlink(target.path)
