"""The decisions about one file after the other: pipe, delay, populate, or the pointer."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from git_mlvers.cache import Cache
from git_mlvers.errors import ContentMissing
from git_mlvers.filter.placeholder import Journal
from git_mlvers.filter.populate import Populator
from git_mlvers.filter.report import Report
from git_mlvers.filter.smudge import Policy, Request, SmudgeFailed, Smudger
from git_mlvers.oid import Oid
from git_mlvers.pointer import Pointer
from git_mlvers.transfer import Fetcher, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SMALL, LARGE = b"s" * 100, b"l" * 2000
LEAST = 1000


def pointer(data: bytes) -> Pointer:
    return Pointer(Oid.of(data), len(data))


class World:
    """A smudger in an empty working tree, with a remote that has what `remote` says."""

    def __init__(self, path: Path, **policy: object) -> None:
        self.path = path
        self.cache = Cache(os.fspath(path / "cache"), fsync=False)
        self.remote: dict[Oid, bytes] = {}
        self.sequence = False
        self.initial: list[tuple[bytes, Pointer]] = []
        self.batches: list[list[Pointer]] = []
        self.report = Report()
        self.populator = Populator(self.cache, Journal(os.fspath(path / "git")))
        least = Policy(skip=False, wanted=lambda _: True, strict=False, populate_min=LEAST)
        self.smudger = Smudger(
            self.cache,
            Fetcher(self.download, lambda: None),
            self.populator,
            least._replace(**policy),
            self.report,
            lambda: self.sequence,
            lambda _: "0" * 40,
            lambda: self.initial or None,
        )

    def download(self, batch: list[Pointer]) -> Iterator[Outcome]:
        self.batches.append(batch)
        for item in batch:
            data = self.remote.get(item.oid)
            if data is None:
                yield Outcome(item, ContentMissing("not there"))
            else:
                self.cache.add_bytes(data)
                yield Outcome(item, None)

    def smudge(self, name: bytes, data: bytes, delay: bool = True) -> bytes | Pointer | None:
        """Git asks for the file `name` whose content is `data`."""
        self.populator.step()
        return self.smudger.smudge(Request(name, "1" * 40, delay), pointer(data).encode())

    def retry(self, name: bytes) -> bytes | Pointer | None:
        """Git asks again for what was delayed, and writes what it is given if that is bytes."""
        self.populator.step()
        answer = self.smudger.smudge(Request(name, "1" * 40, False), b"")
        if isinstance(answer, bytes):
            (self.path / os.fsdecode(name)).write_bytes(answer)
        return answer

    def available(self) -> set[bytes]:
        self.populator.step()
        return set(self.smudger.available())

    def piped(self) -> list[bytes]:
        return [item.path for item in self.smudger.piped]


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.chdir(tmp_path)
    return World(tmp_path)


def test_small_content_that_is_here_goes_through_the_pipe_at_once(world: World) -> None:
    world.cache.add_bytes(SMALL)
    assert world.smudge(b"a", SMALL) == pointer(SMALL)
    assert world.available() == set()
    assert world.piped() == [b"a"]


def test_large_content_is_put_in_the_place_of_an_empty_file(world: World) -> None:
    world.cache.add_bytes(LARGE)
    assert world.smudge(b"a", LARGE) is None
    assert world.available() == {b"a"}
    assert world.retry(b"a") == b""
    assert world.available() == set()
    assert (world.path / "a").read_bytes() == LARGE
    assert world.piped() == []


def test_large_content_goes_through_the_pipe_while_commits_are_replayed(world: World) -> None:
    world.cache.add_bytes(LARGE)
    world.sequence = True
    assert world.smudge(b"a", LARGE) == pointer(LARGE)


def test_what_is_not_here_is_delayed_and_comes_with_what_else_was_asked_for(world: World) -> None:
    world.remote = {Oid.of(data): data for data in (SMALL, LARGE)}
    assert world.smudge(b"a", SMALL) is None
    assert world.smudge(b"b", LARGE) is None
    assert world.smudge(b"c", SMALL) is None
    offered = set[bytes]()
    while offered != {b"a", b"b", b"c"}:
        offered |= (more := world.available())
        assert more
    assert world.retry(b"a") == world.retry(b"c") == pointer(SMALL)
    assert world.retry(b"b") == b""
    assert world.available() == set()
    assert (world.path / "b").read_bytes() == LARGE


def test_what_git_may_not_have_written_here_is_not_remembered(world: World) -> None:
    """An archive has the same paths as the working tree, whose files are the user's."""
    world.cache.add_bytes(SMALL)
    world.remote = {Oid.of(LARGE): LARGE}
    assert world.smudge(b"a", SMALL, delay=False) == pointer(SMALL)
    assert world.smudge(b"b", LARGE, delay=False) == pointer(LARGE)
    assert world.smudge(b"c", b"nowhere", delay=False) == pointer(b"nowhere").encode()
    assert world.piped() == []


def test_what_git_am_and_apply_write_is_remembered(world: World) -> None:
    """They send no metadata at all, which tells them from an archive."""
    world.cache.add_bytes(SMALL)
    request = Request(b"a", None, False)
    assert world.smudger.smudge(request, pointer(SMALL).encode()) == pointer(SMALL)
    assert world.smudger.smudge(request._replace(path=b"b"), b"raw") == b"raw"
    assert world.piped() == [b"a", b"b"]


