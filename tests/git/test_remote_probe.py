"""What a remote's store can do: seen before the first push, shown, and seen again on demand."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.support.scene import make_scene

if TYPE_CHECKING:
    from pathlib import Path


def test_probe(installed: Path, tmp_path: Path) -> None:
    scene = make_scene(tmp_path, installed, pushed=False)
    repo = scene.repo
    (remote,) = json.loads(repo.mlvers("env", "--json", "--offline"))["remotes"]
    assert remote["can"] == "not probed yet"
    repo.git("push", "-q", "origin", "main", "v1")
    (remote,) = json.loads(repo.mlvers("env", "--json", "--offline"))["remotes"]
    everything = "create-only writes, replace-if writes, ranges, prompt listings"
    assert remote["can"] == everything
    assert everything in repo.mlvers("env")
    assert repo.mlvers("remote", "probe", remote["name"]).strip() == (
        f"{remote['name']}: {everything}"
    )
    told = json.loads(repo.mlvers("remote", "probe", "--json", remote["name"]))
    assert told == {
        "name": remote["name"],
        "create_only": True,
        "replace_if": True,
        "ranges": True,
        "lists": True,
    }
    assert [path for path in scene.store.rglob("probe/*") if path.is_file()] == []
    refused = repo.fails("mlvers", "remote", "probe", "nothing")
    assert "nothing" in refused.stderr
    scene.assert_readable()
