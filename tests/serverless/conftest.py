"""What tests of repositories on a store start from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.git import Repo
from tests.support.s3server import s3
from tests.support.serverless import address, commit

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["place", "pushed", "s3", "work"]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A directory that is not there yet: the store."""
    return tmp_path / "store"


@pytest.fixture
def work(repo: Repo, place: Path) -> Repo:
    """Two commits on main, a git remote ``store``, and nothing pushed."""
    commit(repo, "one")
    commit(repo, "two")
    repo.git("remote", "add", "store", address(place))
    return repo


@pytest.fixture
def pushed(work: Repo) -> Repo:
    """The same, and main is pushed."""
    work.git("push", "-q", "-u", "store", "main")
    return work
