"""What a download fetches, what it takes from files that are here, and how it fails."""

from __future__ import annotations

import itertools
import threading

import pytest

from git_mlvers import frame
from git_mlvers.backend.base import StoreNotMade, Unreachable
from git_mlvers.backend.counting import Counting
from git_mlvers.backend.wrapper import Wrapper
from git_mlvers.errors import ContentMissing, CorruptError, LocalIOError
from git_mlvers.oid import Oid
from git_mlvers.remote import Item
from git_mlvers.remote import download as downloads
from git_mlvers.remote import pack as packs
from tests.support.stores import (
    Flaky,
    Memory,
    Place,
    edited,
    fetched,
    some_bytes,
    some_text,
    well,
)


def test_sizes_around_every_bound(place: Place, source: Memory, sink: Memory) -> None:
    bounds = (1, 63, 64, 16384, 65536, 131072, 262144, 1 << 20, 4 << 20, 8 << 20)
    sizes = [bound + more for bound in bounds for more in (-1, 0, 1) if bound + more > 0]
    items = [source.put(some_bytes(size, size)) for size in sizes]
    items += [source.put(some_text(size, size)) for size in sizes if 100 < size < 2_000_000]
    place.remote().upload(items, source)
    assert well(fetched(place.remote("two"), items, sink).values())


def test_who_has_the_old_version_fetches_the_edit(
    place: Place, source: Memory, sink: Memory
) -> None:
    old = some_bytes(40 << 20, 1)
    new = edited(old, 2, places=3)
    before, after = source.put(old), source.put(new)
    remote = place.remote()
    remote.upload([before], source)
    remote.upload([after], source, bases={after.oid: [before.oid]})
    sink.put(old)
    place.counting.reset()
    assert well(fetched(place.remote("two"), [after], sink).values())
    assert place.counting.counts.received <= 0.03 * len(new)


def test_a_local_file_that_is_wrong_is_not_believed(
    place: Place, source: Memory, sink: Memory
) -> None:
    old = some_bytes(8 << 20, 1)
    before, after = source.put(old), source.put(edited(old, 2))
    remote = place.remote()
    remote.upload([before], source)
    remote.upload([after], source, bases={after.oid: [before.oid]})
    spoilt = bytearray(old)
    for at in (0, 3_000_000, 3_500_000):
        spoilt[at] ^= 1
    sink.content[before.oid] = bytes(spoilt[: 7 << 20])
    assert well(fetched(place.remote("two"), [after], sink).values())


def test_both_versions_at_once_share_what_is_fetched(
    place: Place, source: Memory, sink: Memory
) -> None:
    old = some_bytes(20 << 20, 1)
    before, after = source.put(old), source.put(edited(old, 2))
    remote = place.remote()
    remote.upload([before], source)
    remote.upload([after], source, bases={after.oid: [before.oid]})
    place.counting.reset()
    assert well(fetched(place.remote("two"), [before, after], sink).values())
    assert place.counting.counts.received < 1.1 * len(old)


def test_what_the_remote_lacks_is_missing_and_the_rest_comes(
    place: Place, source: Memory, sink: Memory
) -> None:
    there, gone = source.put(b"there"), Item(Oid.of(b"gone"), 4)
    place.remote().upload([there], source)
    errors = fetched(place.remote("two"), [gone, there], sink)
    assert errors[there.oid] is None
    assert isinstance(errors[gone.oid], ContentMissing)
    assert str(place.root) in str(errors[gone.oid])


def test_an_empty_remote_lacks_everything(place: Place, sink: Memory) -> None:
    item = Item(Oid.of(b"x"), 1)
    with pytest.raises(StoreNotMade, match="is it mounted"):
        list(place.remote().download([item], sink))
    place.root.mkdir()
    assert isinstance(fetched(place.remote(), [item], sink)[item.oid], ContentMissing)


def test_a_pointer_with_the_wrong_size_is_told(place: Place, source: Memory, sink: Memory) -> None:
    item = source.put(b"content")
    place.remote().upload([item], source)
    error = fetched(place.remote("two"), [Item(item.oid, 8)], sink)[item.oid]
    assert isinstance(error, CorruptError) and "7 bytes" in str(error)


