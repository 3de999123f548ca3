"""Paths that programs trip over."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.support.git import Repo, clone, noise

if TYPE_CHECKING:
    from pathlib import Path

NAMES = {
    "space": b"a file.bin",
    "leading space": b" file.bin",
    "trailing space": b"file.bin ",
    "dash": b"-rf.bin",
    "two dashes": b"--help.bin",
    "newline": b"a\nb.bin",
    "tab": b"a\tb.bin",
    "quotes": b'it\'s "quoted".bin',
    "backslash": b"back\\slash.bin",
    "glob": b"[a-z]*?.bin",
    "dollar": b"$HOME`id`;x.bin",
    "hash": b"#file.bin",
    "exclamation": b"!file.bin",
    "percent": b"%f%s.bin",
    "colon": b":(exclude)x.bin",
    "equals": b"pathname=x.bin",
    "NFC": "\u00e9.bin".encode(),
    "NFD": "e\u0301.bin".encode(),
    "Japanese": "データ.bin".encode(),
    "emoji": "🦀.bin".encode(),
    "Latin 1": b"caf\xe9.bin",
    "stray bytes": b"\xff\xfe\x80.bin",
    "control": b"\x01\x7f.bin",
    "long": b"l" * 250 + b".bin",
    "branch": b"main.bin",
    "deep": b"/".join([b"d"] * 60) + b"/f.bin",
    "dots": b"..a/...bin",
    "case": b"FILE.bin",
    "other case": b"file.bin",
}
TRACKED = ("*.bin", "*.bin\\ ")


@pytest.fixture(params=["pipe", "populate"])
def origin(request: pytest.FixtureRequest, installed: Path, tmp_path: Path) -> Repo:
    """A repository with one file of each name, pushed to a bare one beside it."""
    least = "1" if request.param == "populate" else str(1 << 40)
    bare = Repo.init(tmp_path / "origin.git", "--bare")
    bare.git("config", "--global", "mlvers.populateMin", least)
    repo = Repo.init(tmp_path / "work")
    repo.git("remote", "add", "origin", str(bare.path))
    repo.attributes("*.bin", '"*.bin "')
    for number, name in enumerate(NAMES.values()):
        repo.write(name, noise(4000, number))
    repo.commit("unusual names")
    return repo


def test_each_becomes_a_pointer(origin: Repo) -> None:
    for number, name in enumerate(NAMES.values()):
        origin.assert_pointer(name, noise(4000, number))
    origin.assert_status()


def test_each_comes_back(origin: Repo, tmp_path: Path) -> None:
    origin.git("push", "-q", "-u", "origin", "main")
    made = clone(str(tmp_path / "origin.git"), tmp_path / "clone")
    for number, name in enumerate(NAMES.values()):
        made.assert_content(name, noise(4000, number))
    made.assert_whole()


def test_each_is_pulled_in_place_of_its_pointer(origin: Repo, tmp_path: Path) -> None:
    origin.git("push", "-q", "-u", "origin", "main")
    skip = {"MLVERS_SKIP_SMUDGE": "1"}
    made = clone(str(tmp_path / "origin.git"), tmp_path / "clone", env=skip)
    assert len(made.pointers_on_disk()) == len(NAMES)
    made.mlvers("pull")
    for number, name in enumerate(NAMES.values()):
        made.assert_content(name, noise(4000, number))
    made.assert_whole()


def test_each_is_listed_as_it_is(origin: Repo) -> None:
    import json

    listed = json.loads(origin.mlvers("ls-files", "--json"))
    found = {os.fsencode(entry["path"]) for entry in listed["files"]}
    assert found == set(NAMES.values())


def test_branch_and_file_of_one_name(installed: Path, tmp_path: Path) -> None:
    bare = Repo.init(tmp_path / "origin.git", "--bare")
    repo = Repo.init(tmp_path / "work")
    repo.git("remote", "add", "origin", str(bare.path))
    repo.attributes("main", "v1")
    repo.write_all({"main": noise(5000, "main"), "v1": noise(5000, "v1")})
    repo.commit()
    repo.git("tag", "v1")
    repo.git("push", "-q", "origin", "main", "v1")
    made = clone(str(bare.path), tmp_path / "clone")
    made.assert_contents({"main": noise(5000, "main"), "v1": noise(5000, "v1")})
    made.assert_whole()
