"""Names of what stands at paths: those of content, however Git keeps it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from git_mlvers.pipeline.snapshot import Snapshot
from git_mlvers.workspace import Workspace
from tests.support.git import Repo, noise, oid_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

A, B = noise(3000, "a"), noise(200_000, "b")


@pytest.fixture
def repo(installed: Path, tmp_path: Path) -> Repo:
    made = Repo.init(tmp_path / "work")
    made.write_all({"file": A, "dir/one": A, "dir/sub/two": B, ".gitignore": b"ignored\n*.tmp\n"})
    return made


def names(repo: Repo, *paths: str, stored: Iterable[str] = ()) -> list[str | None]:
    """The names of `paths`, found out by a new snapshot."""
    with Workspace.open(str(repo.path), os.environ) as workspace:
        snapshot = Snapshot(workspace, stored)
        snapshot.look(paths)
        found = [snapshot.name(path) for path in paths]
        snapshot.close()
    return found


def test_the_name_of_a_file_is_the_hash_of_its_content(repo: Repo) -> None:
    assert names(repo, "file", "dir/one") == [oid_of(A), oid_of(A)]


def test_it_does_not_matter_how_git_keeps_it(repo: Repo) -> None:
    raw = names(repo, "file", "dir", "dir/sub/two")
    repo.commit("raw")
    assert names(repo, "file", "dir", "dir/sub/two") == raw
    repo.attributes("file", "dir/**")
    repo.git("add", "--renormalize", ".")
    assert repo.pointer("dir/sub/two", "") is not None
    assert names(repo, "file", "dir", "dir/sub/two") == raw
    repo.commit("tracked")
    # Pointers in the working tree stand for their content.
    for path in ("file", "dir/sub/two"):
        repo.write(path, repo.blob(path))
    assert names(repo, "file", "dir", "dir/sub/two") == raw


def test_nor_whether_it_is_ignored_or_outside(repo: Repo, tmp_path: Path) -> None:
    repo.write_all({"ignored/one": A, "ignored/sub/two": B})
    outside = Repo.init(tmp_path / "outside")
    outside.write_all({"one": A, "sub/two": B})
    (outside.path / ".git").rename(tmp_path / "elsewhere.git")
    found = names(repo, "dir", "ignored", str(outside.path), "../outside")
    assert len(set(found)) == 1
    assert names(repo, "ignored/one") == [oid_of(A)]
    outside.write("one", B)
    assert names(repo, str(outside.path)) != found[:1]


def test_what_is_ignored_in_a_folder_does_not_count(repo: Repo) -> None:
    before = names(repo, "dir")
    repo.write("dir/x.tmp", "junk")
    assert names(repo, "dir") == before
    repo.write("dir/x", "content")
    assert names(repo, "dir") != before


def test_outputs_count_whole(repo: Repo) -> None:
    repo.write_all({"ignored/one": A, "ignored/x.tmp": B})
    before = names(repo, "ignored", stored=["ignored"])
    repo.write("ignored/x.tmp", A)
    assert names(repo, "ignored", stored=["ignored"]) != before
    # Also where they are but a part of a dependency.
    repo.write("dir/out.tmp", A)
    with_it = names(repo, "dir", stored=["dir/out.tmp"])
    assert with_it != names(repo, "dir")
    repo.write("dir/out.tmp", B)
    assert names(repo, "dir", stored=["dir/out.tmp"]) != with_it


def test_names_and_kinds_in_a_folder_count(repo: Repo) -> None:
    found = names(repo, "dir")
    repo.file("dir/one").rename(repo.file("dir/uno"))
    found += names(repo, "dir")
    repo.file("dir/link").symlink_to("uno")
    found += names(repo, "dir")
    repo.remove("dir/link")
    repo.write("dir/link", "uno")
    found += names(repo, "dir")
    assert len(set(found)) == 4


def test_missing_and_empty(repo: Repo) -> None:
    repo.file("empty").mkdir()
    repo.write("nothing", b"")
    none, empty, nothing, below = names(repo, "none", "empty", "nothing", "file/below")
    assert none is None
    assert below is None
    assert nothing == oid_of(b"")
    assert empty not in (None, nothing)


def test_a_link_is_followed(repo: Repo, tmp_path: Path) -> None:
    outside = Repo.init(tmp_path / "outside")
    outside.write("data/one", A)
    repo.file("linked").symlink_to(outside.file("data"))
    before = names(repo, "linked", "linked/one")
    assert before[1] == oid_of(A)
    outside.write("data/one", B)
    assert names(repo, "linked", "linked/one") != before


def test_the_index_of_the_user_stays_as_it_is(repo: Repo) -> None:
    repo.git("add", "file")
    before = repo.git_path("index").read_bytes()
    status = repo.git("status", "--porcelain")
    names(repo, "file", "dir", "ignored", stored=["ignored"])
    assert repo.git_path("index").read_bytes() == before
    assert repo.git("status", "--porcelain") == status


def test_what_is_not_staged_is_not_read_again(repo: Repo) -> None:
    repo.attributes("dir/**")
    repo.commit("base")
    repo.write("dir/new", B)
    past = repo.file("dir/new").stat().st_mtime - 10
    for path in ("dir/new", "dir/one", "dir/sub/two", "file"):
        os.utime(repo.file(path), (past, past))
    repo.mlvers("status")
    first = names(repo, "dir")
    # Were it read again, the filter would say that it is something else.
    repo.config("filter.mlvers.process", "false")
    repo.config("filter.mlvers.clean", "false")
    assert names(repo, "dir") == first


def test_an_edit_in_the_same_second_is_seen(repo: Repo) -> None:
    repo.commit("base")
    found = set()
    for number in range(5):
        repo.write("file", b"%d" % number)
        found.update(names(repo, "file"))
    assert len(found) == 5


def test_a_damaged_memory_is_replaced(repo: Repo) -> None:
    before = names(repo, "dir")
    memory = repo.git_path("mlvers") / "names.db"
    memory.write_bytes(b"no database" * 1000)
    assert names(repo, "dir") == before
    assert names(repo, "dir") == before


def test_all_of_the_repository(repo: Repo) -> None:
    before = names(repo, ".")
    repo.write("dir/sub/two", A)
    assert names(repo, ".") != before


def test_other_kinds_of_repositories(installed: Path, tmp_path: Path) -> None:
    found = set()
    for options in ((), ("--object-format=sha256",)):
        made = Repo.init(tmp_path / "-".join(("work", *options)), *options)
        made.write_all({"dir/one": A, "dir/sub/two": B})
        found.update(names(made, "dir", "dir/one"))
    assert len(found) == 2
