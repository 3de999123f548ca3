"""What scenarios with the real git start from."""

from __future__ import annotations

import functools
import shutil
from typing import TYPE_CHECKING

import pytest

from tests.support.git import Repo
from tests.support.project import Project, Witness, copy_project, make_project
from tests.support.s3server import s3

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["project", "pushed", "s3", "template", "template_directory", "way", "witness"]


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
def project(way: str, tmp_path: Path, template: Path) -> Project:
    """A repository with some history of small and large tracked files; each way in turn."""
    return copy_project(template / "project", tmp_path / "project")


@pytest.fixture
def pushed(project: Project, tmp_path: Path, template: Path) -> Project:
    """The same, and everything is pushed to a bare repository beside it."""
    shutil.copytree(template / "origin.git", tmp_path / "origin.git")
    project.git("remote", "add", "origin", str(tmp_path / "origin.git"))
    project.git("fetch", "-q", "origin")
    project.git("branch", "-q", "--set-upstream-to=origin/main", "main")
    return project


@pytest.fixture(scope="session")
def template_directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty directory that lives as long as the tests."""
    return tmp_path_factory.mktemp("template")


@pytest.fixture
def template(installed: Path, template_directory: Path) -> Path:
    """The project and what it is pushed to, made in the sealed home of the first test that asks."""
    return _make_template(template_directory)


@functools.cache
def _make_template(directory: Path) -> Path:
    project = make_project(directory / "project")
    origin = Repo.init(directory / "origin.git", "--bare")
    project.git("push", "-q", str(origin.path), "--all")
    project.git("push", "-q", str(origin.path), "v1")
    return directory


@pytest.fixture
def witness(tmp_path: Path) -> Witness:
    """Hooks that look for pointers where content should be."""
    return Witness(tmp_path / "witness.log")
