"""What becomes of empty placeholders when their filter dies."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

from git_mlvers.filter.placeholder import Journal, recover, stands_at
from git_mlvers.oid import Oid
from git_mlvers.pointer import Pointer

if TYPE_CHECKING:
    from pathlib import Path

POINTER = Pointer(Oid.of(b"content"), 7)


def dead_pid() -> int:
    """The id of a process that has ended."""
    with subprocess.Popen([sys.executable, "-c", "pass"]) as process:
        process.wait()
    return process.pid


def journal_of_dead(git_dir: Path, *paths: bytes) -> Path:
    """A journal as a killed filter leaves it."""
    journal = Journal(os.fspath(git_dir))
    for path in paths:
        journal.add(path, POINTER)
    mine = git_dir / "mlvers" / "placeholders" / str(os.getpid())
    other = mine.with_name(str(dead_pid()))
    mine.rename(other)
    return other


def test_the_placeholders_of_a_dead_filter_become_pointers(tmp_path: Path) -> None:
    names = [b"a.bin", b"with\nnewline", b"dir/\xff.bin"]
    (tmp_path / "dir").mkdir()
    for name in names:
        (tmp_path / os.fsdecode(name)).write_bytes(b"")
    journal = journal_of_dead(tmp_path / "git", *names)
    assert recover(os.fspath(tmp_path / "git"), os.fspath(tmp_path)) == names
    for name in names:
        assert (tmp_path / os.fsdecode(name)).read_bytes() == POINTER.encode()
    assert not journal.exists()


def test_only_what_is_still_empty_is_touched(tmp_path: Path) -> None:
    (tmp_path / "edited").write_bytes(b"mine")
    (tmp_path / "elsewhere").write_bytes(b"")
    (tmp_path / "link").symlink_to("elsewhere")
    journal_of_dead(tmp_path / "git", b"edited", b"link", b"gone")
    assert recover(os.fspath(tmp_path / "git"), os.fspath(tmp_path)) == []
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
    assert recover(os.fspath(tmp_path / "git"), os.fspath(tree)) == []
    assert (outside / "file").read_bytes() == b""


def test_a_living_filter_keeps_its_placeholders(tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(b"")
    journal = Journal(os.fspath(tmp_path / "git"))
    journal.add(b"a.bin", POINTER)
    assert recover(os.fspath(tmp_path / "git"), os.fspath(tmp_path)) == []
    assert stands_at(os.fspath(tmp_path / "a.bin"))
    journal.clear()
    assert list((tmp_path / "git" / "mlvers" / "placeholders").iterdir()) == []


def test_a_torn_journal_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(b"")
    (tmp_path / "b.bin").write_bytes(b"")
    journal = journal_of_dead(tmp_path / "git", b"a.bin", b"b.bin")
    journal.write_bytes(journal.read_bytes()[:-3])
    assert recover(os.fspath(tmp_path / "git"), os.fspath(tmp_path)) == [b"a.bin"]
