"""Knowing what a remote has: when it is empty, when it is broken, and what is read how often."""

from __future__ import annotations

import json
import os
import shutil
import time
from typing import TYPE_CHECKING

import pytest

from git_mlvers.backend.base import StoreNotMade
from git_mlvers.errors import CorruptError, RemoteError
from git_mlvers.oid import Oid
from git_mlvers.remote import index_file
from git_mlvers.remote import merge as merging
from git_mlvers.remote.settings import NewerFormat
from tests.support.stores import Memory, Place, fetched, some_bytes, well

if TYPE_CHECKING:
    from git_mlvers.remote import Item


def test_an_index_file_is_read_once(place: Place, source: Memory) -> None:
    for n in range(5):
        place.remote().upload([source.put(some_bytes(100, n))], source)
    other = place.remote("two")
    other.sync()
    place.counting.reset()
    other.sync()
    assert place.counting.counts.total == 0
    place.remote("two").sync()
    assert place.counting.counts.requests == {"list": 1}


def test_refresh_sees_what_others_pushed(place: Place, source: Memory) -> None:
    first, second = source.put(b"first"), source.put(b"second")
    place.remote().upload([first], source)
    other = place.remote("two")
    assert other.missing([second.oid]) == {second.oid}
    place.remote().upload([second], source)
    assert other.missing([second.oid]) == {second.oid}
    other.sync(refresh=True)
    assert other.missing([second.oid]) == set()


def test_a_newer_format_is_named(place: Place) -> None:
    place.root.mkdir()
    (place.root / "mlvers.json").write_text('{"format": 2, "id": "x"}')
    with pytest.raises(NewerFormat, match="made by a newer git-mlvers"):
        place.remote().sync()


def test_an_unknown_way_to_cut_is_named(place: Place, source: Memory) -> None:
    place.remote().upload([source.put(b"x")], source)
    marker = place.root / "mlvers.json"
    value = json.loads(marker.read_text())
    value["chunker"]["name"] = "fastcdc-2031"
    marker.write_text(json.dumps(value))
    with pytest.raises(NewerFormat, match="fastcdc-2031"):
        place.remote("two").sync()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        '{"format": 1}',
        '{"format": 1, "id": "../../etc", "chunker": {}}',
        '{"format": 1, "id": "%s", "chunker": {"name": "fastcdc-2020", "min": 1, "avg": 2,'
        ' "max": 3, "whole": 4}}' % ("a" * 32),
        '{"format": 1, "id": "%s", "chunker": {"name": "fastcdc-2020", "min": 1.5, "avg": 2,'
        ' "max": 3, "whole": true}}' % ("a" * 32),
    ],
)
def test_a_damaged_marker_is_an_error(place: Place, text: str) -> None:
    place.root.mkdir()
    (place.root / "mlvers.json").write_text(text)
    with pytest.raises(CorruptError):
        place.remote().sync()


def test_a_lost_marker_is_not_an_empty_remote(place: Place, source: Memory, sink: Memory) -> None:
    item = source.put(b"content")
    place.remote().upload([item], source)
    (place.root / "mlvers.json").unlink()
    other = place.remote("two")
    with pytest.raises(CorruptError, match=r"mlvers\.json"):
        other.missing([item.oid])
    assert other.rebuild_index() == []
    assert well(fetched(place.remote("three"), [item], sink).values())


def test_a_remote_that_vanished_is_not_an_empty_remote(place: Place, source: Memory) -> None:
    item = source.put(b"content")
    place.remote().upload([item], source)
    shutil.rmtree(place.root)
    with pytest.raises(RemoteError, match="used to be a remote"):
        place.remote().missing([item.oid])
    assert not place.root.exists()
    # Who never knew it sees that nothing is there.
    with pytest.raises(StoreNotMade):
        place.remote("two").missing([item.oid])
    assert not place.root.exists()


def test_another_remote_in_the_same_place_is_noticed(place: Place, source: Memory) -> None:
    item, other = source.put(b"content"), source.put(b"other")
    place.remote().upload([item], source)
    shutil.rmtree(place.root)
    place.remote("two").upload([other], source)
    assert place.remote().missing([item.oid, other.oid]) == {item.oid}


def test_parameters_of_the_remote_are_obeyed(place: Place, source: Memory) -> None:
    place.root.mkdir()
    (place.root / "mlvers.json").write_text(
        '{"format": 1, "id": "%s", "chunker": {"name": "fastcdc-2020",'
        ' "min": 131072, "avg": 262144, "max": 524288, "whole": 600000}}' % ("a" * 32)
    )
    item, whole = source.put(some_bytes(4 << 20, 1)), source.put(some_bytes(600_000, 2))
    remote = place.remote()
    remote.upload([item, whole], source)
    stored = remote.state.files([item.oid, whole.oid])
    assert sum(term.chunks for term in stored[item.oid][0].terms) < 30
    assert [term.chunks for term in stored[whole.oid][0].terms] == [1]
    assert remote.id == "a" * 32


def test_a_damaged_index_file_stops_pushes_and_spares_what_others_list(
    place: Place, source: Memory, sink: Memory
) -> None:
    first, second = source.put(b"first"), source.put(b"second")
    place.remote().upload([first], source)
    (bad,) = place.indexes
    place.remote().upload([second], source)
    data = bytearray(bad.read_bytes())
    data[-1] ^= 1
    bad.write_bytes(data)
    other = place.remote("two")
    errors = fetched(other, [first, second], sink)
    assert errors[second.oid] is None
    assert isinstance(errors[first.oid], CorruptError) and bad.name in str(errors[first.oid])
    with pytest.raises(CorruptError, match=bad.name):
        other.missing([first.oid])
    assert other.rebuild_index() == []
    assert place.remote("two").missing([first.oid, second.oid]) == set()
    assert well(fetched(place.remote("three"), [first, second], sink).values())


