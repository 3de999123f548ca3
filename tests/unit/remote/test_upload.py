"""What an upload sends, and what others then have."""

from __future__ import annotations

import pytest

from git_mlvers.backend.base import StoreNotMade, Unreachable
from git_mlvers.errors import CorruptError
from git_mlvers.oid import Oid
from git_mlvers.remote import Item, Remote
from git_mlvers.remote import pack as packs
from tests.support.stores import (
    Flaky,
    Memory,
    Place,
    Progress,
    edited,
    fetched,
    some_bytes,
    some_text,
    well,
)


def test_many_small_files_are_few_requests(place: Place, source: Memory, sink: Memory) -> None:
    items = [source.put(some_bytes(1000 + n % 7, n)) for n in range(3000)]
    place.counting.reset()
    report = place.remote().upload(items, source)
    assert report.files == 3000 and report.bytes == sum(item.size for item in items)
    assert place.counting.counts.total <= 30
    place.counting.reset()
    assert well(fetched(place.remote("two"), items, sink).values())
    assert place.counting.counts.total <= 10


def test_push_with_nothing_new_is_one_request(place: Place, source: Memory) -> None:
    item = source.put(b"some content")
    place.remote().upload([item], source)
    place.counting.reset()
    again = place.remote()
    assert again.missing([item.oid]) == set()
    assert again.upload([item], source).sent_bytes == 0
    assert place.counting.counts.total == 1


def test_missing_is_what_nobody_pushed(place: Place, source: Memory) -> None:
    mine, other = source.put(b"mine"), source.put(b"other")
    lacking = place.remote().missing([mine.oid, other.oid], to_upload=True)
    assert lacking == {mine.oid, other.oid}
    place.remote().upload([mine], source)
    assert place.remote("two").missing([mine.oid, other.oid]) == {other.oid}


def test_asking_an_empty_place_leaves_it_empty(place: Place) -> None:
    oid = Oid.of(b"x")
    with pytest.raises(StoreNotMade, match="is it mounted"):
        place.remote().missing([oid])
    assert place.remote().missing([oid], to_upload=True) == {oid}
    assert Remote(place.counting, str(place.folder), optional=True).missing([oid]) == {oid}
    assert not place.root.exists()


def test_same_content_twice_is_sent_once(place: Place, source: Memory) -> None:
    item = source.put(some_bytes(100_000, 1))
    report = place.remote().upload([item, item], source)
    assert report.files == 1 and report.sent_bytes < 110_000


def test_text_is_compressed_without_a_ready_frame(
    place: Place, source: Memory, sink: Memory
) -> None:
    source.ready_frames = False
    items = [source.put(some_text(90_000, 1)), source.put(some_text(900_000, 2))]
    report = place.remote().upload(items, source)
    assert report.sent_bytes < report.bytes / 2
    assert well(fetched(place.remote("two"), items, sink).values())


def test_an_edit_of_a_large_file_sends_the_edit(place: Place, source: Memory) -> None:
    old = some_bytes(40 << 20, 1)
    new = edited(old, 2, places=2)
    before, after = source.put(old), source.put(new)
    remote = place.remote()
    remote.upload([before], source)
    place.counting.reset()
    report = place.remote("two").upload([after], source, bases={after.oid: [before.oid]})
    assert report.sent_bytes <= 0.03 * len(new)
    assert place.counting.counts.sent + place.counting.counts.received <= 0.03 * len(new)


def test_a_moved_and_edited_file_is_recognised_without_its_base(
    place: Place, source: Memory, sink: Memory
) -> None:
    old = some_bytes(40 << 20, 1)
    new = edited(old, 2, share=0.005)
    place.remote().upload([source.put(old)], source)
    item = source.put(new)
    report = place.remote("two").upload([item], source)
    assert report.sent_bytes <= 0.05 * len(new)
    assert well(fetched(place.remote("three"), [item], sink).values())


def test_chunks_shared_within_a_push_are_sent_once(place: Place, source: Memory) -> None:
    common = some_bytes(4 << 20, 1)
    items = [source.put(some_bytes(300_000, n) + common) for n in range(2, 6)]
    report = place.remote().upload(items, source)
    assert report.sent_bytes < 7 << 20


def test_a_lone_chunk_of_an_old_pack_is_sent_again(place: Place, source: Memory) -> None:
    old = some_bytes(2 << 20, 1)
    before = source.put(old)
    remote = place.remote()
    remote.upload([before], source)
    # One or two chunks in common, surrounded by what is new.
    mixed = some_bytes(1 << 20, 2) + old[500_000:650_000] + some_bytes(1 << 20, 3)
    after = source.put(mixed)
    report = remote.upload([after], source, bases={after.oid: [before.oid]})
    assert report.sent_bytes >= len(mixed)
    (stored,) = remote.state.files([after.oid])[after.oid]
    assert len({term.pack for term in stored.terms}) == 1


def test_zeros_do_not_make_long_lists_of_terms(place: Place, source: Memory, sink: Memory) -> None:
    item = source.put(bytes(64 << 20))
    remote = place.remote()
    report = remote.upload([item], source)
    assert report.sent_bytes < 100_000
    (stored,) = remote.state.files([item.oid])[item.oid]
    assert len(stored.terms) <= 4
    assert well(fetched(remote, [item], sink).values())


