"""A cache of another repository that is closed to this user, in whole or in part."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from git_mlvers.cache import Cache
from git_mlvers.errors import ContentMissing
from git_mlvers.oid import Oid
from tests.support.content import noise
from tests.support.powers import permissions_do_not_count, without_powers

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from git_mlvers.pointer import Pointer

LARGE = noise(300_000)
SMALL = noise(500)


@pytest.fixture
def there(root: str) -> list[Pointer]:
    """What is in the other cache: a large file and a small one."""
    with Cache(root) as cache:
        return [cache.add_bytes(LARGE), cache.add_bytes(SMALL)]


@pytest.fixture
def borrower(tmp_path: Path, root: str, there: list[Pointer]) -> Iterator[Cache]:
    """An empty cache that may read the other one."""
    with Cache(str(tmp_path / "borrower"), alternates=[root]) as cache:
        yield cache


def close(path: str) -> None:
    os.chmod(path, 0)


def packs(root: str) -> list[str]:
    return [f"{root}/packs/{name}" for name in os.listdir(f"{root}/packs") if ".pack" in name]


def object_of(root: str, pointer: Pointer) -> str:
    digits = pointer.oid.hex()
    return f"{root}/objects/{digits[:2]}/{digits[2:4]}/{digits}"


def assert_absent(cache: Cache, pointer: Pointer, dest: Path) -> None:
    assert not cache.has(*pointer)
    assert cache.missing([pointer]) == [pointer]
    assert cache.frame(*pointer) is None
    with pytest.raises(ContentMissing):
        cache.read(*pointer)
    with pytest.raises(ContentMissing):
        cache.open(*pointer)
    with pytest.raises(ContentMissing):
        cache.materialise(*pointer, str(dest), 0o644)


def test_permissions_count_in_these_tests() -> None:
    with without_powers():
        assert not permissions_do_not_count()


def test_all_of_it(borrower: Cache, root: str, there: list[Pointer], tmp_path: Path) -> None:
    close(root)
    with without_powers():
        for pointer in there:
            assert_absent(borrower, pointer, tmp_path / "out")
    os.chmod(root, 0o755)


@pytest.mark.parametrize("folder", ["packs", "objects"])
def test_one_of_its_folders(
    borrower: Cache, root: str, there: list[Pointer], tmp_path: Path, folder: str
) -> None:
    close(f"{root}/{folder}")
    large, small = there
    with without_powers():
        assert_absent(borrower, small if folder == "packs" else large, tmp_path / "out")
        assert borrower.missing(there) == [small if folder == "packs" else large]
        if folder == "packs":
            assert borrower.read(*large) == LARGE
        else:
            assert borrower.read(*small) == SMALL
    os.chmod(f"{root}/{folder}", 0o755)


def test_one_object(borrower: Cache, root: str, there: list[Pointer], tmp_path: Path) -> None:
    close(object_of(root, there[0]))
    with without_powers():
        assert_absent(borrower, there[0], tmp_path / "out")
        assert borrower.missing(there) == [there[0]]


@pytest.mark.parametrize("index", ["there", "closed", "lost"])
def test_one_pack(
    borrower: Cache, root: str, there: list[Pointer], tmp_path: Path, index: str
) -> None:
    for pack in packs(root):
        close(pack)
    other = noise(700, "in a pack of its own")
    with without_powers(), Cache(root) as cache:
        assert cache.add_bytes(other).oid == Oid.of(other)
    if index == "lost":
        os.unlink(f"{root}/packs/index.db")
    elif index == "closed":
        close(f"{root}/packs/index.db")
    with without_powers():
        assert_absent(borrower, there[1], tmp_path / "out")
        assert borrower.read(Oid.of(other), 700) == other
