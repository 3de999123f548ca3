"""A network that loses, spoils and delays, between git and an S3 server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.chaosproxy import ChaosProxy
from tests.support.git import Repo
from tests.support.scene import (
    SECOND,
    TRACKED,
    Scene,
    assert_nothing_wrong,
    assert_tree,
    pointers,
    sentences,
)
from tests.support.trouble import At, Trouble

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.chaosproxy import Kind
    from tests.support.s3server import S3Server

pytestmark = pytest.mark.s3

SMALL_PACKS = {"git_mlvers.remote.pack:TARGET": 200_000}


class Cloud:
    """A bucket, and a proxy on the way to it; it is the remote of every repository."""

    def __init__(self, server: S3Server, proxy: ChaosProxy, repo: Repo) -> None:
        self._server = server
        self._bucket = server.new_bucket()
        self.proxy = proxy
        settings = server.options(proxy.url) | {"url": f"s3://{self._bucket}/at"}
        for key, value in settings.items():
            repo.git("config", "--global", f"mlvers.remote.storage.{key}", value)

    @property
    def keys(self) -> set[str]:
        return set(self._server.objects(self._bucket))

    def puts(self) -> int:
        """How many packs were sent since the proxy was healed."""
        sent = [r for r in self.proxy.requests if r.method == "PUT" and "/packs/" in r.target]
        return len(sent)


@pytest.fixture
def cloud(scene: Scene, s3: S3Server) -> Iterator[Cloud]:
    with ChaosProxy(*s3.address) as proxy:
        yield Cloud(s3, proxy, scene.repo)


# What goes wrong some times and then no more; what the user asked for is done all the same.
PASSING: list[tuple[Kind, str, dict[str, int]]] = [
    ("status", "PUT", {"status": 500}),
    ("status", "GET", {"status": 503}),
    ("refuse", "PUT", {}),
    ("lose_answer", "PUT", {}),
    ("cut", "GET", {"at": 100}),
    ("flip", "GET", {"at": 150_000}),
]


@pytest.mark.parametrize(("kind", "method", "more"), PASSING)
def test_trouble_that_passes(
    scene: Scene, cloud: Cloud, kind: Kind, method: str, more: dict[str, int]
) -> None:
    if method == "PUT":
        cloud.proxy.hurt(kind, times=2, method=method, **more)
    scene.repo.git("push", "-q", "origin", "main", "v1")
    if method == "GET":
        cloud.proxy.heal()
        cloud.proxy.hurt(kind, times=1, method=method, **more)
    made = scene.clone()
    assert_tree(made, SECOND)
    made.assert_status()


def test_every_answer_is_spoiled(scene: Scene, cloud: Cloud, tmp_path: Path) -> None:
    scene.repo.git("push", "-q", "origin", "main", "v1")
    cloud.proxy.hurt("flip", method="GET", at=-1)
    trouble = Trouble(tmp_path, quick=True)
    ran = trouble.run(Repo(tmp_path), "git", "clone", "-q", scene.url, "made")
    made = Repo(tmp_path / "made")
    assert_nothing_wrong(made, SECOND)
    assert pointers(made) == set(TRACKED)
    assert sentences(ran.err)
    made.assert_status()
    cloud.proxy.heal()
    made.mlvers("pull")
    assert_tree(made, SECOND)


def test_connection_that_is_lost_in_the_middle_of_a_push(
    scene: Scene, cloud: Cloud, tmp_path: Path
) -> None:
    trouble = Trouble(
        tmp_path,
        At("git_mlvers.remote.state:State.note_pack", "after", 3, do="hold"),
        values=SMALL_PACKS | {"git_mlvers.backend.s3:CONNECTIONS": 1},
        quick=True,
    )
    running = trouble.start(scene.repo, "git", "push", "-q", "origin", "main", "v1")
    trouble.wait()
    cloud.proxy.hurt("refuse")
    trouble.go_on()
    ended = running.end()
    assert ended.code != 0
    (sentence,) = sentences(ended.err)
    assert "tried" in sentence
    assert scene.bare.git("for-each-ref") == ""
    arrived = {key for key in cloud.keys if "/packs/" in key}
    assert len(arrived) >= 3
    cloud.proxy.heal()
    again = Trouble(tmp_path, values=SMALL_PACKS)
    ended = again.run(scene.repo, "git", "push", "-q", "origin", "main", "v1")
    assert ended.code == 0, ended.err
    # What had arrived and was noted is not sent again.
    packs = {key for key in cloud.keys if "/packs/" in key}
    assert arrived <= packs
    assert cloud.puts() <= len(packs) - 3
    assert_tree(scene.clone(), SECOND)


@pytest.mark.parametrize(
    "point",
    [
        At("git_mlvers.remote.settings:create", "after", do="kill all"),
        At("git_mlvers.remote.state:State.note_pack", "after", 3, do="kill all"),
        At("git_mlvers.remote.publish:Pending.publish", "before", do="kill all"),
        At("git_mlvers.remote.publish:Pending.publish", "after", do="kill all"),
    ],
    ids=str,
)
def test_push_that_is_killed(scene: Scene, cloud: Cloud, tmp_path: Path, point: At) -> None:
    trouble = Trouble(tmp_path, point, values=SMALL_PACKS)
    trouble.run(scene.repo, "git", "push", "-q", "origin", "main", "v1")
    assert trouble.happened
    assert scene.bare.git("for-each-ref") == ""
    there = {key for key in cloud.keys if "/packs/" in key}
    cloud.proxy.heal()
    again = Trouble(tmp_path, values=SMALL_PACKS)
    ended = again.run(scene.repo, "git", "push", "-q", "origin", "main", "v1")
    assert ended.code == 0, ended.err
    if "publish" in point.point:
        assert cloud.puts() == 0
    assert there <= cloud.keys
    assert_tree(scene.clone(), SECOND)
