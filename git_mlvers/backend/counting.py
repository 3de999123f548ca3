"""How many requests, and how many bytes, went to a store."""

from __future__ import annotations

import threading
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from git_mlvers.backend.wrapper import Wrapper

if TYPE_CHECKING:
    from collections.abc import Iterator

    from git_mlvers.backend.base import Backend, Entry

PAGE = 1000
"""How many entries of a list one request brings, as S3 has it."""


class Counts(NamedTuple):
    """Requests by the verb of `Backend`, and bytes of content sent and received."""

    requests: dict[str, int]
    sent: int
    received: int

    @property
    def total(self) -> int:
        """All requests."""
        return sum(self.requests.values())


class Counting(Wrapper):
    """A `Backend` that counts what is asked of `inner`, failures included.

    Around `Retrying` it counts what was wanted, inside of it what was sent.
    """

    def __init__(self, inner: Backend) -> None:
        super().__init__(inner)
        self._lock = threading.Lock()
        self.reset()

    @property
    def counts(self) -> Counts:
        """What was counted since the beginning or the last `reset`."""
        with self._lock:
            return Counts(dict(self._requests), self._sent, self._received)

    def reset(self) -> None:
        """Count from zero again."""
        with self._lock:
            self._requests: Counter[str] = Counter()
            self._sent = self._received = 0

    def get(self, key: str, start: int = 0, length: int | None = None) -> bytes:
        """See `Backend.get`."""
        self._count("get")
        return self._came(self.inner.get(key, start, length))

    def put(self, key: str, data: bytes | memoryview) -> None:
        """See `Backend.put`."""
        self._count("put", len(data))
        self.inner.put(key, data)

    def create(self, key: str, data: bytes | memoryview) -> bool:
        """See `Backend.create`."""
        self._count("create", len(data))
        return self.inner.create(key, data)

    def get_versioned(self, key: str) -> tuple[bytes, str]:
        """See `Backend.get_versioned`."""
        self._count("get")
        data, token = self.inner.get_versioned(key)
        return self._came(data), token

    def replace(self, key: str, data: bytes | memoryview, token: str) -> str:
        """See `Backend.replace`."""
        self._count("replace", len(data))
        return self.inner.replace(key, data, token)

    def stat(self, key: str) -> Entry | None:
        """See `Backend.stat`."""
        self._count("stat")
        return self.inner.stat(key)

    def list(self, prefix: str) -> Iterator[Entry]:
        """See `Backend.list`; counted as one request for each started `PAGE`."""
        self._count("list")
        for number, entry in enumerate(self.inner.list(prefix)):
            if number and number % PAGE == 0:
                self._count("list")
            yield entry

    def delete(self, key: str) -> None:
        """See `Backend.delete`."""
        self._count("delete")
        self.inner.delete(key)

    def _count(self, verb: str, sent: int = 0) -> None:
        with self._lock:
            self._requests[verb] += 1
            self._sent += sent

    def _came(self, data: bytes) -> bytes:
        with self._lock:
            self._received += len(data)
        return data
