"""Stores through fsspec whose file systems behave in the ways that fsspec leaves open."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from git_mlvers.backend.base import (
    BackendError,
    Forbidden,
    KeyMissing,
    StoreFull,
    Unreachable,
)
from git_mlvers.backend.cloud_errors import translate
from git_mlvers.backend.fsspec_adapter import FsspecBackend, Traits
from git_mlvers.backend.storage_options import storage_options
from git_mlvers.backend.url import parse

if TYPE_CHECKING:
    from collections.abc import Iterator


class Recorded(MemoryFileSystem):  # type: ignore[misc]
    """A file system in memory that notes what it is asked for."""

    store: ClassVar[dict[str, Any]] = {}
    pseudo_dirs: ClassVar[list[str]] = [""]
    asked: ClassVar[list[tuple[str, str]]] = []

    def pipe_file(self, path: str, value: bytes, mode: str = "overwrite", **names: Any) -> None:
        """See fsspec."""
        self.asked.append(("pipe", path))
        super().pipe_file(path, value, mode=mode, **names)

    def mv(self, path1: str, path2: str, **names: Any) -> None:
        """See fsspec."""
        self.asked.append(("mv", path2))
        super().mv(path1, path2, **names)


class Whole(Recorded):
    """One whose ``cat_file`` takes no notice of a range, as that of sshfs."""

    def cat_file(self, path: str, start: Any = None, end: Any = None, **names: Any) -> bytes:
        """See fsspec."""
        self.asked.append(("cat", path))
        return bytes(super().cat_file(path))


class Short(Recorded):
    """One that brings a byte less than it should."""

    def cat_file(self, path: str, start: Any = None, end: Any = None, **names: Any) -> bytes:
        """See fsspec."""
        return bytes(super().cat_file(path, start=start, end=end))[:-1]


def opened(
    kind: type[MemoryFileSystem], traits: Traits, monkeypatch: pytest.MonkeyPatch
) -> FsspecBackend:
    """A backend on the file system `kind` with `traits`, and one object, ``a/key``."""
    monkeypatch.setattr(fsspec, "filesystem", lambda scheme, **options: kind(**options))
    backend = FsspecBackend(parse("memory://name/place"), {}, traits)
    backend.put("a/key", b"0123456789")
    Recorded.asked.clear()
    return backend


@pytest.fixture(autouse=True)
def empty() -> Iterator[None]:
    """Nothing is left from one test to the next."""
    yield
    Recorded.store.clear()
    Recorded.asked.clear()


RANGES = [(0, 4), (3, 4), (3, None), (8, 100), (10, 1), (50, None)]


@pytest.mark.parametrize(
    ("kind", "traits"),
    [
        (Recorded, Traits()),
        (Whole, Traits(ranges=False, seeks=True)),
        (Whole, Traits(ranges=False)),
    ],
)
def test_ranges_are_right_whatever_the_file_system_can(
    kind: type[MemoryFileSystem], traits: Traits, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend = opened(kind, traits, monkeypatch)
    for start, length in RANGES:
        end = None if length is None else start + length
        assert backend.get("a/key", start, length) == b"0123456789"[start:end]
    assert backend.capabilities.ranges == (traits.ranges or traits.seeks)


def test_where_a_file_can_be_read_from_its_middle_it_is_not_fetched_whole(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    backend = opened(Whole, Traits(ranges=False, seeks=True), monkeypatch)
    backend.get("a/key", 2, 3)
    assert Recorded.asked == []


def test_a_range_that_is_not_honoured_is_an_error_where_it_is_promised(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    backend = opened(Short, Traits(), monkeypatch)
    with pytest.raises(Unreachable, match="5 bytes were asked for, 4 came"):
        backend.get("a/key", 0, 5)


def test_where_a_write_can_be_seen_by_halves_it_goes_beside_and_is_renamed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    backend = opened(Recorded, Traits(atomic=False), monkeypatch)
    backend.put("a/new", b"x")
    assert [verb for verb, _ in Recorded.asked] == ["pipe", "mv"]
    assert "/.tmp-" in Recorded.asked[0][1]
    assert [entry.key for entry in backend.list("")] == ["a/key", "a/new"]


def test_a_write_that_fails_leaves_nothing_beside(monkeypatch: pytest.MonkeyPatch) -> None:
    backend = opened(Recorded, Traits(atomic=False), monkeypatch)

    def fails(*_: object, **__: object) -> None:
        raise ConnectionResetError("gone")

    monkeypatch.setattr(Recorded, "mv", fails)
    with pytest.raises(Unreachable):
        backend.put("a/key", b"new")
    assert sorted(Recorded.store) == ["/name/place/a/key"]
    assert backend.get("a/key") == b"0123456789"


def test_where_the_server_can_create_it_is_asked_to(monkeypatch: pytest.MonkeyPatch) -> None:
    backend = opened(Recorded, Traits(creates=True), monkeypatch)
    assert backend.capabilities.create_only
    assert backend.create("a/new", b"x")
    assert not backend.create("a/new", b"y")
    assert [verb for verb, _ in Recorded.asked] == ["pipe", "pipe"]
    assert backend.get("a/new") == b"x"


def test_a_client_for_one_thread_is_made_for_each(monkeypatch: pytest.MonkeyPatch) -> None:
    import threading

    backend = opened(Recorded, Traits(shared=False), monkeypatch)
    seen = []
    thread = threading.Thread(target=lambda: seen.append(backend._fs))
    thread.start()
    thread.join()
    assert backend._fs is backend._fs
    assert seen[0] is not backend._fs


class WithStatus(Exception):
    """What several clients raise."""

    def __init__(self, status: int) -> None:
        super().__init__(f"status {status}")
        self.status_code = status


class SSHException(Exception):
    """As paramiko calls it."""


@pytest.mark.parametrize(
    ("error", "kind", "transient"),
    [
        (FileNotFoundError("x"), KeyMissing, False),
        (WithStatus(404), KeyMissing, False),
        (PermissionError("x"), Forbidden, False),
        (WithStatus(401), Forbidden, False),
        (WithStatus(403), Forbidden, False),
        (WithStatus(429), Unreachable, True),
        (WithStatus(503), Unreachable, True),
        (WithStatus(400), BackendError, False),
        (WithStatus(507), StoreFull, False),
        (OSError(28, "No space left on device"), StoreFull, False),
        (ConnectionResetError("x"), Unreachable, True),
        (TimeoutError(), Unreachable, True),
        (OSError(16, "busy"), Unreachable, True),
        (SSHException("x"), Unreachable, True),
        (ValueError("x"), BackendError, False),
        (RuntimeError("two\nlines\x1b[31m"), BackendError, False),
    ],
)
def test_what_clients_raise_is_told_in_one_line(
    error: Exception, kind: type[BackendError], transient: bool
) -> None:
    told = translate(error, "gs://bucket", "cannot read key at gs://bucket")
    assert type(told) is kind
    assert told.transient is transient
    assert told.message.startswith("cannot read key at gs://bucket: ")
    assert told.message.isprintable()


def test_a_foreign_message_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    told = translate(RuntimeError("x" * 5000), "gs://bucket", "cannot")
    assert len(told.message) < 400


OPTIONS: list[tuple[str, dict[str, str], dict[str, Any]]] = [
    ("gs://b/p", {"credentialpath": "/k.json"}, {"token": "/k.json"}),
    (
        "gdrive://id/p",
        {"credentialpath": "/k.json"},
        {"path": "id/p", "client_json_file_path": "/k.json", "use_service_account": True},
    ),
    ("memory://name", {}, {}),
]


@pytest.mark.parametrize(("url", "options", "wanted"), OPTIONS)
def test_options_reach_the_client_in_its_own_words(
    url: str, options: dict[str, str], wanted: dict[str, Any]
) -> None:
    assert storage_options(parse(url), options) == wanted
