"""What every backend does: one suite, which a store joins with one fixture below.

`store` gives a backend on an empty place of its own; `again` opens the same
place once more, as another user would.
"""

from __future__ import annotations

import hashlib
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple

import pytest

from git_mlvers.backend.base import BackendError, Conflict, InvalidKey, KeyMissing
from git_mlvers.backend.counting import Counting
from git_mlvers.backend.directory import Directory
from git_mlvers.backend.registry import open_backend
from tests.support.azureserver import azure_server
from tests.support.s3server import shared_server
from tests.support.sshserver import shared_sshd
from tests.support.webdavserver import webdav_server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from git_mlvers.backend.base import Backend

BAD_KEYS = [
    *("", "/", "a/", "/a", "a//b", ".", "..", "../a", "a/../b", "a/./b", ".hidden", "a/.tmp-1"),
    *("-rf", "a/-b", "a b", "a\nb", "a\0b", "ä", "a\\b", "a?b", "a#b", "a%2fb", "a:b", "x" * 513),
]
RANGES: list[tuple[int, int | None, bytes]] = [
    (0, None, b"0123456789"),
    (0, 4, b"0123"),
    (3, 4, b"3456"),
    (3, None, b"3456789"),
    (9, 1, b"9"),
    (7, 100, b"789"),
    (0, 10, b"0123456789"),
    (0, 11, b"0123456789"),
    (10, None, b""),
    (10, 5, b""),
    (500, 5, b""),
    (4, 0, b""),
]
PACK = 8 << 20


class Store(NamedTuple):
    """An empty place, open once; `again` opens it once more."""

    backend: Backend
    again: Callable[[], Backend]


def _directory(tmp_path: Path) -> Callable[[], Backend]:
    return lambda: Directory(str(tmp_path / "store"))


def _counted_directory(tmp_path: Path) -> Callable[[], Backend]:
    return lambda: Counting(Directory(str(tmp_path / "store"), fsync=False))


def _memory(tmp_path: Path) -> Callable[[], Backend]:
    return lambda: open_backend(f"memory://{hashlib.sha256(bytes(tmp_path)).hexdigest()}/place")


def _s3(tmp_path: Path) -> Callable[[], Backend]:
    server = shared_server()
    bucket = server.new_bucket()
    return lambda: open_backend(f"s3://{bucket}/a/prefix", server.options())


def _azure(tmp_path: Path) -> Callable[[], Backend]:
    server = azure_server()
    container = server.new_container()
    return lambda: open_backend(f"az://{container}/a/prefix", server.options())


def _sftp(tmp_path: Path) -> Callable[[], Backend]:
    server = shared_sshd()
    server.make_known()
    place = f"ssh://127.0.0.1:{server.port}{tmp_path}/store"
    return lambda: open_backend(place, server.options())


def _webdav(tmp_path: Path) -> Callable[[], Backend]:
    server = webdav_server()
    place = server.url(server.new_path())
    return lambda: open_backend(place, server.options())


STORES = {
    "directory": _directory,
    "counted-directory": _counted_directory,
    "memory": _memory,
    "s3": _s3,
    "azure": _azure,
    "sftp": _sftp,
    "webdav": _webdav,
}
EXCLUSIVE = pytest.mark.parametrize("store", ["directory", "s3", "azure", "sftp"], indirect=True)
CONDITIONAL = pytest.mark.parametrize(
    "store", ["directory", "counted-directory", "s3", "azure"], indirect=True
)
UNCONDITIONAL = pytest.mark.parametrize("store", ["memory", "sftp", "webdav"], indirect=True)
ATOMIC = pytest.mark.parametrize(
    "store", [name for name in STORES if name != "webdav"], indirect=True
)
"""A WebDAV server deletes what a move is to take the place of first: RFC 4918, 9.9.3."""


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """Each store in turn."""
    opener = STORES[request.param](tmp_path)
    opened: list[Backend] = []

    def open_one() -> Backend:
        opened.append(opener())
        return opened[-1]

    yield Store(open_one(), open_one)
    for backend in opened:
        backend.close()


def _keys(backend: Backend, prefix: str = "") -> list[str]:
    return [entry.key for entry in backend.list(prefix)]


def test_what_was_put_is_what_another_reader_gets(store: Store) -> None:
    data = os.urandom(100_000)
    store.backend.put("content/packs/ab/abcd", data)
    assert store.again().get("content/packs/ab/abcd") == data


def test_any_bytes_come_back_as_they_were(store: Store) -> None:
    for data in [b"", b"x", b"\r\n", b"\0" * 4096, b"line\r"]:
        store.backend.put("key", data)
        assert store.backend.get("key") == data
        assert _stat(store.backend, "key") == len(data)


