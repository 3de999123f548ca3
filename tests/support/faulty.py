"""Backends that do one thing wrong each, around one that does not."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, NamedTuple

from git_mlvers.backend.base import KeyMissing, StoreFull, Unreachable
from git_mlvers.backend.wrapper import Wrapper

if TYPE_CHECKING:
    from collections.abc import Iterator

    from git_mlvers.backend.base import Backend, BackendError, Entry


class Call(NamedTuple):
    """One request that a `Backend` was asked for: its verb, and its key or prefix."""

    verb: str
    key: str


class Meddler(Wrapper):
    """A backend whose every request goes by `before`, and whose every read by `read`."""

    def __init__(self, inner: Backend) -> None:
        super().__init__(inner)
        self.lock = threading.Lock()

    def before(self, call: Call) -> None:
        """Something is about to be asked for; raise to have it fail."""

    def read(self, key: str, start: int, data: bytes) -> bytes:
        """What a reader gets to see of `data`, which lies at byte `start` of an object."""
        return data

    def get(self, key: str, start: int = 0, length: int | None = None) -> bytes:
        """See `Backend.get`."""
        self.before(Call("get", key))
        return self.read(key, start, self.inner.get(key, start, length))

    def put(self, key: str, data: bytes | memoryview) -> None:
        """See `Backend.put`."""
        self.before(Call("put", key))
        self.inner.put(key, data)

    def create(self, key: str, data: bytes | memoryview) -> bool:
        """See `Backend.create`."""
        self.before(Call("create", key))
        return self.inner.create(key, data)

    def get_versioned(self, key: str) -> tuple[bytes, str]:
        """See `Backend.get_versioned`."""
        self.before(Call("get_versioned", key))
        data, token = self.inner.get_versioned(key)
        return self.read(key, 0, data), token

    def replace(self, key: str, data: bytes | memoryview, token: str) -> str:
        """See `Backend.replace`."""
        self.before(Call("replace", key))
        return self.inner.replace(key, data, token)

    def stat(self, key: str) -> Entry | None:
        """See `Backend.stat`."""
        self.before(Call("stat", key))
        return self.inner.stat(key)

    def list(self, prefix: str) -> Iterator[Entry]:
        """See `Backend.list`."""
        self.before(Call("list", prefix))
        return self.inner.list(prefix)

    def delete(self, key: str) -> None:
        """See `Backend.delete`."""
        self.before(Call("delete", key))
        self.inner.delete(key)


class Recorder(Meddler):
    """Keeps the requests in `calls`, in the order in which they came."""

    def __init__(self, inner: Backend) -> None:
        super().__init__(inner)
        self.calls: list[Call] = []

    def before(self, call: Call) -> None:
        """Note it."""
        with self.lock:
            self.calls.append(call)

    def keys(self, verb: str) -> list[str]:
        """What `verb` was asked of."""
        with self.lock:
            return [call.key for call in self.calls if call.verb == verb]


class FailOnce(Meddler):
    """Fails the first request of `verb` for each key that contains `part`, and no other."""

    def __init__(
        self, inner: Backend, verb: str, part: str = "", error: BackendError | None = None
    ) -> None:
        super().__init__(inner)
        self._verb, self._part = verb, part
        self._error = error or Unreachable("the network is having a moment")
        self._failed: set[str] = set()

    def before(self, call: Call) -> None:
        """Fail, if it is the first time."""
        if call.verb != self._verb or self._part not in call.key:
            return
        with self.lock:
            if call.key in self._failed:
                return
            self._failed.add(call.key)
        raise self._error


class FailForever(Meddler):
    """Fails all requests of `verb` ("" is any) for keys with `part`, after `good` of them."""

    def __init__(
        self,
        inner: Backend,
        verb: str = "",
        part: str = "",
        error: BackendError | None = None,
        good: int = 0,
    ) -> None:
        super().__init__(inner)
        self._verb, self._part, self._good = verb, part, good
        self._error = error or Unreachable("the network is gone", transient=False)

    def before(self, call: Call) -> None:
        """Fail, when enough have gone well."""
        if self._verb not in ("", call.verb) or self._part not in call.key:
            return
        with self.lock:
            self._good -= 1
            if self._good >= 0:
                return
        raise self._error


class Dropping(Meddler):
    """Does what it is asked in writes of `verb`, and then says that the connection broke: once."""

    def __init__(self, inner: Backend, verb: str) -> None:
        super().__init__(inner)
        self._verb = verb
        self._dropped = False

    def put(self, key: str, data: bytes | memoryview) -> None:
        """See `Backend.put`."""
        self.inner.put(key, data)
        self._drop("put")

    def create(self, key: str, data: bytes | memoryview) -> bool:
        """See `Backend.create`."""
        created = self.inner.create(key, data)
        self._drop("create")
        return created

    def replace(self, key: str, data: bytes | memoryview, token: str) -> str:
        """See `Backend.replace`."""
        new = self.inner.replace(key, data, token)
        self._drop("replace")
        return new

    def _drop(self, verb: str) -> None:
        with self.lock:
            if verb != self._verb or self._dropped:
                return
            self._dropped = True
        raise Unreachable("the answer got lost")


class Truncate(Meddler):
    """Gives all but the last `missing` bytes of what is read of keys that contain `part`."""

    def __init__(self, inner: Backend, part: str, missing: int = 1) -> None:
        super().__init__(inner)
        self._part, self._missing = part, missing

    def read(self, key: str, start: int, data: bytes) -> bytes:
        """Cut it."""
        return data[: max(0, len(data) - self._missing)] if self._part in key else data


class FlipByte(Meddler):
    """Gives another byte at place `at` of objects whose keys contain `part`; `times` times."""

    def __init__(self, inner: Backend, part: str, at: int = 0, times: int = 1 << 30) -> None:
        super().__init__(inner)
        self._part, self._at, self._times = part, at, times

    def read(self, key: str, start: int, data: bytes) -> bytes:
        """Damage it, if the place is in it."""
        place = self._at - start
        if self._part not in key or not 0 <= place < len(data):
            return data
        with self.lock:
            self._times -= 1
            if self._times < 0:
                return data
        return data[:place] + bytes([data[place] ^ 0xFF]) + data[place + 1 :]


class Vanish(Meddler):
    """Has no objects whose keys contain `part`, whatever the list says."""

    def __init__(self, inner: Backend, part: str) -> None:
        super().__init__(inner)
        self._part = part

    def before(self, call: Call) -> None:
        """It is not there."""
        if call.verb in ("get", "get_versioned") and self._part in call.key:
            raise KeyMissing(f"{self.url} has no {call.key}")

    def stat(self, key: str) -> Entry | None:
        """See `Backend.stat`."""
        return None if self._part in key else self.inner.stat(key)


class Stale(Meddler):
    """Lists only what was there when it was made, as some stores do for a while."""

    def __init__(self, inner: Backend) -> None:
        super().__init__(inner)
        self._known = {entry.key for entry in inner.list("")}

    def list(self, prefix: str) -> Iterator[Entry]:
        """See `Backend.list`."""
        return (entry for entry in self.inner.list(prefix) if entry.key in self._known)


class Slow(Meddler):
    """Takes `seconds` longer for each request; `most` tells how many ran at the same time."""

    def __init__(self, inner: Backend, seconds: float) -> None:
        super().__init__(inner)
        self._seconds = seconds
        self._now = 0
        self.most = 0

    def before(self, call: Call) -> None:
        """Wait."""
        with self.lock:
            self._now += 1
            self.most = max(self.most, self._now)
        time.sleep(self._seconds)
        with self.lock:
            self._now -= 1


class FullStore(Meddler):
    """Takes `room` bytes, and is full then."""

    def __init__(self, inner: Backend, room: int = 0) -> None:
        super().__init__(inner)
        self._room = room

    def put(self, key: str, data: bytes | memoryview) -> None:
        """See `Backend.put`."""
        self._take(len(data))
        self.inner.put(key, data)

    def create(self, key: str, data: bytes | memoryview) -> bool:
        """See `Backend.create`."""
        self._take(len(data))
        return self.inner.create(key, data)

    def _take(self, size: int) -> None:
        with self.lock:
            if size > self._room:
                raise StoreFull(f"{self.url} is full")
            self._room -= size
