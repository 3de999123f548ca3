"""Content in the place of empty files: what may be replaced, and what the index may be told."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest

from git_mlvers.cache import Cache
from git_mlvers.errors import LocalIOError, MlversError
from git_mlvers.filter.placeholder import Journal
from git_mlvers.filter.populate import Changed, Placeholder, Populator, replace_file
from git_mlvers.transfer import Fetcher

if TYPE_CHECKING:
    from pathlib import Path

    from git_mlvers.pointer import Pointer

DATA = b"content " * 20_000


class Slow(Cache):
    """A cache in which the user does something while a file is being copied."""

    def __init__(self, root: str) -> None:
        super().__init__(root, fsync=False)
        self.meanwhile = lambda: None

    def materialise(self, *words: object) -> None:
        super().materialise(*words)
        self.meanwhile()


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Slow:
    monkeypatch.chdir(tmp_path)
    return Slow(os.fspath(tmp_path / "cache"))


@pytest.fixture
def pointer(cache: Slow) -> Pointer:
    return cache.add_bytes(DATA)


@pytest.fixture
def populator(cache: Slow, tmp_path: Path) -> Populator:
    return Populator(cache, Journal(os.fspath(tmp_path / "git")))


def fetcher() -> Fetcher:
    return Fetcher(lambda _: iter(()), lambda: None)


def seen(found: os.stat_result | None) -> tuple[int, ...]:
    """What Git would compare."""
    assert found is not None
    return found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def place(populator: Populator, path: Path, pointer: Pointer) -> None:
    populator.expect(Placeholder(os.fsencode(path.name), pointer, "1" * 40))
    path.touch(mode=0o755)


def test_content_is_whole_has_its_mode_and_an_earlier_time(
    populator: Populator, pointer: Pointer, tmp_path: Path
) -> None:
    file = tmp_path / "a.bin"
    place(populator, file, pointer)
    populator.finish(fetcher())
    assert file.read_bytes() == DATA
    assert file.stat().st_mode & 0o777 == 0o755
    assert time.time() - 60 < file.stat().st_mtime < time.time() - 1
    (result,) = populator.done
    assert seen(result.stat) == seen(os.lstat(file))
    assert sorted(os.listdir(tmp_path / "git" / "mlvers" / "placeholders")) == []


def test_what_was_written_while_content_was_copied_stays(
    populator: Populator, pointer: Pointer, cache: Slow, tmp_path: Path
) -> None:
    file = tmp_path / "a.bin"
    cache.meanwhile = lambda: file.write_bytes(b"mine")
    place(populator, file, pointer)
    populator.finish(fetcher())
    assert file.read_bytes() == b"mine"
    (result,) = populator.done
    assert isinstance(result.error, Changed)
    assert result.stat is None
    assert sorted(os.listdir(tmp_path)) == ["a.bin", "cache", "git"]


def test_what_was_removed_while_content_was_copied_stays_away(
    populator: Populator, pointer: Pointer, cache: Slow, tmp_path: Path
) -> None:
    file = tmp_path / "a.bin"
    cache.meanwhile = file.unlink
    place(populator, file, pointer)
    populator.finish(fetcher())
    assert not file.exists()


def test_edit_at_the_very_end_is_not_told_as_what_was_checked_out(
    pointer: Pointer, cache: Slow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "a.bin"
    file.touch()
    rename = os.replace

    def rename_and_edit(source: bytes, target: bytes) -> None:
        rename(source, target)
        file.write_bytes(DATA[::-1])

    monkeypatch.setattr(os, "replace", rename_and_edit)
    told = replace_file(cache, pointer, b"a.bin", 0o644, b".temp", lambda _: True)
    assert told.st_mtime_ns != os.lstat(file).st_mtime_ns


def test_what_the_disk_refuses_leaves_the_pointer(
    populator: Populator, pointer: Pointer, cache: Slow, tmp_path: Path
) -> None:
    def full() -> None:
        raise LocalIOError("the disk is full")

    cache.meanwhile = full
    file = tmp_path / "a.bin"
    place(populator, file, pointer)
    populator.finish(fetcher())
    assert file.read_bytes() == pointer.encode()
    (result,) = populator.done
    assert str(result.error) == "the disk is full"
    assert seen(result.stat) == seen(os.lstat(file))


def test_fault_of_our_own_leaves_the_pointer_and_nobody_waiting(
    populator: Populator, pointer: Pointer, cache: Slow, tmp_path: Path
) -> None:
    def fault() -> None:
        raise ZeroDivisionError

    cache.meanwhile = fault
    for name in ("a.bin", "b.bin", "c.bin"):
        place(populator, tmp_path / name, pointer)
        populator.step()
    populator.finish(fetcher())
    assert [(tmp_path / name).read_bytes() for name in ("a.bin", "c.bin")] == [pointer.encode()] * 2
    assert all(isinstance(result.error, MlversError) for result in populator.done)


def test_abandoned_placeholders_become_pointers(
    populator: Populator, pointer: Pointer, cache: Slow, tmp_path: Path
) -> None:
    cache.remove([pointer.oid])
    for name in ("a.bin", "b.bin"):
        place(populator, tmp_path / name, pointer)
    populator.step()
    place(populator, tmp_path / "c.bin", pointer)
    populator.abandon(MlversError("git was stopped"))
    for name in ("a.bin", "b.bin", "c.bin"):
        assert (tmp_path / name).read_bytes() == pointer.encode()