@pytest.mark.parametrize("size", [100, 2000])
def test_missing_content_leaves_the_pointer(world: World, size: int) -> None:
    data = b"x" * size
    world.smudge(b"a", data)
    assert world.available() == {b"a"}
    world.retry(b"a")
    assert world.available() == set()
    assert (world.path / "a").read_bytes() == pointer(data).encode()
    failed = [item.error for item in world.populator.done]
    assert bool(world.report) or any(failed)


def test_strict_fails_before_any_other_file_is_written(tmp_path: Path) -> None:
    world = World(tmp_path, strict=True)
    world.remote = {Oid.of(LARGE): LARGE}
    world.smudge(b"a", LARGE)
    world.smudge(b"b", SMALL)
    assert world.available() == {b"b"}
    with pytest.raises(SmudgeFailed):
        world.retry(b"b")
    assert not (tmp_path / "a").exists()


def test_unwanted_and_skipped_content_stays_a_pointer(tmp_path: Path) -> None:
    world = World(tmp_path, wanted=lambda path: path != b"a")
    world.cache.add_bytes(SMALL)
    assert world.smudge(b"a", SMALL) == pointer(SMALL).encode()
    assert world.smudge(b"b", SMALL) == pointer(SMALL)
    skipping = World(tmp_path, skip=True)
    assert skipping.smudge(b"b", SMALL) == pointer(SMALL).encode()


def test_empty_file_is_remembered_and_a_placeholder_is_not(world: World) -> None:
    world.cache.add_bytes(LARGE)
    assert world.smudger.smudge(Request(b"empty", None, True), b"") == b""
    world.smudge(b"a", LARGE)
    world.available()
    assert world.retry(b"a") == b""
    assert world.piped() == [b"empty"]


def test_only_the_last_seconds_are_remembered(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.cache.add_bytes(SMALL)
    now = 1000.0
    monkeypatch.setattr("git_mlvers.filter.smudge.time.time", lambda: now)
    for _ in range(100):
        world.smudge(b"%d" % now, SMALL)
        now += 1
    assert len(world.piped()) <= 6
    assert world.piped()[-1] == b"1099"


def test_one_process_can_do_several_checkouts(world: World) -> None:
    world.cache.add_bytes(LARGE)
    for _ in range(2):
        assert world.smudge(b"a", LARGE) is None
        assert world.available() == {b"a"}
        assert world.retry(b"a") == b""
        assert world.available() == set()
        assert (world.path / "a").read_bytes() == LARGE
        (world.path / "a").unlink()
    # Asked for by path alone, it is an ordinary file again.
    assert world.smudge(b"a", LARGE, delay=False) == pointer(LARGE)


def test_what_an_initial_checkout_will_ask_for_is_fetched_at_once_and_not_delayed(
    world: World,
) -> None:
    contents = [b"%d" % number * 100 for number in range(5)]
    world.remote = {Oid.of(data): data for data in contents}
    world.initial = [(b"%d" % number, pointer(data)) for number, data in enumerate(contents)]
    for number, data in enumerate(contents):
        assert world.smudge(b"%d" % number, data) == pointer(data)
    assert world.batches == [[pointer(data) for data in contents]]
    assert world.available() == set()


def test_what_cannot_be_had_in_an_initial_checkout_stays_a_pointer(world: World) -> None:
    world.initial = [(b"a", pointer(SMALL)), (b"b", pointer(b"lost"))]
    world.remote = {Oid.of(SMALL): SMALL}
    assert world.smudge(b"a", SMALL) == pointer(SMALL)
    assert world.smudge(b"b", b"lost") == pointer(b"lost").encode()


def test_an_initial_checkout_does_not_wait_for_large_files(world: World) -> None:
    world.initial = [(b"a", pointer(LARGE)), (b"b", pointer(SMALL))]
    world.remote = {Oid.of(SMALL): SMALL, Oid.of(LARGE): LARGE}
    assert world.smudge(b"a", LARGE) is None
    assert world.smudge(b"b", SMALL) == pointer(SMALL)
    assert world.available() == {b"a"}


@pytest.mark.parametrize("strict", [False, True])
def test_without_an_index_only_what_git_asks_for_is_fetched(
    strict: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After ``git clone --no-checkout``, ``git checkout HEAD -- b`` is not for all of the tree."""
    monkeypatch.chdir(tmp_path)
    world = World(tmp_path, strict=strict)
    world.initial = [(b"a", pointer(b"lost")), (b"b", pointer(SMALL)), (b"c", pointer(b"other"))]
    world.remote = {Oid.of(SMALL): SMALL, Oid.of(b"other"): b"other"}
    assert world.smudge(b"b", SMALL) is None
    assert world.available() == {b"b"}
    assert world.retry(b"b") == pointer(SMALL)
    assert world.available() == set()
    assert world.batches == [[pointer(SMALL)]]


def test_in_strict_mode_an_initial_checkout_fails_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    world = World(tmp_path, strict=True)
    world.initial = [(b"a", pointer(SMALL)), (b"b", pointer(b"lost"))]
    world.remote = {Oid.of(SMALL): SMALL}
    with pytest.raises(SmudgeFailed):
        world.smudge(b"a", SMALL)
