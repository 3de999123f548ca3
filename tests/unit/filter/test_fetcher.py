"""The background download: batches, failures, repeated requests."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from git_mlvers.errors import ContentMissing, RemoteError
from git_mlvers.oid import Oid
from git_mlvers.pointer import Pointer
from git_mlvers.transfer import Fetcher, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator


def pointers(count: int, size: int = 10) -> list[Pointer]:
    return [Pointer(Oid.of(b"%d" % number), size) for number in range(count)]


class Source:
    """A download that takes what it is given, and remembers the batches."""

    def __init__(self, fails: set[Oid] | None = None) -> None:
        self.batches: list[list[Pointer]] = []
        self.prepared = threading.Event()
        self.fails = fails or set()

    def __call__(self, batch: list[Pointer]) -> Iterator[Outcome]:
        self.batches.append(batch)
        for pointer in batch:
            error = ContentMissing("not there") if pointer.oid in self.fails else None
            yield Outcome(pointer, error)

    def fetcher(self) -> Fetcher:
        return Fetcher(self, self.prepared.set)


def test_requests_wait_for_release_and_go_as_one_batch() -> None:
    source = Source()
    fetcher = source.fetcher()
    wanted = pointers(50)
    for pointer in wanted:
        fetcher.request(pointer)
        fetcher.request(pointer)
    assert source.prepared.wait(5)
    assert source.batches == []
    fetcher.wait(wanted, every=True)
    assert source.batches == [wanted]
    assert all(fetcher.error(pointer) is None for pointer in wanted)


def test_much_content_is_not_waited_with() -> None:
    source = Source()
    fetcher = source.fetcher()
    large = pointers(2, size=40 << 20)
    for pointer in large:
        fetcher.request(pointer)
    deadline = threading.Event()
    for _ in range(100):
        if fetcher.settled(large) == set(large):  # one after the other
            break
        deadline.wait(0.05)
    assert fetcher.settled(large) == set(large)


def test_a_failure_belongs_to_its_file() -> None:
    good, bad = pointers(2)
    source = Source(fails={bad.oid})
    fetcher = source.fetcher()
    fetcher.request(good)
    fetcher.request(bad)
    fetcher.wait([good, bad], every=True)
    assert fetcher.error(good) is None
    assert isinstance(fetcher.error(bad), ContentMissing)


def test_a_download_that_dies_leaves_nobody_waiting() -> None:
    def download(batch: list[Pointer]) -> Iterator[Outcome]:
        yield Outcome(batch[0], None)
        raise RemoteError("the line is dead")

    fetcher = Fetcher(download, lambda: None)
    first, second = pointers(2)
    fetcher.request(first)
    fetcher.request(second)
    fetcher.wait([first, second], every=True)
    assert fetcher.error(first) is None
    assert str(fetcher.error(second)) == "the line is dead"


def test_a_fault_of_our_own_leaves_nobody_waiting() -> None:
    def download(batch: list[Pointer]) -> Iterator[Outcome]:
        raise ZeroDivisionError
        yield

    def prepare() -> None:
        raise KeyError("prepare")

    fetcher = Fetcher(download, prepare)
    (only,) = pointers(1)
    fetcher.request(only)
    fetcher.wait([only], every=False)
    assert isinstance(fetcher.error(only), RemoteError)


def test_content_that_proved_damaged_is_asked_for_again() -> None:
    source = Source()
    fetcher = source.fetcher()
    (only,) = pointers(1)
    fetcher.request(only)
    fetcher.wait([only], every=True)
    fetcher.request(only, again=True)
    assert fetcher.settled([only]) == set()
    fetcher.wait([only], every=True)
    assert source.batches == [[only], [only]]


def test_what_was_never_asked_for_is_not_waited_for() -> None:
    fetcher = Source().fetcher()
    (only,) = pointers(1)
    fetcher.wait([only], every=True)
    assert isinstance(fetcher.error(only), RemoteError)


def test_what_is_followed_comes_in_its_order_and_growing_batches() -> None:
    source = Source()
    fetcher = source.fetcher()
    wanted = pointers(2000)
    fetcher.follow(iter(wanted))
    fetcher.wait(wanted[:1], every=True)
    fetcher.wait(wanted, every=True)
    assert [pointer for batch in source.batches for pointer in batch] == wanted
    sizes = [len(batch) for batch in source.batches]
    assert sizes[0] < sizes[1] < sizes[2]


def test_what_was_requested_before_comes_too() -> None:
    source = Source()
    fetcher = source.fetcher()
    large, *small = pointers(300)
    fetcher.request(large)
    fetcher.follow(small)
    fetcher.wait([*small, large], every=True)
    assert all(fetcher.brought(pointer) for pointer in (large, *small))
    assert sum(map(len, source.batches)) == 300


@pytest.mark.parametrize("error", [RemoteError("git does not tell"), OSError("no more processes")])
def test_what_cannot_be_listed_is_brought_when_it_is_requested(error: Exception) -> None:
    source = Source()
    fetcher = source.fetcher()
    wanted = pointers(2)

    def listed() -> Iterator[Pointer]:
        yield wanted[0]
        raise error

    fetcher.follow(listed())
    for pointer in wanted:
        fetcher.request(pointer)
    fetcher.wait(wanted, every=True)
    assert [fetcher.error(pointer) for pointer in wanted] == [None, None]


def test_what_is_followed_is_not_listed_any_further_once_all_is_to_end() -> None:
    fetcher = Source().fetcher()
    begun, ending = threading.Event(), threading.Event()
    most = 30_000
    listed = []

    def listing() -> Iterator[Pointer]:
        for pointer in pointers(most):
            if len(listed) == 300:
                begun.set()
                assert ending.wait(10)
            listed.append(pointer)
            yield pointer

    fetcher.follow(listing())
    assert begun.wait(10)
    with_end = threading.Timer(0.1, ending.set)
    with_end.start()
    fetcher.cancel(timeout=10)
    assert ending.is_set()
    assert len(listed) < most