def test_strange_names_in_the_store_are_passed_over(place: Place, source: Memory) -> None:
    item = source.put(b"content")
    place.remote().upload([item], source)
    for name in ("content/index/readme.txt", "content/index/" + "A" * 64, "content/packs/zz/x"):
        path = place.root / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"?")
    remote = place.remote("two")
    assert remote.missing([item.oid]) == set()
    assert list(remote.fsck()) == []


def many_pushes(place: Place, source: Memory, count: int) -> list[Item]:
    items = []
    for n in range(count):
        items.append(source.put(some_bytes(300, n)))
        place.remote().upload(items[-1:], source)
    return items


def test_many_index_files_become_one(place: Place, source: Memory, sink: Memory) -> None:
    items = many_pushes(place, source, merging.MANY + 3)
    assert len(place.indexes) == merging.MANY + 4
    reader = place.remote("two")
    assert well(fetched(reader, items, sink).values())
    # Nothing is deleted while somebody may still be reading what was listed before.
    place.remote().upload([source.put(b"soon after")], source)
    assert len(place.indexes) == merging.MANY + 5


def test_superseded_index_files_go_after_a_day(place: Place, source: Memory, sink: Memory) -> None:
    items = many_pushes(place, source, merging.MANY + 3)
    early = place.remote("early")
    early.sync()
    yesterday = time.time() - merging.GRACE - 60
    for path in place.indexes:
        os.utime(path, (yesterday, yesterday))
    items.append(source.put(b"a day later"))
    place.remote().upload(items[-1:], source)
    assert len(place.indexes) <= 5
    assert well(fetched(place.remote("two"), items, sink).values())
    early.sync(refresh=True)
    assert early.missing([item.oid for item in items]) == set()
    assert place.remote("early").missing([item.oid for item in items]) == set()


def test_a_reader_between_listing_and_deletion_lists_anew(
    place: Place, source: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    items = [source.put(b"one"), source.put(b"two")]
    for item in items:
        place.remote().upload([item], source)
    reader = place.remote("two")
    entries = list(place.counting.list("content/index/"))
    parts = [
        index_file.decode(path.read_bytes(), bytes.fromhex(path.name)) for path in place.indexes
    ]
    merged = parts[0]
    for part in parts[1:]:
        merged = merged._replace(
            packs=merged.packs | part.packs, files=merged.files + part.files, hooks=[]
        )
    name, data = index_file.encode(
        merged._replace(supersedes=[bytes.fromhex(p.name) for p in place.indexes], hooks=[])
    )
    for path in place.indexes:
        path.unlink()
    place.counting.put(f"content/index/{name.hex()}", data)
    answers = [entries]
    inner = place.counting.list
    monkeypatch.setattr(
        place.counting, "list", lambda prefix: iter(answers.pop()) if answers else inner(prefix)
    )
    assert reader.missing([item.oid for item in items]) == set()


def test_rows_of_an_index_file_that_is_gone_are_dropped(place: Place, source: Memory) -> None:
    first, second = source.put(some_bytes(2 << 20, 1)), source.put(b"second")
    place.remote().upload([first], source)
    (gone,) = place.indexes
    place.remote().upload([second], source)
    reader = place.remote("two")
    assert reader.missing([first.oid, second.oid]) == set()
    gone.unlink()
    reader.sync(refresh=True)
    assert reader.missing([first.oid, second.oid]) == {first.oid}
    assert set(reader.state.pack_sizes()) == {
        term.pack for file in reader.state.all_files() for term in file.terms
    }


def test_a_damaged_local_copy_is_made_anew(place: Place, source: Memory) -> None:
    item = source.put(b"content")
    place.remote().upload([item], source)
    reader = place.remote("two")
    reader.sync()
    path = reader.state.path
    reader.close()
    for damage in (b"", b"not a database" * 100, None):
        if damage is None:
            # Sound at first sight, and torn inside.
            with open(path, "r+b") as file:
                file.seek(4096)
                file.write(b"\xff" * (os.path.getsize(path) - 4096))
        else:
            with open(path, "wb") as file:
                file.write(damage)
        again = place.remote("two")
        assert again.missing([item.oid]) == set()
        again.close()


def test_a_local_copy_of_another_version_is_made_anew(place: Place, source: Memory) -> None:
    import sqlite3

    item = source.put(b"content")
    place.remote().upload([item], source)
    reader = place.remote("two")
    reader.sync()
    path = reader.state.path
    reader.close()
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA user_version=99")
    db.close()
    assert place.remote("two").missing([item.oid]) == set()


def test_the_id_is_made_by_the_first_who_asks(place: Place) -> None:
    assert place.remote("one").id == place.remote("two").id
    assert Oid.of(place.remote("one").id.encode())


def test_what_two_superseded_at_once_does_not_come_back(place: Place, source: Memory) -> None:
    """One of the two is superseded in its turn, and the first one must not count again then."""
    item, other = source.put(some_bytes(5000, 1)), source.put(b"other")
    place.remote().upload([item], source)
    (path,) = place.indexes
    first = bytes.fromhex(path.name)
    index = index_file.decode(path.read_bytes(), first)
    empty = index._replace(packs={}, hooks=[], files=[])

    def put(*superseded: bytes) -> bytes:
        name, data = index_file.encode(empty._replace(supersedes=list(superseded)))
        place.counting.put(f"content/index/{name.hex()}", data)
        return name

    one, _ = put(first), put(first, bytes(32))
    put(first, one)
    reader = place.remote("two")
    for _ in range(3):
        assert reader.missing([item.oid, other.oid]) == {item.oid, other.oid}
        reader.sync(refresh=True)
