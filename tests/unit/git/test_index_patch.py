"""What the index patch leaves alone, and what git thinks of the result."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest

from git_mlvers.git.index import (
    IndexLocked,
    IndexUnsupported,
    StatChange,
    patch_stat,
    read_entries,
)
from git_mlvers.git.index_lock import read_index, replace_index

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from git_mlvers.git.index import Entry
    from tests.support.git import Repo

OLD = time.time_ns() // 10**9 - 3600


def index_of(repo: Repo) -> Path:
    return repo.path / ".git/index"


def entries_of(repo: Repo) -> dict[bytes, Entry]:
    return {entry.path: entry for entry in read_entries(str(index_of(repo)), "sha1")}


def patch(repo: Repo, *paths: bytes, munge: bool = False) -> int:
    """Tell the index what stat says of `paths` now."""
    entries = entries_of(repo)
    changes = {path: StatChange(entries[path].oid, os.lstat(repo.file(path))) for path in paths}
    return patch_stat(str(index_of(repo)), changes, "sha1", munge)


def settled(repo: Repo, *paths: str, seconds: int = OLD) -> None:
    """Add files that are long there, with an index that is younger than they are."""
    for path in paths:
        os.utime(repo.write(path, f"content of {path}\n"), (seconds, seconds))
    repo.git("add", "-A")
    os.utime(index_of(repo), (seconds + 60, seconds + 60))


def replaced(repo: Repo, path: str, seconds: int = OLD + 5) -> None:
    """The same content in another file, as a checkout behind git's back leaves it."""
    data = repo.read(path)
    repo.remove(path)
    os.utime(repo.write(path, data), (seconds, seconds))


def looked_at(repo: Repo) -> list[str]:
    """The paths that git finds changed when it may not read any file."""
    return repo.git("diff-files", "--name-only").splitlines()


def test_git_need_not_read_the_file_again(repo: Repo) -> None:
    settled(repo, "a", "b")
    replaced(repo, "a")
    assert looked_at(repo) == ["a"]
    assert patch(repo, b"a") == 1
    assert looked_at(repo) == []
    repo.fsck()


def test_no_such_index(tmp_path: Path) -> None:
    path = str(tmp_path / "index")
    assert read_entries(path, "sha1") == []
    assert patch_stat(path, {b"a": StatChange("0" * 40, os.stat(tmp_path))}, "sha1", False) == 0


def test_nothing_to_do_does_not_touch_the_file(repo: Repo) -> None:
    settled(repo, "a")
    before = os.stat(index_of(repo))
    stat = os.lstat(repo.file("a"))
    assert patch_stat(str(index_of(repo)), {}, "sha1", False) == 0
    other = {b"a": StatChange("1" * 40, stat), b"none": StatChange("1" * 40, stat)}
    assert patch_stat(str(index_of(repo)), other, "sha1", False) == 0
    empty = {b"a": StatChange("", stat)}
    assert patch_stat(str(index_of(repo)), empty, "sha1", False) == 0
    assert os.stat(index_of(repo)).st_ctime_ns == before.st_ctime_ns


def test_what_git_treats_specially_is_left_alone(repo: Repo) -> None:
    settled(repo, "assumed", "skipped", "plain")
    repo.git("update-index", "--assume-unchanged", "assumed")
    repo.git("update-index", "--skip-worktree", "skipped")
    repo.write("intended", b"")
    repo.git("add", "-N", "intended")
    before = entries_of(repo)
    assert before[b"assumed"].assume_valid
    assert before[b"skipped"].skip_worktree
    assert before[b"intended"].intent_to_add
    for path in ("assumed", "skipped", "plain"):
        replaced(repo, path)
    assert patch(repo, b"assumed", b"skipped", b"plain", b"intended") == 1
    after = entries_of(repo)
    assert {path for path in before if before[path] != after[path]} == {b"plain"}


def test_conflicts_are_left_alone(repo: Repo) -> None:
    repo.write("a", b"base\n")
    repo.commit()
    repo.git("checkout", "-q", "-b", "side")
    repo.write("a", b"side\n")
    repo.commit()
    repo.git("checkout", "-q", "main")
    repo.write("a", b"main\n")
    repo.commit()
    repo.run("merge", "side", check=False)
    entries = read_entries(str(index_of(repo)), "sha1")
    assert [entry.stage for entry in entries] == [1, 2, 3]
    stat = os.lstat(repo.file("a"))
    for entry in entries:
        change = {b"a": StatChange(entry.oid, stat)}
        assert patch_stat(str(index_of(repo)), change, "sha1", False) == 0


