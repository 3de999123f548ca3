"""What scenarios with the real git start from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.git import Repo
from tests.support.project import Project, Witness, make_project
from tests.support.s3server import s3

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["project", "pushed", "s3", "way", "witness"]


@pytest.fixture(params=["pipe", "populate"])
def way(request: pytest.FixtureRequest, installed: Path) -> str:
    """How large files reach the working tree: through git, or put there directly.

    With ``populate`` the small files of the projects still go through git, so
    that both ways meet in one checkout.
    """
    least = {"pipe": str(1 << 40), "populate": "50000"}[request.param]
    Repo(installed).git("config", "--global", "mlvers.populateMin", least)
    return str(request.param)


@pytest.fixture
def project(way: str, tmp_path: Path) -> Project:
    """A repository with some history of small and large tracked files; each way in turn."""
    return make_project(tmp_path / "project")


@pytest.fixture
def pushed(project: Project, tmp_path: Path) -> Project:
    """The same, and everything is pushed to a bare repository beside it."""
    Repo.init(tmp_path / "origin.git", "--bare")
    project.git("remote", "add", "origin", str(tmp_path / "origin.git"))
    project.git("push", "-q", "origin", "--all")
    project.git("push", "-q", "origin", "v1")
    project.git("branch", "-q", "--set-upstream-to=origin/main", "main")
    return project


@pytest.fixture
def witness(tmp_path: Path) -> Witness:
    """Hooks that look for pointers where content should be."""
    return Witness(tmp_path / "witness.log")
