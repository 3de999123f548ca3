"""Ctrl-C: all ends at once and quietly, nothing half-done stays, and the next try succeeds."""

from __future__ import annotations

import signal
import sys
import time
import tomllib
from typing import TYPE_CHECKING

import pytest

from tests.support.chaosproxy import ChaosProxy
from tests.support.environment import CHECKOUT
from tests.support.git import Repo
from tests.support.scene import (
    FIRST,
    SECOND,
    Scene,
    assert_nothing_wrong,
    assert_tree,
    on_disk,
    sentences,
    unlock,
)
from tests.support.trouble import At, Ended, Running, Trouble

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.s3server import S3Server

SMALL_PACKS = {"git_mlvers.remote.pack:TARGET": 200_000}
PROMPT = 8.0
"""Seconds that a command may take to end; a machine under load included."""


STOPPED = (130, -signal.SIGINT)
"""What is told of a program that Ctrl-C has ended: our own exit code, or git's."""


def stopping(*points: At) -> list[At]:
    return [point._replace(do="interrupt all") for point in points]


def assert_quiet(ended: Ended) -> None:
    """It was stopped, and said nothing that would frighten anyone."""
    assert ended.code != 0
    assert "KeyboardInterrupt" not in ended.err
    assert all("stopped" in line for line in sentences(ended.err)), ended.err


STARTING = stopping(
    At("git_mlvers.cli:"),
    At("git_mlvers.cli.main:"),
    At("git_mlvers.errors:"),
    At("git_mlvers.cli.version:"),
)
SCRIPTS = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]["scripts"]
# What pip writes for an entry point.
SCRIPT = "import sys; from {} import {}; sys.exit({}())"


@pytest.mark.parametrize("way", ["bin", "module", "script"])
@pytest.mark.parametrize("point", STARTING, ids=str)
def test_start(repo: Repo, tmp_path: Path, point: At, way: str) -> None:
    module, _, name = SCRIPTS["git-mlvers"].partition(":")
    words = {
        "bin": [str(CHECKOUT / "bin" / "git-mlvers")],
        "module": [sys.executable, "-m", "git_mlvers"],
        "script": [sys.executable, "-c", SCRIPT.format(module, name, name)],
    }[way]
    trouble = Trouble(tmp_path, point)
    env = {**trouble.env, "PYTHONPATH": f"{trouble.env['PYTHONPATH']}:{CHECKOUT}"}
    ended = Running(repo.path, [*words, "version"], env).end()
    assert trouble.happened
    assert ended.code in STOPPED
    assert (ended.out, ended.err) == ("", "")


PUSHING = stopping(
    At("git_mlvers.remote.sync:list_indexes"),
    At("git_mlvers.backend.directory:Directory.put", "before", 2),
    At("git_mlvers.remote.sending:Sender.send", "after", 2),
    At("git_mlvers.remote.publish:Pending.publish"),
    At("git_mlvers.cache.cache:Cache.frame"),
)


@pytest.mark.parametrize("point", PUSHING, ids=str)
def test_push(scene: Scene, tmp_path: Path, point: At) -> None:
    trouble = Trouble(tmp_path, point, values=SMALL_PACKS)
    ended = trouble.run(scene.repo, "git", "push", "-q", "origin", "main", "v1")
    assert trouble.happened
    assert_quiet(ended)
    assert ended.seconds < PROMPT
    assert scene.bare.git("for-each-ref") == ""
    assert [path for path in scene.store.rglob(".tmp-*") if path.is_file()] == []
    scene.repo.git("push", "-q", "origin", "main", "v1")
    scene.assert_readable()


CHECKING_OUT = stopping(
    At("git_mlvers.remote.sync:list_indexes"),
    At("git_mlvers.filter.smudge:Smudger.smudge", "before", 3),
    At("git_mlvers.filter.smudge:Smudger.available", "before", 2),
    At("git_mlvers.filter.placeholder:Journal.add", "after", 2),
    At("git_mlvers.filter.populate:replace_file", "before", 2),
    At("git_mlvers.remote.download:Download._finish", "before", 2),
    At("git_mlvers.filter.session:refresh_index"),
)


