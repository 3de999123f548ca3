"""What becomes of empty placeholders when their filter dies."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from git_mlvers.errors import LocalIOError
from git_mlvers.filter.placeholder import Journal, recover, stands_at
from git_mlvers.oid import Oid
from git_mlvers.pointer import Pointer
from tests.support.environment import CHECKOUT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.git import Repo

POINTER = Pointer(Oid.of(b"content"), 7)


LEAVE = """
import os, sys
import pytest

from git_mlvers.errors import LocalIOError
from git_mlvers.filter.placeholder import Journal
from git_mlvers.oid import Oid
from git_mlvers.pointer import Pointer
journal = Journal(sys.argv[1])
for path in sys.argv[2:]:
    journal.add(os.fsencode(path), Pointer(Oid.of(b"content"), 7))
os._exit(9)
"""
LEAVE_TEMPS = LEAVE.replace(
    "os._exit", "print(os.fsdecode(journal.temp_beside(os.fsencode(path))), flush=True)\nos._exit"
)


def journal_of_dead(git_dir: Path, *paths: bytes) -> Path:
    """A journal as a killed filter leaves it."""
    leave(git_dir, *paths)
    (journal,) = (git_dir / "mlvers" / "placeholders").iterdir()
    return journal


def leave(git_dir: Path, *paths: bytes, tree: Path | None = None) -> list[bytes]:
    """Let a filter die that was replacing `paths`; the names of its temporary files in `tree`."""
    code = LEAVE if tree is None else LEAVE_TEMPS
    words = [sys.executable, "-c", code, git_dir, *paths]
    env = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
    ran = subprocess.run(
        words, check=False, capture_output=True, cwd=tree or git_dir.parent, env=env
    )
    assert ran.returncode == 9, ran.stderr
    return ran.stdout.splitlines()


def mended(git_dir: Path, work_tree: Path) -> list[bytes]:
    """The empty files that were given their pointer's text."""
    return [left.path for left in recover(str(git_dir), str(work_tree)) if left.mended]


def test_the_placeholders_of_a_dead_filter_become_pointers(tmp_path: Path) -> None:
    names = [b"a.bin", b"with\nnewline", b"dir/\xff.bin"]
    (tmp_path / "dir").mkdir()
    for name in names:
        (tmp_path / os.fsdecode(name)).write_bytes(b"")
    journal = journal_of_dead(tmp_path / "git", *names)
    assert mended(tmp_path / "git", tmp_path) == names
    for name in names:
        assert (tmp_path / os.fsdecode(name)).read_bytes() == POINTER.encode()
    assert not journal.exists()


def test_only_what_is_still_empty_is_touched(tmp_path: Path) -> None:
    (tmp_path / "edited").write_bytes(b"mine")
    (tmp_path / "elsewhere").write_bytes(b"")
    (tmp_path / "link").symlink_to("elsewhere")
    journal_of_dead(tmp_path / "git", b"edited", b"link", b"gone")
    assert mended(tmp_path / "git", tmp_path) == []
    assert (tmp_path / "edited").read_bytes() == b"mine"
    assert (tmp_path / "elsewhere").read_bytes() == b""


def test_a_journal_cannot_lead_out_of_the_working_tree(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "file").write_bytes(b"")
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "link").symlink_to(outside)
    journal_of_dead(tmp_path / "git", b"../outside/file", b"link/file")
    assert mended(tmp_path / "git", tree) == []
    assert (outside / "file").read_bytes() == b""


