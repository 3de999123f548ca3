"""Which files are tracked: patterns, macros, and what must not be tracked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.git import Repo, noise

if TYPE_CHECKING:
    from pathlib import Path

DATA = noise(5000)


@pytest.fixture
def ready(installed: Path, repo: Repo) -> Repo:
    """A repository after ``git mlvers init``."""
    repo.mlvers("init")
    return repo


@pytest.mark.parametrize(
    ("pattern", "matching", "others"),
    [
        ("*.bin", ["a.bin", "d/e/a.bin"], ["a.txt", "a.bin.txt"]),
        ("data/**", ["data/a", "data/b/c.txt"], ["other/data/a", "datum"]),
        ("/top.dat", ["top.dat"], ["d/top.dat"]),
        ("d/*.dat", ["d/a.dat"], ["a.dat", "d/e/a.dat"]),
        ("**/deep/*", ["deep/a", "x/y/deep/a"], ["deeper/a"]),
        ("with space/*.dat", ["with space/a b.dat"], ["with/a.dat"]),
        ("a b.dat", ["a b.dat", "d/a b.dat"], ["a", "b.dat"]),
        ("[ab].dat", ["a.dat", "b.dat"], ["c.dat"]),
        ("ünï*", ["ünïcode"], ["unicode"]),
        ('quo"te*', ['quo"te.dat'], ["quote.dat"]),
        ("#hash*", ["#hash.dat"], ["hash.dat"]),
    ],
)
def test_pattern(ready: Repo, pattern: str, matching: list[str], others: list[str]) -> None:
    ready.mlvers("track", pattern)
    ready.write_all({name: name.encode() + DATA for name in [*matching, *others]})
    ready.commit()
    for name in matching:
        ready.assert_pointer(name, name.encode() + DATA)
    for name in others:
        ready.assert_not_pointer(name, name.encode() + DATA)
    ready.assert_status()
    ready.mlvers("untrack", pattern)
    ready.git("add", "--renormalize", ".")
    ready.commit("untracked")
    for name in matching:
        ready.assert_not_pointer(name, name.encode() + DATA)


def test_directory(ready: Repo) -> None:
    ready.write("data/a", DATA)
    ready.mlvers("track", "data")
    ready.commit()
    ready.assert_pointer("data/a", DATA)


def test_file_name_that_looks_like_a_pattern(ready: Repo) -> None:
    ready.write_all({"a[0]*.dat": DATA, "a0b.dat": DATA})
    ready.mlvers("track", "--filename", "a[0]*.dat")
    ready.commit()
    ready.assert_pointer("a[0]*.dat", DATA)
    ready.assert_not_pointer("a0b.dat", DATA)


def test_in_a_subdirectory(ready: Repo) -> None:
    ready.write_all({"d/a.dat": DATA, "a.dat": DATA})
    ready.mlvers("track", "*.dat", cwd="d")
    ready.commit()
    ready.assert_pointer("d/a.dat", DATA)
    ready.assert_not_pointer("a.dat", DATA)
    assert ready.file("d/.gitattributes").exists()


def test_add_one_path(ready: Repo) -> None:
    ready.write(".gitignore", "*.dat\n")
    ready.write_all({"d/model.dat": DATA, "d/other.dat": DATA})
    ready.mlvers("add", "d/model.dat")
    ready.git("commit", "-q", "-m", "model")
    ready.assert_pointer("d/model.dat", DATA)
    assert b"d/other.dat" not in ready.tracked()


def test_everything_leaves_out_what_git_must_read(ready: Repo) -> None:
    ready.mlvers("track", "*")
    ready.write_all(
        {"a": DATA, "d/b": DATA, ".gitignore": b"*.tmp\n", "d/.gitattributes": b"# x\n"}
    )
    ready.commit()
    ready.assert_pointer("a", DATA)
    ready.assert_pointer("d/b", DATA)
    for name in (".gitattributes", ".gitignore", "d/.gitattributes", ".mlversconfig"):
        ready.assert_not_pointer(name, ready.read(name))


@pytest.mark.parametrize("name", [".gitattributes", ".gitignore", ".gitmodules", ".mlversconfig"])
def test_what_git_must_read_is_refused(ready: Repo, name: str) -> None:
    assert name in ready.fails("mlvers", "track", name).stderr


def test_macro(ready: Repo) -> None:
    macro = "[attr]large filter=mlvers diff=mlvers merge=mlvers -text\n"
    ready.write(".gitattributes", f"{macro}*.dat large\n")
    ready.write("a.dat", DATA)
    ready.commit()
    ready.assert_pointer("a.dat", DATA)
    ready.assert_status()


def test_attributes_of_the_repository_and_of_the_user(ready: Repo, home: Path) -> None:
    info = ready.common_dir() / "info"
    info.mkdir(exist_ok=True)
    (info / "attributes").write_text("*.one filter=mlvers -text\n")
    (home / "attributes").write_text("*.two filter=mlvers -text\n")
    ready.git("config", "--global", "core.attributesFile", str(home / "attributes"))
    ready.write_all({"a.one": DATA, "a.two": DATA})
    ready.commit()
    ready.assert_pointer("a.one", DATA)
    ready.assert_pointer("a.two", DATA)
    ready.assert_status()


def test_exception_below_a_directory(ready: Repo) -> None:
    ready.mlvers("track", "data/**")
    ready.write("data/.gitattributes", "*.md -filter\n")
    ready.write_all({"data/a": DATA, "data/readme.md": b"# plain\n"})
    ready.commit()
    ready.assert_pointer("data/a", DATA)
    ready.assert_not_pointer("data/readme.md", b"# plain\n")


def test_files_that_are_in_git_already_are_converted(ready: Repo) -> None:
    ready.write_all({"a.bin": DATA, "b.bin": noise(200_000)})
    ready.commit("raw")
    said = ready.run("mlvers", "track", "*.bin").stderr
    assert "--renormalize" in said
    ready.git("add", "--renormalize", ".")
    ready.commit("tracked")
    ready.assert_pointer("a.bin", DATA)
    ready.git("checkout", "-q", "HEAD~1")
    ready.git("checkout", "-q", "main")
    ready.assert_contents({"a.bin": DATA, "b.bin": noise(200_000)})
    ready.assert_clean()


def test_listing(ready: Repo) -> None:
    ready.mlvers("track", "*.bin", "data/**")
    said = ready.mlvers("track")
    assert "*.bin" in said
    assert "data/**" in said
    assert ready.mlvers("untrack", "*.bin") is not None
    assert "*.bin" not in ready.mlvers("track")


def test_bare_repository_reads_its_own_attributes(ready: Repo, tmp_path: Path) -> None:
    ready.mlvers("track", "*.bin")
    ready.write("a.bin", DATA)
    ready.commit()
    ready.git("clone", "-q", "--bare", ".", str(tmp_path / "bare.git"))
    Repo(tmp_path / "bare.git").fsck()


def test_track_outside_of_a_repository(installed: Path, tmp_path: Path) -> None:
    said = Repo(tmp_path).fails("mlvers", "track", "*.bin")
    assert said.returncode == 3
