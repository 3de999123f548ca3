"""What is counted, and how."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from git_mlvers.backend import counting
from git_mlvers.backend.base import Conflict, KeyMissing
from git_mlvers.backend.counting import Counting, Counts
from git_mlvers.backend.directory import Directory

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def store(tmp_path: Path) -> Counting:
    """A counted store that is empty."""
    return Counting(Directory(str(tmp_path / "store"), fsync=False))


def test_requests_and_bytes_are_counted_by_verb(store: Counting) -> None:
    store.put("a", b"12345")
    store.create("b", memoryview(b"123"))
    store.get("a")
    store.get("a", 1, 2)
    data, token = store.get_versioned("a")
    store.replace("a", data + b"6", token)
    store.stat("a")
    list(store.list(""))
    store.delete("a")
    assert store.counts == Counts(
        {
            "put": 1, "create": 1, "get": 3, "replace": 1, "stat": 1, "list": 1, "delete": 1,
        },
        sent=5 + 3 + 6,
        received=5 + 2 + 5,
    )  # fmt: skip
    assert store.counts.total == 9
    store.reset()
    assert store.counts == Counts({}, 0, 0)


def test_failures_are_requests_too(store: Counting) -> None:
    store.put("a", b"1")
    with pytest.raises(KeyMissing):
        store.get("b")
    with pytest.raises(Conflict):
        store.replace("a", b"2", "stale")
    assert store.counts.requests == {"put": 1, "get": 1, "replace": 1}


def test_a_list_counts_by_its_pages(store: Counting, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counting, "PAGE", 10)
    for size, pages in [(0, 1), (9, 1), (10, 1), (11, 2), (20, 2), (21, 3)]:
        for number in range(size):
            store.put(f"{size}/{number:02}", b"")
        store.reset()
        assert len(list(store.list(f"{size}/"))) == size
        assert store.counts.requests == {"list": pages}


def test_threads_are_counted_without_loss(store: Counting) -> None:
    store.put("a", b"x" * 10)
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda _: store.get("a"), range(400)))
    assert store.counts.requests["get"] == 400
    assert store.counts.received == 4000
