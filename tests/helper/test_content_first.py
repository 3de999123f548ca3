"""The whole helper, nothing replaced: content goes before refs over every transport."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.git import Repo, clone, noise

if TYPE_CHECKING:
    from pathlib import Path

    from tests.helper.conftest import Way

FILES = {"small.bin": noise(3000), "a/large.bin": noise(9_000_000), "plain": noise(5000)}


@pytest.fixture
def place(home: Path, remote_dir: Path) -> Path:
    """The directory that the user has configured for content."""
    settings = Repo(home)
    settings.git("config", "--global", "mlvers.remote", "storage")
    settings.git("config", "--global", "mlvers.remote.storage.url", str(remote_dir))
    return remote_dir


@pytest.fixture
def work(way: Way, place: Path, tmp_path: Path) -> Repo:
    """A clone with large files, committed and not pushed."""
    Repo.init(way.root / "origin.git", "--bare").config("http.receivepack", "true")
    work = clone(f"mlvers::{way.url('origin.git')}", tmp_path / "work")
    work.attributes("*.bin")
    work.write_all(FILES)
    work.commit()
    return work


def test_push_and_clone(work: Repo, way: Way, place: Path, tmp_path: Path) -> None:
    origin = Repo(way.root / "origin.git")
    work.git("push", "--dry-run", "origin", "main")
    assert not place.exists()
    work.git("push", "-q", "origin", "main")
    assert origin.head("main") == work.head()
    assert origin.pointer("a/large.bin", "main") is not None
    fresh = clone(f"mlvers::{way.url('origin.git')}", tmp_path / "fresh")
    fresh.assert_contents(FILES)
    fresh.assert_whole()
    fresh.write("a/large.bin", more := noise(9_000_001))
    fresh.commit()
    fresh.git("push", "-q")
    work.git("pull", "-q")
    work.assert_content("a/large.bin", more)
    work.assert_whole()


def test_content_that_cannot_be_stored(work: Repo, way: Way, place: Path) -> None:
    place.write_text("no directory")
    said = work.fails("push", "origin", "main", "main:refs/heads/other").stderr
    assert "! [remote rejected] main -> main (mlvers: " in said
    assert "! [remote rejected] main -> other (mlvers: " in said
    assert "hung up" not in said
    origin = Repo(way.root / "origin.git")
    assert origin.git("for-each-ref") == ""
    place.unlink()
    work.git("push", "-q", "origin", "main")
    assert origin.head("main") == work.head()
