"""Small objects: packs that were torn, damaged or compacted, and an index that may vanish."""

from __future__ import annotations

import os
import sqlite3
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from git_mlvers import frame
from git_mlvers.cache import appender
from git_mlvers.cache.news import FRESH
from git_mlvers.cache.packs import LocalPacks
from git_mlvers.errors import ContentMissing, CorruptError
from git_mlvers.oid import Oid
from tests.support.content import noise

if TYPE_CHECKING:
    from collections.abc import Callable

    from git_mlvers.cache import Cache
    from git_mlvers.pointer import Pointer

CONTENTS = [noise(500 + number) for number in range(30)]
FRAME = frame.HEADER.size


def fill(open_cache: Callable[..., Cache], contents: list[bytes] = CONTENTS) -> list[Pointer]:
    """Add `contents` in a process of their own."""
    cache = open_cache()
    pointers = [cache.add_bytes(data) for data in contents]
    cache.close()
    return pointers


def packs(root: str) -> list[str]:
    """Paths of all packs, by name."""
    folder = os.path.join(root, "packs")
    return sorted(os.path.join(folder, n) for n in os.listdir(folder) if n.endswith(".pack"))


def the_pack(root: str) -> str:
    """The path of the only pack."""
    (path,) = packs(root)
    return path


def flip(path: str, offset: int) -> None:
    """Change one byte of a file."""
    with open(path, "r+b") as file:
        file.seek(offset)
        byte = file.read(1)[0]
        file.seek(offset)
        file.write(bytes([byte ^ 0x55]))


def append(path: str, data: bytes) -> None:
    """What a process that was killed left at the end of a pack."""
    with open(path, "ab") as file:
        file.write(data)


def expect_all(cache: Cache, pointers: list[Pointer], contents: list[bytes] = CONTENTS) -> None:
    """Everything is there, and right."""
    assert cache.missing(pointers) == []
    assert [cache.read(*pointer) for pointer in pointers] == contents


class TestEndOfPack:
    def test_frames_that_were_not_recorded_are_found(
        self, open_cache: Callable[..., Cache], root: str
    ) -> None:
        pointers = fill(open_cache)
        append(the_pack(root), frame.encode(b"late", Oid.of(b"late")))
        cache = open_cache()
        assert cache.read(Oid.of(b"late"), 4) == b"late"
        expect_all(cache, pointers)

    @pytest.mark.parametrize("keep", [1, 4, 20, FRAME, FRAME + 1, FRAME + 499])
    def test_torn_frame_is_cut_off_by_the_next_who_adds(
        self, open_cache: Callable[..., Cache], root: str, keep: int
    ) -> None:
        pointers = fill(open_cache)
        size = os.path.getsize(the_pack(root))
        torn = noise(500, "torn")
        append(the_pack(root), frame.encode(torn, Oid.of(torn))[:keep])
        reader = open_cache()
        expect_all(reader, pointers)
        assert not reader.has(Oid.of(torn), len(torn))
        assert reader.fsck() == []
        cache = open_cache()
        added = cache.add_bytes(b"next")
        assert os.path.getsize(the_pack(root)) == size + FRAME + 4
        cache.close()
        expect_all(open_cache(), [*pointers, added], [*CONTENTS, b"next"])

    @pytest.mark.parametrize("zeros", [1, FRAME, 5000])
    def test_zeros_of_a_power_failure_are_cut_off(
        self, open_cache: Callable[..., Cache], root: str, zeros: int
    ) -> None:
        pointers = fill(open_cache)
        append(the_pack(root), bytes(zeros))
        cache = open_cache()
        added = cache.add_bytes(b"next")
        cache.close()
        os.unlink(os.path.join(root, "packs", "index.db"))
        expect_all(open_cache(), [*pointers, added], [*CONTENTS, b"next"])

    def test_garbage_is_kept_and_stepped_over(
        self, open_cache: Callable[..., Cache], root: str
    ) -> None:
        pointers = fill(open_cache)
        append(the_pack(root), b"MLF1" + noise(200_000) + b"MLF1")
        append(the_pack(root), frame.encode(b"behind", Oid.of(b"behind")))
        cache = open_cache()
        assert cache.read(Oid.of(b"behind"), 6) == b"behind"
        added = cache.add_bytes(b"next")
        cache.close()
        os.unlink(os.path.join(root, "packs", "index.db"))
        cache = open_cache()
        expect_all(cache, [*pointers, added], [*CONTENTS, b"next"])
        assert cache.read(Oid.of(b"behind"), 6) == b"behind"

    def test_pack_that_lost_its_end(self, open_cache: Callable[..., Cache], root: str) -> None:
        pointers = fill(open_cache)
        os.truncate(the_pack(root), os.path.getsize(the_pack(root)) - 10)
        cache = open_cache()
        assert cache.missing(pointers) == pointers[-1:]
        expect_all(cache, pointers[:-1], CONTENTS[:-1])
        cache.add_bytes(CONTENTS[-1])
        cache.close()
        expect_all(open_cache(), pointers)

    def test_pack_that_vanished(self, open_cache: Callable[..., Cache], root: str) -> None:
        pointers = fill(open_cache)
        os.unlink(the_pack(root))
        cache = open_cache()
        assert cache.missing(pointers) == pointers
        cache.close()
        assert open_cache().missing(pointers) == pointers
        assert fill(open_cache) == pointers
        expect_all(open_cache(), pointers)