def test_a_living_filter_keeps_its_placeholders(tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(b"")
    journal = Journal(os.fspath(tmp_path / "git"))
    journal.add(b"a.bin", POINTER)
    assert mended(tmp_path / "git", tmp_path) == []
    assert stands_at(os.fspath(tmp_path / "a.bin"))
    journal.clear()
    assert list((tmp_path / "git" / "mlvers" / "placeholders").iterdir()) == []


def test_a_torn_journal_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(b"")
    (tmp_path / "b.bin").write_bytes(b"")
    journal = journal_of_dead(tmp_path / "git", b"a.bin", b"b.bin")
    journal.write_bytes(journal.read_bytes()[:-3])
    assert mended(tmp_path / "git", tmp_path) == [b"a.bin"]


def test_temporary_files_of_the_dead_go_and_those_of_the_living_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "dir").mkdir()
    (tmp_path / "dir" / "a.bin").write_bytes(b"mine")
    (temp,) = leave(tmp_path / "git", b"dir/a.bin", tree=tmp_path)
    living = Journal(os.fspath(tmp_path / "git"))
    living.add(b"dir/b.bin", POINTER)
    other = living.temp_beside(b"dir/b.bin")
    for name in (temp, other):
        (tmp_path / os.fsdecode(name)).write_bytes(b"half")
    assert mended(tmp_path / "git", tmp_path) == []
    room, name = os.fsdecode(other).split("/")[1:]
    assert set(os.listdir(tmp_path / "dir")) == {"a.bin", room}
    assert set(os.listdir(tmp_path / "dir" / room)) == {".gitignore", name}
    living.clear()
    assert os.listdir(tmp_path / "dir") == ["a.bin"]


def test_git_overlooks_temporary_files(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(repo.path)
    repo.write("dir/a.bin", b"")
    repo.write("dir/.gitignore", b"!*\n")
    journal = Journal(os.fspath(repo.git_path(".")))
    journal.add(b"dir/a.bin", POINTER)
    temp = repo.write(journal.temp_beside(b"dir/a.bin"), b"half")
    repo.git("add", "-A")
    repo.assert_status("A  dir/.gitignore", "A  dir/a.bin")
    temp.rename(repo.file("dir/a.bin"))
    journal.clear()
    assert sorted(os.listdir(repo.file("dir"))) == [".gitignore", "a.bin"]


def test_a_journal_can_be_used_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    journal = Journal(os.fspath(tmp_path / "git"))
    for _ in range(2):
        journal.add(b"a.bin", POINTER)
        (tmp_path / os.fsdecode(journal.temp_beside(b"a.bin"))).write_bytes(b"half")
        journal.clear()
        assert os.listdir(tmp_path) == ["git"]


def test_temporary_files_of_long_names_are_kept_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    journal = Journal(os.fspath(tmp_path / "git"))
    names = [b"n" * 200 + b"%d" % number for number in range(3)]
    assert len({journal.temp_beside(name) for name in names}) == 3
    journal.clear()


def test_what_has_no_room_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    journal = Journal(os.fspath(tmp_path / "git"))
    journal.add(b"a.bin", POINTER)
    with full_disk(), pytest.raises(LocalIOError, match="making a directory"):
        journal.temp_beside(b"a.bin")
    journal.temp_beside(b"gone/a.bin")
    assert os.listdir(tmp_path) == ["git"]
    journal.clear()


def test_a_journal_that_is_just_being_made_stays(tmp_path: Path) -> None:
    folder = tmp_path / "git" / "mlvers" / "placeholders"
    folder.mkdir(parents=True)
    for name, age in {"new": 0, "old": 7200}.items():
        (folder / name).touch()
        os.utime(folder / name, (time.time() - age,) * 2)
    assert mended(tmp_path / "git", tmp_path) == []
    assert [path.name for path in folder.iterdir()] == ["new"]


def test_what_cannot_be_mended_stays_for_the_next_time(tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(b"")
    journal = journal_of_dead(tmp_path / "git", b"a.bin")
    with full_disk():
        assert mended(tmp_path / "git", tmp_path) == []
    assert journal.exists()
    assert mended(tmp_path / "git", tmp_path) == [b"a.bin"]


@contextlib.contextmanager
def full_disk() -> Iterator[None]:
    """No file can be made longer."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
