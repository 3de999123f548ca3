"""What clean and smudge make of every kind of bytes, pointers above all."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from tests.support.git import Repo, noise, pointer_of
from tests.support.project import LARGE, SMALL

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CONTENT = noise(SMALL)
POINTER = pointer_of(CONTENT)
CHUNK = 65536

CONTENTS = {
    "one byte": b"x",
    "newline": b"\n",
    "text": b"hello\nworld\n",
    "CRLF": b"hello\r\nworld\r\n",
    "nul bytes": bytes(5000),
    "1023 bytes": noise(1023),
    "1024 bytes": noise(1024),
    "1025 bytes": noise(1025),
    "4096 bytes": noise(4096),
    "a packet less one": noise(65515),
    "a packet": noise(65516),
    "a packet and one": noise(65517),
    "a chunk": noise(CHUNK),
    "the whole-file bound": noise(2 * CHUNK),
    "the whole-file bound and one": noise(2 * CHUNK + 1),
    "large": noise(3_000_000),
    "compressible": b"abc" * 500_000,
    "pointer and more": POINTER + noise(5000),
    "first line of another's pointer": b"version https://git-lfs.github.com/spec/v1\n"
    + noise(5000),
    "first line of a pointer": b"version git-mlvers/1\n" + noise(3000),
    "conflict marks": b"<<<<<<< a\nx\n=======\ny\n>>>>>>> b\n",
    "utf-16": "hello\n".encode("utf-16"),
    "ident": b"$Id$ $Id: x $\n" * 10,
}

DAMAGED = {
    "CRLF": POINTER.replace(b"\n", b"\r\n"),
    "no last newline": POINTER[:-1],
    "more": POINTER + b"more\n",
    "blank line": POINTER + b"\n",
    "unknown key": POINTER.replace(b"size", b"kind x\nsize"),
    "keys swapped": b"version git-mlvers/1\nsize 3000\n" + POINTER.splitlines()[1] + b"\n",
    "short oid": POINTER.replace(b"blake3:", b"blake3:0")[:60] + b"\nsize 3000\n",
    "capital oid": POINTER.splitlines()[0] + b"\noid blake3:" + b"A" * 64 + b"\nsize 3000\n",
    "other hash": POINTER.replace(b"blake3:", b"sha256:"),
    "path in oid": POINTER.splitlines()[0] + b"\noid blake3:../../../etc/passwd\nsize 3000\n",
    "negative size": POINTER.replace(b"size 3000", b"size -3000"),
    "zero size": POINTER.replace(b"size 3000", b"size 0"),
    "padded size": POINTER.replace(b"size 3000", b"size 03000"),
    "huge size": POINTER.replace(b"size 3000", b"size " + b"9" * 40),
    "control characters": POINTER.replace(b"size 3000", b"size 3\x1b[2J000"),
    "newer version": POINTER.replace(b"mlvers/1", b"mlvers/2"),
    "conflict": b"<<<<<<< ours\n%b=======\n%b>>>>>>> theirs\n" % (POINTER, pointer_of(b"y")),
    "first line only": b"version git-mlvers/1\n",
    "leading space": b" " + POINTER,
}


@pytest.fixture
def tracked(installed: Path, repo: Repo) -> Repo:
    """A repository in which ``*.bin`` is tracked."""
    repo.attributes("*.bin")
    repo.commit("attributes")
    return repo


def test_every_content_comes_back(way: str, tracked: Repo) -> None:
    files = {f"{name}.bin": data for name, data in CONTENTS.items()}
    tracked.write_all(files)
    tracked.commit("contents")
    for name, data in files.items():
        tracked.assert_pointer(name, data)
        tracked.remove(name)
    tracked.git("checkout", "-q", "--", ".")
    tracked.assert_contents(files)
    tracked.assert_clean()


def test_empty_file_is_its_own_pointer(way: str, tracked: Repo) -> None:
    tracked.write("empty.bin", b"")
    tracked.commit("empty")
    tracked.assert_not_pointer("empty.bin", b"")
    tracked.remove("empty.bin")
    tracked.git("checkout", "-q", "--", ".")
    tracked.assert_content("empty.bin", b"")
    tracked.assert_clean()


def test_file_becomes_empty_and_full_again(way: str, tracked: Repo) -> None:
    for data in (noise(LARGE), b"", noise(LARGE, 2)):
        tracked.write("a.bin", data)
        tracked.commit("next")
    tracked.git("checkout", "-q", "HEAD~1")
    tracked.assert_content("a.bin", b"")
    tracked.git("checkout", "-q", "HEAD~1")
    tracked.assert_content("a.bin", noise(LARGE))
    tracked.git("checkout", "-q", "main")
    tracked.assert_content("a.bin", noise(LARGE, 2))
    tracked.assert_clean()


def test_pointer_in_the_working_tree_is_added_as_it_is(tracked: Repo) -> None:
    tracked.write("a.bin", CONTENT)
    tracked.commit("content")
    tracked.write("a.bin", POINTER)
    tracked.git("add", "a.bin")
    tracked.assert_not_pointer("a.bin", POINTER, rev="")
    tracked.assert_status()


@pytest.mark.parametrize("name", DAMAGED)
def test_damaged_pointer_passes_through(way: str, tracked: Repo, name: str) -> None:
    data = DAMAGED[name]
    tracked.write("a.bin", data)
    said = tracked.run("add", "a.bin").stderr
    tracked.assert_not_pointer("a.bin", data, rev="")
    assert "a.bin" in said
    assert "\x1b" not in said
    tracked.git("commit", "-q", "-m", "damaged")
    tracked.remove("a.bin")
    said = tracked.run("checkout", "-q", "--", "a.bin").stderr
    tracked.assert_content("a.bin", data)
    assert "a.bin" in said
    tracked.assert_status()


def test_one_damaged_pointer_among_many_files(way: str, tracked: Repo) -> None:
    files = {f"{number}.bin": noise(LARGE if number % 2 else SMALL, number) for number in range(8)}
    tracked.write_all({**files, "bad.bin": DAMAGED["conflict"]})
    tracked.commit("mixed")
    tracked.git("rm", "-q", "-r", "--cached", ".")
    tracked.git("reset", "-q", "--hard")
    tracked.assert_contents(files)
    tracked.assert_content("bad.bin", DAMAGED["conflict"])
    tracked.assert_status()


class TestSingleShot:
    """``git mlvers clean`` and ``git mlvers smudge``, for tools that call them."""

    def test_there_and_back(self, tracked: Repo) -> None:
        for data in (CONTENT, noise(LARGE)):
            pointer = tracked.run("mlvers", "clean", "--", "a.bin", stdin=data).stdout.encode()
            assert pointer == pointer_of(data)
            ran = tracked.run("mlvers", "smudge", "--", "a.bin", stdin=pointer)
            assert ran.stdout.encode(errors="surrogateescape") == data

    def test_pointer_is_cleaned_to_itself(self, tracked: Repo) -> None:
        assert tracked.run("mlvers", "clean", stdin=POINTER).stdout.encode() == POINTER

    def test_size_of_the_file_on_disk_does_not_matter(self, tracked: Repo) -> None:
        tracked.write("a.bin", b"something else")
        said = tracked.run("mlvers", "clean", "--", "a.bin", stdin=CONTENT).stdout.encode()
        assert said == POINTER

    def test_what_is_no_pointer_passes_through(self, tracked: Repo) -> None:
        for data in (b"", b"hello\n", b"x" * 1024, b"x" * 5000, *DAMAGED.values()):
            ran = tracked.run("mlvers", "smudge", "--", "a.bin", stdin=data)
            assert ran.stdout.encode(errors="surrogateescape") == data

    def test_content_that_is_nowhere_leaves_the_pointer(self, tracked: Repo) -> None:
        ran = tracked.run("mlvers", "smudge", "--", "a.bin", stdin=POINTER)
        assert ran.stdout.encode() == POINTER
        assert "a.bin" in ran.stderr

    def test_as_the_only_filter(self, tracked: Repo, installed: Path) -> None:
        tracked.git("config", "--global", "--unset", "filter.mlvers.process")
        files = {"a.bin": CONTENT, "b.bin": noise(LARGE), "-c.bin": b"c", "d e.bin": b"d"}
        tracked.write_all(files)
        tracked.commit("one by one")
        for name, data in files.items():
            tracked.assert_pointer(name, data)
            tracked.remove(name)
        tracked.git("checkout", "-q", "--", ".")
        tracked.assert_contents(files)


def test_line_endings_are_left_alone(way: str, tracked: Repo) -> None:
    tracked.config("core.autocrlf", "true")
    data = {"crlf.bin": b"a\r\nb\r\n" * 1000, "lf.bin": b"a\nb\n" * 50_000}
    tracked.write_all(data)
    tracked.commit("line ends")
    for name in data:
        tracked.assert_pointer(name, data[name])
        tracked.remove(name)
    tracked.git("checkout", "-q", "--", ".")
    tracked.assert_contents(data)
    tracked.assert_clean()


def test_symbolic_link_is_never_followed(way: str, tracked: Repo, tmp_path: Path) -> None:
    outside = tmp_path / "outside.bin"
    outside.write_bytes(CONTENT)
    tracked.file("link.bin").symlink_to(outside)
    tracked.write("a.bin", noise(LARGE))
    tracked.commit("link")
    assert tracked.git("ls-files", "-s", "link.bin").startswith("120000 ")
    tracked.git("rm", "-q", "link.bin")
    tracked.write("link.bin", noise(LARGE, "now a file"))
    tracked.commit("file")
    tracked.settle()
    tracked.git("checkout", "-q", "HEAD~1")
    assert tracked.file("link.bin").is_symlink()
    assert outside.read_bytes() == CONTENT
    tracked.git("checkout", "-q", "main")
    tracked.assert_content("link.bin", noise(LARGE, "now a file"))
    assert outside.read_bytes() == CONTENT
    tracked.assert_clean()


@pytest.fixture
def roomy(tracked: Repo) -> Iterator[Repo]:
    """The same repository, removed at once afterwards, not kept for a look."""
    yield tracked
    shutil.rmtree(tracked.path)


@pytest.mark.slow
def test_file_of_more_than_four_gibibytes(roomy: Repo) -> None:
    size = (1 << 32) + 4096
    with roomy.file("huge.bin").open("wb") as file:
        file.write(b"start")
        file.seek(size - 3)
        file.write(b"end")
    roomy.config("mlvers.fsync", "false")
    roomy.git("add", "huge.bin")
    roomy.git("commit", "-q", "-m", "huge")
    assert roomy.assert_pointer("huge.bin").size == size
    roomy.remove("huge.bin")
    roomy.git("checkout", "-q", "--", "huge.bin")
    assert roomy.file("huge.bin").stat().st_size == size
    with roomy.file("huge.bin").open("rb") as file:
        assert file.read(5) == b"start"
        file.seek(-3, 2)
        assert file.read() == b"end"
    roomy.assert_clean()