def test_the_entry_must_be_as_expected(repo: Repo) -> None:
    settled(repo, "a", "b")
    entries = entries_of(repo)
    recorded = {path: os.lstat(repo.file(path)) for path in (b"a", b"b")}
    os.utime(repo.file("a"), (OLD - 10, OLD - 10))
    replaced(repo, "b")
    unknown = os.lstat(repo.file("b"))
    os.utime(repo.file("b"), (OLD - 10, OLD - 10))
    changes = {
        b"a": StatChange(entries[b"a"].oid, os.lstat(repo.file("a")), recorded[b"a"]),
        b"b": StatChange(entries[b"b"].oid, os.lstat(repo.file("b")), unknown),
    }
    assert patch_stat(str(index_of(repo)), changes, "sha1", False) == 1
    assert looked_at(repo) == ["b"]


def test_the_time_of_the_index_stays(repo: Repo) -> None:
    settled(repo, "a", "b")
    before = os.stat(index_of(repo))
    replaced(repo, "a")
    patch(repo, b"a")
    assert os.stat(index_of(repo)).st_mtime_ns == before.st_mtime_ns


def test_racily_clean_files_stay_so(repo: Repo) -> None:
    settled(repo, "a", "racy")
    second = OLD + 60
    os.utime(repo.file("racy"), (second, second))
    repo.git("add", "racy")
    os.utime(index_of(repo), (second, second))
    # A change in the same second, of the same length, that stat does not show.
    data = repo.read("racy")
    repo.write("racy", data[::-1])
    os.utime(repo.file("racy"), (second, second))
    repo.git("config", "core.trustctime", "false")
    replaced(repo, "a")
    assert patch(repo, b"a") == 1
    repo.assert_status("A  a", "AM racy")


def test_a_file_newer_than_the_index_moves_its_time(repo: Repo) -> None:
    """Long after the last command of git, content takes the place of pointers."""
    settled(repo, "a", "racy")
    second = OLD + 60
    os.utime(repo.file("racy"), (second, second))
    repo.git("add", "racy")
    os.utime(index_of(repo), (second, second))
    data = repo.read("racy")
    repo.write("racy", data[::-1])
    os.utime(repo.file("racy"), (second, second))
    repo.git("config", "core.trustctime", "false")
    replaced(repo, "a", OLD + 1800)
    assert patch(repo, b"a") == 1
    assert OLD + 1800 < os.stat(index_of(repo)).st_mtime < time.time()
    entries = entries_of(repo)
    assert entries[b"a"].size == len(repo.read("a"))
    assert entries[b"racy"].size == 0, "git has to look at it, since its time tells no more"
    repo.assert_status("A  a", "AM racy")


def test_the_index_never_gets_a_time_to_come(repo: Repo) -> None:
    settled(repo, "a")
    before = os.stat(index_of(repo)).st_mtime_ns
    replaced(repo, "a", int(time.time()) + 3)
    assert patch(repo, b"a") == 1
    assert os.stat(index_of(repo)).st_mtime_ns == before


@pytest.mark.parametrize(
    ("size", "munge", "recorded"),
    [
        (5, True, 5),
        ((1 << 32) + 5, True, 5),
        (1 << 32, False, 0),
        (1 << 32, True, 0x80000000),
        (3 << 32, True, 0x80000000),
        (0, True, 0),
    ],
)
def test_sizes_of_many_gigabytes(repo: Repo, size: int, munge: bool, recorded: int) -> None:
    settled(repo, "a")
    entry = entries_of(repo)[b"a"]
    (repo.path.parent / "large").touch()
    os.truncate(repo.path.parent / "large", size)
    change = {b"a": StatChange(entry.oid, os.stat(repo.path.parent / "large"))}
    assert patch_stat(str(index_of(repo)), change, "sha1", munge) == 1
    assert entries_of(repo)[b"a"].size == recorded


def test_a_split_index_is_left_alone(repo: Repo) -> None:
    settled(repo, "a", "b")
    repo.git("update-index", "--split-index")
    before = index_of(repo).read_bytes()
    assert b"link" in before
    with pytest.raises(IndexUnsupported, match="split"):
        read_entries(str(index_of(repo)), "sha1")
    # Those that are not in the shared part have an entry here all the same.
    replaced(repo, "a")
    repo.write("c", b"new")
    repo.git("add", "-A")
    before = index_of(repo).read_bytes()
    change = {b"c": StatChange(repo.git("rev-parse", ":c"), os.lstat(repo.file("a")))}
    with pytest.raises(IndexUnsupported, match="split"):
        patch_stat(str(index_of(repo)), change, "sha1", False)
    assert index_of(repo).read_bytes() == before


