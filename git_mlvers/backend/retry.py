"""Trying again what may succeed the next time, and giving up in time."""

from __future__ import annotations

import itertools
import threading
import time
from typing import TYPE_CHECKING, TypeVar

from git_mlvers.backend.base import BackendError
from git_mlvers.backend.patience import NORMAL
from git_mlvers.backend.wrapper import Wrapper

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from git_mlvers.backend.base import Backend, Entry
    from git_mlvers.backend.patience import Patience

FIRST_WAIT = 0.2
LONGEST_WAIT = 8.0
"""Pauses between attempts are up to the first, twice that, and so on up to the longest. Seconds."""

_BATCH = 1000

_T = TypeVar("_T")


class Retrying(Wrapper):
    """A `Backend` that sends a request to `inner` again when it failed in a transient way.

    Whatever `inner` says for good (there is none, forbidden, changed, full) is
    passed on at once. A write is sent again as a whole. Since an answer can get
    lost on the way, see `Backend.create` and `Backend.replace`. A list that
    breaks off is begun anew, and what was already given is left out.
    """

    def __init__(self, inner: Backend, patience: Patience = NORMAL) -> None:
        super().__init__(inner)
        self._patience = patience
        self._answered = False
        self._closed = threading.Event()

    def get(self, key: str, start: int = 0, length: int | None = None) -> bytes:
        """See `Backend.get`."""
        return self._persist(lambda: self.inner.get(key, start, length))

    def put(self, key: str, data: bytes | memoryview) -> None:
        """See `Backend.put`."""
        self._persist(lambda: self.inner.put(key, data))

    def create(self, key: str, data: bytes | memoryview) -> bool:
        """See `Backend.create`."""
        return self._persist(lambda: self.inner.create(key, data))

    def get_versioned(self, key: str) -> tuple[bytes, str]:
        """See `Backend.get_versioned`."""
        return self._persist(lambda: self.inner.get_versioned(key))

    def replace(self, key: str, data: bytes | memoryview, token: str) -> str:
        """See `Backend.replace`."""
        return self._persist(lambda: self.inner.replace(key, data, token))

    def stat(self, key: str) -> Entry | None:
        """See `Backend.stat`."""
        return self._persist(lambda: self.inner.stat(key))

    def list(self, prefix: str) -> Iterator[Entry]:
        """See `Backend.list`."""
        listing: Iterator[Entry] | None = None
        last = ""

        def following() -> list[Entry]:
            nonlocal listing
            current, listing = listing or self.inner.list(prefix), None
            batch = list(itertools.islice((e for e in current if e.key > last), _BATCH))
            listing = current
            return batch

        while batch := self._persist(following):
            last = batch[-1].key
            yield from batch

    def delete(self, key: str) -> None:
        """See `Backend.delete`."""
        self._persist(lambda: self.inner.delete(key))

    def close(self) -> None:
        """See `Backend.close`. Whatever waits to be tried again fails now."""
        self._closed.set()
        self.inner.close()

    def _persist(self, request: Callable[[], _T]) -> _T:
        import tenacity

        effort = _Effort(self._patience.silence)
        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception(_is_transient),
            wait=tenacity.wait_random_exponential(FIRST_WAIT, LONGEST_WAIT),
            stop=lambda _: self._closed.is_set() or effort.spent >= self._limit(),
            sleep=lambda seconds: effort.pause(self._closed, seconds),
            reraise=True,
        )
        try:
            result: _T = retrying(effort.attempt, request)
        except BackendError as error:
            self._answered |= not error.transient
            if error.transient and effort.attempts > 1:
                raise effort.gave_up(error) from error
            raise
        self._answered = True
        return result

    def _limit(self) -> float:
        return self._patience.total if self._answered else self._patience.unknown


class _Effort:
    """What one request has cost so far: attempts, and seconds as `Patience` counts them."""

    def __init__(self, longest: float) -> None:
        self.attempts = 0
        self.spent = 0.0
        self._longest = longest
        self._begun = time.monotonic()

    def attempt(self, request: Callable[[], _T]) -> _T:
        started = time.monotonic()
        self.attempts += 1
        try:
            return request()
        finally:
            self.spent += min(time.monotonic() - started, self._longest)

    def pause(self, closed: threading.Event, seconds: float) -> None:
        closed.wait(seconds)
        self.spent += seconds

    def gave_up(self, error: BackendError) -> BackendError:
        """The `error` of the last attempt, with a word on those before."""
        seconds = time.monotonic() - self._begun
        tried = f"tried {self.attempts} times in {seconds:.0f} seconds"
        return type(error)(f"{error.message}; {tried}", error.hint, transient=error.transient)


def _is_transient(error: BaseException) -> bool:
    return isinstance(error, BackendError) and error.transient
