"""Collection: what nothing needs goes, in two steps; what is needed stays, whoever pushes."""

from __future__ import annotations

import os
import random
import shutil
import threading
import time
from functools import partial
from typing import TYPE_CHECKING

import pytest

from git_mlvers.backend.wrapper import Wrapper
from git_mlvers.errors import CorruptError, RemoteError
from git_mlvers.remote import Remote, index_file
from git_mlvers.remote.collect import Collected, Collector, Fate, Plan
from git_mlvers.remote.layout import index_key
from tests.support.stores import Memory, Place, edited, fetched, some_bytes, well

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from git_mlvers.backend.base import Entry
    from git_mlvers.backend.counting import Counting
    from git_mlvers.remote import Item

GRACE = 1000.0
"""Seconds."""


@pytest.fixture(autouse=True)
def small_packs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("git_mlvers.remote.pack.TARGET", 400_000)


def age(place: Place, seconds: float, part: str = "") -> None:
    """Let all that lies there be that much older."""
    for path in place.objects(part):
        when = path.stat().st_mtime - seconds
        os.utime(path, (when, when))


def collector(remote: Remote) -> Collector:
    found = remote.collector()
    assert found is not None
    return found


def collect(remote: Remote, needed: Iterable[Item], grace: float = GRACE) -> Collected:
    """One run."""
    at_work = collector(remote)
    oids = {item.oid for item in needed}
    return at_work.carry_out(at_work.plan(oids, grace), oids, grace)


def plan_of(remote: Remote, needed: Iterable[Item]) -> Plan:
    oids = {item.oid for item in needed}
    return collector(remote).plan(oids, GRACE, dry_run=True)


def readable(place: Place, items: Iterable[Item], machine: str = "reader") -> None:
    """Somebody new, and somebody whose copy of the index may be old, get every byte."""
    wanted = list(items)
    for who in (machine, f"new-{time.monotonic_ns()}"):
        sink = Memory(place.folder / f"sink-{time.monotonic_ns()}")
        remote = place.remote(who)
        assert well(fetched(remote, wanted, sink).values())
        assert list(remote.fsck(read_data=True)) == []


def test_what_is_needed_is_left_alone(place: Place, source: Memory) -> None:
    items = [source.put(some_bytes(300_000, n)) for n in range(6)]
    place.remote().upload(items, source)
    age(place, 2 * GRACE)
    before = place.objects()
    done = collect(place.remote("gc"), items)
    assert done.doomed == (0, 0) and done.swept.packs == (0, 0) and done.moved == (0, 0)
    assert place.objects() == before


def test_what_is_dead_goes_in_two_steps(place: Place, source: Memory) -> None:
    dead = [source.put(some_bytes(300_000, n)) for n in range(4)]
    alive = [source.put(some_bytes(300_000, n)) for n in range(10, 14)]
    place.remote().upload(dead, source)
    dead_packs = place.packs
    place.remote().upload(alive, source)
    age(place, 2 * GRACE)
    packs = place.packs
    done = collect(place.remote("gc"), alive)
    assert done.doomed.files == len(dead_packs)
    assert place.packs == packs
    readable(place, dead + alive)
    # Within the grace nothing goes.
    assert collect(place.remote("gc"), alive).swept.packs == (0, 0)
    assert place.packs == packs
    age(place, GRACE)
    done = collect(place.remote("gc"), alive)
    assert done.swept.packs.files == len(dead_packs)
    assert set(place.packs) == set(packs) - set(dead_packs)
    readable(place, alive)
    assert place.remote("two").missing(item.oid for item in dead + alive) == {
        item.oid for item in dead
    }
    # The list of doomed packs goes last of all.
    age(place, 3 * GRACE)
    collect(place.remote("gc"), alive)
    assert not place.objects("content/index/doomed-")
    assert not place.objects("content/gc/")
    place.remote().upload(dead, source)
    readable(place, dead + alive)


def test_young_packs_stay(place: Place, source: Memory) -> None:
    """A push that is under way has packs that no index file and no ref names."""
    item = source.put(some_bytes(300_000, 1))
    place.remote().upload([item], source)
    assert collect(place.remote("gc"), []).doomed == (0, 0)
    age(place, 2 * GRACE)
    assert collect(place.remote("gc"), []).doomed.files == 1


