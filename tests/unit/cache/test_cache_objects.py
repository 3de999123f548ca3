"""Large objects: links into working trees, edits through them, damage, permissions."""

from __future__ import annotations

import errno
import os
import stat
import time
from typing import TYPE_CHECKING

import pytest

from git_mlvers.cache.objects import STAMP
from git_mlvers.errors import ContentMissing, CorruptError, MlversError
from git_mlvers.oid import Oid
from tests.support.content import noise, object_file

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from git_mlvers.cache import Cache
    from git_mlvers.pointer import Pointer

CONTENT = noise(300_000)


@pytest.fixture
def pointer(cache: Cache) -> Pointer:
    """`CONTENT` in the cache."""
    return cache.add_bytes(CONTENT)


@pytest.fixture
def path(root: str, pointer: Pointer) -> str:
    """The file of `CONTENT` in the cache."""
    found = object_file(root, pointer.oid.hex())
    assert found.is_file()
    return str(found)


def edit(path: str | Path, data: bytes = b"edited") -> None:
    """Write into a file in place, whatever its mode."""
    os.chmod(path, 0o644)
    with open(path, "r+b") as file:
        file.write(data)


def damage(path: str | Path) -> None:
    """Change a file as a failing disk does: nobody sees it from outside."""
    edit(path)
    os.utime(path, (STAMP, STAMP))


class TestFile:
    def test_name_mode_and_stamp(self, root: str, pointer: Pointer, path: str) -> None:
        digits = pointer.oid.hex()
        assert path == f"{root}/objects/{digits[:2]}/{digits[2:4]}/{digits}"
        found = os.stat(path)
        assert stat.S_IMODE(found.st_mode) == 0o444
        assert found.st_mtime_ns == STAMP * 10**9

    @pytest.mark.parametrize(
        ("shared", "umask", "file_mode", "folder_mode"),
        [
            (None, 0o027, 0o440, 0o750),
            (0o660, 0o077, 0o440, 0o2770),
            (0o664, 0o077, 0o444, 0o2775),
            (0o640, 0o022, 0o440, 0o2750),
        ],
    )
    def test_shared_repository(
        self,
        open_cache: Callable[..., Cache],
        root: str,
        shared: int | None,
        umask: int,
        file_mode: int,
        folder_mode: int,
    ) -> None:
        os.umask(umask)
        cache = open_cache(shared=shared)
        cache.add_bytes(b"small")
        cache.add_bytes(CONTENT)
        cache.close()
        for folder, _, names in os.walk(root):
            if shared is not None:
                assert stat.S_IMODE(os.stat(folder).st_mode) == folder_mode, folder
            for name in names:
                mode = stat.S_IMODE(os.stat(os.path.join(folder, name)).st_mode)
                wanted = file_mode
                if os.path.basename(folder) == "packs":
                    wanted |= 0o200 | (0o020 if shared in (0o660, 0o664) else 0)
                assert mode == wanted, name