@pytest.mark.parametrize("point", CHECKING_OUT, ids=str)
def test_clone(pushed: Scene, tmp_path: Path, point: At) -> None:
    trouble = Trouble(tmp_path, point)
    ended = trouble.run(Repo(tmp_path), "git", "clone", "-q", pushed.url, "made")
    assert trouble.happened
    assert ended.seconds < PROMPT
    made = Repo(tmp_path / "made")
    if not (made.path / ".git").exists():
        # git itself takes away a clone that is stopped early.
        made = pushed.clone()
    found = on_disk(made)
    assert not [name for name in found if ".mlvers-" in name]
    # A file for which git waited is a pointer; one that git was just writing may be empty.
    assert_nothing_wrong(made, SECOND, b"")
    unlock(made)
    made.git("checkout", "-q", "-f", "HEAD")
    assert_tree(made, SECOND)
    made.assert_status()
    made.fsck()


@pytest.mark.parametrize("point", CHECKING_OUT[1:5], ids=str)
def test_checkout(scene: Scene, tmp_path: Path, point: At) -> None:
    trouble = Trouble(tmp_path, point)
    ended = trouble.run(scene.repo, "git", "checkout", "-q", "-f", "v1")
    assert trouble.happened
    assert ended.seconds < PROMPT
    assert not [name for name in on_disk(scene.repo) if ".mlvers-" in name]
    unlock(scene.repo)
    scene.repo.git("checkout", "-q", "-f", "v1")
    assert_tree(scene.repo, FIRST)
    scene.repo.assert_status()


PULLING = stopping(
    At("git_mlvers.remote.sync:list_indexes"),
    At("git_mlvers.remote.download:Download._finish", "before", 2),
    At("git_mlvers.filter.checkout:fill_in"),
    At("git_mlvers.filter.populate:_settle", "before", 2),
    At("git_mlvers.filter.checkout:write_stats"),
)


@pytest.mark.parametrize("point", PULLING, ids=str)
def test_pull(pushed: Scene, tmp_path: Path, point: At) -> None:
    made = pushed.clone(skip=True)
    trouble = Trouble(tmp_path, point)
    ended = trouble.run(made, "git", "mlvers", "pull")
    assert trouble.happened
    assert ended.code in STOPPED
    assert ended.err == ""
    assert ended.seconds < PROMPT
    assert_nothing_wrong(made, SECOND)
    assert not [name for name in on_disk(made) if ".mlvers-" in name]
    assert list((made.cache_dir() / "tmp").glob("*")) == []
    made.mlvers("pull")
    assert_tree(made, SECOND)
    made.assert_status()


@pytest.mark.parametrize(
    "point",
    stopping(
        At("git_mlvers.cache.objects:ObjectStore._rename"),
        At("git_mlvers.cache.appender:Appender.append", "before", 2),
        At("git_mlvers.filter.process:clean", "after", 2),
    ),
    ids=str,
)
def test_add(scene: Scene, tmp_path: Path, point: At) -> None:
    files = {f"new/{name}": data for name, data in SECOND.items()}
    files["new/large.bin"] = SECOND["huge.bin"] + SECOND["large.bin"]
    files["new/small.bin"] = b"other" * 1000
    files["new/text.bin"] = b"yet another" * 1000
    scene.repo.write_all(files)
    trouble = Trouble(tmp_path, point)
    ended = trouble.run(scene.repo, "git", "add", ".")
    assert trouble.happened
    assert_quiet(ended)
    unlock(scene.repo)
    assert_tree(scene.repo, SECOND | files)
    scene.repo.commit("again")
    for name in files:
        scene.repo.remove(name)
    scene.repo.git("reset", "-q", "--hard")
    assert_tree(scene.repo, SECOND | files)


@pytest.mark.s3
@pytest.mark.parametrize("command", ["push", "pull"])
def test_while_a_server_does_not_answer(
    pushed: Scene, tmp_path: Path, s3: S3Server, command: str
) -> None:
    with ChaosProxy(*s3.address) as proxy:
        settings = s3.options(proxy.url) | {"url": f"s3://{s3.new_bucket()}/x"}
        made = pushed.clone(skip=True) if command == "pull" else pushed.repo
        for key, value in settings.items():
            made.git("config", "--global", f"mlvers.remote.storage.{key}", value)
        proxy.hurt("hang")
        words = ["git", "mlvers", command]
        running = Trouble(tmp_path).start(made, *words)
        end = time.monotonic() + 30
        while not proxy.requests and time.monotonic() < end:
            time.sleep(0.01)
        time.sleep(0.1)
        stopped = time.monotonic()
        running.signal(signal.SIGINT)
        ended = running.end()
        assert time.monotonic() - stopped < PROMPT
        assert ended.code in STOPPED
        assert ended.err == ""