def test_without_a_hash_none_is_written(repo: Repo) -> None:
    """index.skipHash (git 2.40) leaves the place of the hash filled with zeros."""
    settled(repo, "a")
    data = index_of(repo).read_bytes()
    index_of(repo).write_bytes(data[:-20] + bytes(20))
    os.utime(index_of(repo), (OLD + 60, OLD + 60))
    replaced(repo, "a")
    assert patch(repo, b"a") == 1
    assert index_of(repo).read_bytes()[-20:] == bytes(20)
    assert looked_at(repo) == []


def test_damage_is_not_covered_up(repo: Repo) -> None:
    settled(repo, "a")
    data = bytearray(index_of(repo).read_bytes())
    data[-1] ^= 1
    index_of(repo).write_bytes(data)
    with pytest.raises(IndexUnsupported, match="checksum"):
        patch(repo, b"a")
    assert index_of(repo).read_bytes() == data


@pytest.mark.parametrize("version", [2, 4])
def test_large_indexes_written_in_threads(repo: Repo, version: int) -> None:
    repo.config("index.version", str(version))
    repo.config("index.threads", "2")
    settled(repo, "data/00100.bin")
    blob = repo.git("rev-parse", ":data/00100.bin")
    lines = b"".join(b"100644 %b\tdata/%05d.bin\n" % (blob.encode(), n) for n in range(25_000))
    repo.git("update-index", "--index-info", stdin=lines)
    data = index_of(repo).read_bytes()
    assert b"IEOT" in data
    assert b"EOIE" in data
    assert patch(repo, b"data/00100.bin") == 1
    assert index_of(repo).read_bytes()[-60:-20].count(b"EOIE") == data[-60:-20].count(b"EOIE")
    names = repo.git("diff-files", "--name-only").splitlines()
    assert len(names) == 24_999
    assert "data/00100.bin" not in names
    repo.fsck()


def test_a_sparse_index(repo: Repo) -> None:
    for path in ("in/a", "out/b", "out/deep/c"):
        repo.write(path, path.encode())
    repo.commit()
    repo.git("sparse-checkout", "set", "--cone", "--sparse-index", "in")
    assert b"sdir" in index_of(repo).read_bytes()
    entries = entries_of(repo)
    assert entries[b"out/"].mode == 0o040000
    replaced(repo, "in/a", OLD)
    assert patch(repo, b"in/a") == 1
    assert looked_at(repo) == []
    repo.fsck()


def test_permissions_of_a_shared_repository_are_kept(make_repo: Callable[..., Repo]) -> None:
    repo = make_repo("shared", "--shared=group")
    settled(repo, "a")
    mode = os.stat(index_of(repo)).st_mode
    assert mode & 0o060
    replaced(repo, "a")
    old = os.umask(0o077)
    try:
        assert patch(repo, b"a") == 1
    finally:
        os.umask(old)
    assert os.stat(index_of(repo)).st_mode == mode


def test_an_index_behind_a_symbolic_link(repo: Repo) -> None:
    settled(repo, "a")
    os.rename(index_of(repo), repo.path.parent / "index-elsewhere")
    index_of(repo).symlink_to("../../index-elsewhere")
    replaced(repo, "a")
    assert patch(repo, b"a") == 1
    assert index_of(repo).is_symlink()
    assert looked_at(repo) == []


def test_an_index_that_was_written_meanwhile_is_not_overwritten(repo: Repo) -> None:
    settled(repo, "a")
    found = read_index(str(index_of(repo)))
    assert found is not None
    settled(repo, "a", "b")
    after = index_of(repo).read_bytes()
    assert not replace_index(str(index_of(repo)), *found, mtime_ns=OLD)
    assert index_of(repo).read_bytes() == after
    assert not (repo.path / ".git/index.lock").exists()


def test_a_lock_of_somebody_else_stays(repo: Repo) -> None:
    settled(repo, "a")
    replaced(repo, "a")
    lock = repo.path / ".git/index.lock"
    lock.write_bytes(b"theirs")
    with pytest.raises(IndexLocked, match="cannot lock the index"):
        patch(repo, b"a")
    assert lock.read_bytes() == b"theirs"
