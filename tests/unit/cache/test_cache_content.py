"""What goes into the cache comes out of it, whatever way it takes."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

import pytest
from blake3 import blake3

from git_mlvers import frame
from git_mlvers.cache import SMALL, Cache, clone, direct
from git_mlvers.errors import ContentMissing, CorruptError, LocalIOError
from git_mlvers.oid import Oid
from git_mlvers.pointer import Pointer
from tests.support.content import noise, object_file

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MIB = 1 << 20
SIZES = [0, 1, 1000, SMALL - 1, SMALL, SMALL + 1, MIB - 1, MIB, MIB + 1, 5 * MIB + 4097]
ABSENT = Oid(bytes(32))


def pointer_of(data: bytes) -> Pointer:
    """The pointer for `data`, computed by hand."""
    return Pointer(Oid(blake3(data).digest()), len(data))


def check(cache: Cache, data: bytes, pointer: Pointer, folder: Path) -> None:
    """`cache` gives `data` in every way that there is."""
    assert pointer == pointer_of(data)
    assert cache.has(*pointer)
    assert cache.missing([pointer]) == []
    assert cache.read(*pointer) == data
    with cache.open(*pointer) as file:
        assert file.read() == data
    dest = folder / f"out-{os.urandom(4).hex()}"
    cache.materialise(*pointer, str(dest), 0o640)
    assert dest.read_bytes() == data
    assert stat.S_IMODE(dest.stat().st_mode) == 0o640
    path = object_file(folder / "git" / "mlvers", pointer.oid.hex())
    framed = cache.frame(*pointer)
    if len(data) > SMALL:
        assert framed is None
        assert path.read_bytes() == data
    else:
        assert not path.exists()
        assert framed is not None
        assert frame.decode(framed)[1] == data


def write_in(cache: Cache, data: bytes, step: int) -> Pointer:
    """Add `data` in pieces of `step` bytes, all through one buffer."""
    buffer = bytearray(step)
    with cache.writer() as writer:
        for start in range(0, len(data), step):
            piece = data[start : start + step]
            buffer[: len(piece)] = piece
            writer.write(memoryview(buffer)[: len(piece)])
        return writer.finish()


class TestWays:
    @pytest.mark.parametrize("size", SIZES)
    @pytest.mark.parametrize("step", [65516, 7 * MIB])
    def test_writer(
        self, open_cache: Callable[..., Cache], tmp_path: Path, size: int, step: int
    ) -> None:
        data = noise(size)
        cache = open_cache()
        pointer = write_in(cache, data, step)
        check(cache, data, pointer, tmp_path)
        cache.close()
        check(open_cache(), data, pointer, tmp_path)

    @pytest.mark.parametrize("size", SIZES)
    def test_bytes(self, cache: Cache, tmp_path: Path, size: int) -> None:
        data = noise(size)
        check(cache, data, cache.add_bytes(data), tmp_path)

    @pytest.mark.parametrize("size", SIZES)
    @pytest.mark.parametrize("verified", [True, False])
    def test_adopted_file(self, cache: Cache, tmp_path: Path, size: int, verified: bool) -> None:
        data = noise(size)
        fd, path = cache.new_file(size)
        os.close(fd)
        with open(path, "r+b") as file:  # as each thread of a download does
            file.write(data)
        cache.adopt(path, Oid.of(data), size, verified)
        assert not os.path.exists(path)
        check(cache, data, pointer_of(data), tmp_path)

    @pytest.mark.parametrize("data", [b"", b"x" * 5000, noise(5000), noise(SMALL), noise(MIB)])
    def test_frame(self, cache: Cache, tmp_path: Path, data: bytes) -> None:
        cache.add_frame(frame.encode(data, Oid.of(data)))
        check(cache, data, pointer_of(data), tmp_path)

    def test_small_with_its_oid(self, cache: Cache, tmp_path: Path) -> None:
        cache.add_small(Oid.of(b"content"), b"content")
        check(cache, b"content", pointer_of(b"content"), tmp_path)

    def test_compressible_content_takes_less_room(self, cache: Cache, tmp_path: Path) -> None:
        data = b"a line of text\n" * 5000
        check(cache, data, cache.add_bytes(data), tmp_path)
        assert cache.usage().pack_bytes < len(data) // 10

    def test_two_writers_at_once(self, cache: Cache, tmp_path: Path) -> None:
        contents = [noise(3 * MIB + number) for number in range(3)]
        writers = [cache.writer() for _ in contents]
        for start in range(0, 4 * MIB, 100_000):
            for writer, data in zip(writers, contents, strict=True):
                writer.write(data[start : start + 100_000])
        for writer, data in zip(writers, contents, strict=True):
            check(cache, data, writer.finish(), tmp_path)


class TestNothingIsTakenOnTrust:
    def test_wrong_small_content(self, cache: Cache) -> None:
        with pytest.raises(CorruptError, match="does not match its hash"):
            cache.add_small(ABSENT, b"content")

    def test_damaged_frame(self, cache: Cache) -> None:
        framed = bytearray(frame.encode(noise(1000), Oid.of(noise(1000))))
        framed[-1] ^= 1
        with pytest.raises(CorruptError):
            cache.add_frame(bytes(framed))
        assert list(cache) == []

    def test_frame_with_more_behind_it(self, cache: Cache) -> None:
        with pytest.raises(CorruptError):
            cache.add_frame(frame.encode(b"content", Oid.of(b"content")) + b"more")

    @pytest.mark.parametrize("size", [100, 300_000])
    def test_wrong_file(self, cache: Cache, root: str, size: int) -> None:
        for oid, told, verified in ((ABSENT, size, False), (Oid.of(bytes(size)), size + 1, True)):
            fd, path = cache.temp_file()
            os.write(fd, bytes(size))
            os.close(fd)
            with pytest.raises(CorruptError):
                cache.adopt(path, oid, told, verified)
        assert list(cache) == []
        assert os.listdir(f"{root}/tmp") == []

    @pytest.mark.parametrize("size", [100, 300_000])
    def test_pointer_with_a_wrong_size(self, cache: Cache, size: int) -> None:
        pointer = cache.add_bytes(noise(size))
        for wrong in (pointer.size - 1, pointer.size + 1, 50, 500_000):
            assert not cache.has(pointer.oid, wrong)
            with pytest.raises(ContentMissing):
                cache.read(pointer.oid, wrong)
        assert cache.read(*pointer) == noise(size)


class TestMissing:
    @pytest.mark.parametrize("size", [1, 300_000])
    def test_says_so(self, cache: Cache, tmp_path: Path, size: int) -> None:
        assert not cache.has(ABSENT, size)
        assert cache.frame(ABSENT, size) is None
        for attempt in (cache.read, cache.open):
            with pytest.raises(ContentMissing, match="not in the cache"):
                attempt(ABSENT, size)
        with pytest.raises(ContentMissing):
            cache.materialise(ABSENT, size, str(tmp_path / "out"), 0o644)
        assert not (tmp_path / "out").exists()

    def test_each_once_and_in_order(self, cache: Cache) -> None:
        here = cache.add_bytes(b"here")
        absent = [Pointer(Oid(bytes([n]) * 32), 10 ** (n + 1)) for n in range(6)]
        asked = [absent[3], here, absent[0], absent[3], *absent]
        assert cache.missing(asked) == [absent[3], absent[0], *absent[1:3], *absent[4:]]

    def test_asking_makes_no_directory(self, cache: Cache, root: str) -> None:
        assert not cache.has(ABSENT, 1)
        assert list(cache) == []
        assert cache.usage() == (0, 0, 0, 0, 0)
        assert cache.fsck() == []
        cache.close()
        assert not os.path.exists(root)


class TestAddingAgain:
    def test_small_is_not_written_twice(self, open_cache: Callable[..., Cache]) -> None:
        for _ in range(3):
            cache = open_cache()
            cache.add_bytes(noise(1000))
            write_in(cache, noise(1000), 100)
            cache.close()
        assert open_cache().usage().pack_bytes < 1100

    def test_large_keeps_its_file(self, cache: Cache, root: str) -> None:
        pointer = cache.add_bytes(noise(300_000))
        path = object_file(root, pointer.oid.hex())
        before = os.stat(path).st_ino
        assert cache.add_bytes(noise(300_000)) == pointer
        assert os.stat(path).st_ino == before
        assert os.listdir(f"{root}/tmp") == []


class TestMaterialise:
    @pytest.mark.parametrize("size", [100, 300_000])
    @pytest.mark.parametrize("mode", [0o644, 0o755, 0o444, 0o666])
    def test_mode_is_exact(self, cache: Cache, tmp_path: Path, size: int, mode: int) -> None:
        os.umask(0o077)
        pointer = cache.add_bytes(noise(size))
        dest = tmp_path / "out"
        cache.materialise(*pointer, str(dest), mode)
        assert stat.S_IMODE(dest.stat().st_mode) == mode

    @pytest.mark.parametrize("size", [100, 300_000])
    def test_what_is_there_stays(self, cache: Cache, tmp_path: Path, size: int) -> None:
        pointer = cache.add_bytes(noise(size))
        dest = tmp_path / "out"
        dest.write_bytes(b"mine")
        with pytest.raises(LocalIOError, match=f"File exists.*{dest}"):
            cache.materialise(*pointer, str(dest), 0o644)
        assert dest.read_bytes() == b"mine"

    @pytest.mark.parametrize("size", [100, 300_000])
    @pytest.mark.parametrize("link", ["auto", "copy", "hardlink"])
    def test_directory_must_be_there(
        self, open_cache: Callable[..., Cache], tmp_path: Path, size: int, link: str
    ) -> None:
        cache = open_cache(link=link)
        pointer = cache.add_bytes(noise(size))
        with pytest.raises(LocalIOError, match="No such file or directory"):
            cache.materialise(*pointer, str(tmp_path / "no" / "out"), 0o644)

    def test_copy_is_a_file_of_its_own(self, cache: Cache, tmp_path: Path) -> None:
        pointer = cache.add_bytes(noise(300_000))
        cache.materialise(*pointer, str(tmp_path / "out"), 0o644)
        with open(tmp_path / "out", "r+b") as file:
            file.write(b"changed")
        assert cache.read(*pointer) == noise(300_000)


class TestDirect:
    """Large content past the page cache; here however quick that is."""

    @pytest.fixture(autouse=True)
    def _always(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(direct, "QUICK", 1 << 60)
        monkeypatch.setattr(direct, "TRIAL", MIB)
        monkeypatch.setattr(direct, "WORTH", 4 * MIB)
        monkeypatch.setattr(direct, "_STEP", MIB)

    @pytest.mark.parametrize("size", [9 * MIB, 9 * MIB + 4096, 9 * MIB + 4097])
    def test_both_ways(self, cache: Cache, tmp_path: Path, size: int) -> None:
        data = noise(size)
        check(cache, data, write_in(cache, data, 65516), tmp_path)

    def test_slower_is_left_again(
        self, cache: Cache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        turns = []
        real = direct.set_direct

        def turn(fd: int, wanted: bool) -> bool:
            turns.append(wanted)
            return real(fd, wanted)

        clock = iter(range(10_000))
        # Each step takes longer than the one before, so the second way always loses.
        monkeypatch.setattr(direct.time, "monotonic", lambda: float(next(clock)) ** 2)
        monkeypatch.setattr(direct, "set_direct", turn)
        data = noise(9 * MIB)
        pointer = write_in(cache, data, MIB)
        assert turns == [True, False]
        check(cache, data, pointer, tmp_path)

    def test_file_system_without_it(
        self, cache: Cache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def never(fd: int, wanted: bool) -> bool:
            return not wanted

        monkeypatch.setattr(direct, "set_direct", never)
        data = noise(9 * MIB)
        check(cache, data, write_in(cache, data, MIB), tmp_path)

    def test_file_system_that_refuses_the_first_block(
        self, cache: Cache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(*args: object) -> int:
            raise OSError(22, "Invalid argument")

        data = noise(9 * MIB)
        pointer = write_in(cache, data, MIB)
        monkeypatch.setattr(os, "preadv", refuse)
        check(cache, data, pointer, tmp_path)


class TestClone:
    """Content that comes from a file whose blocks can be shared; here they are copied."""

    @pytest.fixture(autouse=True)
    def _clones(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def copied(source: int, target: int) -> bool:
            os.pwrite(target, os.pread(source, 1 << 30, 0), 0)
            self.cloned += 1
            return True

        self.cloned = 0
        monkeypatch.setattr(clone, "reflink", copied)

    def add(self, cache: Cache, path: Path, data: bytes) -> Pointer:
        """Add `data`, said to be the content of `path`."""
        with cache.writer(os.fsencode(path)) as writer:
            for start in range(0, len(data), 65516):
                writer.write(data[start : start + 65516])
            return writer.finish()

    @pytest.mark.parametrize(
        "change",
        [
            lambda data: data,
            lambda data: data[:-1],
            lambda data: data + b"more",
            lambda data: data[: 3 * MIB],
            lambda data: data[: SMALL + 1],
            lambda data: data[: 4 * MIB] + b"x" + data[4 * MIB :],
            lambda data: b"x" + data,
            lambda data: data[:-1] + b"\0",
        ],
    )
    def test_only_what_came_counts(
        self, cache: Cache, tmp_path: Path, change: Callable[[bytes], bytes]
    ) -> None:
        data = noise(9 * MIB + 5)
        (tmp_path / "file").write_bytes(data)
        sent = change(data)
        pointer = self.add(cache, tmp_path / "file", sent)
        assert self.cloned == 1
        check(cache, sent, pointer, tmp_path)
        assert (tmp_path / "file").read_bytes() == data

    def test_what_is_no_large_file_is_not_cloned(self, cache: Cache, tmp_path: Path) -> None:
        data = noise(9 * MIB)
        (tmp_path / "small").write_bytes(b"small")
        (tmp_path / "file").write_bytes(data)
        (tmp_path / "link").symlink_to("file")
        os.mkfifo(tmp_path / "pipe")
        for name in ("small", "link", "pipe", "absent", "."):
            check(cache, data, self.add(cache, tmp_path / name, data), tmp_path)
        assert self.cloned == 0


class TestWriter:
    def test_abort_leaves_nothing(self, cache: Cache, root: str) -> None:
        for size in (10, 300_000, 6 * MIB):
            writer = cache.writer()
            writer.write(noise(size))
            writer.abort()
            writer.abort()
        assert list(cache) == []
        assert os.listdir(f"{root}/tmp") == []

    def test_exception_in_with_leaves_nothing(self, cache: Cache, root: str) -> None:
        with pytest.raises(KeyboardInterrupt), cache.writer() as writer:
            writer.write(noise(6 * MIB))
            raise KeyboardInterrupt
        assert list(cache) == []
        assert os.listdir(f"{root}/tmp") == []


def test_iteration_and_usage(cache: Cache) -> None:
    small = [cache.add_bytes(noise(100 + number)) for number in range(20)]
    large = [cache.add_bytes(noise(200_000 + number)) for number in range(3)]
    assert sorted(cache) == sorted([*small, *large])
    cache.flush()
    assert sorted(cache) == sorted([*small, *large])
    usage = cache.usage()
    assert (usage.objects, usage.small) == (3, 20)
    assert usage.object_bytes == sum(pointer.size for pointer in large)
    assert usage.small_bytes == sum(pointer.size for pointer in small)
    assert usage.pack_bytes == usage.small_bytes + 20 * frame.HEADER.size
