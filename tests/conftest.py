"""Fixtures of all tests: a sealed home, and repositories in it."""

from __future__ import annotations

import os
import signal
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.support.environment import OuterConfig, make_home, sealed
from tests.support.git import Repo

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

# A shell lets what it starts in the background ignore Ctrl-C, and so would all that we start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

_OUTER_ENV = dict(os.environ)
_OUTER_CONFIG = OuterConfig(_OUTER_ENV)


@pytest.fixture(autouse=True)
def home(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Path]:
    """Give the test a home directory and git configuration of its own; the path of it.

    Fails the test if the configuration of whoever runs the tests was touched.
    """
    directory = tmp_path_factory.mktemp("home")
    make_home(directory)
    wanted = sealed(directory, _OUTER_ENV)
    for name in os.environ.keys() - wanted.keys() - {"PYTEST_CURRENT_TEST"}:
        monkeypatch.delenv(name)
    for name, value in wanted.items():
        if os.environ.get(name) != value:
            monkeypatch.setenv(name, value)
    umask = os.umask(0o022)
    yield directory
    os.umask(umask)
    touched = _OUTER_CONFIG.changed()
    assert not touched, f"the test changed configuration outside of its home: {touched}"


@pytest.fixture
def make_repo(tmp_path: Path) -> Callable[..., Repo]:
    """Make a repository in the test's directory: ``make_repo("name", *init_options)``."""

    def make(name: str = "work", *options: str) -> Repo:
        return Repo.init(tmp_path / name, *options)

    return make


@pytest.fixture
def repo(make_repo: Callable[..., Repo]) -> Repo:
    """An empty repository with a working tree, nothing of git-mlvers set up in it."""
    return make_repo("work")


@pytest.fixture(scope="session")
def installed_config(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What ``git mlvers install`` makes of the git configuration of a test's home."""
    directory = tmp_path_factory.mktemp("installed")
    make_home(directory)
    subprocess.run(
        ["git", "mlvers", "install"],
        cwd=directory,
        env=sealed(directory, _OUTER_ENV),
        check=True,
        capture_output=True,
    )
    return (directory / ".gitconfig").read_text()


@pytest.fixture
def installed(home: Path, installed_config: str) -> Path:
    """``git mlvers install`` has been run for the user of this test; the home directory."""
    (home / ".gitconfig").write_text(installed_config)
    return home


@pytest.fixture
def remote_dir(tmp_path: Path) -> Path:
    """A directory that is not there yet but may be made: a place for content."""
    return tmp_path / "content-remote"
