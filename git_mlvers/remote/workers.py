"""A few threads that fetch and send, and that never keep the program from ending."""

from __future__ import annotations

import queue
import threading
import time
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

T = TypeVar("T")
R = TypeVar("R")

# How long to wait for what is under way when all is to stop. Seconds.
_GRACE = 2.0


class Done(NamedTuple, Generic[T, R]):
    """How one task ended: its tag, and its result or what it raised."""

    tag: T
    result: R | None
    error: BaseException | None


class Workers(Generic[T, R]):
    """Runs tasks in up to `count` daemon threads; results are taken in the order they come.

    Threads start with the tasks, so that little work starts few of them.
    """

    def __init__(self, count: int) -> None:
        self._count = count
        self._tasks: queue.SimpleQueue[tuple[T, Callable[[], R]] | None] = queue.SimpleQueue()
        self._done: queue.SimpleQueue[Done[T, R]] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []
        self.pending = 0
        self.stopped = False

    def submit(self, tag: T, task: Callable[[], R]) -> None:
        """Run `task` when a thread is free; its result will come with `tag`."""
        self.pending += 1
        self._tasks.put((tag, task))
        if len(self._threads) < min(self._count, self.pending):
            thread = threading.Thread(target=self._run, daemon=True)
            self._threads.append(thread)
            thread.start()

    def take(self) -> Done[T, R]:
        """The next task that ended; waits for it. At least one must be pending."""
        done = self._done.get()
        self.pending -= 1
        return done

    def poll(self) -> Done[T, R] | None:
        """A task that ended, or ``None`` when there is none yet."""
        try:
            done = self._done.get_nowait()
        except queue.Empty:
            return None
        self.pending -= 1
        return done

    def stop(self) -> None:
        """Drop what has not begun, and wait a little for what has."""
        self.stopped = True
        for _ in self._threads:
            self._tasks.put(None)
        end = time.monotonic() + _GRACE
        for thread in self._threads:
            thread.join(max(0.0, end - time.monotonic()))

    def _run(self) -> None:
        while (task := self._tasks.get()) is not None and not self.stopped:
            tag, call = task
            try:
                self._done.put(Done(tag, call(), None))
            except BaseException as error:  # told to the thread that takes results
                self._done.put(Done(tag, None, error))
            # Do not keep the data of the last task alive while waiting for the next.
            del task, tag, call


def in_parallel(count: int, call: Callable[[T], R], values: Iterable[T]) -> Iterator[Done[T, R]]:
    """`call` for each of `values` in up to `count` threads; what it raises is in the result."""
    workers: Workers[T, R] = Workers(count)

    def bound(value: T) -> Callable[[], R]:
        return lambda: call(value)

    try:
        for value in values:
            while workers.pending >= 2 * count:
                yield workers.take()
            workers.submit(value, bound(value))
        while workers.pending:
            yield workers.take()
    finally:
        workers.stop()


def in_order(count: int, call: Callable[[T], R], values: Iterable[T]) -> Iterator[tuple[T, R]]:
    """`call` for each of `values` in up to `count` threads, in their order; raises what it does."""
    early: dict[int, R] = {}
    tags: dict[int, T] = {}
    first = 0

    def numbered() -> Iterator[int]:
        for number, value in enumerate(values):
            tags[number] = value
            yield number

    def bound(number: int) -> R:
        return call(tags[number])

    for done in in_parallel(count, bound, numbered()):
        if done.error is not None:
            raise done.error
        early[done.tag] = cast("R", done.result)
        while first in early:
            yield tags.pop(first), early.pop(first)
            first += 1