def test_half_empty_packs_are_repacked(place: Place, source: Memory) -> None:
    items = [source.put(some_bytes(30_000 + n, n)) for n in range(40)]
    place.remote().upload(items, source)
    age(place, 2 * GRACE)
    alive = items[::5]
    old = set(place.packs)
    done = collect(place.remote("gc"), alive)
    assert done.moved.files == len(alive)
    assert done.doomed.files == len(old)
    new = set(place.packs) - old
    assert 0 < sum(path.stat().st_size for path in new) < 1.2 * sum(item.size for item in alive)
    readable(place, items)
    age(place, GRACE)
    collect(place.remote("gc"), alive)
    assert set(place.packs) == new
    readable(place, alive)
    # All is told by the footers of what is left, too.
    for path in place.indexes:
        path.unlink()
    assert place.remote("repair").rebuild_index() == []
    readable(place, alive, "after")


def test_large_files_that_share_chunks_are_repacked(place: Place, source: Memory) -> None:
    base = some_bytes(3 << 20, 1)
    first = source.put(base)
    remote = place.remote()
    remote.upload([first], source)
    versions = [source.put(edited(base, n, 0.3, 3)) for n in range(2, 5)]
    for version in versions:
        remote.upload([version], source, bases={version.oid: [first.oid]})
    age(place, 2 * GRACE)
    alive = versions[1:]
    collect(place.remote("gc"), alive)
    readable(place, alive)
    age(place, GRACE)
    done = collect(place.remote("gc"), alive)
    assert done.swept.packs.files > 0
    readable(place, alive)
    for path in place.indexes:
        path.unlink()
    assert place.remote("repair").rebuild_index() == []
    readable(place, alive, "after")


def test_pushes_do_not_refer_to_doomed_packs(place: Place, source: Memory) -> None:
    base = some_bytes(2 << 20, 1)
    old = source.put(base)
    pusher = place.remote("pusher")
    pusher.upload([old], source)
    age(place, 2 * GRACE)
    doomed = set(place.packs)
    collect(place.remote("gc"), [])
    new = source.put(edited(base, 2))
    assert place.remote("pusher").missing([old.oid]) == {old.oid}
    place.remote("pusher").upload([new, old], source, bases={new.oid: [old.oid]})
    age(place, GRACE)
    assert collect(place.remote("gc"), [new, old]).swept.packs.files == len(doomed)
    assert doomed.isdisjoint(place.packs)
    readable(place, [new, old])


def test_the_very_pack_is_pushed_again(place: Place, source: Memory) -> None:
    """It is called by its content, and would be deleted under the eyes of who pushed it."""
    item = source.put(some_bytes(300_000, 1))
    place.remote().upload([item], source)
    (pack,) = place.packs
    age(place, 2 * GRACE)
    collect(place.remote("gc"), [])
    place.remote().upload([item], source)
    assert len(place.packs) == 2
    age(place, GRACE, "content/index/doomed-")
    collect(place.remote("gc"), [item])
    assert pack not in place.packs
    readable(place, [item])


def test_a_slow_push_that_knew_nothing_of_it(place: Place, source: Memory) -> None:
    """It listed the remote before the doom, and is done after it: what it refers to is moved."""
    base = some_bytes(2 << 20, 1)
    old = source.put(base)
    place.remote().upload([old], source)
    age(place, 2 * GRACE)
    slow = place.remote("slow")
    slow.sync()
    collect(place.remote("gc"), [])
    new = source.put(edited(base, 2))
    slow.upload([new], source, bases={new.oid: [old.oid]})
    # Whatever becomes of the refs, the packs are spared as long as an upload names them.
    age(place, GRACE, "content/index/doomed-")
    done = collect(place.remote("gc"), [])
    assert done.swept.packs == (0, 0)
    age(place, GRACE, "content/index/doomed-")
    done = collect(place.remote("gc"), [new])
    assert done.moved.files == 1
    readable(place, [new])
    age(place, GRACE)
    collect(place.remote("gc"), [new])
    readable(place, [new])