def test_a_pack_of_many_mib_comes_back_whole(store: Store) -> None:
    data = os.urandom(1 << 20) * (PACK >> 20)
    store.backend.put("packs/large", data)
    assert hashlib.sha256(store.backend.get("packs/large")).digest() == _sha(data)
    assert store.backend.get("packs/large", PACK - 5, 5) == data[-5:]


def test_part_of_a_buffer_is_put_as_that_part(store: Store) -> None:
    buffer = bytearray(b"0123456789")
    store.backend.put("key", memoryview(buffer)[2:5])
    store.backend.put("frozen", memoryview(bytes(buffer))[2:5])
    assert store.backend.get("key") == store.backend.get("frozen") == b"234"


def test_put_overwrites(store: Store) -> None:
    store.backend.put("key", b"a longer first value")
    store.backend.put("key", b"second")
    assert store.again().get("key") == b"second"


def test_a_range_is_what_the_object_has_of_it(store: Store) -> None:
    store.backend.put("key", b"0123456789")
    for start, length, wanted in RANGES:
        assert store.backend.get("key", start, length) == wanted, (start, length)


def test_a_range_of_an_empty_object_is_empty(store: Store) -> None:
    store.backend.put("key", b"")
    assert store.backend.get("key", 0, 10) == b""
    assert store.backend.get("key", 3) == b""


def test_a_range_before_the_beginning_is_a_mistake(store: Store) -> None:
    store.backend.put("key", b"0123456789")
    for start, length in [(-1, None), (0, -1), (-3, 5)]:
        with pytest.raises(ValueError, match="range"):
            store.backend.get("key", start, length)


def test_reading_what_is_not_there_says_so(store: Store) -> None:
    store.backend.put("other/key", b"x")
    for start, length in [(0, None), (0, 10), (5, 5), (0, 0)]:
        with pytest.raises(KeyMissing) as caught:
            store.backend.get("other/none", start, length)
        assert "other/none" in caught.value.message
        assert store.backend.url in caught.value.message


def test_an_empty_place_is_empty(store: Store) -> None:
    assert _keys(store.backend) == []
    assert store.backend.stat("mlvers.json") is None
    store.backend.delete("mlvers.json")
    with pytest.raises(KeyMissing):
        store.backend.get("mlvers.json")


def test_a_folder_is_not_an_object(store: Store) -> None:
    store.backend.put("content/packs/ab/abcd", b"x")
    assert store.backend.stat("content/packs") is None


def test_stat_tells_size_and_time(store: Store) -> None:
    before = time.time()
    store.backend.put("a/key", b"12345")
    entry = store.backend.stat("a/key")
    assert entry is not None
    assert (entry.key, entry.size) == ("a/key", 5)
    assert abs(entry.modified - before) < 60


def test_list_has_all_below_a_prefix_in_order_and_nothing_else(store: Store) -> None:
    keys = ["content/index/b", "content/index/a", "content/packs/ab/x", "content/packs/ab-/y"]
    keys += ["content/packs/aba", "contents", "mlvers.json"]
    for key in keys:
        store.backend.put(key, key.encode())
    for prefix in ["", "content/", "content/packs/", "content/packs/ab", "content", "con", "x/"]:
        found = list(store.again().list(prefix))
        assert [e.key for e in found] == sorted(k for k in keys if k.startswith(prefix))
        assert all(e.size == len(e.key) and e.modified > 0 for e in found)


def test_a_list_of_many_is_complete(store: Store) -> None:
    keys = [f"content/{number % 7}/{number:05}" for number in range(200)]
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda key: store.backend.put(key, b"x"), keys))
    assert _keys(store.backend, "content/") == sorted(keys)


def test_deleted_is_gone_and_deleting_it_again_is_fine(store: Store) -> None:
    store.backend.put("a/b/c", b"x")
    store.backend.put("a/b/d", b"y")
    store.backend.delete("a/b/c")
    store.backend.delete("a/b/c")
    assert store.again().stat("a/b/c") is None
    assert _keys(store.backend) == ["a/b/d"]
    store.backend.put("a/b/c", b"new")
    assert store.backend.get("a/b/c") == b"new"


def test_create_writes_what_is_not_there_and_leaves_what_is(store: Store) -> None:
    assert store.backend.create("mlvers.json", b"first")
    assert not store.again().create("mlvers.json", b"second")
    assert store.backend.get("mlvers.json") == b"first"
    assert _keys(store.backend) == ["mlvers.json"]


def test_an_empty_object_is_there_too(store: Store) -> None:
    assert store.backend.create("key", b"")
    assert not store.backend.create("key", b"second")
    assert not store.backend.create("key", b"")
    assert store.backend.get("key") == b""


