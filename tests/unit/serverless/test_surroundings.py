"""What the dialogue takes from the configuration, and who sends content."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING

from git_mlvers.config import Config
from git_mlvers.config.address import Address, Kind
from git_mlvers.git.refs import RefUpdate
from git_mlvers.git.repository import Repository
from git_mlvers.remote_helper.job import Job
from git_mlvers.remote_helper.surroundings import content_sender, store_options

if TYPE_CHECKING:
    import pytest

    from tests.support.git import Repo


def job(repo: Repo, inner: str) -> Job:
    """A run of the helper for the store at `inner`."""
    return Job("store", Address(Kind.STORE, inner), Repository.discover(str(repo.path)), {})


def test_options(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    def options_for(config: Config, url: str) -> dict[str, str]:
        return {"region": f"of {url}"}

    monkeypatch.setattr(Config, "options_for", options_for, raising=False)
    assert store_options(job(repo, "s3://bucket/x")) == {"region": "of s3://bucket/x"}
    assert store_options(job(repo, "/a/directory")) == {}


def test_content(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def send_content(*args: object) -> str:
        asked.append(args[:3])
        return "no room"

    module = SimpleNamespace(send_content=send_content)
    monkeypatch.setitem(sys.modules, "git_mlvers.remote_helper.content", module)
    mine = job(repo, "/a/directory")
    updates = [RefUpdate("main", "1" * 40, "refs/heads/main", "0" * 40)]
    assert content_sender(mine)(updates, {"2" * 40}) == "no room"
    assert asked == [(mine, updates, {"2" * 40})]
