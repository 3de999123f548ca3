"""Reading and replacing the state, on stores that can more and less, and that lose answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from git_mlvers.backend.base import Forbidden, StoreMissing, StoreNotMade, Unreachable
from git_mlvers.backend.counting import Counting
from git_mlvers.backend.directory import Directory
from git_mlvers.backend.wrapper import Wrapper
from git_mlvers.errors import CorruptError
from git_mlvers.serverless import layout
from git_mlvers.serverless.manifest import Manifest
from git_mlvers.serverless.store import NOTHING, SingleWriter, Store
from tests.support.serverless import Able

if TYPE_CHECKING:
    from pathlib import Path

    from git_mlvers.backend.base import Backend

OID = "1" * 40


def following(store: Store, mark: str) -> Manifest:
    """A state that follows the one of `store`, with one ref for each change."""
    state = store.load(makes=True)
    old = state.manifest or Manifest("sha1")
    new = old._replace(refs={**old.refs, f"refs/heads/{mark[0]}": OID})
    return new.after(mark * (32 // len(mark)), state.data)


class Overwrites(Able):
    """Claims nothing about create, and overwrites."""

    def __init__(self, inner: Backend) -> None:
        super().__init__(inner, create_only=False, replace_if=True)

    def create(self, key: str, data: bytes | memoryview) -> bool:
        """See `Backend.create`."""
        self.inner.put(key, data)
        return True


class LosesAnswers(Wrapper):
    """Writes, and then says that it did not answer."""

    def replace(self, key: str, data: bytes | memoryview, token: str) -> str:
        """See `Backend.replace`."""
        self.inner.replace(key, data, token)
        raise Unreachable("no answer")

    def create(self, key: str, data: bytes | memoryview) -> bool:
        """See `Backend.create`."""
        self.inner.create(key, data)
        return False


class Dead(Wrapper):
    """Does not even write."""

    def replace(self, key: str, data: bytes | memoryview, token: str) -> str:
        """See `Backend.replace`."""
        raise Unreachable("no answer")


class Closed(Wrapper):
    """Lets nobody read."""

    def get_versioned(self, key: str) -> tuple[bytes, str]:
        """See `Backend.get_versioned`."""
        raise Forbidden("not for you")


@pytest.fixture
def directory(tmp_path: Path) -> Directory:
    """A directory that is made by the first write."""
    return Directory(str(tmp_path / "store"), fsync=False)


def form(directory: Directory, name: str) -> Store:
    """A store with one manifest, or with one for each state."""
    if name == "replaced":
        return Store(directory)
    return Store(Able(directory, create_only=True, replace_if=False))


@pytest.fixture(params=["replaced", "numbered"])
def store(directory: Directory, request: pytest.FixtureRequest) -> Store:
    """A store in each of the two forms."""
    return form(directory, request.param)


def test_nothing_yet(store: Store) -> None:
    assert store.load(makes=True) == NOTHING


def test_one_after_the_other(store: Store) -> None:
    for mark in "abc":
        store.check_writable()
        swap = store.swap(store.load(makes=True), following(store, mark))
        assert swap.won
        assert store.load(makes=True).manifest == swap.now.manifest
        assert store.load(makes=True).data == swap.now.data
    assert set(store.load(makes=True).refs) == {f"refs/heads/{mark}" for mark in "abc"}


@pytest.mark.parametrize("before", [0, 1])
def test_the_second_of_two_loses(store: Store, before: int) -> None:
    for mark in "x" * before:
        store.swap(store.load(makes=True), following(store, mark.replace("x", "f")))
    seen = store.load(makes=True)
    mine, theirs = following(store, "a"), following(store, "b")
    assert store.swap(seen, theirs).won
    swap = store.swap(seen, mine)
    assert not swap.won
    assert swap.now.manifest == store.load(makes=True).manifest == theirs


def test_more_than_nine_states(directory: Directory) -> None:
    store = form(directory, "numbered")
    for number in range(12):
        assert store.swap(store.load(makes=True), following(store, f"{number:032x}")).won
    manifest = store.load(makes=True).manifest
    assert manifest is not None
    assert manifest.generation == 12


def test_a_lost_answer_is_read_back(directory: Directory) -> None:
    honest, lossy = Store(directory), Store(LosesAnswers(directory))
    assert lossy.swap(NOTHING, following(lossy, "a")).won
    seen, mine = honest.load(makes=True), following(honest, "b")
    assert lossy.swap(seen, mine).won
    assert honest.load(makes=True).manifest == mine


def test_a_lost_answer_is_found_behind_the_changes_of_others(directory: Directory) -> None:
    store = Store(directory)
    store.swap(NOTHING, following(store, "a"))
    seen, mine = store.load(makes=True), following(store, "b")
    store.swap(seen, mine)
    store.swap(store.load(makes=True), following(store, "c"))
    assert store.swap(seen, mine).won


def test_no_answer_and_nothing_written(directory: Directory) -> None:
    store = Store(directory)
    store.swap(NOTHING, following(store, "a"))
    with pytest.raises(Unreachable):
        Store(Dead(directory)).swap(store.load(makes=True), following(store, "b"))


def test_what_cannot_be_read_is_not_empty(directory: Directory, tmp_path: Path) -> None:
    with pytest.raises(Forbidden):
        Store(Closed(directory)).load(makes=True)
    with pytest.raises(StoreMissing):
        Store(Directory(str(tmp_path / "no" / "such"))).load(makes=True)
    directory.put(layout.MANIFEST, b"")
    with pytest.raises(CorruptError):
        Store(directory).load(makes=True)


def test_a_store_for_a_single_writer(directory: Directory) -> None:
    store = Store(Able(directory, create_only=False, replace_if=False))
    assert store.load(makes=True) == NOTHING
    with pytest.raises(SingleWriter, match="cannot be pushed to"):
        store.check_writable()


def test_a_server_that_keeps_conditions_is_found_out(directory: Directory) -> None:
    counting = Counting(Able(directory, create_only=False, replace_if=True))
    store = Store(counting)
    assert store.swap(NOTHING, following(store, "a")).won
    assert [entry.key for entry in directory.list("")] == [layout.MANIFEST]
    counting.reset()
    store.swap(store.load(makes=True), following(store, "b"))
    assert counting.counts.requests["replace"] == 1
    assert "create" not in counting.counts.requests


def test_a_server_that_does_not_is_found_out(directory: Directory) -> None:
    with pytest.raises(SingleWriter, match="does not keep the conditions"):
        Store(Overwrites(directory)).swap(NOTHING, following(Store(directory), "a"))
    assert list(directory.list("")) == []


def test_a_pack_that_is_there_is_written_anew(directory: Directory) -> None:
    store = Store(directory)
    key = layout.pack_key("a" * 64)
    assert store.add_pack("a" * 64, memoryview(b"pack"))
    directory.put(key, b"pa")
    assert not store.add_pack("a" * 64, memoryview(b"pack"))
    assert directory.get(key) == b"pack"


def test_keys() -> None:
    assert layout.pack_id(layout.pack_key("a" * 64)) == "a" * 64
    assert layout.pack_id("git/packs/x.pack") is None
    assert layout.number(layout.numbered_key(7)) == 7
    assert layout.number("git/manifests/7.json") is None


def test_a_store_that_is_not_there_is_not_an_empty_one(tmp_path: Path) -> None:
    store = Store(Directory(str(tmp_path / "store")))
    with pytest.raises(StoreNotMade):
        store.load()
    assert store.load(makes=True) == NOTHING
    (tmp_path / "store").mkdir()
    assert store.load() == NOTHING