def test_a_missing_pack_ends_only_its_files(place: Place, source: Memory, sink: Memory) -> None:
    first = [source.put(some_bytes(5000, n)) for n in range(20)]
    second = [source.put(some_bytes(5000, n)) for n in range(100, 120)]
    remote = place.remote()
    remote.upload(first, source)
    (gone,) = place.packs
    remote.upload(second, source)
    gone.unlink()
    errors = fetched(place.remote("two"), first + second, sink)
    assert all(errors[item.oid] is None for item in second)
    for item in first:
        error = errors[item.oid]
        assert isinstance(error, CorruptError) and gone.name in str(error)


def test_a_flipped_bit_ends_only_the_files_that_have_it(
    place: Place, source: Memory, sink: Memory
) -> None:
    small = [source.put(some_bytes(5000, n)) for n in range(20)]
    large = [source.put(some_bytes(3 << 20, n)) for n in range(100, 102)]
    remote = place.remote()
    remote.upload(small + large, source)
    (pack,) = place.packs
    data = bytearray(pack.read_bytes())
    for item in (small[3], large[1]):
        (stored,) = remote.state.files([item.oid])[item.oid]
        data[stored.terms[0].offset + 1000] ^= 4
    pack.write_bytes(data)
    errors = fetched(place.remote("two"), small + large, sink)
    bad = {oid for oid, error in errors.items() if error is not None}
    assert bad == {small[3].oid, large[1].oid}
    assert all(
        isinstance(errors[oid], CorruptError) and pack.name in str(errors[oid]) for oid in bad
    )


