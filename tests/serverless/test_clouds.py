"""Repositories without a server on the clouds that keep conditions on writes in their own ways."""

from __future__ import annotations

import random
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.serverless.test_at_once import Team
from tests.support.azureserver import azure_server
from tests.support.git import Repo
from tests.support.serverless import commit, refs_at, whole
from tests.support.sshserver import shared_sshd

if TYPE_CHECKING:
    from collections.abc import Callable


def _azure(monkeypatch: pytest.MonkeyPatch) -> str:
    server = azure_server()
    for name, value in server.environment().items():
        monkeypatch.setenv(name, value)
    return f"az://{server.new_container()}/team/project"


def _sftp(monkeypatch: pytest.MonkeyPatch) -> str:
    server = shared_sshd()
    server.make_known()
    (Path.home() / ".ssh/config").write_text(
        f"Host 127.0.0.1\n    IdentityFile {server.options()['keyfile']}\n"
    )
    return f"sftp://127.0.0.1:{server.port}{Path.home()}/store"


CLOUDS: dict[str, Callable[[pytest.MonkeyPatch], str]] = {"azure": _azure, "sftp": _sftp}


@pytest.fixture(params=CLOUDS)
def cloud(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The address of an empty place in each cloud in turn."""
    return CLOUDS[request.param](monkeypatch)


def test_content_and_commits_come_back(
    cloud: str, repo: Repo, installed: Path, tmp_path: Path
) -> None:
    data = random.Random(5).randbytes(300_000)
    repo.git("mlvers", "track", "*.bin")
    (repo.path / "model.bin").write_bytes(data)
    repo.git("add", ".")
    repo.git("commit", "-qm", "model")
    repo.git("push", "-q", f"mlvers::{cloud}", "main")
    first = repo.head()
    made = whole(cloud, tmp_path / "there")
    assert (made.path / "model.bin").read_bytes() == data
    commit(made, "more")
    made.git("push", "-q", "origin", "main")
    assert refs_at(repo, cloud) == {"HEAD": made.head(), "refs/heads/main": made.head()}
    repo.fails("push", f"mlvers::{cloud}", f"{first}:refs/heads/main")


def test_of_many_who_push_at_once_nobody_loses(cloud: str, tmp_path: Path) -> None:
    team = Team(tmp_path, f"mlvers::{cloud}", 3)
    team.round(0, killed=0)
    team.race(1)
    team.check()
