"""What ``git mlvers status`` tells."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.support.git import Repo, noise, oid_of, pointer_of

if TYPE_CHECKING:
    from pathlib import Path

A, B = noise(200_000, "a"), noise(2000, "b")
RAW = ("-c", "filter.mlvers.process=", "-c", "filter.mlvers.required=false")


@pytest.fixture
def project(installed: Path, repo: Repo, tmp_path: Path) -> Repo:
    """Two tracked files and one that is not, committed and pushed."""
    bare = Repo.init(tmp_path / "origin.git", "--bare")
    repo.mlvers("init")
    repo.git("remote", "add", "origin", str(bare.path))
    repo.attributes("*.bin")
    repo.write_all({"a.bin": A, "dir/b.bin": B, "plain.txt": b"plain"})
    repo.commit("first")
    repo.git("push", "-q", "-u", "origin", "main")
    return repo


def report(repo: Repo, *args: str) -> dict[str, list[dict[str, object]]]:
    found = json.loads(repo.mlvers("status", "--json", *args))
    assert isinstance(found, dict)
    return found


def test_nothing_to_say(project: Repo) -> None:
    project.settle()
    said = project.mlvers("status")
    assert "On branch main" in said
    assert "Nothing to report" in said
    assert project.mlvers("status", "--porcelain") == ""
    assert project.filter_starts("mlvers", "status") == 0


def test_staged_and_unstaged_changes(project: Repo) -> None:
    project.write("a.bin", b"staged")
    project.write("new.bin", b"new")
    project.git("add", "-A")
    project.git("rm", "-q", "dir/b.bin")
    project.write("a.bin", b"and edited")
    project.write("plain.txt", b"not our matter")
    said = project.mlvers("status")
    assert "Changes to be committed" in said
    assert "Changes not staged for commit" in said
    assert "plain.txt" not in said
    assert f"a.bin (mlvers: {oid_of(A)[:10]} -> mlvers: {oid_of(b'staged')[:10]})" in said
    assert f"a.bin (mlvers: {oid_of(b'staged')[:10]} -> edited)" in said
    assert f"new.bin (mlvers: {oid_of(b'new')[:10]})" in said
    assert f"dir/b.bin (mlvers: {oid_of(B)[:10]} -> deleted)" in said
    assert project.mlvers("status", "--porcelain").splitlines() == [
        "MM a.bin",
        "D  dir/b.bin",
        "A  new.bin",
    ]


def test_conversion_between_git_and_mlvers(project: Repo) -> None:
    project.attributes("*.txt")
    project.git("add", "--renormalize", ".")
    blob = project.git("rev-parse", "HEAD:plain.txt")[:7]
    assert f"plain.txt (Git: {blob} -> mlvers: {oid_of(b'plain')[:10]})" in project.mlvers("status")
    project.commit("tracked")
    project.write(".gitattributes", b"")
    project.git("add", "--renormalize", ".")
    said = project.mlvers("status")
    assert f"plain.txt (mlvers: {oid_of(b'plain')[:10]} -> Git: {blob})" in said


def test_rename(project: Repo) -> None:
    project.git("mv", "a.bin", "moved.bin")
    assert project.mlvers("status", "--porcelain") == "R  a.bin -> moved.bin"
    assert "a.bin -> moved.bin" in project.mlvers("status")


def test_conflict(project: Repo) -> None:
    project.git("checkout", "-q", "-b", "side")
    project.write("a.bin", b"\0theirs")
    project.commit("theirs")
    project.git("checkout", "-q", "main")
    project.write("a.bin", b"\0ours")
    project.commit("ours")
    project.fails("merge", "side")
    assert "Unmerged paths" in project.mlvers("status")
    assert "UU a.bin" in project.mlvers("status", "--porcelain")


def test_not_pushed(project: Repo) -> None:
    for number in range(3):
        project.write("a.bin", noise(1000, number))
        project.commit(str(number))
    project.write("plain.txt", b"other")
    project.commit("plain")
    said = project.mlvers("status")
    assert "4 commits" in said
    assert "3 files" in said
    assert f"a.bin (mlvers: {oid_of(noise(1000, 2))[:10]})" in said
    found = report(project)["not_pushed"]
    assert {item["oid"] for item in found} == {
        f"blake3:{oid_of(noise(1000, number))}" for number in range(3)
    }
    assert all("on_remote" not in item for item in found)
    project.git("push", "-q")
    assert report(project)["not_pushed"] == []


def test_remote_is_asked_for_what_it_has(project: Repo) -> None:
    project.write("c.bin", b"one")
    project.commit("one")
    project.mlvers("push")
    project.write("d.bin", b"two")
    project.commit("two")
    found = {
        str(item["path"]): item["on_remote"] for item in report(project, "--remote")["not_pushed"]
    }
    assert found == {"c.bin": True, "d.bin": False}
    assert "content is on the remote" in project.mlvers("status", "--remote")


def test_pushed_without_its_content(project: Repo) -> None:
    assert "unchanged, here, and on the remote" in project.mlvers("status", "--remote")
    project.write("c.bin", b"one")
    project.commit("one")
    project.git("push", "-q", "--no-verify")
    project.settle()
    assert "and its commits are pushed" in project.mlvers("status")
    said = project.mlvers("status", "--remote")
    assert "Pushed, but the content is not on the remote" in said
    assert f"c.bin (mlvers: {oid_of(b'one')[:10]})" in said
    [item] = report(project, "--remote")["not_sent"]
    assert item["path"] == "c.bin"
    project.mlvers("push")
    assert report(project, "--remote")["not_sent"] == []


def test_pointers_left_in_the_working_tree(project: Repo, tmp_path: Path) -> None:
    clone = Repo(tmp_path / "origin.git").clone_to(tmp_path / "c", "-c", "mlvers.skipSmudge=true")
    said = clone.mlvers("status")
    assert "a.bin" in said
    assert "git mlvers pull" in said
    assert [item["path"] for item in report(clone)["without_content"]] == ["a.bin", "dir/b.bin"]


def test_pointer_of_other_content_is_a_change(project: Repo) -> None:
    project.write("a.bin", pointer_of(B))
    assert project.mlvers("status", "--porcelain") == " M a.bin"


def test_raw_file_over_a_tracked_path(project: Repo) -> None:
    project.write("raw.bin", b"raw")
    project.git(*RAW, "add", "raw.bin")
    project.git(*RAW, "commit", "-q", "-m", "raw")
    said = project.mlvers("status")
    assert "raw.bin" in said
    assert "git add --renormalize" in said
    assert [item["path"] for item in report(project)["not_pointers"]] == ["raw.bin"]


def test_empty_file_and_link_are_no_raw_files(project: Repo) -> None:
    project.write("empty.bin", b"")
    project.file("link.bin").symlink_to("a.bin")
    project.commit("special")
    assert report(project)["not_pointers"] == []


def test_from_a_subdirectory(project: Repo) -> None:
    project.write("dir/b.bin", b"changed")
    assert project.git("mlvers", "status", "--porcelain", cwd="dir") == " M dir/b.bin"


def test_unusual_names(project: Repo) -> None:
    for name in (b"new\nline.bin", b"bytes\xff.bin", b"-dash.bin"):
        project.write(name, name)
    project.git("add", "-A")
    assert '"new\\nline.bin"' in project.mlvers("status", "--porcelain")
    assert len(report(project)["staged"]) == 3


def test_detached_head_unborn_branch_and_no_remote(installed: Path, repo: Repo) -> None:
    assert "No commits yet" in repo.mlvers("status")
    repo.attributes("*.bin")
    repo.write("a.bin", A)
    repo.git("add", "-A")
    assert repo.mlvers("status", "--porcelain") == "A  a.bin"
    repo.commit("first")
    repo.git("checkout", "-q", "--detach")
    assert "HEAD detached" in repo.mlvers("status")


def test_bare_repository(project: Repo, tmp_path: Path) -> None:
    ran = Repo(tmp_path / "origin.git").fails("mlvers", "status")
    assert "working tree" in ran.stderr
