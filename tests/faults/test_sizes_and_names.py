"""Sizes at every limit, and names at every limit, on their way through a remote."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.git import Repo, noise, oid_of, pointer_of
from tests.support.scene import SECOND, Scene, assert_tree, sentences

if TYPE_CHECKING:
    from pathlib import Path

WHOLE = 131_072
SHORTEST, LONGEST = 16_384, 262_144
"""A file of up to `WHOLE` bytes is one chunk; a chunk of a longer one lies between the others."""

SIZES = [
    *(0, 1, 2),
    *(SHORTEST - 1, SHORTEST, SHORTEST + 1),
    *(WHOLE - 1, WHOLE, WHOLE + 1),
    *(WHOLE + SHORTEST - 1, WHOLE + SHORTEST, WHOLE + SHORTEST + 1),
    *(LONGEST - 1, LONGEST, LONGEST + 1),
    *(2 * LONGEST, 2 * LONGEST + 1),
    *((1 << 20) - 1, 1 << 20, (1 << 20) + 1),
]
CONTENTS = {f"noise/{size}.bin": noise(size, "limits") for size in SIZES} | {
    f"zero/{size}.bin": bytes(size) for size in SIZES
}


@pytest.mark.parametrize("least", [1, 1 << 40], ids=["populate", "pipe"])
def test_every_size_goes_round(scene: Scene, least: int) -> None:
    repo = scene.repo
    repo.git("config", "--global", "mlvers.populateMin", str(least))
    repo.write_all(CONTENTS)
    repo.commit("sizes")
    for name, data in CONTENTS.items():
        if data:
            repo.assert_pointer(name, data)
    repo.git("push", "-q", "origin", "main", "v1")
    made = scene.clone()
    assert_tree(made, SECOND | CONTENTS)
    made.assert_status()
    made.mlvers("fsck", "--remote", "--read-data")


@pytest.mark.slow
def test_more_than_four_gibibytes_go_round(scene: Scene, tmp_path: Path) -> None:
    size = (1 << 32) + 5
    repo = scene.repo
    with repo.file("vast.bin").open("wb") as file:
        file.truncate(size)
        file.seek(3 << 30)
        file.write(b"middle")
    repo.commit("vast")
    assert repo.assert_pointer("vast.bin").size == size
    repo.remove("vast.bin")
    repo.git("push", "-q", "origin", "main", "v1")
    stored = sum(path.stat().st_size for path in scene.store.rglob("*") if path.is_file())
    assert stored < 50_000_000
    repo.drop_cache()
    repo.git("checkout", "-q", "--", "vast.bin")
    found = repo.file("vast.bin")
    assert found.stat().st_size == size
    with found.open("rb") as file:
        assert file.read(6) == bytes(6)
        file.seek(3 << 30)
        assert file.read(7) == b"middle\0"
    repo.assert_status()


LONG = b"n" * 251 + b".bin"
DEEP = b"/".join([b"d" * 200] * 10) + b"/" + LONG
NAMES = [LONG, DEEP, "é".encode() * 125 + b"x.bin", b"\xff" * 251 + b".bin", b"-\n\t.bin"]


@pytest.mark.parametrize("least", [1, 1 << 40], ids=["populate", "pipe"])
def test_names_of_full_length(scene: Scene, least: int) -> None:
    repo = scene.repo
    repo.git("config", "--global", "mlvers.populateMin", str(least))
    for number, name in enumerate(NAMES):
        assert len(name.rpartition(b"/")[2]) <= 255
        repo.write(name, noise(200_000, number))
    repo.commit("names")
    repo.git("push", "-q", "origin", "main", "v1")
    for made, pull in ((scene.clone(), False), (scene.clone(skip=True), True)):
        if pull:
            made.mlvers("pull")
        for number, name in enumerate(NAMES):
            made.assert_content(name, noise(200_000, number))
        made.assert_status()


HOSTILE = {
    "escape": b"\x1b]0;owned\x07\x1b[2J.bin",
    "newline": b"a\ngit-mlvers: all is well\n.bin",
    "carriage return": b"a\rb.bin",
    "not UTF-8": b"\xff\xfe.bin",
    "right to left": "\u202egnp.bin".encode(),
    "C1": "\x9b31m.bin".encode(),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_names_that_would_fool_a_terminal(pushed: Scene, kind: str) -> None:
    name = HOSTILE[kind]
    made = pushed.clone()
    made.write(name, pointer_of(b"nowhere"))
    made.commit("hostile")
    made.git("rm", "-q", "--cached", name)
    made.file(name).unlink()
    said = [
        made.run("checkout", "-q", "HEAD", "--", name, check=False),
        made.run("mlvers", "pull", check=False),
        made.run("push", "origin", "HEAD:main", check=False),
        made.run("mlvers", "fsck", check=False),
        made.run("mlvers", "status", check=False),
    ]
    for ran in said:
        assert "Traceback" not in ran.stderr
        for line in (ran.stdout + ran.stderr).splitlines():
            bad = [char for char in line if ord(char) < 32 or 127 <= ord(char) < 160]
            bad = [char for char in bad if char != "\t"]
            assert not bad, f"{ran.args}: {line!r}"
            assert "\u202e" not in line, f"{ran.args}: {line!r}"
            assert line != "git-mlvers: all is well"
    assert any(sentences(ran.stderr) for ran in said)
    made.fsck()


def test_names_that_differ_in_case_alone(scene: Scene) -> None:
    """Where the file system holds both, both are there."""
    files = {"Data/A.bin": noise(200_000, "A"), "Data/a.bin": noise(200_000, "a")}
    scene.repo.write_all(files)
    if len({path.read_bytes() for path in (scene.repo.path / "Data").iterdir()}) < 2:
        pytest.skip("this file system takes both for one")
    scene.repo.commit("case")
    scene.repo.git("push", "-q", "origin", "main", "v1")
    made = scene.clone()
    assert_tree(made, SECOND | files)


def test_two_names_that_are_one_file(scene: Scene) -> None:
    """As on a file system that ignores case: the second takes the place of the first."""
    repo = scene.repo
    one, two = noise(200_000, "one"), noise(200_000, "two")
    repo.write_all({"Name.bin": one, "name.bin": two})
    repo.commit("case")
    for name in ("Name.bin", "name.bin"):
        repo.remove(name)
    repo.file("name.bin").write_bytes(b"")
    repo.file("Name.bin").symlink_to("name.bin")
    ran = repo.run("checkout", "-q", "-f", "HEAD")
    assert "Traceback" not in ran.stderr
    repo.assert_contents({"Name.bin": one, "name.bin": two})


def test_directory_that_became_a_link(pushed: Scene, tmp_path: Path) -> None:
    """Nothing is ever written through it, by a pull or a checkout."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "other.bin").write_bytes(pointer_of(SECOND["data/other.bin"]))
    made = pushed.clone(skip=True)
    made.file("data").rename(tmp_path / "was")
    made.file("data").symlink_to(outside)
    made.run("mlvers", "pull", check=False)
    assert (outside / "other.bin").read_bytes() == pointer_of(SECOND["data/other.bin"])
    assert [path.name for path in outside.iterdir()] == ["other.bin"]
    made.git("checkout", "-q", "-f", "HEAD", env={"MLVERS_SKIP_SMUDGE": "0"})
    made.mlvers("pull")
    assert_tree(made, SECOND)
    assert (outside / "other.bin").read_bytes() == pointer_of(SECOND["data/other.bin"])


def test_link_that_is_tracked(pushed: Scene, tmp_path: Path) -> None:
    secret = tmp_path / "secret.bin"
    secret.write_bytes(noise(200_000, "secret"))
    repo = pushed.repo
    repo.remove("large.bin")
    repo.file("large.bin").symlink_to(secret)
    repo.commit("link")
    repo.git("push", "-q", "origin", "main")
    assert oid_of(secret.read_bytes()) not in repo.cached_objects()
    made = pushed.clone()
    assert made.file("large.bin").is_symlink()
    assert str(made.file("large.bin").readlink()) == str(secret)
    made.git("checkout", "-q", "HEAD~1")
    made.assert_content("large.bin", SECOND["large.bin"])
    assert secret.read_bytes() == noise(200_000, "secret")
    assert Repo(tmp_path).file("secret.bin").stat().st_size == 200_000
