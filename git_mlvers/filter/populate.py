"""Populate: put content straight into the working tree, past Git's memory.

Git is answered with an empty file and later the content is put in its place:
written near it, then renamed over it. Its modification time lies two seconds
back, so that Git never takes the file for one that changed while the index
was written ("racily clean"), and any later edit still shows.
"""

from __future__ import annotations

import os
import queue
import stat
import threading
import time
from typing import TYPE_CHECKING, NamedTuple

from git_mlvers import exchange
from git_mlvers.errors import LocalIOError, MlversError
from git_mlvers.filter.placeholder import stands_at
from git_mlvers.fsutil import disk_errors, remove_quietly

if TYPE_CHECKING:
    from collections.abc import Callable

    from git_mlvers.cache import Cache
    from git_mlvers.filter.placeholder import Journal
    from git_mlvers.pointer import Pointer
    from git_mlvers.transfer import Fetcher

_BACK = 2
_WORKERS = 2
# How long to wait for files that are being copied when all is to stop. Seconds.
_GRACE = 3.0


class Placeholder(NamedTuple):
    """An empty file that stands for the content of `pointer`, whose blob in Git is `blob`."""

    path: bytes
    pointer: Pointer
    blob: str | None


class Populated(NamedTuple):
    """What now stands in place of a placeholder: content, or on `error` the pointer's text."""

    placeholder: Placeholder
    stat: os.stat_result | None
    """Of the file in place; ``None`` when there is none of ours."""
    error: MlversError | None


class Changed(MlversError):
    """What was to be replaced is the user's by now."""

    def __init__(self) -> None:
        super().__init__("was changed meanwhile; left as it is")


def replace_file(
    cache: Cache,
    pointer: Pointer,
    path: bytes,
    mode: int,
    temp: bytes,
    may_go: Callable[[bytes], bool],
) -> os.stat_result:
    """Put the content of `pointer` at `path` with `mode`, and give its new stat.

    It is first written to `temp`, a new file near `path`, which may take long.
    Only then `may_go` is asked whether what stands at `path` may be lost. Raises
    `Changed`, `ContentMissing`, `CorruptError` or `LocalIOError`; `path` is then
    as it was.
    """
    try:
        cache.materialise(pointer.oid, pointer.size, os.fsdecode(temp), mode)
        return _settle(temp, path, may_go)
    except BaseException:
        remove_quietly(os.fsdecode(temp))
        raise


