"""git mlvers env: what is set up, and where it comes from."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from git_mlvers import __version__
from tests.support.git import Repo

if TYPE_CHECKING:
    from pathlib import Path


def facts(repo: Repo, *words: str, **env: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(repo.mlvers("env", "--json", *words, env=env or None))
    return found


def test_outside_of_a_repository(home: Path) -> None:
    found = facts(Repo(home))
    assert found["versions"]["git-mlvers"] == __version__
    assert found["versions"]["git"][0].isdigit()
    assert found["program"] == "git-mlvers"
    assert found["filter"] == []
    assert "hooks" not in found
    assert "not set up: git mlvers install" in Repo(home).mlvers("env")


def test_after_init(repo: Repo, installed: Path) -> None:
    repo.mlvers("init")
    found = facts(repo)
    assert found["filter"] == ["global"]
    assert found["hooks"]["pre-push"] == "ours"
    assert found["repository"]["files"] == str(repo.path)
    assert found["cache"]["files"] == 0
    text = repo.mlvers("env")
    assert "set up for this user" in text
    assert "pre-push       ours" in text


def test_a_value_comes_with_its_place(repo: Repo) -> None:
    repo.config("mlvers.populateMin", "1k")
    repo.write(".mlversconfig", "[mlvers]\n\tfetchExclude = *.mp4\n")
    settings = {item["key"]: item for item in facts(repo, MLVERS_STRICT="1")["configuration"]}
    assert settings["mlvers.populatemin"]["value"] == "1k"
    assert settings["mlvers.populatemin"]["origin"].endswith("config (local)")
    assert settings["mlvers.strict"]["origin"] == "the environment variable MLVERS_STRICT"
    assert settings["mlvers.fetchexclude"]["origin"] == ".mlversconfig"


def test_secrets_are_not_shown(repo: Repo) -> None:
    repo.mlvers("remote", "add", "s", "s3://bucket")
    repo.mlvers("remote", "modify", "--local", "s", "secretaccesskey", "hunter2")
    assert "hunter2" not in repo.mlvers("env", "--offline")
    assert "(not shown)" in repo.mlvers("env", "--offline")


def test_remotes_are_asked(repo: Repo, remote_dir: Path) -> None:
    repo.mlvers("remote", "add", "here", str(remote_dir))
    remote_dir.mkdir()
    repo.mlvers("remote", "add", "gone", "/nonexistent/place")
    found = {item["name"]: item for item in facts(repo)["remotes"]}
    assert found["here"]["default"]
    assert found["here"]["state"] == "reachable, and empty"
    assert found["gone"]["state"] != "reachable, and empty"
    assert "/nonexistent" in found["gone"]["state"]
    assert {item["state"] for item in facts(repo, "--offline")["remotes"]} == {"not asked"}


def test_an_untrusted_remote_is_not_asked(repo: Repo) -> None:
    repo.write(
        ".mlversconfig",
        '[mlvers "remote.s"]\n\turl = s3://b\n\tendpointurl = http://127.0.0.1:9\n',
    )
    [found] = facts(repo)["remotes"]
    assert "git mlvers remote trust s" in found["state"]


def test_a_refused_file_is_told_and_nothing_fails(repo: Repo) -> None:
    repo.write(".mlversconfig", "[mlvers]\n\tprogram = evil\n")
    found = facts(repo)
    assert "mlvers.program" in found["problem"]
    assert found["remotes"] == []
    assert "mlvers.program" in repo.mlvers("env")
