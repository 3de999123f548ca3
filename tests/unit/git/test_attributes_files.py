"""Tracked patterns: written so that git takes them, and nothing else in the file is changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from git_mlvers.git import attributes, command
from git_mlvers.git.repository import Repository

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.git import Repo

OURS = "filter=mlvers diff=mlvers merge=mlvers -text"


def found(repo: Repo) -> Repository:
    return Repository.discover(str(repo.path), {})


def attribute(repo: Repo, name: str, path: bytes) -> str:
    said = repo.git_bytes("check-attr", "-z", name, "--", path)
    return said.split(b"\0")[2].decode()


def test_a_pattern_is_written_once(tmp_path: Path) -> None:
    file = tmp_path / ".gitattributes"
    assert attributes.track(str(file), "*.bin")
    assert file.read_text() == f"*.bin {OURS}\n"
    assert not attributes.track(str(file), "*.bin")
    assert file.read_text() == f"*.bin {OURS}\n"
    assert attributes.untrack(str(file), "*.bin")
    assert file.read_text() == ""
    assert not attributes.untrack(str(file), "*.bin")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("# note\n*.txt text\n", "# note\n*.txt text\nX"),
        ("*.txt text", "*.txt text\nX"),
        ("*.txt text\r\n# note\r\n", "*.txt text\r\n# note\r\nX\r\n"),
        ("*.txt text\r\nlast", "*.txt text\r\nlast\r\nX\r\n"),
        ("\n\n\t\n", "\n\n\t\nX"),
        ("*.bin -filter\n", "*.bin -filter\nX"),
        (
            "*.bin filter=lfs diff=lfs merge=lfs -text\n",
            "*.bin filter=lfs diff=lfs merge=lfs -text\nX",
        ),
        (f"*.bin {OURS}\n*.bin !filter\n", f"*.bin {OURS}\n*.bin !filter\nX"),
        (f"*.bin\t{OURS}  \n", None),
        ("*.bin filter=mlvers\n", None),
        (f'"*.bin" {OURS}', None),
        (f"# *.bin {OURS}\n", f"# *.bin {OURS}\nX"),
    ],
)
def test_the_rest_of_the_file_stays_byte_for_byte(
    tmp_path: Path, before: str, after: str | None
) -> None:
    file = tmp_path / ".gitattributes"
    file.write_bytes(before.encode())
    assert attributes.track(str(file), "*.bin") == (after is not None)
    end = "" if after and after.endswith("\r\n") else "\n"
    wanted = before if after is None else after.replace("X", f"*.bin {OURS}{end}")
    assert file.read_bytes() == wanted.encode()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (f"a text\r\n*.bin {OURS}\r\nb text\r\n", "a text\r\nb text\r\n"),
        (f"  *.bin  {OURS} lockable  \nb\n", "  *.bin lockable  \nb\n"),
        (f"*.bin lockable {OURS}", "*.bin lockable"),
        ('"*.bin" x="y" filter=mlvers\n', '"*.bin" x="y"\n'),
        (f"*.bin {OURS}\n*.bin filter=mlvers\n", ""),
    ],
)
def test_untracking_leaves_other_attributes(tmp_path: Path, before: str, after: str) -> None:
    file = tmp_path / ".gitattributes"
    file.write_bytes(before.encode())
    assert attributes.untrack(str(file), "*.bin")
    assert file.read_bytes() == after.encode()


@pytest.mark.parametrize(
    "path",
    [
        b"plain.bin",
        b"two words.bin",
        b" leading and trailing ",
        b"tab\there",
        b"new\nline",
        b"#hash",
        b"!bang",
        b'"quoted"',
        b"in'side\"it",
        b"back\\slash",
        b"star*question?[set]",
        b"[attr]x",
        b"\xff\xfe\x01\x7f",
        "caf\u00e9 e\u0301".encode(),
        b"-dash",
        b"~tilde$dollar{brace}",
        b"deep/er/two words.bin",
    ],
)
def test_exactly_one_path(repo: Repo, path: bytes) -> None:
    file = str(repo.path / ".gitattributes")
    name = path.decode("utf-8", "surrogateescape")
    assert attributes.track(file, attributes.literal(name))
    assert not attributes.track(file, attributes.literal(name))
    others = {b"x" + path, path + b"x", path.replace(b"*", b"y"), path.replace(b" ", b"\t")} - {
        path
    }
    others -= {b"x" + path} if b"/" not in path else set()
    asked = [path, *others, path.replace(b"[set]", b"s")]
    assert attributes.filtered_paths(found(repo), asked) == {path}
    for attr, value in (("diff", "mlvers"), ("merge", "mlvers"), ("text", "unset")):
        assert attribute(repo, attr, path) == value
    assert attributes.listing(found(repo)) == [(attributes.literal(name), ".gitattributes")]
    assert attributes.untrack(file, attributes.literal(name))
    assert (repo.path / ".gitattributes").read_bytes() == b""


@pytest.mark.parametrize("pattern", ["", "!*.bin", "[attr]mine", "a\0b"])
def test_patterns_that_git_would_not_take(tmp_path: Path, pattern: str) -> None:
    with pytest.raises(attributes.BadPattern):
        attributes.track(str(tmp_path / ".gitattributes"), pattern)
    assert not (tmp_path / ".gitattributes").exists()


def test_mode_is_kept_and_links_are_refused(tmp_path: Path) -> None:
    file = tmp_path / ".gitattributes"
    file.write_text("*.txt text\n")
    file.chmod(0o600)
    attributes.track(str(file), "*.bin")
    assert file.stat().st_mode & 0o777 == 0o600
    (tmp_path / "link").symlink_to(file)
    with pytest.raises(attributes.BadPattern, match="symbolic link"):
        attributes.track(str(tmp_path / "link"), "*.csv")
    assert (tmp_path / "link").is_symlink()


def test_listing_of_all_files(repo: Repo) -> None:
    repo.attributes("*.bin", "*.csv")
    repo.write("data/raw/.gitattributes", f'"a b" {OURS}\n*.txt text\n')
    repo.write("data/.gitattributes", "*.dat large\n*.no -filter\n")
    with (repo.path / ".gitattributes").open("a") as file:
        file.write(f"[attr]large {OURS}\n*.huge large\n*.bin {OURS}\n")
    repo.write("ignored/.gitattributes", f"*.x {OURS}\n")
    repo.write(".gitignore", "/ignored\n")
    (repo.path / ".git/info").mkdir(exist_ok=True)
    (repo.path / ".git/info/attributes").write_text(f"/mine {OURS}\n")
    assert attributes.listing(found(repo)) == [
        ("*.bin", ".gitattributes"),
        ("*.csv", ".gitattributes"),
        ("*.huge", ".gitattributes"),
        ("*.dat", "data/.gitattributes"),
        ("a b", "data/raw/.gitattributes"),
        ("/mine", ".git/info/attributes"),
    ]


def test_asking_another_tree_or_the_index(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    repo.attributes("*.one")
    repo.commit("one")
    repo.write(".gitattributes", "")
    repo.attributes("*.two")
    repo.git("add", "-A")
    repo.write(".gitattributes", "")
    repo.attributes("*.three")
    here = found(repo)
    paths = [b"a.one", b"deep/a.two", b"a.three"]
    assert attributes.filtered_paths(here, paths) == {b"a.three"}
    assert attributes.filtered_paths(here, paths, attributes.INDEX) == {b"deep/a.two"}
    assert attributes.filtered_paths(here, paths, "HEAD") == {b"a.one"}
    assert attributes.filtered_paths(here, []) == set()
    monkeypatch.setattr(command, "_version", (2, 39, 0))
    assert attributes.filtered_paths(here, paths, "HEAD") == {b"a.one"}


def test_macros_and_deeper_files_count(repo: Repo) -> None:
    repo.write(".gitattributes", f"[attr]large {OURS}\n*.dat large\n*.bin {OURS}\n")
    repo.write("plain/.gitattributes", "*.bin -filter\n")
    paths = [b"a.dat", b"a.bin", b"plain/a.bin", b"plain/a.dat", b"other/a.bin"]
    assert attributes.filtered_paths(found(repo), paths) == {
        b"a.dat",
        b"a.bin",
        b"plain/a.dat",
        b"other/a.bin",
    }
