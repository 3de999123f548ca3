"""The local copy of an index: quick to fill, shared by processes, thrown away when in doubt."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from git_mlvers.oid import Oid
from git_mlvers.remote.index_file import Index
from git_mlvers.remote.model import Item, StoredFile, Tail, Term
from git_mlvers.remote.state import State

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PACK, OTHER = b"p" * 32, b"q" * 32


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    state = State(str(tmp_path / "folder" / "one.db"))
    yield state
    state.close()


def small(n: int, pack: bytes = PACK) -> StoredFile:
    return StoredFile(Oid.of(b"%d" % n), 100, (Term(pack, n * 148, 148, 1, 100),))


def test_ten_thousand_files_are_taken_in(state: State) -> None:
    files = [small(n) for n in range(10_000)]
    state.ingest(b"i" * 32, Index({PACK: 200 << 20}, [], files, []))
    assert state.present(file.oid for file in files) == {file.oid for file in files}
    assert state.files([files[7].oid]) == {files[7].oid: [files[7]]}
    assert sorted(state.all_files()) == sorted(files)


def test_a_file_in_two_indexes_survives_one_of_them(state: State) -> None:
    state.ingest(b"i" * 32, Index({PACK: 1000}, [], [small(1)], []))
    state.ingest(b"j" * 32, Index({OTHER: 1000}, [], [small(1, OTHER)], []))
    assert len(state.files([small(1).oid])[small(1).oid]) == 2
    state.drop_indexes([b"i" * 32])
    assert state.files([small(1).oid]) == {small(1).oid: [small(1, OTHER)]}
    assert state.pack_sizes() == {OTHER: 1000}
    state.drop_indexes([b"j" * 32])
    assert state.present([small(1).oid]) == set() and state.pack_sizes() == {}


def test_an_index_is_taken_in_once(state: State) -> None:
    index = Index({PACK: 1000}, [(5, PACK)], [small(1)], [])
    state.ingest(b"i" * 32, index)
    state.ingest(b"i" * 32, index)
    assert state.indexes() == {b"i" * 32}
    assert state.hooked([5, 6]) == {5: [PACK]}


def test_large_files_are_found_by_their_packs(state: State) -> None:
    large = StoredFile(Oid.of(b"large"), 3 << 20, (Term(PACK, 0, (3 << 20) + 960, 20, 3 << 20),))
    state.ingest(b"i" * 32, Index({PACK: 4 << 20}, [], [large, small(1)], []))
    assert state.sharing([PACK, OTHER]) == [Item(large.oid, large.size)]
    assert state.sharing([OTHER]) == []


def test_packs_come_with_their_files_of_one_chunk(state: State) -> None:
    numbers = range(300)
    packs = {bytes([n % 256, n // 256]) * 16: 100_000 for n in numbers}
    files = [small(n, pack) for n, pack in zip(numbers, packs, strict=True) if n % 3]
    state.ingest(b"i" * 32, Index(packs, [], files, []))
    found = {name: singles for name, _, singles in state.packs_with_singles()}
    assert set(found) == set(packs)
    assert sorted(file for singles in found.values() for file in singles) == sorted(files)
    assert all(file.terms[0].pack == name for name, singles in found.items() for file in singles)


def test_an_impossible_entry_is_kept_as_such(state: State) -> None:
    bad = StoredFile(Oid.of(b"bad"), 100, (Term(PACK, 0, 148, 1, 50),))
    state.ingest(b"i" * 32, Index({PACK: 1000}, [], [bad], []))
    assert state.present([bad.oid]) == set()
    assert state.files([bad.oid])[bad.oid][0].terms == ()


def test_the_journal_lasts_until_an_index_has_the_packs(tmp_path: Path) -> None:
    path = str(tmp_path / "one.db")
    state = State(path)
    state.note_pack(PACK, Tail(1000, b"tail"))
    state.note_pack(OTHER, Tail(2000, b"tail"))
    state.close()
    state = State(path)
    assert state.journal() == {PACK: 1000, OTHER: 2000}
    state.ingest(b"i" * 32, Index({PACK: 1000}, [], [], []), journaled=[PACK])
    assert state.journal() == {OTHER: 2000}
    state.forget_packs([OTHER])
    assert state.journal() == {} and set(state.tails([PACK, OTHER])) == {PACK}
    state.close()


def test_two_processes_write_at_once(tmp_path: Path) -> None:
    path = str(tmp_path / "one.db")
    failed: list[BaseException] = []

    def work(first: int) -> None:
        try:
            state = State(path)
            for n in range(first, first + 20):
                state.ingest(n.to_bytes(32, "big"), Index({PACK: 10_000}, [], [small(n)], []))
            state.close()
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=work, args=(first,)) for first in (0, 100, 200)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    state = State(path)
    assert len(state.indexes()) == 60
    state.close()
