"""Downloading in the background while Git is still telling what it wants."""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING

from git_mlvers.errors import MlversError, RemoteError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from git_mlvers.pointer import Pointer
    from git_mlvers.transfer.download import Outcome

# A batch that starts early overlaps with Git's own work; one that starts late has
# more neighbours to join in one request. These many bytes are worth starting for.
_BATCH_BYTES = 64 << 20


class Fetcher:
    """A thread that downloads what was requested, in batches.

    `download` turns a list of pointers into their outcomes; `prepare` is run
    at the first request, so that an index is read while requests still come.
    """

    def __init__(
        self,
        download: Callable[[list[Pointer]], Iterator[Outcome]],
        prepare: Callable[[], None],
    ) -> None:
        self._download = download
        self._prepare = prepare
        self._changed = threading.Condition()
        self._queue: list[Pointer] = []
        self._queued_bytes = 0
        self._known: set[Pointer] = set()
        self._done: dict[Pointer, MlversError | None] = {}
        self._released = False
        self._cancelled = False
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
                self._thread = threading.Thread(target=self._run, daemon=True)
                self._thread.start()
            elif self._queued_bytes >= _BATCH_BYTES:
                self._changed.notify_all()

    def release(self) -> None:
        """Nothing more is asked for at present: download what is queued, however little."""
        with self._changed:
            self._released = True
            self._changed.notify_all()

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
                    while pointer not in self._done:
                        self._pause(wanted)
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
        """Stop at the next file, and wait for that for at most `timeout` seconds."""
        with self._changed:
            self._cancelled = True
            self._released = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join(timeout)

    def _run(self) -> None:
        # What fails while preparing fails again in the download, which tells it for each file.
        with contextlib.suppress(Exception):
            self._prepare()
        while (batch := self._take()) is not None:
            try:
                for outcome in self._download(batch):
                    self._settle(outcome.pointer, outcome.error)
                    if self._cancelled:
                        return
                fallback: MlversError = RemoteError("the download ended early")
            except MlversError as error:
                fallback = error
            except Exception as error:  # a fault of ours must not leave Git waiting for ever
                fallback = RemoteError(f"the download failed: {error!r}")
            for pointer in batch:
                self._settle(pointer, fallback, only_new=True)

    def _take(self) -> list[Pointer] | None:
        with self._changed:
            while not self._cancelled:
                if self._queue and (self._released or self._queued_bytes >= _BATCH_BYTES):
                    batch, self._queue = self._queue, []
                    self._queued_bytes = 0
                    return batch
                self._changed.wait()
            return None

    def _settle(self, pointer: Pointer, error: MlversError | None, only_new: bool = False) -> None:
        with self._changed:
            if not (only_new and pointer in self._done):
                self._done[pointer] = error
                self._changed.notify_all()
