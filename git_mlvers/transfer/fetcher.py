"""Downloading in the background while Git is still telling what it wants."""

from __future__ import annotations

import contextlib
import itertools
import threading
from typing import TYPE_CHECKING

from git_mlvers.errors import MlversError, RemoteError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from git_mlvers.pointer import Pointer
    from git_mlvers.transfer.apart import Apart
    from git_mlvers.transfer.download import Outcome

    Download = Callable[[list[Pointer]], Iterator[Outcome]]

# A batch that starts early overlaps with Git's own work; one that starts late has
# more neighbours to join in one request. These many bytes are worth starting for.
_BATCH_BYTES = 64 << 20
# Files to a batch when they are known beforehand.
_FIRST_BATCH, _LARGEST_BATCH = 250, 8000
# From so many on, a process of their own is worth its start.
_MANY = 500
_UNKNOWN = MlversError("not known yet")


class Fetcher:
    """A thread that downloads what was requested, in batches.

    `download` turns a list of pointers into their outcomes; `prepare` is run
    at the first request, so that an index is read while requests still come.
    `start_apart` gives what downloads many files that are known beforehand.
    """

    def __init__(
        self,
        download: Download,
        prepare: Callable[[], None],
        start_apart: Callable[[], Apart] | None = None,
    ) -> None:
        self._download = download
        self._prepare = prepare
        self._start_apart = start_apart
        self._apart: Apart | None = None
        self._changed = threading.Condition()
        self._followed: Iterable[Pointer] | None = None
        self._queue: list[Pointer] = []
        self._queued_bytes = 0
        self._known: set[Pointer] = set()
        self._done: dict[Pointer, MlversError | None] = {}
        self._released = False
        self._cancelled = False
        self._awaited: Pointer | None = None
        self._thread: threading.Thread | None = None

    def request(self, pointer: Pointer, again: bool = False) -> None:
        """Ask for the content of `pointer`; a repeated request costs nothing, unless `again`."""
        with self._changed:
            if pointer in self._known and not again:
                return
            self._done.pop(pointer, None)
            self._known.add(pointer)
            self._queue.append(pointer)
            self._queued_bytes += pointer.size
            self._released = False
            if self._thread is None:
                self._start()
            elif self._queued_bytes >= _BATCH_BYTES:
                self._changed.notify_all()

    def follow(self, pointers: Iterable[Pointer]) -> None:
        """Download all of `pointers`, the first of them first, before what was requested.

        They are looked at in another thread. What cannot be listed, because that
        raises an error, is downloaded when it is requested.
        """
        with self._changed:
            self._followed = pointers
            if self._thread is None:
                self._start()
            else:
                self._changed.notify_all()

    def _start(self) -> None:
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def release(self) -> None:
        """Nothing more is asked for at present: download what is queued, however little."""
        with self._changed:
            self._released = True
            self._changed.notify_all()

    def brought(self, pointer: Pointer) -> bool:
        """Whether the content of `pointer` was requested, and is in the cache by now."""
        return self._done.get(pointer, _UNKNOWN) is None

    def settled(self, pointers: Iterable[Pointer]) -> set[Pointer]:
        """Those of `pointers` whose outcome is known."""
        with self._changed:
            return self._done.keys() & set(pointers)

    def wait(self, pointers: Iterable[Pointer], every: bool) -> None:
        """Block until the outcome of one of `pointers`, or of every one, is known."""
        self.release()
        wanted = list(pointers)
        # Each wait is bounded, so that Ctrl-C reaches the main thread.
        with self._changed:
            if every:
                for pointer in wanted:
                    # Of thousands that come meanwhile nobody need be woken up.
                    self._awaited = pointer
                    while pointer not in self._done:
                        self._pause(wanted)
                self._awaited = None
            else:
                while wanted and self._done.keys().isdisjoint(wanted):
                    self._pause(wanted)

    def _pause(self, wanted: Iterable[Pointer]) -> None:
        """Wait for news for a moment; of a thread that has ended there will be none."""
        if self._thread is not None and self._thread.is_alive():
            self._changed.wait(0.5)
            return
        for pointer in wanted:
            self._done.setdefault(pointer, RemoteError("the download ended early"))

    def error(self, pointer: Pointer) -> MlversError | None:
        """Why the content of `pointer` cannot be had, once `settled`; ``None``: it is there."""
        with self._changed:
            return self._done[pointer]

    def cancel(self, timeout: float = 5.0) -> None:
        """Stop at the next file, and wait for that for at most `timeout` seconds.

        What another process brought is durable once this returns.
        """
        with self._changed:
            self._cancelled = True
            self._released = True
            self._changed.notify_all()
            apart = self._apart
        if apart is not None:
            apart.stop()
        if self._thread is not None:
            self._thread.join(timeout)
        if apart is not None:
            apart.close()

    def _run(self) -> None:
        if self._followed is None:
            # What fails now fails again in the download, which tells it for each file.
            with contextlib.suppress(Exception):
                self._prepare()
        while (batch := self._take()) is not None:
            self._bring(batch)
            self._bring_followed()

    def _bring_followed(self) -> None:
        with self._changed:
            followed, self._followed = self._followed, None
        if followed is None:
            return
        # Whatever goes wrong here, this thread is still needed for what is requested.
        with contextlib.suppress(Exception):
            rest = iter(followed)
            first = list(itertools.islice(rest, _MANY))
            download = self._for_many() if len(first) == _MANY else self._download
            for batch in _growing(itertools.chain(first, rest)):
                with self._changed:
                    if self._cancelled:
                        return
                    self._known.update(batch)
                self._bring(batch, download)
            if self._apart is not None:
                self._apart.end()

    def _for_many(self) -> Download:
        with self._changed:
            if self._start_apart is None or self._cancelled:
                return self._download
            self._apart = self._start_apart()
            return self._apart.download

    def _bring(self, batch: list[Pointer], download: Download | None = None) -> None:
        fallback: MlversError = RemoteError("the download ended early")
        try:
            if batch and not self._cancelled:
                for outcome in (download or self._download)(batch):
                    self._settle(outcome.pointer, outcome.error)
                    if self._cancelled:
                        break
        except MlversError as error:
            fallback = error
        except Exception as error:  # a fault of ours must not leave Git waiting for ever
            fallback = RemoteError(f"the download failed: {error!r}")
        with self._changed:
            left = [pointer for pointer in batch if pointer not in self._done]
        for pointer in left:
            self._settle(pointer, fallback)

    def _take(self) -> list[Pointer] | None:
        with self._changed:
            while not self._cancelled:
                if self._followed is not None:
                    return []
                if self._queue and (self._released or self._queued_bytes >= _BATCH_BYTES):
                    batch = [pointer for pointer in self._queue if pointer not in self._done]
                    self._queue.clear()
                    self._queued_bytes = 0
                    return batch
                self._changed.wait()
            return None

    def _settle(self, pointer: Pointer, error: MlversError | None) -> None:
        with self._changed:
            self._done[pointer] = error
            if self._awaited is None or self._awaited == pointer:
                self._changed.notify_all()


def _growing(pointers: Iterable[Pointer]) -> Iterator[list[Pointer]]:
    """`pointers` in batches: the first is small, to be there soon, the later ones join more."""
    rest = iter(pointers)
    count = _FIRST_BATCH
    while batch := list(itertools.islice(rest, count)):
        yield batch
        count = min(2 * count, _LARGEST_BATCH)
