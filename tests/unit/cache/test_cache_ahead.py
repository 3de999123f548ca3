"""Objects that are read in the order in which they were added."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from git_mlvers.cache import Cache
from git_mlvers.cache.ahead import ReadAhead
from tests.support.content import noise

if TYPE_CHECKING:
    from git_mlvers.pointer import Pointer


def filled(root: Path, count: int = 200, size: int = 10_000) -> tuple[Cache, list[Pointer]]:
    cache = Cache(str(root))
    return cache, [cache.add_bytes(noise(size + n, n)) for n in range(count)]


def test_every_order_gives_the_right_content(tmp_path: Path) -> None:
    cache, pointers = filled(tmp_path)
    with cache:
        for step in (1, 2, 7, -1):
            for number in range(len(pointers))[::step]:
                pointer = pointers[number]
                assert cache.read(pointer.oid, pointer.size) == noise(pointer.size, number)
                cache.read_ahead()


def test_what_is_ready_is_given_without_another_look_at_the_pack(tmp_path: Path) -> None:
    cache, pointers = filled(tmp_path, 3)
    with cache:
        for pointer in pointers[:2]:  # Only who reads in a row has more read than asked for.
            cache.read(pointer.oid, pointer.size)
        cache.read_ahead()
        for pack in (tmp_path / "packs").glob("*.pack"):
            pack.write_bytes(b"")
        assert cache.read(pointers[2].oid, pointers[2].size) == noise(pointers[2].size, 2)


def test_a_place_that_was_written_anew_is_read_anew(tmp_path: Path) -> None:
    pack = tmp_path / "pack"
    pack.write_bytes(b"a" * 30)
    ahead = ReadAhead()
    with pack.open("rb") as file:
        ahead.read("pack", file.fileno(), 0, 10)
        assert ahead.read("pack", file.fileno(), 10, 10) == b"a" * 10
        pack.write_bytes(b"b" * 30)
        ahead.forget()
        assert ahead.read("pack", file.fileno(), 10, 10) == b"b" * 10
