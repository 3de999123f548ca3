"""What a network and a server do, beside push and fetch: the bytes go over real connections."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from git_mlvers.backend import retry
from git_mlvers.backend.patience import Patience
from git_mlvers.backend.registry import open_backend
from git_mlvers.errors import MlversError
from git_mlvers.oid import Oid
from git_mlvers.remote import Remote, pack
from tests.support.chaosproxy import ChaosProxy
from tests.support.stores import Memory, fetched, some_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from git_mlvers.remote import Item
    from tests.support.chaosproxy import Kind
    from tests.support.s3server import S3Server

pytestmark = pytest.mark.s3

FILES = [some_bytes(600_000, 1), *(some_bytes(3_000, 10 + i) for i in range(10))]
QUICK = Patience(connect=0.5, silence=0.5, unknown=0.6, total=0.6)
CALM = Patience(connect=5, silence=1.0, unknown=20, total=20)

# How often, of which method, and the rest of what `ChaosProxy.hurt` takes.
PASSING: list[tuple[Kind, dict[str, Any]]] = [
    ("status", {"status": 500, "times": 2}),
    ("status", {"status": 503, "times": 2}),
    ("status", {"status": 429, "times": 2}),
    ("refuse", {"times": 2}),
    ("hang", {"times": 1}),
    ("lose_answer", {"times": 2}),
]
LASTING: list[tuple[Kind, dict[str, Any]]] = [
    ("status", {"status": 500}),
    ("status", {"status": 403}),
    ("status", {"status": 507}),
    ("refuse", {}),
    ("hang", {}),
]
READING: list[tuple[Kind, dict[str, Any]]] = [
    ("delay", {"times": 8, "seconds": 0.1}),
    ("cut", {"times": 2, "at": 100}),
    ("stall", {"times": 1, "at": 100}),
    ("flip", {"times": 1, "at": 1000}),
]
SPOILED: list[tuple[Kind, dict[str, Any]]] = [
    ("cut", {"at": 100}),
    ("stall", {"at": 100}),
    ("flip", {"at": -1}),
]


class Cloud(NamedTuple):
    """An empty bucket behind a proxy, and what is to be brought there."""

    server: S3Server
    proxy: ChaosProxy
    url: str
    folder: Path
    source: Memory
    items: list[Item]

    def remote(self, machine: str, patience: Patience) -> Remote:
        """The remote as a new process on `machine` opens it."""
        options = self.server.options(self.proxy.url)
        backend = open_backend(self.url, options, patience=patience)
        return Remote(backend, str(self.folder / machine), concurrency=2)

    def push(self, patience: Patience = CALM) -> MlversError | None:
        """Push all; what went wrong."""
        remote = self.remote("pusher", patience)
        try:
            remote.upload(self.items, self.source)
        except MlversError as error:
            return error
        finally:
            remote.close()
        return None

    def fetch(self, sink: Memory, patience: Patience = CALM) -> list[MlversError]:
        """Fetch what `sink` lacks; what went wrong."""
        remote = self.remote("reader", patience)
        items = [item for item in self.items if item.oid not in sink.content]
        try:
            return [error for error in fetched(remote, items, sink).values() if error is not None]
        except MlversError as error:
            return [error]
        finally:
            remote.close()

    def assert_sound(self) -> None:
        """All that is indexed is there, byte for byte."""
        remote = self.remote("checker", CALM)
        assert list(remote.fsck(read_data=True)) == []
        remote.close()


@pytest.fixture
def cloud(s3: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    monkeypatch.setattr(pack, "TARGET", 200_000)
    monkeypatch.setattr(retry, "FIRST_WAIT", 0.05)
    source = Memory(tmp_path / "source")
    items = [source.put(data) for data in FILES]
    with ChaosProxy(*s3.address) as proxy:
        yield Cloud(s3, proxy, f"s3://{s3.new_bucket()}/at", tmp_path, source, items)


@pytest.fixture
def sink(tmp_path: Path) -> Memory:
    return Memory(tmp_path / "sink")


def names(rows: list[tuple[Kind, dict[str, Any]]]) -> list[str]:
    return [f"{kind} {more.get('status', '')}".strip() for kind, more in rows]


def assert_told(error: MlversError) -> None:
    """One line, and no accident of the program."""
    assert error.message.strip()
    assert "\n" not in error.message
    assert "Traceback" not in str(error)


def assert_all(sink: Memory) -> None:
    assert sorted(sink.content.values()) == sorted(FILES)
    assert all(Oid.of(data) == oid for oid, data in sink.content.items())


@pytest.mark.parametrize(("kind", "more"), PASSING, ids=names(PASSING))
def test_push_what_passes(cloud: Cloud, sink: Memory, kind: Kind, more: dict[str, Any]) -> None:
    cloud.proxy.hurt(kind, **more)
    assert cloud.push() is None
    cloud.proxy.heal()
    assert cloud.fetch(sink) == []
    assert_all(sink)


@pytest.mark.parametrize(("kind", "more"), LASTING, ids=names(LASTING))
def test_push_what_lasts(cloud: Cloud, sink: Memory, kind: Kind, more: dict[str, Any]) -> None:
    cloud.proxy.hurt(kind, method="PUT", **more)
    error = cloud.push(QUICK)
    assert error is not None
    assert_told(error)
    cloud.proxy.heal()
    cloud.assert_sound()
    assert cloud.push() is None
    assert cloud.fetch(sink) == []
    assert_all(sink)


@pytest.mark.parametrize(("kind", "more"), PASSING + READING, ids=names(PASSING) + names(READING))
def test_fetch_what_passes(cloud: Cloud, sink: Memory, kind: Kind, more: dict[str, Any]) -> None:
    assert cloud.push() is None
    cloud.proxy.hurt(kind, method="GET", **more)
    errors = cloud.fetch(sink)
    # One bit of a list may be what says that something is there: a sentence is enough.
    assert errors == [] or kind == "flip"
    for error in errors:
        assert_told(error)
    cloud.proxy.heal()
    assert cloud.fetch(sink) == []
    assert_all(sink)


@pytest.mark.parametrize(("kind", "more"), LASTING + SPOILED, ids=names(LASTING) + names(SPOILED))
def test_fetch_what_lasts(cloud: Cloud, sink: Memory, kind: Kind, more: dict[str, Any]) -> None:
    assert cloud.push() is None
    cloud.proxy.hurt(kind, method="GET", **more)
    errors = cloud.fetch(sink, QUICK)
    assert errors
    for error in errors:
        assert_told(error)
    assert all(Oid.of(data) == oid for oid, data in sink.content.items())
    cloud.proxy.heal()
    assert cloud.fetch(sink) == []
    assert_all(sink)
