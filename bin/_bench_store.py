"""What `bench` measures of git remotes without a git server: a history, and no large file."""

from __future__ import annotations

import random
import subprocess
from typing import TYPE_CHECKING

import _bench_tools

if TYPE_CHECKING:
    from pathlib import Path

    from _bench_rows import Bench, Values
    from _bench_site import Site
    from _bench_tools import Tool

_OBJECTS_OF_A_COMMIT = 4
_FOLDERS = 100


def history(bench: Bench, tool: Tool) -> Values:
    """Clone a long history, and fetch it; push one commit more to S3."""
    if tool.name not in (_bench_tools.Tool.name, _bench_tools.Mlvers.name):
        return {}
    with bench.site(tool) as site:
        fill(site.repo, bench.sizes.objects // _OBJECTS_OF_A_COMMIT, tool.env)
        ours = tool.name == _bench_tools.Mlvers.name
        url = f"mlvers::{site.root / 'store'}" if ours else site.server.as_uri()
        _push(site, tool, url)
        clone = site.timed([["git", "clone", "-q", "-n", url, "clone"]], site.root)
        tool.do(site.root, "git", "init", "-q", "other")
        fetch = site.timed([["git", "fetch", "-q", url, "main"]], site.root / "other")
        values = {"clone-history": clone.seconds, "fetch-history": fetch.seconds}
        if ours:
            values["push-history-requests"] = _requests_of_a_push(bench, site, tool)
        return values


def fill(repo: Path, commits: int, env: dict[str, str]) -> None:
    """Give `repo` a branch ``main`` with a file changed in each of `commits`."""
    chance = random.Random(commits)
    parts = []
    for number in range(commits):
        data = chance.randbytes(100).hex()
        path = f"{number % _FOLDERS:02d}/{chance.randrange(1000):03d}"
        parts.append(
            f"commit refs/heads/main\ncommitter b <b@example.com> {1_600_000_000 + number} +0000\n"
            f"data 6\nchange\nM 100644 inline {path}\ndata {len(data)}\n{data}\n"
        )
    done = "".join(parts).encode()
    subprocess.run(["git", "fast-import", "--quiet"], cwd=repo, env=env, input=done, check=True)


def _requests_of_a_push(bench: Bench, site: Site, tool: Tool) -> int:
    place = f"s3://{_bench_tools.BUCKET}"
    url = f"mlvers::{place}/{site.root.name}"
    options = [f"mlvers.remote.x.url={place}", f"mlvers.remote.x.endpointurl={bench.s3.url}"]
    words = [word for option in options for word in ("-c", option)]
    push = [["git", *words, "push", "-q", url, "main"]]
    site.timed(push)
    _commit(site, tool)
    bench.s3.traffic()
    site.timed(push)
    return bench.s3.traffic().requests


def _push(site: Site, tool: Tool, url: str) -> None:
    tool.do(site.repo, "git", "push", "-q", url, "main")


def _commit(site: Site, tool: Tool) -> None:
    tool.do(site.repo, "git", "commit", "-q", "--allow-empty", "-m", "one more")
