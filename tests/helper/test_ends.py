"""Nothing hangs: a login that is not there, servers and helpers that go, a git that is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from tests.support.git import Repo, noise
from tests.support.githttp import GitHttp

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.helper import Content

pytestmark = pytest.mark.usefixtures("content")

SOON = 20
"""Seconds within which everything here has to end."""


@pytest.fixture
def origin(served: Path) -> Repo:
    """A served repository with one commit."""
    repo = Repo.init(served.parent / "source")
    repo.write("file", noise(200_000))
    repo.commit()
    repo.git("clone", "-q", "--bare", ".", str(served / "origin.git"))
    return Repo(served / "origin.git")


def run(
    *words: str, cwd: Path, env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """``git WORDS``, which must fail soon, with sentences."""
    ran = subprocess.run(
        ["git", *words],
        cwd=cwd,
        env={**os.environ, **(env or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=SOON,
        check=False,
    )
    assert ran.returncode != 0
    assert "Traceback" not in ran.stderr
    return ran


def program(tmp_path: Path, name: str, script: str) -> dict[str, str]:
    """An environment in which `name` is the sh `script`."""
    directory = tmp_path / "more-programs"
    directory.mkdir()
    (directory / name).write_text(f"#!/bin/sh\n{script}\n")
    (directory / name).chmod(0o755)
    return {"PATH": f"{directory}{os.pathsep}{os.environ['PATH']}"}


def alive(pid: int) -> bool:
    """Whether a process is there and no zombie."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rsplit(")", 1)[1].split()[0] not in ("Z", "X")
    except OSError:
        return False


def gone(pid: int) -> bool:
    """Whether a process ends soon."""
    end = time.monotonic() + SOON
    while alive(pid) and time.monotonic() < end:
        time.sleep(0.02)
    return not alive(pid)


def test_a_login_that_nobody_has(origin: Repo, served: Path, tmp_path: Path) -> None:
    with GitHttp(served, login=True) as server:
        url = server.url("origin.git")
        plain = run("clone", url, "a", cwd=tmp_path)
        ours = run("clone", f"mlvers::{url}", "a", cwd=tmp_path)
        assert ours.returncode == plain.returncode
        assert ours.stderr == plain.stderr
        assert "could not read Username" in ours.stderr
        run("push", f"mlvers::{url}", "HEAD:x", cwd=origin.path)


def test_a_server_that_hangs_up(origin: Repo, served: Path, tmp_path: Path) -> None:
    with GitHttp(served, hang_up=True) as server:
        said = run("clone", f"mlvers::{server.url('origin.git')}", "a", cwd=tmp_path).stderr
        assert "unable to access" in said
        run("push", f"mlvers::{server.url('origin.git')}", "HEAD:x", cwd=origin.path)


def test_nobody_listens(origin: Repo, tmp_path: Path) -> None:
    for url in ("http://127.0.0.1:1/x", "git://127.0.0.1:1/x", "ssh://127.0.0.1:1/x"):
        said = run("clone", f"mlvers::{url}", "a", cwd=tmp_path).stderr
        assert "connect" in said
        run("push", f"mlvers::{url}", "HEAD:x", cwd=origin.path)


@pytest.mark.parametrize("lines", [0, 1, 2, 3])
def test_a_helper_that_ends(origin: Repo, tmp_path: Path, lines: int) -> None:
    script = "read line; printf 'fetch\\npush\\noption\\n\\n'\n" if lines else ""
    script += "read line; echo unsupported\n" * (lines - 1) + "exit 7"
    env = program(tmp_path, "git-remote-test", script)
    run("ls-remote", "mlvers::test::place", cwd=tmp_path, env=env)
    run("push", "mlvers::test::place", "HEAD:x", cwd=origin.path, env=env)


def test_the_status_of_a_helper_is_ours(tmp_path: Path) -> None:
    env = program(tmp_path, "git-remote-test", "read line; exit 7")
    argv = ["git-remote-mlvers", "origin", "test::place"]
    for text in ("", "capabilities\n", "capabilities\nlist\n"):
        ran = subprocess.run(
            argv, input=text, text=True, capture_output=True, timeout=SOON,
            env={**os.environ, **env}, check=False,
        )  # fmt: skip
        assert (ran.returncode, ran.stdout, ran.stderr) == (7, "", "")