@EXCLUSIVE
def test_of_many_that_create_at_once_one_does(store: Store) -> None:
    start = threading.Barrier(8)

    def create(number: int) -> bool:
        start.wait()
        return store.backend.create("key", b"%d" % number)

    with ThreadPoolExecutor(8) as threads:
        created = list(threads.map(create, range(8)))
    assert created.count(True) == 1
    assert store.backend.get("key") == b"%d" % created.index(True)


@CONDITIONAL
def test_replace_needs_the_version_that_was_read(store: Store) -> None:
    store.backend.put("refs", b"one")
    data, token = store.backend.get_versioned("refs")
    assert data == b"one"
    newer = store.again().replace("refs", b"two", token)
    with pytest.raises(Conflict):
        store.backend.replace("refs", b"three", token)
    assert store.backend.get_versioned("refs") == (b"two", newer)
    store.backend.replace("refs", b"three", newer)
    assert store.backend.get("refs") == b"three"


@CONDITIONAL
def test_replacing_what_was_deleted_is_a_conflict(store: Store) -> None:
    store.backend.put("refs", b"one")
    _, token = store.backend.get_versioned("refs")
    store.backend.delete("refs")
    with pytest.raises(Conflict):
        store.backend.replace("refs", b"two", token)
    assert store.backend.stat("refs") is None
    with pytest.raises(KeyMissing):
        store.backend.get_versioned("refs")


@CONDITIONAL
def test_no_update_is_lost_when_many_replace(store: Store) -> None:
    store.backend.put("counter", b"0")

    def add_one(_: int) -> None:
        while True:
            data, token = store.backend.get_versioned("counter")
            try:
                store.backend.replace("counter", b"%d" % (int(data) + 1), token)
                return
            except Conflict:
                continue

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(add_one, range(24)))
    assert store.backend.get("counter") == b"24"


@UNCONDITIONAL
def test_a_store_without_conditions_says_so(store: Store) -> None:
    store.backend.put("refs", b"one")
    with pytest.raises(BackendError, match="cannot be replaced safely"):
        store.backend.get_versioned("refs")
    with pytest.raises(BackendError, match="cannot be replaced safely"):
        store.backend.replace("refs", b"two", "token")
    assert store.backend.get("refs") == b"one"


@ATOMIC
def test_a_reader_never_sees_a_write_by_halves(store: Store) -> None:
    versions = [bytes([number]) * 200_000 for number in range(4)]
    store.backend.put("key", versions[0])
    stop = threading.Event()

    def write() -> None:
        for number in range(12):
            store.backend.put("key", versions[number % 4])
        stop.set()

    writer = threading.Thread(target=write)
    writer.start()
    while not stop.is_set():
        assert store.backend.get("key") in versions
    writer.join()


def test_a_new_object_is_there_as_a_whole_or_not_at_all(store: Store) -> None:
    reader, data = store.again(), os.urandom(400_000)
    stop = threading.Event()

    def write() -> None:
        for number in range(8):
            store.backend.put(f"key-{number}", data)
        stop.set()

    writer = threading.Thread(target=write)
    writer.start()
    while not stop.is_set():
        sizes = {entry.size for entry in reader.list("key-")}
        assert sizes <= {len(data)}
    writer.join()


def test_sixteen_threads_share_one_backend(store: Store) -> None:
    def work(number: int) -> bool:
        data = b"%d" % number * 1000
        store.backend.put(f"many/{number}", data)
        there = _stat(store.backend, f"many/{number}") == len(data)
        return there and store.backend.get(f"many/{number}", 10, 100) == data[10:110]

    with ThreadPoolExecutor(16) as threads:
        assert all(threads.map(work, range(64)))
    assert len(_keys(store.backend, "many/")) == 64


def test_a_bad_key_is_refused_by_every_verb(store: Store) -> None:
    backend = store.backend
    verbs: list[Callable[[str], object]] = [
        backend.get,
        lambda key: backend.put(key, b"x"),
        lambda key: backend.create(key, b"x"),
        backend.stat,
        backend.delete,
    ]
    for key in BAD_KEYS:
        for verb in verbs:
            with pytest.raises(InvalidKey):
                verb(key)
    assert _keys(backend) == []


def test_a_bad_prefix_is_refused(store: Store) -> None:
    for prefix in ["/", "../", "a//", ".tmp-", "a b/", "-x"]:
        with pytest.raises(InvalidKey):
            list(store.backend.list(prefix))


def test_the_url_shows_no_secret(store: Store) -> None:
    assert "testing" not in store.backend.url.lower()
    assert store.backend.capabilities.connections > 0


def _stat(backend: Backend, key: str) -> int | None:
    entry = backend.stat(key)
    return None if entry is None else entry.size


def _sha(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()