def test_a_bit_flipped_on_the_way_is_fetched_again(
    place: Place, source: Memory, sink: Memory
) -> None:
    class Noisy(Wrapper):
        def __init__(self, inner: Counting) -> None:
            super().__init__(inner)
            self.gets: dict[str, int] = {}

        def get(self, key: str, start: int = 0, length: int | None = None) -> bytes:
            data = bytearray(super().get(key, start, length))
            self.gets[key] = self.gets.get(key, 0) + 1
            if self.gets[key] == 1 and key.startswith("content/"):
                data[len(data) // 2] ^= 1
            return bytes(data)

    items = [source.put(some_bytes(n, n)) for n in (3000, 3001, 3002, 2_000_000)]
    place.remote().upload(items, source)
    assert well(fetched(place.remote("two", wrap=Noisy), items, sink).values())


def test_another_place_is_tried_when_one_is_bad(place: Place, source: Memory, sink: Memory) -> None:
    one, two = place.remote("one"), place.remote("two")
    one.sync()
    two.sync()
    items = [source.put(some_bytes(size, size)) for size in (5000, 500_000)]
    other = source.put(b"so that the packs differ")
    one.upload(items, source)
    two.upload([other, *items], source)
    assert len(place.packs) == 2
    for pack in place.packs:
        data = pack.read_bytes()
        pack.unlink()
        fresh = Memory(sink.folder.parent / pack.name)
        errors = fetched(place.remote(f"three-{pack.name}"), items, fresh)
        assert well(errors.values())
        pack.write_bytes(data)


def test_a_store_that_stops_answering_ends_all_that_is_left(
    place: Place, source: Memory, sink: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packs, "TARGET", 1 << 18)
    items = [source.put(some_bytes(100_000, n)) for n in range(30)]
    place.remote().upload(items, source)
    flaky = place.remote("two", wrap=lambda inner: Flaky(inner, "get", 5))
    errors = fetched(flaky, items, sink)
    assert {type(error) for error in errors.values()} == {type(None), Unreachable}


class LateAnswer(Wrapper):
    """A store that gets lost while its first answer with content is still under way.

    That answer comes when `release` is set; what is asked meanwhile fails.
    """

    def __init__(self, inner: Counting) -> None:
        super().__init__(inner)
        self.release = threading.Event()
        self.asked: list[str] = []
        self._lock = threading.Lock()

    def get(self, key: str, start: int = 0, length: int | None = None) -> bytes:
        if not key.startswith("content/packs/"):
            return super().get(key, start, length)
        with self._lock:
            self.asked.append(key)
            first = len(self.asked) == 1
        if not first:
            raise Unreachable("the store does not answer")
        assert self.release.wait(60)
        return super().get(key, start, length)


@pytest.mark.parametrize("size", [100_000, 200_000])
def test_what_arrives_after_a_failure_is_used(
    place: Place, source: Memory, sink: Memory, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setattr(packs, "TARGET", 1 << 18)
    items = [source.put(some_bytes(size, n)) for n in range(60)]
    place.remote().upload(items, source)
    stores: list[LateAnswer] = []

    def wrapped(inner: Counting) -> LateAnswer:
        stores.append(LateAnswer(inner))
        return stores[0]

    outcomes = place.remote("two", wrap=wrapped).download(items, sink)
    first = next(outcomes)
    stores[0].release.set()
    errors = {outcome.oid: outcome.error for outcome in [first, *outcomes]}
    assert len(errors) == len(items)
    assert isinstance(first.error, Unreachable)
    assert {type(error) for error in errors.values()} == {type(None), Unreachable}
    assert {oid for oid, error in errors.items() if error is None} == set(sink.content)
    assert sink.temps == []
    # Of the many packs only those were asked for whose request had begun already.
    assert len(stores[0].asked) < len(place.packs)


def test_a_full_disk_stops_the_download(
    place: Place, source: Memory, sink: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    item = source.put(some_bytes(3 << 20, 1))
    place.remote().upload([item], source)

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.pwrite", full)
    with pytest.raises(LocalIOError, match="disk is full"):
        list(place.remote("two").download([item], sink))
    assert sink.temps == []


def test_stopping_early_leaves_no_temporary_files(
    place: Place, source: Memory, sink: Memory
) -> None:
    items = [source.put(some_bytes(1 << 20, n)) for n in range(10)]
    place.remote().upload(items, source)
    outcomes = place.remote("two").download(items, sink)
    assert len(list(itertools.islice(outcomes, 2))) == 2
    outcomes.close()  # type: ignore[attr-defined]
    assert sink.temps == []


def test_ranges_are_bounded_whatever_the_job(
    place: Place, source: Memory, sink: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    items = [source.put(some_bytes(12 << 20, n)) for n in range(3)]
    place.remote().upload(items, source)
    monkeypatch.setattr(downloads, "MAX_UNDER_WAY", 10 << 20)
    longest = 0
    inner = place.counting.get

    def get(key: str, start: int = 0, length: int | None = None) -> bytes:
        nonlocal longest
        longest = max(longest, length or 0)
        return inner(key, start, length)

    monkeypatch.setattr(place.counting, "get", get)
    assert well(fetched(place.remote("two"), items, sink).values())
    assert longest <= 9 << 20


def test_small_files_of_several_chunks_arrive_as_one_frame(
    place: Place, source: Memory, sink: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Another git-mlvers may have made the remote with other parameters.
    place.root.mkdir()
    (place.root / "mlvers.json").write_text(
        '{"format": 1, "id": "%s", "chunker": {"name": "fastcdc-2020",'
        ' "min": 2048, "avg": 8192, "max": 16384, "whole": 1000}}' % ("a" * 32)
    )
    items = [source.put(some_bytes(size, size)) for size in (999, 1000, 1001, 50_000, 131_072)]
    remote = place.remote()
    remote.upload(items, source)
    (stored,) = remote.state.files([items[-1].oid])[items[-1].oid]
    assert sum(term.chunks for term in stored.terms) > 5
    assert well(fetched(place.remote("two"), items, sink).values())


def test_a_chunk_in_the_place_of_another_is_noticed(
    place: Place, source: Memory, sink: Memory
) -> None:
    mine, other = source.put(b"a" * 50), source.put(b"b" * 50)
    place.remote().upload([mine, other], source)
    (pack,) = place.packs
    data = pack.read_bytes()
    frames = frame.encode(b"b" * 50, other.oid), frame.encode(b"a" * 50, mine.oid)
    pack.write_bytes(b"".join(frames) + data[sum(map(len, frames)) :])
    errors = fetched(place.remote("two"), [mine, other], sink)
    assert all(isinstance(error, CorruptError) for error in errors.values())
    assert sink.content == {}
