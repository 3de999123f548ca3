"""The cache of a git remote on this machine: what is read from it is kept here too."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

from git_mlvers.cache import Cache, neighbour
from git_mlvers.cache.objects import STAMP, ObjectStore
from git_mlvers.errors import CorruptError, LocalIOError
from tests.support.content import noise

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from git_mlvers.pointer import Pointer

LARGE = noise(300_000)
SMALL = noise(500)


@pytest.fixture
def there(root: str) -> list[Pointer]:
    """What is in the other cache: a large file and a small one."""
    with Cache(root) as cache:
        return [cache.add_bytes(LARGE), cache.add_bytes(SMALL)]


def read(cache: Cache, pointer: Pointer, dest: Path) -> None:
    assert cache.read(*pointer) == (LARGE if pointer.size == len(LARGE) else SMALL)


def open_it(cache: Cache, pointer: Pointer, dest: Path) -> None:
    with cache.open(*pointer) as file:
        assert file.read() == (LARGE if pointer.size == len(LARGE) else SMALL)


def materialise(cache: Cache, pointer: Pointer, dest: Path) -> None:
    cache.materialise(*pointer, str(dest), 0o644)
    assert dest.read_bytes() == (LARGE if pointer.size == len(LARGE) else SMALL)


def keep(cache: Cache, pointer: Pointer, dest: Path) -> None:
    cache.keep([pointer, pointer])


@pytest.mark.parametrize("use", [read, open_it, materialise, keep])
def test_what_is_read_is_kept(
    root: str, there: list[Pointer], tmp_path: Path, use: Callable[..., None]
) -> None:
    own = str(tmp_path / "own")
    with Cache(own, neighbours=[str(tmp_path / "absent"), root]) as cache:
        for number, pointer in enumerate(there):
            assert cache.has(*pointer)
            use(cache, pointer, tmp_path / f"out{number}")
    with Cache(own) as cache:
        assert sorted(cache) == sorted(there)
        assert [cache.read(*pointer) for pointer in there] == [LARGE, SMALL]
        assert cache.fsck() == []
    assert os.listdir(f"{own}/tmp") == []


def test_asking_alone_keeps_nothing(root: str, there: list[Pointer], tmp_path: Path) -> None:
    with Cache(str(tmp_path / "own"), neighbours=[root]) as cache:
        assert cache.missing(there) == []
        assert all(cache.has(*pointer) for pointer in there)
        assert cache.frame(*there[1]) is not None
    assert not (tmp_path / "own").exists()


def test_what_is_borrowed_from_is_not_copied(
    root: str, there: list[Pointer], tmp_path: Path
) -> None:
    with Cache(str(tmp_path / "own"), alternates=[root], neighbours=[root]) as cache:
        for pointer in there:
            assert len(cache.read(*pointer)) == pointer.size
        cache.keep(there)
    assert not (tmp_path / "own").exists()


def object_file(root: str, pointer: Pointer) -> str:
    path = ObjectStore(root).find(*pointer)
    assert path is not None
    return path


class TestHowALargeOneIsKept:
    def kept(self, root: str, pointer: Pointer, tmp_path: Path, **options: Any) -> os.stat_result:
        with Cache(str(tmp_path / "own"), neighbours=[root], **options) as cache:
            cache.materialise(*pointer, str(tmp_path / "out"), 0o644)
        return os.stat(object_file(str(tmp_path / "own"), pointer))

    @pytest.fixture
    def source(self, root: str, there: list[Pointer]) -> str:
        return object_file(root, there[0])

    def test_its_data_is_shared(
        self, root: str, there: list[Pointer], tmp_path: Path, source: str
    ) -> None:
        found = self.kept(root, there[0], tmp_path)
        assert found.st_mtime == STAMP
        # Where the file system has reflinks, it is one of those.
        assert os.stat(source).st_nlink == found.st_nlink
        assert os.stat(tmp_path / "out").st_nlink == 1

    @pytest.mark.parametrize(
        ("options", "mode"), [({"link": "hardlink"}, 0o444), ({"shared": 0o660}, 0o400)]
    )
    def test_no_link_to_what_could_be_changed(
        self,
        root: str,
        there: list[Pointer],
        tmp_path: Path,
        source: str,
        options: dict[str, Any],
        mode: int,
    ) -> None:
        os.chmod(source, mode)
        found = self.kept(root, there[0], tmp_path, **options)
        assert os.stat(source).st_nlink == 1
        assert os.stat(source).st_ino != found.st_ino
        assert os.stat(source).st_mode & 0o777 == mode
        assert (tmp_path / "out").read_bytes() == LARGE

    @pytest.mark.parametrize("reflinks", [False, True])
    def test_a_copy_is_verified(
        self,
        root: str,
        there: list[Pointer],
        tmp_path: Path,
        source: str,
        reflinks: bool,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        def reflink(source: int, target: int) -> bool:
            if reflinks:
                os.write(target, os.pread(source, 1 << 20, 0))
            return reflinks

        monkeypatch.setattr(neighbour, "reflink", reflink)
        os.chmod(source, 0o644)
        with open(source, "r+b") as file:
            file.write(b"damaged")
        os.utime(source, (STAMP, STAMP))
        with Cache(str(tmp_path / "own"), neighbours=[root]) as cache:
            with pytest.raises(CorruptError):
                cache.materialise(*there[0], str(tmp_path / "out"), 0o644)
            # So that it is downloaded.
            assert not cache.has(*there[0])
            assert cache.missing(there) == [there[0]]
            cache.keep([there[0]])
        with Cache(str(tmp_path / "own")) as cache:
            assert not cache.has(*there[0])


def test_without_room_it_is_read_all_the_same(
    root: str, there: list[Pointer], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "own").write_bytes(b"no directory")
    with Cache(str(tmp_path / "own"), neighbours=[root]) as cache:
        for pointer in (*there, *there):
            assert len(cache.read(*pointer)) == pointer.size
        cache.materialise(*there[0], str(tmp_path / "out"), 0o644)
    assert (tmp_path / "out").read_bytes() == LARGE
    with pytest.raises(LocalIOError):
        Cache(str(tmp_path / "own")).add_bytes(SMALL)
