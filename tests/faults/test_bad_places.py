"""No repository, no such remote, no such place: one clear sentence, and nothing moved."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from tests.support.chaosproxy import ChaosProxy
from tests.support.git import Repo
from tests.support.scene import FIRST, SECOND, TRACKED, Scene, assert_tree, pointers, sentences
from tests.support.trouble import Trouble

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.support.s3server import S3Server

COMMANDS = [
    *("init", "track *.bin", "untrack *.bin", "remote list", "push", "fetch", "pull", "checkout"),
    *("status", "ls-files", "prune", "fsck", "filter-process", "hook pre-push a b", "add x"),
]


@pytest.mark.parametrize("command", COMMANDS)
def test_not_a_repository(installed: Path, tmp_path: Path, command: str) -> None:
    said = Repo(tmp_path).fails("mlvers", *command.split())
    assert said.returncode == 3
    assert len(sentences(said.stderr)) == 1
    assert "not inside of a git repository" in said.stderr


def test_unknown_remote_by_hand(scene: Scene) -> None:
    said = scene.repo.fails("mlvers", "push", "--remote", "nowhere")
    assert said.returncode == 2
    assert sentences(said.stderr) == ["there is no remote named 'nowhere'"]
    assert "hint: there is storage" in said.stderr


def test_unknown_remote_in_the_configuration(pushed: Scene) -> None:
    repo = pushed.repo
    repo.git("config", "--global", "mlvers.remote", "nowhere")
    repo.git("branch", "more")
    repo.write("more.bin", b"more" * 1000)
    repo.commit("more")
    before = pushed.bare.git("for-each-ref")
    said = repo.fails("push", "origin", "main")
    assert sentences(said.stderr) == ["there is no remote named 'nowhere'"]
    assert pushed.bare.git("for-each-ref") == before
    ran = Repo(pushed.folder).run("clone", "-q", pushed.url, "made")
    made = Repo(pushed.folder / "made")
    assert pointers(made) == set(TRACKED)
    assert any("there is no remote named 'nowhere'" in line for line in sentences(ran.stderr))


def test_a_cache_where_no_directory_can_be_made(scene: Scene) -> None:
    scene.repo.config("mlvers.cacheDir", "/proc/none/cache")
    scene.repo.write("more.bin", b"more" * 100_000)
    said = scene.repo.fails("add", "more.bin")
    assert "no directory can be made here: /proc/none" in said.stderr


class Place:
    """Somewhere that content cannot be, and what is to be said of it."""

    def __init__(self, expected: str, **settings: str) -> None:
        self.expected = expected
        self.settings = settings

    def use(self, repo: Repo) -> None:
        for key, value in self.settings.items():
            repo.git("config", "--global", f"mlvers.remote.storage.{key}", value)


def no_parent(tmp_path: Path) -> Place:
    return Place("is there", url=str(tmp_path / "not" / "mounted"))


def a_file(tmp_path: Path) -> Place:
    (tmp_path / "file").write_bytes(b"")
    return Place("is not a directory", url=str(tmp_path / "file"))


S3_CASES = ["bucket missing", "forbidden", "unreachable", "failing"]


@pytest.fixture(params=["no parent", "a file", "read-only", *S3_CASES])
def place(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    small_disk: Callable[..., None],
) -> Iterator[Place]:
    """Places that are not to be had."""
    if request.param == "no parent":
        yield no_parent(tmp_path)
    elif request.param == "a file":
        yield a_file(tmp_path)
    elif request.param == "read-only":
        small_disk(tmp_path / "mounted", 1000, "ro")
        yield Place("read-only", url=str(tmp_path / "mounted" / "store"))
    else:
        server: S3Server = request.getfixturevalue("s3")
        yield from _s3_place(request.param, server)


def _s3_place(kind: str, server: S3Server) -> Iterator[Place]:
    url = f"s3://{server.new_bucket()}/prefix"
    if kind == "bucket missing":
        url = "s3://there-is-no-such-bucket/prefix"
        yield Place("there-is-no-such-bucket", url=url, **server.options())
    elif kind == "unreachable":
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        yield Place("127.0.0.1", url=url, **server.options(f"http://127.0.0.1:{port}"))
    else:
        with ChaosProxy(*server.address) as proxy:
            proxy.hurt("status", status={"forbidden": 403, "failing": 503}[kind])
            yield Place(url, url=url, **server.options(proxy.url))


def test_push_moves_no_ref(scene: Scene, place: Place, tmp_path: Path) -> None:
    place.use(scene.repo)
    ran = Trouble(tmp_path, quick=True).run(scene.repo, "git", "push", "origin", "main", "v1")
    assert ran.code != 0
    (sentence,) = sentences(ran.err)
    assert place.expected in sentence
    assert scene.bare.git("for-each-ref") == ""
    scene.repo.git("config", "--global", "--remove-section", "mlvers.remote.storage")
    scene.repo.git("config", "--global", "mlvers.remote.storage.url", str(scene.store))
    scene.repo.git("push", "-q", "origin", "main", "v1")
    scene.assert_readable()


def test_checkout_leaves_pointers(pushed: Scene, place: Place, tmp_path: Path) -> None:
    made = pushed.clone(skip=True)
    place.use(made)
    trouble = Trouble(tmp_path, quick=True)
    ran = trouble.run(made, "git", "checkout", "-q", "v1")
    assert ran.code == 0
    assert pointers(made) == {name for name in TRACKED if name in FIRST}
    made.assert_status()
    said = sentences(ran.err)
    # Three files changed: as many lines, or fewer.
    assert 1 <= len(said) <= 3
    if place.expected != "read-only":
        assert all(place.expected in line for line in said)
    pulled = trouble.run(made, "git", "mlvers", "pull")
    assert pulled.code in (4, 5)
    assert pointers(made) == {name for name in TRACKED if name in FIRST}
    made.git("config", "--global", "--remove-section", "mlvers.remote.storage")
    made.git("config", "--global", "mlvers.remote.storage.url", str(pushed.store))
    made.mlvers("pull")
    assert_tree(made, FIRST)


def test_strict_checkout_writes_nothing(pushed: Scene, place: Place, tmp_path: Path) -> None:
    made = pushed.clone()
    for name in ("objects", "packs"):
        (made.cache_dir() / name).rename(tmp_path / name)
    place.use(made)
    made.git("config", "--global", "mlvers.strict", "true")
    ran = Trouble(tmp_path, quick=True).run(made, "git", "checkout", "-q", "v1")
    assert ran.code != 0
    assert len(sentences(ran.err)) >= 1
    if place.expected != "read-only":
        assert place.expected in ran.err
    assert made.git("rev-parse", "--abbrev-ref", "HEAD") == "main"
    for name in TRACKED:
        # Git takes away what it is about to write; it is never left half or empty.
        assert not made.file(name).exists() or made.read(name) == SECOND[name]
    for name in ("objects", "packs"):
        (tmp_path / name).rename(made.cache_dir() / name)
    made.git("checkout", "-q", "-f", "main")
    assert_tree(made, SECOND)
