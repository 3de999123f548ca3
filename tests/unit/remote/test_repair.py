"""After packs of a remote were lost or damaged: the repair, and the push that makes it whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.stores import Memory, Place, edited, fetched, some_bytes, well

if TYPE_CHECKING:
    from pathlib import Path

    from git_mlvers.remote import Item, Remote


def flip(pack: Path, offset: int) -> None:
    """Damage one byte of a pack."""
    data = bytearray(pack.read_bytes())
    data[offset] ^= 1
    pack.write_bytes(data)


def frame_at(remote: Remote, item: Item, share: float = 0.0) -> int:
    """An offset in the pack of `item`: in its first frame, or `share` of the way through it."""
    term = remote.state.files([item.oid])[item.oid][0].terms[0]
    return term.offset + 60 + int(share * term.length)


def whole_again(place: Place, items: list[Item], source: Memory, lost: set[Item]) -> None:
    """Push again what is missing, which must be `lost`, and read all as a new machine does."""
    pusher = place.remote()
    missing = pusher.missing(item.oid for item in items)
    assert missing == {item.oid for item in lost}
    pusher.upload(items, source)
    assert list(pusher.fsck(read_data=True)) == []
    reader = place.remote("new")
    assert well(fetched(reader, items, Memory(place.folder / "sink-of-new")).values())
    assert list(reader.fsck(read_data=True)) == []
    assert place.remote("other").missing(item.oid for item in items) == set()


@pytest.mark.parametrize("short", [False, True], ids=["lost", "cut"])
@pytest.mark.parametrize("machine", ["one", "two"])
def test_lost_pack(place: Place, source: Memory, machine: str, short: bool) -> None:
    old = some_bytes(3 << 20, 1)
    before, after = source.put(old), source.put(edited(old, 2))
    small = [source.put(some_bytes(5000, n)) for n in range(5)]
    first = place.remote()
    first.upload([before, *small[:2]], source)
    (gone,) = place.packs
    first.upload([after, *small[2:]], source, bases={after.oid: [before.oid]})
    kept = {path.name for path in place.packs} - {gone.name}
    witness = place.remote("other")  # has a copy of the index from before
    witness.sync()
    if short:
        gone.write_bytes(gone.read_bytes()[:-1])
    else:
        gone.unlink()
    lost = {before, after, *small[:2]}
    problems = place.remote(machine).rebuild_index()
    suffering = [problem for problem in problems if problem.oids]
    assert [problem.kind for problem in suffering] == ["wrong-size" if short else "missing-pack"]
    assert set(suffering[0].oids) == {item.oid for item in lost}
    assert kept <= {path.name for path in place.packs}
    witness.sync(refresh=True)
    assert witness.missing(item.oid for item in lost) == {item.oid for item in lost}
    whole_again(place, [before, after, *small], source, lost)


@pytest.mark.parametrize("machine", ["one", "two"])
def test_damaged_frames(place: Place, source: Memory, machine: str) -> None:
    old = some_bytes(3 << 20, 1)
    before, after = source.put(old), source.put(edited(old, 2))
    small = [source.put(some_bytes(5000, n)) for n in range(5)]
    first = place.remote()
    first.upload([before, *small], source)
    (damaged,) = place.packs
    first.upload([after], source, bases={after.oid: [before.oid]})
    place.remote("other").sync()
    flip(damaged, frame_at(first, small[1]))
    flip(damaged, frame_at(first, before))
    lost = {before, after, small[1]}
    (problem,) = place.remote(machine).rebuild_index(read_data=True)
    assert problem.kind == "damaged-pack" and damaged.name in problem.key
    assert set(problem.oids) == {item.oid for item in lost}
    assert damaged.exists()
    # Nothing lists the lost files again, whatever is done before they are pushed.
    for reads in (False, True):
        place.remote("three").rebuild_index(read_data=reads)
        assert list(place.remote("three").fsck(read_data=True)) == []
    whole_again(place, [before, after, *small], source, lost)
    assert place.remote().rebuild_index(read_data=True) == []


def test_what_was_lost_is_pushed_in_the_same_way_twice(place: Place, source: Memory) -> None:
    """The packs and the index file of the second push are those of the first, byte by byte."""
    items = [source.put(some_bytes(5000, n)) for n in range(3)]
    place.remote().upload(items, source)
    for _ in range(2):
        (pack,) = place.packs
        pack.unlink()
        (problem,) = place.remote().rebuild_index()
        assert set(problem.oids) == {item.oid for item in items}
        whole_again(place, items, source, set(items))


def test_damaged_pack_is_no_base_for_anybody(place: Place, source: Memory) -> None:
    """An intact file in it is listed still, and a new version of it refers to nothing there."""
    kept, lost = some_bytes(3 << 20, 1), source.put(some_bytes(3 << 20, 2))
    base = source.put(kept)
    first = place.remote()
    first.upload([base, lost], source)
    place.remote("other").missing([base.oid])
    (damaged,) = place.packs
    flip(damaged, frame_at(first, lost))
    place.remote("two").rebuild_index(read_data=True)
    version = source.put(edited(kept, 3))
    for machine in ("one", "other", "new"):
        assert place.remote(machine).missing([base.oid, lost.oid]) == {lost.oid}
    report = place.remote("other").upload([version], source, bases={version.oid: [base.oid]})
    assert report.sent_bytes > 3 << 20
    reader = place.remote("new")
    reader.sync()
    (stored,) = reader.state.files([version.oid])[version.oid]
    assert damaged.name not in {term.pack.hex() for term in stored.terms}
    whole_again(place, [base, lost, version], source, {lost})


def test_journal_does_not_lead_back(place: Place, source: Memory) -> None:
    """A pack that was sent and is in no index, and that a repair found damaged meanwhile."""
    from git_mlvers.backend.base import Unreachable
    from tests.support.stores import Flaky

    item, other = source.put(some_bytes(2 << 20, 1)), source.put(b"small")
    with pytest.raises(Unreachable):
        place.remote(wrap=lambda inner: Flaky(inner, "put", 1)).upload([item], source)
    (damaged,) = place.packs
    flip(damaged, 1 << 20)
    place.remote("two").upload([other], source)
    (problem,) = place.remote("two").rebuild_index(read_data=True)
    assert problem.oids == (item.oid,)
    whole_again(place, [item, other], source, {item})


def test_other_places_of_a_file_are_found(place: Place, source: Memory) -> None:
    """Two pushed the same at once; an index lists one place, and a footer tells the other."""
    items = [source.put(some_bytes(300_000, n)) for n in range(2)]
    one, two = place.remote(), place.remote("two")
    one.upload([source.put(b"small")], source)
    two.sync()
    before = {*place.packs, *place.indexes}
    one.upload(items[:1], source)
    (first,) = set(place.packs) - before
    before |= set(place.indexes)
    two.upload(items, source)
    (second,) = set(place.indexes) - before
    second.unlink()
    first.unlink()
    assert place.remote("three").rebuild_index() == []
    whole_again(place, items, source, set())


def test_index_file_that_was_damaged_after_it_was_read(place: Place, source: Memory) -> None:
    items = [source.put(some_bytes(5000, n)) for n in range(3)]
    remote = place.remote()
    remote.upload(items, source)
    (index,) = place.indexes
    index.write_bytes(index.read_bytes()[:-3])
    assert remote.rebuild_index() == []
    whole_again(place, items, source, set())


def test_damaged_footer_costs_nothing(place: Place, source: Memory) -> None:
    items = [source.put(some_bytes(5000, n)) for n in range(3)]
    remote = place.remote()
    remote.upload(items, source)
    (pack,) = place.packs
    flip(pack, pack.stat().st_size - 60)
    for reads in (False, True):
        assert place.remote("two").rebuild_index(read_data=reads) == []
    assert list(place.remote("two").fsck(read_data=True)) == []
    whole_again(place, items, source, set())


def test_repair_of_what_is_sound_writes_nothing(place: Place, source: Memory) -> None:
    remote = place.remote()
    remote.upload([source.put(some_bytes(5000, n)) for n in range(3)], source)
    before = place.objects()
    assert remote.rebuild_index(read_data=True) == []
    assert place.objects() == before


@pytest.mark.parametrize("marker", [True, False], ids=["index", "index and mlvers.json"])
def test_lost_index_is_found(place: Place, source: Memory, marker: bool) -> None:
    item = source.put(some_bytes(5000, 1))
    place.remote().upload([item], source)
    for path in [*place.indexes, *([] if marker else [place.root / "mlvers.json"])]:
        path.unlink()
    (problem,) = place.remote("two").fsck()
    assert problem.kind == "missing-index" and problem.key == "content/index"
    assert place.remote("two").rebuild_index() == []
    assert list(place.remote("two").fsck(read_data=True)) == []
    assert place.remote("two").missing([item.oid]) == set()
