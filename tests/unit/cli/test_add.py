"""git mlvers add: exactly these paths, tracked, out of .gitignore's way, and added."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.support.git import Repo, noise

if TYPE_CHECKING:
    from pathlib import Path

DATA = noise(5000)


@pytest.fixture(autouse=True)
def user_wide(installed: Path) -> None:
    """The filter is set up for the user in each test."""


def staged(repo: Repo) -> list[str]:
    return repo.git("diff", "--cached", "--name-only").splitlines()


def test_adds_a_pointer_and_the_pattern(repo: Repo) -> None:
    repo.write("model.bin", DATA)
    said = repo.mlvers("add", "model.bin")
    assert said.splitlines() == ["tracking /model.bin", "added model.bin"]
    assert staged(repo) == [".gitattributes", "model.bin"]
    repo.assert_pointer("model.bin", DATA, rev="")
    assert repo.read("model.bin") == DATA


def test_exactly_that_path(repo: Repo) -> None:
    repo.write_all({"a [1]*.bin": DATA, "a 1x.bin": DATA, "sub/a [1]*.bin": DATA})
    repo.mlvers("add", "a [1]*.bin")
    repo.git("add", "-A")
    repo.assert_pointer("a [1]*.bin", DATA, rev="")
    repo.assert_not_pointer("a 1x.bin", DATA, rev="")
    repo.assert_not_pointer("sub/a [1]*.bin", DATA, rev="")


def test_from_a_subdirectory_and_through_dots(repo: Repo) -> None:
    repo.write_all({"sub/a.bin": DATA, "b.bin": DATA})
    repo.mlvers("add", "a.bin", "../b.bin", cwd="sub")
    repo.assert_pointer("sub/a.bin", DATA, rev="")
    repo.assert_pointer("b.bin", DATA, rev="")
    assert not repo.file("sub/.gitattributes").exists()


def test_a_directory_with_what_comes_later(repo: Repo) -> None:
    repo.write("data/deep/a", DATA)
    repo.mlvers("add", "data")
    repo.assert_pointer("data/deep/a", DATA, rev="")
    repo.write("data/b", DATA)
    repo.git("add", "data")
    repo.assert_pointer("data/b", DATA, rev="")


def test_nothing_is_written_when_a_pattern_covers_it(repo: Repo) -> None:
    repo.attributes("*.bin")
    before = repo.read(".gitattributes")
    repo.write("a.bin", DATA)
    repo.mlvers("add", "a.bin")
    assert repo.read(".gitattributes") == before
    repo.assert_pointer("a.bin", DATA, rev="")


def test_a_file_that_git_has_as_it_is_becomes_a_pointer(repo: Repo) -> None:
    repo.write("a.bin", DATA)
    repo.commit()
    repo.mlvers("add", "a.bin")
    repo.assert_pointer("a.bin", DATA, rev="")


def test_other_changes_of_gitattributes_are_not_staged(repo: Repo) -> None:
    repo.write(".gitattributes", "*.txt text\n")
    repo.commit()
    repo.write(".gitattributes", "*.txt text\n*.c text\n")
    repo.write("a.bin", DATA)
    ran = repo.run("mlvers", "add", "a.bin")
    assert "git add .gitattributes" in ran.stderr
    assert staged(repo) == ["a.bin"]


class TestIgnored:
    @pytest.mark.parametrize(
        ("ignore", "path", "after"),
        [
            ("*.bin\n", "a.bin", "*.bin\n!/a.bin\n"),
            ("x\n*.bin\ny", "a.bin", "x\n*.bin\n!/a.bin\ny"),
            ("data/*\n", "data/a", "data/*\n!/data/a\n"),
            ("/a.bin", "a.bin", "/a.bin\n!/a.bin\n"),
            ("*.csv\n", "a [x].csv", "*.csv\n!/a \\[x].csv\n"),
        ],
    )
    def test_gets_an_exception_behind_the_line(
        self, repo: Repo, ignore: str, path: str, after: str
    ) -> None:
        repo.write(".gitignore", ignore)
        repo.git("add", ".gitignore")
        repo.write(path, DATA)
        said = repo.mlvers("add", path)
        assert repo.read(".gitignore").decode() == after
        assert f".gitignore no longer ignores {path}" in said
        assert ".gitignore" in staged(repo)
        repo.assert_pointer(path, DATA, rev="")
        assert repo.run("check-ignore", "--no-index", "-q", path, check=False).returncode == 1

    @pytest.mark.parametrize(
        ("name", "line"),
        [("a\nb.bin", "!/a?b.bin"), ("a.bin ", "!/a.bin\\ "), ("a.bin\r", "!/a.bin?")],
    )
    def test_a_name_that_no_line_can_have(self, repo: Repo, name: str, line: str) -> None:
        repo.write(".gitignore", "# one\rline\n*.bin*\n")
        repo.write(name, DATA)
        repo.mlvers("add", name)
        assert repo.read(".gitignore").decode() == f"# one\rline\n*.bin*\n{line}\n"
        repo.assert_pointer(name, DATA, rev="")
        assert repo.run("check-ignore", "--no-index", "-q", name, check=False).returncode == 1

    def test_in_the_nearest_file(self, repo: Repo) -> None:
        repo.write("sub/.gitignore", "*.bin\n")
        repo.write("sub/d/a.bin", DATA)
        repo.mlvers("add", "sub/d/a.bin")
        assert repo.read("sub/.gitignore") == b"*.bin\n!/d/a.bin\n"

    def test_from_the_users_own_list(self, repo: Repo) -> None:
        (repo.path / ".git/info").mkdir(exist_ok=True)
        (repo.path / ".git/info/exclude").write_text("*.bin\n")
        repo.write("a.bin", DATA)
        repo.mlvers("add", "a.bin")
        assert repo.read(".gitignore") == b"!/a.bin\n"
        assert (repo.path / ".git/info/exclude").read_text() == "*.bin\n"

    def test_a_directory(self, repo: Repo) -> None:
        repo.write(".gitignore", "data\n")
        repo.write("data/a", DATA)
        repo.mlvers("add", "data")
        assert repo.read(".gitignore") == b"data\n!/data/\n"
        repo.assert_pointer("data/a", DATA, rev="")

    def test_in_a_directory_that_is_ignored_as_a_whole(self, repo: Repo) -> None:
        repo.write(".gitignore", "data/\n")
        repo.write("data/a", DATA)
        ran = repo.run("mlvers", "add", "data/a")
        assert "in spite of it" in ran.stderr
        assert repo.read(".gitignore") == b"data/\n"
        repo.assert_pointer("data/a", DATA, rev="")


class TestNothingAdded:
    def test_an_empty_directory(self, repo: Repo) -> None:
        repo.file("data").mkdir()
        ran = repo.run("mlvers", "add", "data")
        assert "added" not in ran.stdout
        assert "there is no file in data yet; those that come are tracked" in ran.stderr

    def test_what_is_no_file(self, repo: Repo) -> None:
        os.mkfifo(repo.file("f.bin"))
        ran = repo.fails("mlvers", "add", "f.bin")
        assert ran.returncode == 2
        assert "f.bin is neither a file nor a directory" in ran.stderr

    @pytest.mark.parametrize("path", ["data/in", "data/in/x.bin"])
    def test_another_repository(self, repo: Repo, path: str) -> None:
        inner = Repo.init(repo.file("data/in"))
        inner.write("x.bin", DATA)
        ran = repo.fails("mlvers", "add", path)
        assert ran.returncode == 2
        assert "data/in is a repository of its own" in ran.stderr
        assert not repo.file(".gitattributes").exists()

    def test_another_repository_in_a_directory(self, repo: Repo) -> None:
        inner = Repo.init(repo.file("data/in"))
        inner.commit("empty", "--allow-empty")
        repo.write("data/x.bin", DATA)
        ran = repo.run("mlvers", "add", "data")
        assert "added data" in ran.stdout
        assert "note: data/in is a repository of its own" in ran.stderr
        repo.assert_pointer("data/x.bin", DATA, rev="")


class TestRefused:
    @pytest.mark.parametrize(
        ("path", "says"),
        [
            ("gone.bin", "does not exist"),
            ("../outside", "outside of the working tree"),
            (".git/config", "belongs to git itself"),
            ("link", "symbolic link"),
            (".gitignore", "must stay readable"),
        ],
    )
    def test_with_a_sentence_and_nothing_done(
        self, repo: Repo, tmp_path: Path, path: str, says: str
    ) -> None:
        (tmp_path / "outside").write_bytes(DATA)
        repo.write(".gitignore", "x\n")
        repo.file("link").symlink_to(tmp_path / "outside")
        ran = repo.fails("mlvers", "add", path)
        assert ran.returncode == 2
        assert says in ran.stderr
        assert staged(repo) == []
        assert not repo.file(".gitattributes").exists()

    def test_when_a_nearer_file_says_otherwise(self, repo: Repo) -> None:
        repo.write("sub/.gitattributes", "*.bin -filter\n")
        repo.write("sub/a.bin", DATA)
        ran = repo.fails("mlvers", "add", "sub/a.bin")
        assert "nearer to it says otherwise" in ran.stderr