class TestIndex:
    @pytest.mark.parametrize(
        "damage",
        [
            os.unlink,
            lambda path: os.truncate(path, 0),
            lambda path: os.truncate(path, 5000),
            lambda path: append(path, noise(100)),
            lambda path: flip(path, 5),
            lambda path: flip(path, 4096),
            lambda path: flip(path, 8192),
            lambda path: flip(path, 8200),
            lambda path: Path(path).write_bytes(noise(30_000)),
        ],
    )
    @pytest.mark.parametrize("write", [True, False])
    def test_damaged_index_loses_nothing(
        self,
        open_cache: Callable[..., Cache],
        root: str,
        damage: Callable[[str], object],
        write: bool,
    ) -> None:
        pointers = fill(open_cache)
        damage(os.path.join(root, "packs", "index.db"))
        cache = open_cache()
        if write:
            cache.add_bytes(b"more")
            cache.close()
            cache = open_cache()
            assert cache.read(Oid.of(b"more"), 4) == b"more"
        expect_all(cache, pointers)

    def test_damage_while_it_is_open(self, open_cache: Callable[..., Cache], root: str) -> None:
        pointers = fill(open_cache)
        cache = open_cache()
        assert cache.has(*pointers[0])
        path = os.path.join(root, "packs", "index.db")
        with open(path, "r+b") as file:
            file.write(noise(os.path.getsize(path)))
        expect_all(cache, pointers)
        cache.add_bytes(b"more")
        cache.close()
        expect_all(open_cache(), pointers)

    def test_other_version_is_replaced(self, open_cache: Callable[..., Cache], root: str) -> None:
        pointers = fill(open_cache)
        path = os.path.join(root, "packs", "index.db")
        with sqlite3.connect(path) as db:
            db.execute("PRAGMA user_version = 99")
        db.close()
        expect_all(open_cache(), pointers)

    @pytest.mark.parametrize("column", ["pack", "offset", "length"])
    def test_row_that_points_elsewhere_is_put_right(
        self, open_cache: Callable[..., Cache], root: str, column: str
    ) -> None:
        pointers = fill(open_cache)
        path = os.path.join(root, "packs", "index.db")
        with sqlite3.connect(path) as db:
            db.execute(f"UPDATE frames SET {column} = {column} + 1")
        db.close()
        cache = open_cache()
        if column == "pack":
            # Rows of no pack at all: only the check reads every pack.
            assert cache.missing(pointers) == pointers
            cache.fsck()
        expect_all(cache, pointers)
        cache.close()
        expect_all(open_cache(), pointers)

    def test_locked_index_delays_nobody_for_long(
        self, open_cache: Callable[..., Cache], root: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("git_mlvers.cache.index._PATIENCE", 0.1)
        pointers = fill(open_cache)
        db = sqlite3.connect(os.path.join(root, "packs", "index.db"), isolation_level=None)
        db.execute("BEGIN EXCLUSIVE")
        cache = open_cache()
        expect_all(cache, pointers)
        cache.add_bytes(b"more")
        cache.close()
        db.execute("ROLLBACK")
        db.close()
        expect_all(open_cache(), [*pointers, pointers[0]], [*CONTENTS, CONTENTS[0]])
        assert open_cache().read(Oid.of(b"more"), 4) == b"more"

    def test_index_follows_other_processes(self, open_cache: Callable[..., Cache]) -> None:
        first, second = open_cache(), open_cache()
        one = first.add_bytes(b"one")
        two = second.add_bytes(b"two")
        first.flush()
        second.flush()
        for cache in (first, second):
            assert cache.read(*one) == b"one"
            assert cache.read(*two) == b"two"

    def test_many_questions(self, open_cache: Callable[..., Cache]) -> None:
        contents = [b"content %d" % number for number in range(1000)]
        pointers = fill(open_cache, contents)
        cache = open_cache()
        expect_all(cache, pointers, contents)
        assert cache.remove([pointers[0].oid, pointers[999].oid]).files == 2
        assert cache.missing(pointers) == [pointers[0], pointers[999]]


class TestDamagedFrame:
    def test_is_told_moved_away_and_missing(
        self, open_cache: Callable[..., Cache], root: str
    ) -> None:
        pointers = fill(open_cache)
        damaged = pointers[10]
        with open(the_pack(root), "rb") as file:
            flip(the_pack(root), file.read().index(CONTENTS[10]) + 100)
        cache = open_cache()
        assert cache.has(*damaged)
        with pytest.raises(CorruptError, match=f"{damaged.oid.short}.*damaged.*bad"):
            cache.read(*damaged)
        assert not cache.has(*damaged)
        with pytest.raises(ContentMissing):
            cache.read(*damaged)
        assert os.listdir(os.path.join(root, "bad")) == [f"{damaged.oid.hex()}.frame"]
        cache.close()
        cache = open_cache()
        assert cache.missing(pointers) == [damaged]
        cache.add_bytes(CONTENTS[10])
        cache.close()
        expect_all(open_cache(), pointers)

    def test_damaged_header(self, open_cache: Callable[..., Cache], root: str) -> None:
        pointers = fill(open_cache)
        for number in (3, 17):
            with open(the_pack(root), "rb") as file:
                flip(the_pack(root), file.read().index(CONTENTS[number]) - FRAME + 9)
        os.unlink(os.path.join(root, "packs", "index.db"))
        cache = open_cache()
        assert cache.missing(pointers) == [pointers[3], pointers[17]]
        rest = [p for n, p in enumerate(pointers) if n not in (3, 17)]
        expect_all(cache, rest, [d for n, d in enumerate(CONTENTS) if n not in (3, 17)])

    def test_fsck_finds_all_and_spares_the_rest(
        self, open_cache: Callable[..., Cache], root: str
    ) -> None:
        pointers = fill(open_cache)
        with open(the_pack(root), "rb") as file:
            data = file.read()
        for number in (0, 12, 29):
            flip(the_pack(root), data.index(CONTENTS[number]) + 7)
        cache = open_cache()
        problems = cache.fsck()
        assert {problem.oid for problem in problems} == {pointers[n].oid for n in (0, 12, 29)}
        kept = {os.path.join(root, "bad", name) for name in os.listdir(os.path.join(root, "bad"))}
        assert {problem.path for problem in problems} == kept
        assert cache.missing(pointers) == [pointers[n] for n in (0, 12, 29)]
        assert cache.fsck() == []
        cache.close()
        assert open_cache().missing(pointers) == [pointers[n] for n in (0, 12, 29)]

    @pytest.mark.parametrize("count", [1, 2, 5])
    def test_fsck_of_a_pack_that_ends_in_damage(
        self, open_cache: Callable[..., Cache], root: str, count: int
    ) -> None:
        pointers = fill(open_cache, CONTENTS[:5])
        with open(the_pack(root), "rb") as file:
            data = file.read()
        for content in CONTENTS[5 - count : 5]:
            flip(the_pack(root), data.index(content) + 7)
        for wanted in (count, 0, 0):
            cache = open_cache()
            assert len(cache.fsck()) == wanted
            assert cache.missing(pointers) == pointers[5 - count :]
            cache.close()
        assert fill(open_cache, CONTENTS[:5]) == pointers
        expect_all(open_cache(), pointers, CONTENTS[:5])

    def test_fsck_may_only_look(self, open_cache: Callable[..., Cache], root: str) -> None:
        pointers = fill(open_cache)
        flip(the_pack(root), FRAME + 7)
        cache = open_cache()
        for _ in range(2):
            (problem,) = cache.fsck(dry_run=True)
            assert problem.oid == pointers[0].oid
            assert problem.message == f"content {pointers[0].oid.short} is damaged"
        assert not os.path.exists(os.path.join(root, "bad"))
        assert cache.missing(pointers) == []

    def test_another_copy_helps_after_fsck(
        self, open_cache: Callable[..., Cache], root: str
    ) -> None:
        (pointer,) = fill(open_cache, [b"content"])
        append(the_pack(root), frame.encode(b"content", pointer.oid))
        flip(the_pack(root), FRAME + 1)
        cache = open_cache()
        cache.fsck()
        assert cache.read(*pointer) == b"content"

    def test_verify_one(self, open_cache: Callable[..., Cache], root: str) -> None:
        pointers = fill(open_cache)
        flip(the_pack(root), FRAME + 1)
        cache = open_cache()
        problem = cache.verify(*pointers[0])
        assert problem is not None
        assert problem.oid == pointers[0].oid
        assert cache.verify(*pointers[1]) is None
        assert cache.verify(Oid(bytes(32)), 1) is None

    def test_upload_does_not_get_it(self, open_cache: Callable[..., Cache], root: str) -> None:
        pointers = fill(open_cache)
        flip(the_pack(root), FRAME + 1)
        with pytest.raises(CorruptError):
            open_cache().frame(*pointers[0])


class TestRemoving:
    def test_removed_is_missing_everywhere(self, open_cache: Callable[..., Cache]) -> None:
        pointers = fill(open_cache)
        cache, other = open_cache(), open_cache()
        removed = cache.remove([pointer.oid for pointer in pointers[:10]] + [Oid(bytes(32))])
        assert removed == (10, sum(pointer.size for pointer in pointers[:10]))
        for each in (cache, other, open_cache()):
            assert each.missing(pointers) == pointers[:10]

    def test_added_again(self, open_cache: Callable[..., Cache]) -> None:
        pointers = fill(open_cache)
        cache = open_cache()
        cache.remove([pointers[0].oid])
        assert cache.add_bytes(CONTENTS[0]) == pointers[0]
        cache.close()
        expect_all(open_cache(), pointers)

    def test_what_is_new_is_spared(self, open_cache: Callable[..., Cache]) -> None:
        pointers = fill(open_cache)
        cache = open_cache()
        oids = [pointer.oid for pointer in pointers]
        assert cache.remove(oids, before=time.time() - 5).files == 0
        assert cache.remove(oids, before=time.time() + FRESH + 5).files == len(oids)

    def test_what_was_added_again_is_spared(
        self, open_cache: Callable[..., Cache], root: str
    ) -> None:
        pointers = fill(open_cache)
        with sqlite3.connect(os.path.join(root, "packs", "index.db")) as db:
            db.execute("UPDATE frames SET added = 0")
        db.close()
        fill(open_cache, CONTENTS[:3])
        open_cache().remove([pointer.oid for pointer in pointers], before=time.time() - 5)
        assert open_cache().missing(pointers) == pointers[3:]

    def test_removed_by_another_while_it_was_added_again(
        self, open_cache: Callable[..., Cache]
    ) -> None:
        pointers = fill(open_cache)
        cache = open_cache()
        cache.add_bytes(CONTENTS[0])
        open_cache().remove([pointers[0].oid, pointers[1].oid])
        cache.close()
        assert open_cache().missing(pointers) == [pointers[1]]


class TestCompaction:
    def test_makes_room_and_keeps_the_rest(
        self, open_cache: Callable[..., Cache], root: str
    ) -> None:
        pointers = fill(open_cache)
        before = os.path.getsize(the_pack(root))
        cache = open_cache()
        cache.remove([pointer.oid for pointer in pointers[::2]])
        freed = cache.compact(0.3)
        assert freed == before - os.path.getsize(the_pack(root)) > before // 3
        for each in (cache, open_cache()):
            assert each.missing(pointers) == pointers[::2]
            expect_all(each, pointers[1::2], CONTENTS[1::2])
        assert os.listdir(os.path.join(root, "tmp")) == []

    def test_little_is_left_alone(self, open_cache: Callable[..., Cache], root: str) -> None:
        pointers = fill(open_cache)
        cache = open_cache()
        cache.remove([pointers[0].oid])
        pack = the_pack(root)
        assert cache.compact() == 0
        assert the_pack(root) == pack
        assert cache.compact(0.0) == FRAME + pointers[0].size

    def test_empty_packs_go(self, open_cache: Callable[..., Cache], root: str) -> None:
        pointers = fill(open_cache)
        cache = open_cache()
        cache.remove([pointer.oid for pointer in pointers])
        cache.compact()
        assert packs(root) == []
        assert cache.add_bytes(CONTENTS[0]) == pointers[0]
        assert cache.read(*pointers[0]) == CONTENTS[0]

    def test_reader_with_the_old_pack_open_goes_on(self, open_cache: Callable[..., Cache]) -> None:
        pointers = fill(open_cache)
        reader = open_cache()
        assert reader.read(*pointers[0]) == CONTENTS[0]
        late = open_cache()
        assert late.has(*pointers[0])
        cache = open_cache()
        cache.remove([pointer.oid for pointer in pointers[1:20]])
        assert cache.compact() > 0
        for each in (reader, late):
            expect_all(each, pointers[20:], CONTENTS[20:])

    def test_unrecorded_frames_move_too(self, open_cache: Callable[..., Cache], root: str) -> None:
        pointers = fill(open_cache)
        append(the_pack(root), frame.encode(b"late", Oid.of(b"late")))
        late = open_cache()
        assert late.has(Oid.of(b"late"), 4)
        cache = open_cache()
        cache.remove([pointer.oid for pointer in pointers])
        assert cache.compact() > 0
        assert cache.read(Oid.of(b"late"), 4) == b"late"
        assert late.read(Oid.of(b"late"), 4) == b"late"
        late.close()
        assert open_cache().read(Oid.of(b"late"), 4) == b"late"

    def test_pack_in_use_is_left(self, open_cache: Callable[..., Cache], root: str) -> None:
        pointers = fill(open_cache)
        writer = open_cache()
        new = writer.add_bytes(b"new")
        cache = open_cache()
        cache.remove([pointer.oid for pointer in pointers])
        assert cache.compact() == 0
        writer.close()
        assert cache.compact() > 0
        assert open_cache().read(*new) == b"new"

    def test_damaged_frames_are_dropped(self, open_cache: Callable[..., Cache], root: str) -> None:
        pointers = fill(open_cache)
        flip(the_pack(root), FRAME + 1)
        cache = open_cache()
        cache.remove([pointers[1].oid])
        assert cache.compact(0.0) > 0
        assert cache.missing(pointers) == pointers[:2]
        assert len(os.listdir(os.path.join(root, "bad"))) == 1
        assert cache.fsck() == []


class TestPacks:
    def test_full_pack_is_followed_by_another(
        self, open_cache: Callable[..., Cache], root: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(appender, "PACK_LIMIT", 5000)
        pointers = fill(open_cache)
        assert len(packs(root)) == -(-sum(FRAME + p.size for p in pointers) // 5500)
        expect_all(open_cache(), pointers)
        fill(open_cache, [b"a", b"b"])
        expect_all(open_cache(), pointers)

    def test_each_process_has_its_own_pack_and_leaves_it_to_the_next(
        self, open_cache: Callable[..., Cache], root: str
    ) -> None:
        caches = [open_cache() for _ in range(3)]
        for number, cache in enumerate(caches):
            cache.add_bytes(b"%d" % number)
        assert len(packs(root)) == 3
        for cache in caches:
            cache.close()
        for _ in range(3):
            fill(open_cache)
        assert len(packs(root)) == 3

    def test_more_packs_than_are_kept_open(
        self, open_cache: Callable[..., Cache], root: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(appender, "PACK_LIMIT", 1)
        monkeypatch.setattr("git_mlvers.cache.packs._MOST_OPEN", 4)
        pointers = fill(open_cache)
        assert len(packs(root)) == len(CONTENTS)
        expect_all(open_cache(), pointers)

    def test_without_locks_each_process_makes_a_pack(
        self, open_cache: Callable[..., Cache], root: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def no_locks(fd: int, operation: int) -> None:
            raise OSError(95, "Operation not supported")

        monkeypatch.setattr("fcntl.flock", no_locks)
        for number in range(3):
            fill(open_cache, CONTENTS[number * 10 : number * 10 + 10])
        assert len(packs(root)) == 3
        cache = open_cache()
        expect_all(cache, [cache.add_bytes(data) for data in CONTENTS])

    def test_reading_only_changes_nothing(
        self, open_cache: Callable[..., Cache], root: str, tmp_path: Path
    ) -> None:
        pointers = fill(open_cache)
        append(the_pack(root), frame.encode(b"late", Oid.of(b"late"))[:-1])
        flip(the_pack(root), FRAME + 1)
        os.unlink(os.path.join(root, "packs", "index.db"))
        before = {
            name: os.stat(os.path.join(root, "packs", name)) for name in os.listdir(f"{root}/packs")
        }
        packs = LocalPacks(root, writable=False)
        with pytest.raises(CorruptError):
            packs.read(pointers[0].oid)
        for pointer, data in zip(pointers[1:], CONTENTS[1:], strict=True):
            found = packs.read(pointer.oid)
            assert found is not None
            assert found[1] == data
        packs.close()
        after = {
            name: os.stat(os.path.join(root, "packs", name)) for name in os.listdir(f"{root}/packs")
        }
        assert [(n, s.st_size, s.st_mtime_ns) for n, s in after.items()] == [
            (n, s.st_size, s.st_mtime_ns) for n, s in before.items()
        ]
        assert not os.path.exists(f"{root}/bad")


class TestRecordsOfSeveral:
    """Processes record what they saw of each other's packs at different times."""

    def test_late_record_of_an_early_look(self, open_cache: Callable[..., Cache]) -> None:
        writer, watcher = open_cache(), open_cache()
        pointers = [writer.add_bytes(data) for data in CONTENTS[:5]]
        assert watcher.read(*pointers[0]) == CONTENTS[0]
        pointers += [writer.add_bytes(data) for data in CONTENTS[5:10]]
        writer.flush()
        pointers += [writer.add_bytes(data) for data in CONTENTS[10:15]]
        watcher.flush()
        writer.flush()
        assert open_cache().missing(pointers) == []
        for cache in (writer, watcher):
            expect_all(cache, pointers, CONTENTS[:15])

    def test_index_replaced_below_a_writer(
        self, open_cache: Callable[..., Cache], root: str
    ) -> None:
        writer = open_cache()
        pointers = [writer.add_bytes(data) for data in CONTENTS[:5]]
        writer.flush()
        pointers += [writer.add_bytes(data) for data in CONTENTS[5:10]]
        os.unlink(os.path.join(root, "packs", "index.db"))
        other = open_cache()
        assert other.missing(pointers) == []
        other.close()
        pointers += [writer.add_bytes(data) for data in CONTENTS[10:15]]
        writer.close()
        expect_all(open_cache(), pointers, CONTENTS[:15])

    def test_shrunk_pack_put_right_by_two(
        self, open_cache: Callable[..., Cache], root: str
    ) -> None:
        pointers = fill(open_cache, CONTENTS[:10])
        first, second = open_cache(), open_cache()
        os.truncate(the_pack(root), os.path.getsize(the_pack(root)) - 10)
        for cache in (first, second):
            assert cache.missing(pointers) == pointers[9:]
        pointers[9:] = [first.add_bytes(data) for data in CONTENTS[20:25]]
        first.flush()
        second.flush()
        pointers.append(first.add_bytes(CONTENTS[25]))
        first.close()
        expect_all(open_cache(), pointers, [*CONTENTS[:9], *CONTENTS[20:26]])