class TestHardLinks:
    @pytest.fixture
    def linked(self, open_cache: Callable[..., Cache]) -> Cache:
        """A cache that gives out hard links."""
        return open_cache(link="hardlink")

    def test_share_the_file(
        self, linked: Cache, pointer: Pointer, path: str, tmp_path: Path
    ) -> None:
        dest = tmp_path / "out"
        linked.materialise(*pointer, str(dest), 0o644)
        assert os.path.samefile(dest, path)

    def test_executable_is_a_copy(
        self, linked: Cache, pointer: Pointer, path: str, tmp_path: Path
    ) -> None:
        dest = tmp_path / "out"
        linked.materialise(*pointer, str(dest), 0o755)
        assert not os.path.samefile(dest, path)
        assert stat.S_IMODE(dest.stat().st_mode) == 0o755
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o444

    @pytest.mark.parametrize("number", [errno.EXDEV, errno.EMLINK, errno.EPERM, errno.ENOTSUP])
    def test_where_no_link_can_be_is_a_copy(
        self,
        linked: Cache,
        pointer: Pointer,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        number: int,
    ) -> None:
        def refuse(*args: object) -> None:
            raise OSError(number, os.strerror(number))

        monkeypatch.setattr(os, "link", refuse)
        linked.materialise(*pointer, str(tmp_path / "out"), 0o644)
        assert (tmp_path / "out").read_bytes() == CONTENT
        assert (tmp_path / "out").stat().st_nlink == 1

    @pytest.mark.parametrize("data", [b"edited", b"edited" * 100_000, b""])
    def test_edit_in_place_is_noticed(
        self, linked: Cache, root: str, pointer: Pointer, tmp_path: Path, data: bytes
    ) -> None:
        dest = tmp_path / "out"
        linked.materialise(*pointer, str(dest), 0o644)
        edit(dest, data)
        if not data:
            os.truncate(dest, 0)
        mine = dest.read_bytes()
        assert not linked.has(*pointer)
        for attempt in (linked.read, linked.open):
            with pytest.raises(CorruptError, match=f"{pointer.oid.short}.*{root}/bad/"):
                attempt(*pointer)
        with pytest.raises(CorruptError):
            linked.materialise(*pointer, str(tmp_path / "again"), 0o644)
        assert dest.read_bytes() == mine
        assert len(os.listdir(f"{root}/bad")) == 1
        assert linked.add_bytes(CONTENT) == pointer
        assert linked.read(*pointer) == CONTENT
        assert dest.read_bytes() == mine

    def test_touched_is_hashed_once_and_believed(
        self,
        linked: Cache,
        pointer: Pointer,
        path: str,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        linked.materialise(*pointer, str(tmp_path / "out"), 0o644)
        os.utime(tmp_path / "out")
        assert linked.has(*pointer)
        assert os.stat(path).st_mtime_ns == STAMP * 10**9
        monkeypatch.setattr("git_mlvers.cache.objects.hash_file", None)
        assert linked.has(*pointer)


class TestDamage:
    def test_unseen_until_it_is_read(
        self, cache: Cache, root: str, pointer: Pointer, path: str
    ) -> None:
        damage(path)
        assert cache.has(*pointer)
        with pytest.raises(CorruptError, match="damaged"):
            cache.read(*pointer)
        assert not cache.has(*pointer)
        assert not os.path.exists(path)
        assert len(os.listdir(f"{root}/bad")) == 1

    def test_fsck(self, cache: Cache, root: str, pointer: Pointer, path: str) -> None:
        others = [cache.add_bytes(noise(300_001)), cache.add_bytes(b"small")]
        damage(path)
        (problem,) = cache.fsck()
        assert problem.oid == pointer.oid
        assert problem.path == f"{root}/bad/{os.listdir(f'{root}/bad')[0]}"
        assert problem.message.startswith(f"content {pointer.oid.short} was damaged")
        assert problem.path in problem.message
        assert cache.missing([pointer, *others]) == [pointer]
        assert cache.fsck() == []

    def test_fsck_may_only_look(self, cache: Cache, root: str, pointer: Pointer, path: str) -> None:
        damage(path)
        (problem,) = cache.fsck(dry_run=True)
        assert problem == (f"content {pointer.oid.short} is damaged", path, pointer.oid)
        assert os.path.exists(path)
        assert not os.path.exists(f"{root}/bad")

    def test_verify_one(self, cache: Cache, pointer: Pointer, path: str) -> None:
        assert cache.verify(*pointer) is None
        damage(path)
        problem = cache.verify(*pointer)
        assert problem is not None
        assert problem.oid == pointer.oid
        assert not cache.has(*pointer)
        assert cache.verify(*pointer) is None

    def test_directory_in_its_place(
        self, cache: Cache, pointer: Pointer, path: str, tmp_path: Path
    ) -> None:
        os.unlink(path)
        os.mkdir(path)
        assert not cache.has(*pointer)
        assert cache.add_bytes(CONTENT) == pointer
        assert cache.read(*pointer) == CONTENT

    def test_link_in_its_place(
        self, cache: Cache, pointer: Pointer, path: str, tmp_path: Path
    ) -> None:
        os.rename(path, tmp_path / "elsewhere")
        os.symlink(tmp_path / "elsewhere", path)
        assert not cache.has(*pointer)

    def test_power_failure_left_an_empty_file(
        self, cache: Cache, pointer: Pointer, path: str
    ) -> None:
        os.chmod(path, 0o644)
        os.truncate(path, 0)
        os.utime(path, (STAMP, STAMP))
        assert not cache.has(*pointer)
        assert cache.add_bytes(CONTENT) == pointer
        assert cache.read(*pointer) == CONTENT

    def test_foreign_files_are_no_objects(self, cache: Cache, root: str, pointer: Pointer) -> None:
        for name in ("README", "ab/cd/README", "ab/cd/" + "g" * 64):
            os.makedirs(os.path.dirname(f"{root}/objects/{name}"), exist_ok=True)
            with open(f"{root}/objects/{name}", "wb"):
                pass
        assert list(cache) == [pointer]
        assert cache.fsck() == []


class TestRemoving:
    def test_removed_with_its_directories(self, cache: Cache, root: str, pointer: Pointer) -> None:
        assert cache.remove([pointer.oid]) == (1, pointer.size)
        assert not cache.has(*pointer)
        assert os.listdir(f"{root}/objects") == []
        assert cache.remove([pointer.oid]) == (0, 0)
        with pytest.raises(ContentMissing):
            cache.read(*pointer)

    def test_what_is_new_is_spared(self, cache: Cache, pointer: Pointer) -> None:
        assert cache.remove([pointer.oid], before=time.time() - 5).files == 0
        assert cache.remove([pointer.oid], before=time.time() + 5).files == 1

    def test_what_was_added_again_is_spared(
        self, cache: Cache, pointer: Pointer, path: str
    ) -> None:
        before = os.stat(path).st_ctime_ns
        while time.time_ns() < before + 20_000_000:
            time.sleep(0.01)
        cache.add_bytes(CONTENT)
        assert os.stat(path).st_ctime_ns > before
        assert cache.remove([pointer.oid], before=before / 1e9 + 0.001).files == 0

    def test_gone_while_it_is_added_again(
        self, cache: Cache, pointer: Pointer, path: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        real = os.utime

        def pruned(target: str, times: tuple[int, int]) -> None:
            if target == path and os.path.exists(path):
                os.unlink(path)
            real(target, times)

        monkeypatch.setattr(os, "utime", pruned)
        cache.add_bytes(CONTENT)
        assert cache.read(*pointer) == CONTENT

    def test_old_temporary_files(self, cache: Cache, root: str) -> None:
        for name, age in (("old", 100_000), ("new", 100)):
            fd, path = cache.temp_file()
            os.write(fd, b"12345")
            os.close(fd)
            os.rename(path, f"{root}/tmp/{name}")
            os.utime(f"{root}/tmp/{name}", (time.time() - age,) * 2)
        # Its change time is of now, and only that of the file system counts as well.
        assert cache.clean_temps() == 0
        assert cache.clean_temps(age=-1) == 10
        assert os.listdir(f"{root}/tmp") == []


class TestAlternates:
    @pytest.fixture
    def borrower(self, tmp_path: Path, open_cache: Callable[..., Cache], root: str) -> Cache:
        """A cache of its own that may read the one at `root`."""
        from git_mlvers.cache import Cache

        return Cache(str(tmp_path / "borrower"), alternates=[str(tmp_path / "absent"), root])

    def test_reads_everything_and_writes_nothing(
        self, cache: Cache, borrower: Cache, root: str, pointer: Pointer, tmp_path: Path
    ) -> None:
        small = cache.add_bytes(b"small")
        cache.flush()
        before = sorted((f, tuple(names)) for f, _, names in os.walk(root))
        for item, data in ((pointer, CONTENT), (small, b"small")):
            assert borrower.has(*item)
            assert borrower.read(*item) == data
            borrower.materialise(*item, str(tmp_path / f"out{item.size}"), 0o644)
            assert (tmp_path / f"out{item.size}").read_bytes() == data
        assert borrower.missing([pointer, small]) == []
        assert borrower.frame(*small) == cache.frame(*small)
        assert list(borrower) == []
        borrower.close()
        assert not (tmp_path / "borrower").exists()
        assert not (tmp_path / "absent").exists()
        assert sorted((f, tuple(names)) for f, _, names in os.walk(root)) == before

    def test_no_link_into_it(
        self, cache: Cache, root: str, pointer: Pointer, path: str, tmp_path: Path
    ) -> None:
        from git_mlvers.cache import Cache

        borrower = Cache(str(tmp_path / "borrower"), alternates=[root], link="hardlink")
        borrower.materialise(*pointer, str(tmp_path / "out"), 0o644)
        assert os.stat(path).st_nlink == 1

    def test_damage_there_is_not_touched(
        self, cache: Cache, borrower: Cache, root: str, pointer: Pointer, path: str
    ) -> None:
        edit(path)
        assert not borrower.has(*pointer)
        with pytest.raises(CorruptError):
            borrower.read(*pointer)
        assert os.path.exists(path)
        assert not os.path.exists(f"{root}/bad")

    def test_unseen_damage_there(self, borrower: Cache, pointer: Pointer, path: str) -> None:
        damage(path)
        with pytest.raises(MlversError):
            borrower.read(*pointer)
        assert os.path.exists(path)

    def test_own_content_comes_first_and_the_other_helps(
        self, cache: Cache, borrower: Cache, pointer: Pointer, tmp_path: Path
    ) -> None:
        borrower.add_bytes(CONTENT)
        own = object_file(tmp_path / "borrower", pointer.oid.hex())
        assert own.is_file()
        damage(own)
        assert borrower.read(*pointer) == CONTENT
        assert not own.exists()

    def test_root_among_the_alternates(self, root: str) -> None:
        from git_mlvers.cache import Cache

        with Cache(root, alternates=[root, root]) as cache:
            pointer = cache.add_bytes(b"content")
            assert cache.read(*pointer) == b"content"


def test_oid_of_another_algorithm_of_the_same_length(cache: Cache) -> None:
    assert not cache.has(Oid(b"\xff" * 32), 1 << 40)
