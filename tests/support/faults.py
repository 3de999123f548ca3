"""The faults of the matrix: each a name, a wrapper of a backend, and what is to be expected."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Literal, NamedTuple

from git_mlvers.backend.base import (
    Entry,
    Forbidden,
    StoreFull,
    StoreMissing,
    Unreachable,
)
from git_mlvers.backend.patience import Patience
from tests.support import faulty
from tests.support.faulty import Call, Meddler

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from git_mlvers.backend.base import Backend

Operation = Literal["push", "fetch"]
Expected = Literal["well", "error", "later"]
"""``well``: nobody notices. ``error``: it is told. ``later``: a check or a reader tells."""

BRIEF = Patience(connect=0.5, silence=0.5, unknown=0.5, total=0.5)
DAY = 86_400.0


class Row(NamedTuple):
    """One fault: how a store gets it, and how a push and a fetch end (``None``: cannot meet it)."""

    name: str
    wrap: Callable[[Backend], Backend]
    push: Expected | None
    fetch: Expected | None


class CutOnce(Meddler):
    """Says, as a client does of a body that ends early, that the first answer for a key was cut."""

    def __init__(self, inner: Backend, times: int = 1) -> None:
        super().__init__(inner)
        self._times = times
        self._seen: dict[str, int] = {}

    def read(self, key: str, start: int, data: bytes) -> bytes:
        """Complain."""
        with self.lock:
            self._seen[key] = self._seen.get(key, 0) + 1
            if self._seen[key] > self._times:
                return data
        raise Unreachable(f"{self.url}: {len(data)} bytes were asked for, {len(data) // 2} came")


class FlipUp(Meddler):
    """Stores another bit in what is written under keys that contain `part`."""

    def __init__(self, inner: Backend, part: str) -> None:
        super().__init__(inner)
        self._part = part

    def put(self, key: str, data: bytes | memoryview) -> None:
        """See `Backend.put`."""
        if self._part in key:
            changed = bytearray(data)
            changed[len(changed) // 3] ^= 4
            data = bytes(changed)
        self.inner.put(key, data)


class CutUp(Meddler):
    """Stores half of the first pack and says that the connection broke, for ever."""

    def put(self, key: str, data: bytes | memoryview) -> None:
        """See `Backend.put`."""
        if "/packs/" not in key:
            self.inner.put(key, data)
            return
        self.inner.put(key, bytes(data)[: len(data) // 2])
        raise Unreachable("the connection broke in the middle")


class Lies(Meddler):
    """Says that it has written what it has not, for keys that contain `part`."""

    def __init__(self, inner: Backend, part: str) -> None:
        super().__init__(inner)
        self._part = part

    def put(self, key: str, data: bytes | memoryview) -> None:
        """See `Backend.put`."""
        if self._part not in key:
            self.inner.put(key, data)


class Clock(Meddler):
    """A store whose clock is `seconds` ahead of ours."""

    def __init__(self, inner: Backend, seconds: float) -> None:
        super().__init__(inner)
        self._seconds = seconds

    def _moved(self, entry: Entry) -> Entry:
        return entry._replace(modified=max(0.0, entry.modified + self._seconds))

    def stat(self, key: str) -> Entry | None:
        """See `Backend.stat`."""
        found = self.inner.stat(key)
        return None if found is None else self._moved(found)

    def list(self, prefix: str) -> Iterator[Entry]:
        """See `Backend.list`."""
        return (self._moved(entry) for entry in self.inner.list(prefix))


class Hanging(Meddler):
    """Gives no answer in time: the first `times` requests of each key, as a client reports it."""

    def __init__(self, inner: Backend, times: int = 1 << 30) -> None:
        super().__init__(inner)
        self._times = times
        self._seen: dict[Call, int] = {}

    def before(self, call: Call) -> None:
        """Wait, and give up."""
        with self.lock:
            self._seen[call] = self._seen.get(call, 0) + 1
            if self._seen[call] > self._times:
                return
        time.sleep(0.05)
        raise Unreachable(f"{self.url}: no answer in time")


def _once(verb: str, part: str = "") -> Callable[[Backend], Backend]:
    return lambda inner: faulty.FailOnce(inner, verb, part)


def _ever(verb: str, part: str = "", good: int = 0) -> Callable[[Backend], Backend]:
    error = Unreachable("the network is gone")
    return lambda inner: faulty.FailForever(inner, verb, part, error, good)


def _denied(verb: str, good: int) -> Callable[[Backend], Backend]:
    error = Forbidden("the store does not let this user do that", "ask whoever owns it")
    return lambda inner: faulty.FailForever(inner, verb, "", error, good)


def _gone(inner: Backend) -> Backend:
    error = StoreMissing("there is no such bucket", "was it deleted?")
    return faulty.FailForever(inner, "", "", error, good=2)


def _full_for_the_index(inner: Backend) -> Backend:
    return faulty.FailForever(inner, "put", INDEX, StoreFull("there is no room"))


PACK, INDEX = "content/packs/", "content/index/"

ROWS = [
    Row("fails once: put", _once("put"), "well", None),
    Row("fails once: create", _once("create"), "well", None),
    Row("fails once: get", _once("get"), "well", "well"),
    Row("fails once: list", _once("list"), "well", "well"),
    Row("fails for ever: anything", _ever(""), "error", "error"),
    Row("fails for ever: put of packs", _ever("put", PACK), "error", None),
    Row("fails for ever: third pack", _ever("put", PACK, 2), "error", None),
    Row("fails for ever: put of the index", _ever("put", INDEX), "error", None),
    Row("fails for ever: get of packs", _ever("get", PACK), None, "error"),
    Row("fails for ever: third range", _ever("get", PACK, 2), None, "error"),
    Row("fails for ever: get of the index", _ever("get", INDEX), "error", "error"),
    Row("fails for ever: list", _ever("list"), "error", "error"),
    Row("answer lost: put", lambda inner: faulty.Dropping(inner, "put"), "well", None),
    Row("answer lost: create", lambda inner: faulty.Dropping(inner, "create"), "well", None),
    Row("hangs once", lambda inner: Hanging(inner, 1), "well", "well"),
    Row("hangs for ever", Hanging, "error", "error"),
    Row("slow", lambda inner: faulty.Slow(inner, 0.02), "well", "well"),
    Row("cut down once", CutOnce, "well", "well"),
    Row("cut down for ever", lambda inner: CutOnce(inner, 1 << 30), "error", "error"),
    Row("cut down unnoticed", lambda inner: faulty.Truncate(inner, PACK), None, "error"),
    Row("cut down unnoticed: index", lambda inner: faulty.Truncate(inner, INDEX), "error", "error"),
    Row("cut up", CutUp, "error", None),
    Row("flipped down once", lambda inner: faulty.FlipByte(inner, PACK, 5000, 1), None, "well"),
    Row("flipped down for ever", lambda inner: faulty.FlipByte(inner, PACK, 5000), None, "error"),
    Row("flipped down once: index", lambda i: faulty.FlipByte(i, INDEX, 40, 1), "well", "well"),
    Row("flipped down for ever: index", lambda i: faulty.FlipByte(i, INDEX, 40), "error", "error"),
    Row("flipped down: marker", lambda i: faulty.FlipByte(i, "mlvers.json", 0), "error", "error"),
    Row("flipped up: packs", lambda inner: FlipUp(inner, PACK), "later", None),
    Row("flipped up: index", lambda inner: FlipUp(inner, INDEX), "later", None),
    Row("never written: packs", lambda inner: Lies(inner, PACK), "later", None),
    Row("vanishes: packs", lambda inner: faulty.Vanish(inner, PACK), None, "error"),
    Row("vanishes: index", lambda inner: faulty.Vanish(inner, INDEX), "error", "error"),
    Row("vanishes: marker", lambda inner: faulty.Vanish(inner, "mlvers.json"), "error", "error"),
    Row("clock a year ahead", lambda inner: Clock(inner, 365 * DAY), "well", "well"),
    Row("clock a year behind", lambda inner: Clock(inner, -365 * DAY), "well", "well"),
    Row("full at once", faulty.FullStore, "error", None),
    Row("full midway", lambda inner: faulty.FullStore(inner, 500_000), "error", None),
    Row("writing denied midway", _denied("put", 2), "error", None),
    Row("reading denied midway", _denied("get", 2), None, "error"),
    Row("listing denied", _denied("list", 0), "error", "error"),
    Row("store deleted midway", _gone, "error", "error"),
    Row("full for the index", _full_for_the_index, "error", None),
]
