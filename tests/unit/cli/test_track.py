"""git mlvers track and untrack: what they write, and what they leave alone."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.git import Repo

LINE = " filter=mlvers diff=mlvers merge=mlvers -text\n"
EXEMPT = " !filter !diff !merge !text\n"


def attributes(repo: Repo, at: str = ".") -> str:
    return (repo.file(at) / ".gitattributes").read_text()


def is_filtered(repo: Repo, path: str) -> bool:
    return repo.git("check-attr", "-z", "filter", "--", path).endswith("filter\0mlvers\0")


def test_writes_the_pattern_and_nothing_else(repo: Repo) -> None:
    said = repo.mlvers("track", "*.bin")
    assert said.splitlines() == [
        "tracking *.bin",
        "commit the patterns with: git add .gitattributes",
    ]
    assert attributes(repo) == "*.bin" + LINE
    repo.assert_status("?? .gitattributes")


def test_several_and_again(repo: Repo) -> None:
    repo.mlvers("track", "*.bin", "*.pt")
    before = attributes(repo)
    assert repo.mlvers("track", "*.pt", "*.bin").splitlines() == [
        "*.pt is tracked already",
        "*.bin is tracked already",
    ]
    assert attributes(repo) == before == f"*.bin{LINE}*.pt{LINE}"


def test_keeps_what_is_in_the_file(repo: Repo) -> None:
    repo.write(".gitattributes", "# mine\n*.txt text\n*.c diff=cpp")
    repo.mlvers("track", "*.bin")
    assert attributes(repo) == f"# mine\n*.txt text\n*.c diff=cpp\n*.bin{LINE}"


@pytest.mark.parametrize(
    ("words", "matches", "misses"),
    [
        (["*.bin"], ["a.bin", "d/e.bin"], ["a.txt"]),
        (["with space.bin"], ["with space.bin", "d/with space.bin"], ["with"]),
        (["data dir/**"], ["data dir/x", "data dir/y/z"], ["x"]),
        (["data/"], ["data/x", "data/y/z"], ["data2/x"]),
        (["./model.*"], ["model.pt"], ["d.pt"]),
        (["--filename", "a [1] *.csv"], ["a [1] *.csv"], ["a 1 x.csv", "d/a [1] *.csv"]),
        (["--filename", "#hash!.csv"], ["#hash!.csv"], ["hash!.csv"]),
        (["--filename", "back\\slash"], ["back\\slash"], ["backslash"]),
        (["--filename", 'quo"te\t'], ['quo"te\t'], ["quote"]),
        (["--filename", "sub/größe.bin"], ["sub/größe.bin"], ["größe.bin"]),
        (["--", "-dash.bin"], ["-dash.bin"], ["dash.bin"]),
    ],
)
def test_git_reads_it_as_it_was_meant(
    repo: Repo, words: list[str], matches: list[str], misses: list[str]
) -> None:
    repo.mlvers("track", *words)
    assert [path for path in matches if not is_filtered(repo, path)] == []
    assert [path for path in misses if is_filtered(repo, path)] == []
    listed = json.loads(repo.mlvers("track", "--json"))
    assert [item["file"] for item in listed] == [".gitattributes"]


@pytest.mark.parametrize(
    ("typed", "matches", "misses"),
    [
        (".", ["a.bin", "d/e.bin"], []),
        ("./", ["a.bin", "d/e.bin"], []),
        ("d//x.bin", ["d/x.bin"], ["x.bin"]),
        ("d/./x.bin", ["d/x.bin"], ["x.bin"]),
        ("d/x.bin/", ["d/x.bin"], ["x.bin"]),
        ("d/../model.bin", ["model.bin"], ["d/model.bin"]),
        ("{cwd}", ["a.bin", "d/e.bin"], []),
        ("{cwd}/model.bin", ["model.bin"], ["d/model.bin"]),
        ("{cwd}/*.pt", ["a.pt"], ["d/a.pt"]),
        ("{cwd}/d", ["d/x.bin", "d/e/f"], ["x.bin"]),
        ("{link}/d/x.bin", ["d/x.bin"], ["x.bin"]),
        ("/d", ["d/x.bin"], ["x.bin"]),
        ("e[1]", ["e[1]/x"], ["e1/x"]),
    ],
)
def test_a_path_in_any_form(
    repo: Repo, tmp_path: Path, typed: str, matches: list[str], misses: list[str]
) -> None:
    repo.write_all({"d/x.bin": "x", "model.bin": "x", "e[1]/x": "x"})
    (tmp_path / "link").symlink_to(repo.path)
    typed = typed.format(cwd=repo.path, link=tmp_path / "link")
    repo.mlvers("track", typed)
    assert [path for path in matches if not is_filtered(repo, path)] == []
    assert [path for path in misses if is_filtered(repo, path)] == []
    repo.mlvers("untrack", typed)
    assert not is_filtered(repo, matches[0])


def test_an_absolute_path_in_a_subdirectory(repo: Repo) -> None:
    repo.write_all({"d/x.bin": "x", "model.bin": "x"})
    repo.mlvers("track", str(repo.file("d/x.bin")), cwd="d")
    assert is_filtered(repo, "d/x.bin")
    ran = repo.fails("mlvers", "track", str(repo.file("model.bin")), cwd="d")
    assert ran.returncode == 2
    assert "outside of the current directory" in ran.stderr


def test_a_directory_means_what_is_in_it(repo: Repo) -> None:
    repo.write("data/deep/x.csv", "x")
    assert "tracking data/**" in repo.mlvers("track", "data")
    assert is_filtered(repo, "data/deep/x.csv")


def test_in_a_subdirectory(repo: Repo) -> None:
    repo.write("sub/x.bin", "x")
    repo.mlvers("track", "*.bin", cwd="sub")
    assert attributes(repo, "sub") == "*.bin" + LINE
    assert not repo.file(".gitattributes").exists()
    assert is_filtered(repo, "sub/x.bin")
    assert repo.mlvers("track").split() == ["*.bin", "sub/.gitattributes"]


def test_lists_patterns_with_their_file(repo: Repo) -> None:
    assert "no pattern is tracked" in repo.run("mlvers", "track").stderr
    repo.attributes("*.bin")
    repo.write("sub/.gitattributes", "*.x" + LINE + "*.y text\n")
    assert [line.split() for line in repo.mlvers("track").splitlines()] == [
        ["*.bin", ".gitattributes"],
        ["*.x", "sub/.gitattributes"],
    ]


@pytest.mark.parametrize(
    "pattern",
    [".gitattributes", ".gitignore", ".git*", "/.mlversconfig", "sub/.gitignore", ".mlvers*"],
)
def test_gits_own_files_are_refused(repo: Repo, pattern: str) -> None:
    ran = repo.fails("mlvers", "track", "*.bin", pattern)
    assert ran.returncode == 2
    assert "must stay readable" in ran.stderr
    assert not repo.file(".gitattributes").exists()


@pytest.mark.parametrize("pattern", ["../x", "d/../../x", "!x", "", "/", "[attr]x"])
def test_what_is_no_pattern_is_refused(repo: Repo, pattern: str) -> None:
    assert repo.fails("mlvers", "track", pattern).returncode in (1, 2)
    assert not repo.file(".gitattributes").exists()


@pytest.mark.parametrize("pattern", ["*", "**", "data/**", "data/*", ".*"])
def test_a_wide_pattern_leaves_gits_own_files_out(repo: Repo, pattern: str) -> None:
    repo.mlvers("track", pattern)
    names = (".gitattributes", ".gitignore", ".gitmodules", ".mlversconfig")
    prefix = "data/" if "data" in pattern else ""
    for name in names[:2] if prefix else names:  # the others mean nothing below the top
        assert not is_filtered(repo, prefix + name), name
    other = prefix + (".hidden" if pattern == ".*" else "x.bin")
    assert is_filtered(repo, other)
    assert [line.split()[0] for line in repo.mlvers("track").splitlines()] == [pattern]


def test_a_later_wide_pattern_leaves_them_out_too(repo: Repo) -> None:
    repo.mlvers("track", "data/**")
    repo.mlvers("track", "*")
    assert not is_filtered(repo, "data/.gitignore")
    assert not is_filtered(repo, ".mlversconfig")
    assert attributes(repo).count(".gitignore" + EXEMPT) == 1


def test_files_that_are_in_git_already_get_a_hint(repo: Repo) -> None:
    repo.write("a.bin", "content")
    repo.commit()
    ran = repo.run("mlvers", "track", "*.bin")
    assert "1 file in Git, such as a.bin" in ran.stderr
    assert "git add --renormalize ." in ran.stderr
    repo.git("add", ".gitattributes")
    repo.assert_status("A  .gitattributes")


def test_untrack_takes_back_what_track_wrote(repo: Repo) -> None:
    repo.write(".gitattributes", "*.txt text\n")
    repo.mlvers("track", "*.bin", "data/**", "with space")
    said = repo.mlvers("untrack", "*.bin", "with space")
    assert "no longer tracking *.bin" in said
    assert "git add --renormalize ." in said
    assert is_filtered(repo, "data/x")
    repo.mlvers("untrack", "data/")
    assert attributes(repo) == "*.txt text\n"


def test_untrack_what_is_not_tracked(repo: Repo) -> None:
    repo.mlvers("track", "*.bin")
    ran = repo.run("mlvers", "untrack", "*.pt", "*.bin", check=False)
    assert ran.returncode == 1
    assert "*.pt is not tracked" in ran.stderr
    assert "no longer tracking *.bin" in ran.stdout


def test_outside_and_bare(home: Path, make_repo: Callable[..., Repo]) -> None:
    bare = make_repo("bare.git", "--bare")
    assert "no working tree" in bare.fails("mlvers", "track", "*.bin").stderr