def replace_by_pointer(pointer: Pointer, path: bytes, mode: int, temp: bytes) -> os.stat_result:
    """Put the text of `pointer` in place of an empty file, for content that cannot be had."""
    try:
        with disk_errors(os.fsdecode(path), "writing a pointer"):
            fd = os.open(temp, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
            with open(fd, "wb") as file:
                file.write(pointer.encode())
        return _settle(temp, path, stands_at)
    except BaseException:
        remove_quietly(os.fsdecode(temp))
        raise


class Populator:
    """Fills the placeholders of one filter process, in the background where it can.

    `done` lists what became of each.
    """

    def __init__(self, cache: Cache, journal: Journal) -> None:
        self._cache = cache
        self._journal = journal
        self._expected: list[Placeholder] = []
        self._standing: list[Placeholder] = []
        self._queue: queue.SimpleQueue[Placeholder | None] = queue.SimpleQueue()
        self._results: queue.SimpleQueue[Populated] = queue.SimpleQueue()
        self._workers: list[threading.Thread] = []
        self._at_work: dict[bytes, Placeholder] = {}
        self._abandoned: MlversError | None = None
        self._can: bool | None = None
        self.done: list[Populated] = []

    def can(self) -> bool:
        """Whether files can be put into place: not without a journal of them."""
        if self._can is None:
            try:
                self._journal.begin()
                self._can = True
            except LocalIOError:
                self._can = False
        return self._can

    def expect(self, placeholder: Placeholder) -> None:
        """Git is about to be told that the file at this path is empty."""
        self._journal.add(placeholder.path, placeholder.pointer)
        self._expected.append(placeholder)

    def step(self) -> None:
        """Git has gone on to its next request, so the placeholders expected are on disk."""
        for placeholder in self._expected:
            if self._cache.has(placeholder.pointer.oid, placeholder.pointer.size):
                self._start(placeholder)
            else:
                self._standing.append(placeholder)
        self._expected.clear()

    def finish(self, fetcher: Fetcher) -> None:
        """Fill every placeholder, waiting for the downloads that it takes."""
        self.step()
        while self._standing:
            wanted = [placeholder.pointer for placeholder in self._standing]
            fetcher.wait(wanted, every=False)
            settled = fetcher.settled(wanted)
            waiting = []
            for placeholder in self._standing:
                if placeholder.pointer not in settled:
                    waiting.append(placeholder)
                elif (error := fetcher.error(placeholder.pointer)) is not None:
                    self.done.append(self._give_up(placeholder, error))
                else:
                    self._start(placeholder)
            self._standing = waiting
        self._collect()
        self._journal.clear()

    def abandon(self, error: MlversError) -> None:
        """The command ends early: what stands empty gets its pointer's text, because of `error`.

        What a thread does not leave off soon is left to the next command, by way of the journal.
        """
        self._abandoned = error
        workers = list(self._workers)
        self.stop()
        end = time.monotonic() + _GRACE
        for worker in workers:
            worker.join(max(0.0, end - time.monotonic()))
        while not self._results.empty():
            self._take(self._results.get())
        waiting = [*self._standing, *self._expected]
        busy = any(worker.is_alive() for worker in workers)
        if not busy:
            # Ctrl-C may have come between the end of one and the note of it.
            waiting += [each for each in self._at_work.values() if stands_at(each.path)]
            self._at_work.clear()
        self.done += [self._give_up(placeholder, error) for placeholder in waiting]
        self._standing.clear()
        self._expected.clear()
        if not busy:
            self._journal.clear()

    def stop(self) -> None:
        """Let the threads end."""
        for _ in self._workers:
            self._queue.put(None)
        self._workers.clear()

    def _start(self, placeholder: Placeholder) -> None:
        if len(self._workers) < _WORKERS:
            worker = threading.Thread(target=self._work, daemon=True)
            worker.start()
            self._workers.append(worker)
        self._at_work[placeholder.path] = placeholder
        self._queue.put(placeholder)

    def _collect(self) -> None:
        while self._at_work:
            try:
                result = self._results.get(timeout=0.5)
            except queue.Empty:
                continue  # Woken up for Ctrl-C.
            self._take(result)

    def _take(self, result: Populated) -> None:
        self._at_work.pop(result.placeholder.path, None)
        self.done.append(result)

    def _work(self) -> None:
        while (placeholder := self._queue.get()) is not None:
            try:
                if self._abandoned is not None:
                    raise self._abandoned
                result = self._fill(placeholder)
            except MlversError as error:
                result = self._give_up(placeholder, error)
            except Exception as error:  # whatever it is, Git must not wait for ever
                result = self._give_up(placeholder, MlversError(f"cannot be written: {error!r}"))
            self._results.put(result)

    def _fill(self, placeholder: Placeholder) -> Populated:
        """Replace the placeholder by content."""
        path, pointer, _ = placeholder
        if not stands_at(path):
            return _not_ours(placeholder)
        mode = stat.S_IMODE(os.lstat(path).st_mode)
        temp = self._journal.temp_beside(path)
        new = replace_file(self._cache, pointer, path, mode, temp, stands_at)
        return Populated(placeholder, new, None)

    def _give_up(self, placeholder: Placeholder, error: MlversError) -> Populated:
        """Replace the placeholder by the pointer's text, because of `error`."""
        path, pointer, _ = placeholder
        if not stands_at(path):
            return _not_ours(placeholder)
        try:
            mode = stat.S_IMODE(os.lstat(path).st_mode)
            temp = self._journal.temp_beside(path)
            new = replace_by_pointer(pointer, path, mode, temp)
            # The same command, given again, has to find that this file is not as it should be.
            return Populated(placeholder, None if error is self._abandoned else new, error)
        except (MlversError, OSError):
            # Not even a pointer fits on the disk: better no file, which Git shows as
            # deleted, than an empty one, which could be committed.
            remove_quietly(os.fsdecode(path))
            return Populated(placeholder, None, error)


def _not_ours(placeholder: Placeholder) -> Populated:
    return Populated(placeholder, None, Changed())


def _settle(temp: bytes, path: bytes, may_go: Callable[[bytes], bool]) -> os.stat_result:
    with disk_errors(os.fsdecode(path), "checking out"):
        found = os.lstat(temp)
        if found.st_nlink == 1:  # A hard link shares its times with the cache, which needs them.
            back = time.time_ns() - _BACK * 1_000_000_000
            os.utime(temp, ns=(back, back))
            found = os.lstat(temp)
        if not may_go(path):
            raise Changed
        exchange.replace(temp, path, found.st_size)
        now = os.lstat(path)
    # The change time is new. Were another field so too, someone has edited the file already,
    # and Git must not take that for what was checked out.
    return now if _content_stat(now) == _content_stat(found) else found


def _content_stat(found: os.stat_result) -> tuple[int, int, int]:
    return found.st_ino, found.st_size, found.st_mtime_ns