def test_a_helper_that_is_not_there(tmp_path: Path) -> None:
    said = run("ls-remote", "mlvers::nonsense::place", cwd=tmp_path).stderr
    assert "remote-nonsense" in said
    assert run("ls-remote", "mlvers::nonsense://place", cwd=tmp_path).returncode == 128


def test_a_service_that_ends(origin: Repo) -> None:
    url = f"mlvers::{origin.path}"
    for service in ("exit 3", "echo 'no packets here'", "printf 0000; exit 3", "printf 00"):
        pack = f"--receive-pack={service};:"
        said = run("push", pack, url, "HEAD:x", cwd=origin.path).stderr
        assert "fatal" in said or "error" in said


def test_git_is_killed_while_content_is_sent(
    origin: Repo, content: Content, tmp_path: Path
) -> None:
    content.take_long()
    before = origin.git("for-each-ref")
    git = subprocess.Popen(
        ["git", "push", "-q", f"mlvers::{origin.path}", "HEAD:x"],
        cwd=tmp_path / "source", stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    helper = wait_for_helper(content)
    git.send_signal(signal.SIGKILL)
    git.wait(SOON)
    # It works on, and finds at the end that nobody is there any more.
    os.kill(helper, signal.SIGTERM)
    assert gone(helper)
    assert origin.git("for-each-ref") == before
    origin.fsck()


def wait_for_helper(content: Content) -> int:
    """The process of the helper that is sending content."""
    end = time.monotonic() + SOON
    while not content.asked() and time.monotonic() < end:
        time.sleep(0.02)
    return content.asked()[-1].pid


HELPER = "read line; printf 'fetch\\n\\n'; read line; exec sleep 600"
SERVICE = "exec cat >/dev/null"


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("kind", ["a helper", "a service"])
def test_git_is_killed_while_it_waits(tmp_path: Path, number: int, kind: str) -> None:
    note = f'echo $PPID $$ >"{tmp_path}/new"; mv "{tmp_path}/new" "{tmp_path}/pids"; '
    env = program(tmp_path, "git-remote-test", note + (HELPER if kind == "a helper" else SERVICE))
    env["GIT_ALLOW_PROTOCOL"] = "test:ext:mlvers"
    url = "test::place" if kind == "a helper" else "ext::git-remote-test"
    git = subprocess.Popen(
        ["git", "ls-remote", f"mlvers::{url}"],
        cwd=tmp_path, env={**os.environ, **env}, stderr=subprocess.PIPE, start_new_session=True,
    )  # fmt: skip
    end = time.monotonic() + SOON
    while not (tmp_path / "pids").exists() and time.monotonic() < end:
        time.sleep(0.02)
    pids = (tmp_path / "pids").read_text().split()
    time.sleep(0.2)
    if number == signal.SIGINT:
        os.killpg(git.pid, number)
    else:
        git.send_signal(number)
    # It ends when all that have its standard error have ended.
    said = git.communicate(timeout=SOON)[1]
    assert b"Traceback" not in said
    assert all(gone(int(pid)) for pid in pids)


def test_interrupted_while_content_is_sent(origin: Repo, content: Content, tmp_path: Path) -> None:
    content.take_long()
    before = origin.git("for-each-ref")
    git = subprocess.Popen(
        ["git", "push", "-q", f"mlvers::{origin.path}", "HEAD:x"],
        cwd=tmp_path / "source", stderr=subprocess.PIPE, start_new_session=True,
    )  # fmt: skip
    helper = wait_for_helper(content)
    os.killpg(git.pid, signal.SIGINT)
    said = git.communicate(timeout=SOON)[1]
    assert b"Traceback" not in said
    assert gone(helper)
    assert origin.git("for-each-ref") == before


@pytest.mark.parametrize("after", [0.0, 0.02, 0.04, 0.06, 0.08, 0.1, 0.15])
def test_interrupted_at_any_time_of_the_start(tmp_path: Path, after: float) -> None:
    Repo.init(tmp_path / "bare.git", "--bare")
    helper = subprocess.Popen(
        ["git-remote-mlvers", "origin", str(tmp_path / "bare.git")],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    time.sleep(after)
    helper.send_signal(signal.SIGINT)
    said = helper.communicate(timeout=SOON)[1]
    # Before our first line Python is on its own.
    assert b"Traceback" not in said or b"in entry" not in said
