"""What ``git mlvers ls-files`` lists."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.support.git import Repo, noise, oid_of

if TYPE_CHECKING:
    from pathlib import Path

A, B = noise(200_000, "a"), noise(2000, "b")


def line(data: bytes, mark: str, path: str) -> str:
    return f"{oid_of(data)[:10]} {mark} {path}"


@pytest.fixture
def project(installed: Path, repo: Repo, tmp_path: Path) -> Repo:
    """Two tracked files and one that is not, committed; and a git remote."""
    bare = Repo.init(tmp_path / "origin.git", "--bare")
    repo.mlvers("init")
    repo.git("remote", "add", "origin", str(bare.path))
    repo.attributes("*.bin")
    repo.write_all({"a.bin": A, "dir/b.bin": B, "plain.txt": b"plain"})
    repo.commit("first")
    return repo


def test_present_files(project: Repo) -> None:
    assert project.mlvers("ls-files").splitlines() == [
        line(A, "*", "a.bin"),
        line(B, "*", "dir/b.bin"),
    ]


def test_long_names_and_sizes(project: Repo) -> None:
    assert project.mlvers("ls-files", "-l").splitlines()[0] == f"{oid_of(A)} * a.bin"
    assert project.mlvers("ls-files", "-s").splitlines()[0] == f"{oid_of(A)[:10]} * a.bin (195 KiB)"
    assert project.mlvers("ls-files", "-n").splitlines() == ["a.bin", "dir/b.bin"]


def test_missing_content_is_marked(project: Repo) -> None:
    project.remove("dir/b.bin")
    assert project.mlvers("ls-files").splitlines()[1] == line(B, "-", "dir/b.bin")
    project.git("checkout", "--", ".")
    project.drop_cache()
    assert [row[11] for row in project.mlvers("ls-files").splitlines()] == ["-", "-"]


def test_pointers_in_the_working_tree_are_marked(project: Repo, tmp_path: Path) -> None:
    clone = project.clone_to(tmp_path / "clone", "-c", "mlvers.skipSmudge=true")
    assert clone.pointers_on_disk() == ["a.bin", "dir/b.bin"]
    assert [row[11] for row in clone.mlvers("ls-files").splitlines()] == ["-", "-"]


def test_staged_file_is_listed_before_its_commit(project: Repo) -> None:
    project.write("new.bin", B)
    project.git("add", "new.bin")
    assert line(B, "*", "new.bin") in project.mlvers("ls-files")
    assert "new.bin" not in project.mlvers("ls-files", "HEAD")


def test_another_revision(project: Repo) -> None:
    project.write("a.bin", noise(300, "changed"))
    project.git("rm", "-q", "dir/b.bin")
    project.commit("second")
    assert project.mlvers("ls-files", "HEAD~1").splitlines() == [
        line(A, "*", "a.bin"),
        line(B, "*", "dir/b.bin"),
    ]


def test_range_lists_what_its_commits_brought(project: Repo) -> None:
    for number in range(3):
        project.write("a.bin", noise(300, number))
        project.commit(str(number))
    assert sorted(project.mlvers("ls-files", "HEAD~2..HEAD").splitlines()) == sorted(
        line(noise(300, number), "*", "a.bin") for number in (1, 2)
    )


def test_deleted_and_all_list_history(project: Repo) -> None:
    project.git("rm", "-q", "dir/b.bin")
    project.commit("gone")
    project.git("checkout", "-q", "-b", "side")
    project.write("c.bin", noise(400, "c"))
    project.commit("side")
    project.git("checkout", "-q", "main")
    assert project.mlvers("ls-files", "-n").splitlines() == ["a.bin"]
    assert project.mlvers("ls-files", "-n", "--deleted").splitlines() == ["a.bin", "dir/b.bin"]
    assert project.mlvers("ls-files", "-n", "--all").splitlines() == [
        "a.bin",
        "c.bin",
        "dir/b.bin",
    ]


def test_patterns(project: Repo) -> None:
    project.write("dir/deep/c.bin", B)
    project.commit("deep")
    assert project.mlvers("ls-files", "-n", "-I", "dir/").splitlines() == [
        "dir/b.bin",
        "dir/deep/c.bin",
    ]
    assert project.mlvers("ls-files", "-n", "-X", "dir/deep/**").splitlines() == [
        "a.bin",
        "dir/b.bin",
    ]


def test_json(project: Repo) -> None:
    project.git("push", "-q", "origin", "main")
    project.write("late.bin", b"late")
    project.commit("late")
    project.remove("a.bin")
    found = json.loads(project.mlvers("ls-files", "--json", "--remote"))["files"]
    assert found == [
        {
            "path": path,
            "oid": f"blake3:{oid_of(data)}",
            "size": len(data),
            "cache": True,
            "working_tree": path != "a.bin",
            "remote": path != "late.bin",
        }
        for path, data in (("a.bin", A), ("dir/b.bin", B), ("late.bin", b"late"))
    ]
    assert "remote" not in json.loads(project.mlvers("ls-files", "--json"))["files"][0]


def test_unusual_names(project: Repo) -> None:
    names = [b"new\nline.bin", b"bytes\xff.bin", b"-dash.bin"]
    for name in names:
        project.write(name, name)
    project.commit("names")
    assert '"new\\nline.bin"' in project.mlvers("ls-files", "-n")
    listed = project.git_bytes("mlvers", "ls-files", "-n", "-z").split(b"\0")
    assert set(names) <= set(listed)


def test_bare_repository_and_empty_repository(
    project: Repo, make_repo: object, tmp_path: Path
) -> None:
    project.git("push", "-q", "origin", "main")
    bare = Repo(tmp_path / "origin.git")
    assert bare.mlvers("ls-files", "-n").splitlines() == ["a.bin", "dir/b.bin"]
    empty = make_repo("empty")  # type: ignore[operator]
    assert empty.mlvers("ls-files") == ""


def test_no_filter_is_started(project: Repo) -> None:
    assert project.filter_starts("mlvers", "ls-files") == 0


def test_unknown_revision(project: Repo) -> None:
    ran = project.fails("mlvers", "ls-files", "nonsense")
    assert "nonsense" in ran.stderr