def test_a_file_of_known_chunks_alone_is_in_a_footer_too(place: Place, source: Memory) -> None:
    data = some_bytes(3 << 20, 1)
    whole = source.put(data)
    remote = place.remote()
    remote.upload([whole], source)
    twice = source.put(data + data)
    assert remote.upload([twice], source, bases={twice.oid: [whole.oid]}).packs == 1
    for path in place.indexes:
        path.unlink()
    other = place.remote("two")
    other.rebuild_index()
    assert other.missing([whole.oid, twice.oid]) == set()


def test_content_that_changed_in_the_source_is_refused(place: Place, source: Memory) -> None:
    small, large = source.put(b"small"), source.put(some_bytes(1 << 20, 1))
    for item in (small, large):
        good, source.content[item.oid] = source.content[item.oid], b"x" * item.size
        with pytest.raises(CorruptError, match=item.oid.short):
            place.remote().upload([item], source)
        source.content[item.oid] = good
    assert place.remote("two").missing([small.oid, large.oid]) == {small.oid, large.oid}


def test_an_interrupted_push_is_taken_up(
    place: Place, source: Memory, sink: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packs, "TARGET", 1 << 20)
    items = [source.put(some_bytes(100_000, n)) for n in range(30)]
    items.append(source.put(some_bytes(4 << 20, 99)))
    with pytest.raises(Unreachable):
        place.remote(wrap=lambda inner: Flaky(inner, "put", 4)).upload(items, source)
    assert place.indexes == [] and len(place.packs) == 4
    assert place.remote("two").missing(item.oid for item in items) == {item.oid for item in items}
    place.counting.reset()
    remote = place.remote()
    report = remote.upload(items, source)
    assert report.files == len(items)
    assert report.sent_bytes < report.bytes - (3 << 20)
    assert place.counting.counts.requests["stat"] == 4
    assert well(fetched(place.remote("two"), items, sink).values())
    assert remote.state.journal() == {}


def test_a_file_cut_off_in_the_middle_is_continued(
    place: Place, source: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packs, "TARGET", 1 << 20)
    item = source.put(some_bytes(8 << 20, 1))
    with pytest.raises(Unreachable):
        place.remote(wrap=lambda inner: Flaky(inner, "put", 5)).upload([item], source)
    assert place.remote().upload([item], source).sent_bytes < 4 << 20


def test_journaled_packs_that_are_gone_are_sent_again(
    place: Place, source: Memory, sink: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packs, "TARGET", 1 << 20)
    items = [source.put(some_bytes(100_000, n)) for n in range(30)]
    with pytest.raises(Unreachable):
        place.remote(wrap=lambda inner: Flaky(inner, "put", 2)).upload(items, source)
    place.packs[0].unlink()
    place.remote().upload(items, source)
    assert well(fetched(place.remote("two"), items, sink).values())


def test_packs_gone_from_the_store_are_not_built_upon(
    place: Place, source: Memory, sink: Memory
) -> None:
    old = some_bytes(4 << 20, 1)
    before, after = source.put(old), source.put(edited(old, 2))
    remote = place.remote()
    remote.upload([before], source)
    place.packs[0].unlink()
    remote.upload([after], source, bases={after.oid: [before.oid]})
    assert fetched(place.remote("two"), [after], sink)[after.oid] is None


def test_two_pushers_at_once_both_count(place: Place, source: Memory, sink: Memory) -> None:
    one, two = place.remote("one"), place.remote("two")
    mine, other = source.put(some_bytes(9000, 1)), source.put(some_bytes(9000, 2))
    assert one.missing([mine.oid], to_upload=True) and two.missing([other.oid], to_upload=True)
    one.upload([mine], source)
    two.upload([other], source)
    assert one.id == two.id
    assert well(fetched(place.remote("three"), [mine, other], sink).values())


def test_progress_adds_up(place: Place, source: Memory, sink: Memory) -> None:
    items = [source.put(some_bytes(200_000, n)) for n in range(10)]
    items += [source.put(some_bytes(10_000, n)) for n in range(100, 120)]
    remote = place.remote()
    remote.upload(items[:3], source)
    total = sum(item.size for item in items)
    up, down = Progress(), Progress()
    remote.upload(items, source, progress=up)
    assert (up.files, up.size) == (len(items), total)
    list(remote.download(items, sink, down))
    assert (down.files, down.size) == (len(items), total)


def test_an_empty_file_is_a_mistake_of_the_caller(place: Place, source: Memory) -> None:
    with pytest.raises(ValueError, match="empty"):
        place.remote().upload([Item(Oid.of(b""), 0)], source)


def test_ctrl_c_leaves_no_index_and_keeps_what_was_sent(
    place: Place, source: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packs, "TARGET", 1 << 20)
    items = [source.put(some_bytes(100_000, n)) for n in range(40)]
    taken = 0
    ready = source.frame

    def frame(oid: Oid, size: int) -> bytes | None:
        nonlocal taken
        taken += 1
        if taken == 35:
            raise KeyboardInterrupt
        return ready(oid, size)

    monkeypatch.setattr(source, "frame", frame)
    with pytest.raises(KeyboardInterrupt):
        place.remote().upload(items, source)
    assert place.indexes == []
    monkeypatch.undo()
    assert place.remote().upload(items, source).sent_bytes < 2_000_000
