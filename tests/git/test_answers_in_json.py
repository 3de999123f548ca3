"""``--json``: one object on standard output, whatever happens."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from git_mlvers import __version__
from tests.support.git import Repo, clone, noise
from tests.support.project import LARGE, SMALL

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def pointers(installed: Path, tmp_path: Path) -> Repo:
    """A clone with two pointers; the content of one of them is lost."""
    origin = Repo.init(tmp_path / "origin")
    origin.attributes("*.bin")
    origin.write("good.bin", noise(LARGE, "good"))
    origin.write("small.bin", noise(SMALL, "small"))
    origin.commit()
    lost = origin.cached_objects()
    origin.write("lost.bin", noise(LARGE, "lost"))
    origin.commit()
    for oid in origin.cached_objects() - lost:
        digits = oid.removeprefix("blake3:")
        (origin.cache_dir() / "objects" / digits[:2] / digits[2:4] / digits).unlink()
    env = {"MLVERS_SKIP_SMUDGE": "1"}
    return clone(origin.path.as_uri(), tmp_path / "clone", env=env)


def answer(repo: Repo, *words: str, code: int) -> dict[str, Any]:
    ran = repo.run("mlvers", *words, "--json", check=False)
    assert ran.returncode == code, ran.stderr
    (line,) = ran.stdout.splitlines()
    for event in ran.stderr.splitlines():
        json.loads(event)
    found = json.loads(line)
    assert isinstance(found, dict)
    return found


def test_pull(pointers: Repo) -> None:
    found = answer(pointers, "pull", code=4)
    assert found["placed"] == 2
    (failed,) = found["failed"]
    assert failed["path"] == "lost.bin"
    assert answer(pointers, "pull", "good.bin", code=0)["placed"] == 0


def test_fetch(pointers: Repo) -> None:
    found = answer(pointers, "fetch", code=4)
    assert [failed["path"] for failed in found["failed"]] == ["lost.bin"]


def test_checkout(pointers: Repo) -> None:
    found = answer(pointers, "checkout", code=0)
    assert found == {"placed": 2, "bytes": LARGE + SMALL, "failed": [], "left": 1}
    assert answer(pointers, "checkout", "lost.bin", code=4)["left"] == 1


def test_push_of_nothing(installed: Path, repo: Repo) -> None:
    assert answer(repo, "push", code=0)["files"] == 0


def test_of_set_up(repo: Repo) -> None:
    assert answer(repo, "version", code=0) == {"version": __version__}
    assert answer(repo, "remote", "default", code=0) == {"default": None}
    repo.mlvers("remote", "add", "s", "s3://bucket")
    assert answer(repo, "remote", "default", code=0) == {"default": "s"}
    (listed,) = json.loads(repo.mlvers("remote", "--json", "list"))
    assert listed["name"] == "s"
    assert answer(repo, "track", "*.bin", code=0) == {"tracked": ["*.bin"], "already": []}
    both = {"tracked": ["*.pt"], "already": ["*.bin"]}
    assert answer(repo, "track", "*.bin", "*.pt", code=0) == both
    assert answer(repo, "untrack", "*.pt", code=0) == {"untracked": ["*.pt"], "absent": []}
    ran = repo.fails("mlvers", "untrack", "*.x", "*.bin", "--json")
    assert json.loads(ran.stdout) == {"untracked": ["*.bin"], "absent": ["*.x"]}
    assert ran.stderr == ""


def test_unknown_ref(installed: Path, repo: Repo) -> None:
    said = repo.fails("mlvers", "push", "nowhere").stderr
    assert "'nowhere'" in said
    assert "rev-list" not in said