def test_a_ref_appears_in_the_grace(place: Place, source: Memory) -> None:
    """A push found all content there, and moved its ref when it was doomed already."""
    items = [source.put(some_bytes(30_000, n)) for n in range(20)]
    place.remote().upload(items, source)
    age(place, 2 * GRACE)
    collect(place.remote("gc"), items[:2])
    age(place, GRACE)
    done = collect(place.remote("gc"), items)
    assert done.moved.files == 18
    assert done.swept.packs.files > 0 or plan_of(place.remote("gc"), items).of(Fate.WAITING)
    age(place, GRACE)
    collect(place.remote("gc"), items)
    readable(place, items)


def test_an_index_file_that_comes_meanwhile_spares(
    place: Place, source: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = some_bytes(2 << 20, 1)
    old = source.put(base)
    place.remote().upload([old], source)
    age(place, 2 * GRACE)
    slow = place.remote("slow")
    slow.sync()
    collect(place.remote("gc"), [])
    age(place, GRACE)
    at_work = collector(place.remote("gc"))
    plan = at_work.plan(set(), GRACE)
    assert plan.of(Fate.OVER)
    new = source.put(edited(base, 2))
    slow.upload([new], source, bases={new.oid: [old.oid]})
    done = at_work.carry_out(plan, set(), GRACE)
    assert done.swept.spared > 0
    readable(place, [new])


def test_a_reader_with_an_old_index(place: Place, source: Memory) -> None:
    """Its packs are gone when it comes to them: it reads the index again."""
    items = [source.put(some_bytes(30_000, n)) for n in range(20)]
    place.remote().upload(items, source)
    age(place, 2 * GRACE)
    reader = place.remote("reader")
    reader.sync()
    alive = items[:3]
    collect(place.remote("gc"), alive)
    age(place, GRACE)
    collect(place.remote("gc"), alive)
    sink = Memory(place.folder / "old")
    assert well(fetched(reader, alive, sink).values())


def test_merged_by_a_push_that_had_read_the_old_index(place: Place, source: Memory) -> None:
    """The index file names packs that are gone: nobody takes that for content."""
    dead = source.put(some_bytes(300_000, 1))
    place.remote().upload([dead], source)
    (old_index,) = place.indexes
    text = old_index.read_bytes()
    age(place, 2 * GRACE)
    collect(place.remote("gc"), [])
    age(place, GRACE)
    assert collect(place.remote("gc"), []).swept.packs.files == 1
    # As if it came back under another name.
    index = index_file.decode(text, bytes.fromhex(old_index.name))
    name, data = index_file.encode(index._replace(supersedes=[bytes(32)]))
    (place.root / index_key(name)).write_bytes(data)
    assert place.remote("two").missing([dead.oid]) == {dead.oid}
    assert list(place.remote("two").fsck()) == []
    age(place, 4 * GRACE)
    collect(place.remote("gc"), [])
    assert place.objects("content/index/doomed-")  # it is still needed
    assert place.remote("three").missing([dead.oid]) == {dead.oid}
    collect(place.remote("gc"), [])
    assert not place.objects("content/index/doomed-")
    assert place.remote("four").missing([dead.oid]) == {dead.oid}


def test_damaged_content_is_not_moved(place: Place, source: Memory) -> None:
    items = [source.put(some_bytes(30_000, n)) for n in range(10)]
    place.remote().upload(items, source)
    age(place, 2 * GRACE)
    (pack,) = place.packs
    data = bytearray(pack.read_bytes())
    data[100] ^= 1
    pack.write_bytes(data)
    age(place, 2 * GRACE)
    done = collect(place.remote("gc"), [items[0], items[1]])
    assert [name.hex() for name in done.unreadable] == [pack.name]
    assert done.doomed == (0, 0)
    assert place.packs == [pack]


def test_damaged_list_of_doomed_packs(place: Place, source: Memory) -> None:
    """What it says is unknown, so nobody pushes until it is repaired."""
    item, other = source.put(some_bytes(300_000, 1)), source.put(b"other")
    place.remote().upload([item], source)
    age(place, 2 * GRACE)
    collect(place.remote("gc"), [])
    (doom,) = place.objects("content/index/doomed-")
    doom.write_bytes(doom.read_bytes()[:-1])
    with pytest.raises(CorruptError, match="doomed"):
        place.remote("two").upload([other], source)
    sink = Memory(place.folder / "sink")
    assert well(fetched(place.remote("two"), [item], sink).values())
    (problem,) = place.remote("two").fsck()
    assert problem.key == f"content/index/{doom.name}"
    place.remote("two").rebuild_index()
    place.remote("two").upload([other], source)
    readable(place, [item, other])


class Killed(BaseException):
    """The end of a process, as far as threads can have it."""


class Dying(Wrapper):
    """A store whose user dies at the `nth` request that changes something: before or after it."""

    def __init__(self, inner: Counting, nth: int, after: bool) -> None:
        super().__init__(inner)
        self._left = nth
        self._after = after

    def put(self, key: str, data: bytes | memoryview) -> None:
        self._die(lambda: super(Dying, self).put(key, data))

    def delete(self, key: str) -> None:
        self._die(lambda: super(Dying, self).delete(key))

    def _die(self, do: Callable[[], None]) -> None:
        self._left -= 1
        if self._left < 0 or (self._left == 0 and not self._after):
            raise Killed
        do()
        if self._left == 0:
            raise Killed


def test_killed_at_every_write(place: Place, source: Memory) -> None:
    """It leaves a remote that is whole, and the next run does the rest."""
    dead, half, alive, later = (
        [source.put(some_bytes(30_000 + n, 100 * kind + n)) for n in range(9)] for kind in range(4)
    )
    for items in (dead, half, alive, later):
        place.remote().upload(items, source)
    age(place, 2 * GRACE)
    collect(place.remote("gc"), [*half, *alive, *later])
    age(place, GRACE)
    # One pack is to be deleted, one to be moved out of, one to be doomed, one to be rescued.
    collect(place.remote("gc"), [*half, *alive, *later, dead[0]])
    age(place, GRACE)
    needed = [*half[:3], *alive, dead[0]]
    template = place.folder / "template"
    shutil.copytree(place.root, template)
    nth, ended = 0, False
    while not ended:
        nth += 1
        for after in (False, True):
            shutil.rmtree(place.root)
            shutil.copytree(template, place.root)
            remote = place.remote(f"gc-{nth}-{after}", partial(Dying, nth=nth, after=after))
            try:
                collect(remote, needed)
                ended = True
            except Killed:
                pass
            readable(place, needed, f"r-{nth}-{after}")
            for _ in range(3):
                collect(place.remote("again"), needed)
                age(place, GRACE)
            readable(place, needed, f"s-{nth}-{after}")
            assert sum(path.stat().st_size for path in place.packs) < 1.1 * sum(
                item.size for item in needed
            )
    assert nth > 6


def test_pushers_while_collections_run(
    place: Place, source: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Eight push what is just being deleted; what their refs need comes back byte for byte."""
    grace = 1.0
    monkeypatch.setattr("git_mlvers.remote.upload.RECHECK", 0.0)
    pool = [source.put(some_bytes(20_000 + 7_000 * (n % 5), n)) for n in range(24)]
    pool += [source.put(edited(some_bytes(600_000, 99), n, 0.2)) for n in range(4)]
    refs: dict[tuple[int, int], list[Item]] = {}
    place.remote("first").upload(pool, source)
    faults: list[BaseException] = []
    over = threading.Event()
    pushed = [0] * 8
    swept = [0]

    def push(number: int) -> None:
        chance = random.Random(number)
        while not over.is_set():
            remote = Remote(place.counting, str(place.folder / f"state-{number}"))
            begun = time.monotonic()
            items = chance.sample(pool, 4)
            remote.upload(items, source, bases={items[0].oid: [pool[-1].oid]})
            # What every push has to keep to: see "Collection" in docs/design.md.
            if time.monotonic() - begun < 0.8 * grace:
                refs[number, chance.randrange(2)] = items
                pushed[number] += 1
            remote._state.close()  # the store stays open

    def clean() -> None:
        while not over.is_set():
            remote = Remote(place.counting, str(place.folder / "state-gc"))
            needed = [item for items in list(refs.values()) for item in items]
            done = collect(remote, needed, grace)
            swept[0] += done.swept.packs.files
            remote._state.close()

    def guarded(work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:
            faults.append(error)
            over.set()

    works = [*(partial(push, number) for number in range(8)), clean, clean]
    threads = [threading.Thread(target=guarded, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    end = time.monotonic() + 60
    while not over.is_set() and time.monotonic() < end:
        time.sleep(0.1)
        if swept[0] >= 12 and sum(pushed) >= 16:
            break
    over.set()
    for thread in threads:
        thread.join()
    assert not faults, faults
    assert swept[0] and sum(pushed)
    readable(place, {item for items in refs.values() for item in items})


def test_a_store_that_does_not_tell_times(place: Place, source: Memory) -> None:
    """All would look as if it was very old."""

    class Timeless(Wrapper):
        def stat(self, key: str) -> Entry | None:
            found = super().stat(key)
            return None if found is None else found._replace(modified=0.0)

    place.remote().upload([source.put(some_bytes(300_000, 1))], source)
    before = place.packs
    with pytest.raises(RemoteError, match="does not tell when"):
        collect(place.remote("gc", Timeless), [])
    assert place.packs == before and not place.objects("content/gc/")


def test_the_time_of_the_store_counts(place: Place, source: Memory) -> None:
    """However wrong the clock of the store, or of this machine, is."""

    class Later(Wrapper):
        """A store whose clock is a year ahead."""

        def stat(self, key: str) -> Entry | None:
            found = super().stat(key)
            return None if found is None else found._replace(modified=found.modified + 4e7)

        def list(self, prefix: str) -> Iterator[Entry]:
            return (e._replace(modified=e.modified + 4e7) for e in super().list(prefix))

    place.remote().upload([source.put(some_bytes(300_000, 1))], source)
    before = place.packs
    assert collect(place.remote("gc", Later), []).doomed == (0, 0)
    age(place, 2 * GRACE)
    assert collect(place.remote("gc", Later), []).doomed.files == 1
    assert collect(place.remote("gc", Later), []).swept.packs == (0, 0)
    assert place.packs == before
    age(place, GRACE)
    assert collect(place.remote("gc", Later), []).swept.packs.files == 1


def test_chunks_are_found_where_they_were_moved(
    place: Place, source: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A new version of a file refers to the new place of the old one."""
    monkeypatch.setattr("git_mlvers.remote.collect.SHARE", 2.0)
    base = some_bytes(2 << 20, 1)
    old = source.put(base)
    place.remote().upload([old], source)
    age(place, 2 * GRACE)
    assert collect(place.remote("gc"), [old]).moved.files == 1
    new = source.put(edited(base, 3))
    report = place.remote("two").upload([new], source, bases={new.oid: [old.oid]})
    assert report.sent_bytes < 300_000
    sink = Memory(place.folder / "has the old one")
    sink.put(base)
    place.counting.reset()
    assert well(fetched(place.remote("three"), [new], sink).values())
    assert place.counting.counts.received < 900_000
    readable(place, [old, new])


def test_a_listing_without_a_pack_that_is_there(place: Place, source: Memory) -> None:
    """What is needed stays in the index, and is moved when the pack is seen again."""

    class Blind(Wrapper):
        def list(self, prefix: str) -> Iterator[Entry]:
            return iter(()) if prefix == "content/packs/" else super().list(prefix)

    item = source.put(some_bytes(300_000, 1))
    place.remote().upload([item], source)
    age(place, 2 * GRACE)
    collect(place.remote("gc"), [])
    age(place, GRACE)
    collect(place.remote("gc", Blind), [item])
    readable(place, [item])
    assert collect(place.remote("gc"), [item]).moved.files == 1
    readable(place, [item])


def test_a_listing_that_is_late(place: Place, source: Memory) -> None:
    """What was pushed just now is not listed yet: it is too young to be touched."""

    class Late(Wrapper):
        def list(self, prefix: str) -> Iterator[Entry]:
            return (e for e in super().list(prefix) if e.key.rpartition("/")[2] not in hidden)

    first, second = (source.put(some_bytes(300_000, n)) for n in range(2))
    place.remote().upload([first], source)
    age(place, 2 * GRACE)
    seen = set(place.indexes)
    place.remote().upload([second], source)
    hidden = {path.name for path in set(place.indexes) - seen}
    collect(place.remote("gc", Late), [first, second])
    hidden |= {path.name for path in place.packs}
    collect(place.remote("gc", Late), [first, second])
    readable(place, [first, second])
