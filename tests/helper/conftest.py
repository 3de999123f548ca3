"""Every way to a git repository, each with and without ``mlvers::``."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from typing import TYPE_CHECKING, NamedTuple

import pytest

from tests.support.environment import make_home
from tests.support.githttp import PASSWORD, USER, GitHttp
from tests.support.helper import Content
from tests.support.sshserver import SshServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

WAYS = ("path", "file", "ssh", "scp", "git", "http", "login", "ext")


class Way(NamedTuple):
    """One transport: its name, and the address of the repository at a path under `root`."""

    name: str
    root: Path
    url: Callable[[str], str]


@pytest.fixture
def content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Content:
    """What the helper asks about content, in place of real stores."""
    directory = tmp_path / "programs"
    directory.mkdir()
    monkeypatch.setenv("PATH", f"{directory}{os.pathsep}{os.environ['PATH']}")
    return Content(directory)


@pytest.fixture(autouse=True)
def fixed_times(monkeypatch: pytest.MonkeyPatch) -> None:
    """Commits that are made alike are the same."""
    for name in ("GIT_AUTHOR_DATE", "GIT_COMMITTER_DATE"):
        monkeypatch.setenv(name, "2024-05-06T07:08:09Z")


@pytest.fixture(scope="session")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SshServer]:
    """An ssh server that lasts as long as the tests."""
    home = tmp_path_factory.mktemp("sshd-home")
    make_home(home)
    with SshServer(tmp_path_factory.mktemp("sshd"), home) as server:
        yield server


@pytest.fixture
def served(tmp_path: Path) -> Path:
    """The directory whose repositories are served."""
    root = tmp_path / "served"
    root.mkdir()
    return root


@pytest.fixture(params=WAYS)
def way(
    request: pytest.FixtureRequest, served: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Way]:
    """Each transport in turn."""
    yield from make_way(str(request.param), request, served, monkeypatch)


def make_way(
    name: str, request: pytest.FixtureRequest, served: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Way]:
    """The transport called `name`, with a server when it needs one."""
    if name == "path":
        yield Way(name, served, lambda path: str(served / path))
    elif name == "file":
        yield Way(name, served, lambda path: f"file://{served / path}")
    elif name in ("ssh", "scp"):
        sshd = request.getfixturevalue("sshd")
        monkeypatch.setenv("GIT_SSH_COMMAND", f"ssh -F '{sshd.config}'")
        start = f"ssh://127.0.0.1:{sshd.port}" if name == "ssh" else "place:"
        yield Way(name, served, lambda path: f"{start}{served / path}")
    elif name == "git":
        with _daemon(served) as port:
            yield Way(name, served, lambda path: f"git://127.0.0.1:{port}/{path}")
    elif name == "http":
        with GitHttp(served) as server:
            yield Way(name, served, server.url)
    elif name == "login":
        _remember_login(request.getfixturevalue("home"))
        with GitHttp(served, login=True) as server:
            yield Way(name, served, server.url)
    else:
        subprocess.run(["git", "config", "--global", "protocol.ext.allow", "always"], check=True)
        yield Way(name, served, lambda path: f"ext::git %s {served / path}")


class _daemon:
    """``git daemon`` on a free port, pushing allowed."""

    def __init__(self, root: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self._port = free.getsockname()[1]
        self._process = subprocess.Popen(
            [
                *("git", "daemon", "--listen=127.0.0.1", f"--port={self._port}", "--reuseaddr"),
                *("--enable=receive-pack", "--enable=upload-archive", "--export-all"),
                *(f"--base-path={root}", str(root)),
            ],
            stderr=subprocess.DEVNULL,
        )

    def __enter__(self) -> int:
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", self._port)).close()
            except OSError:
                time.sleep(0.05)
            else:
                return int(self._port)
        raise RuntimeError("git daemon did not start")

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait()


def _remember_login(home: Path) -> None:
    """A credential helper that knows the login of the server."""
    script = f"!f() {{ echo 'username={USER}'; echo 'password={PASSWORD}'; }}; f"
    subprocess.run(
        ["git", "config", "--file", home / ".gitconfig", "credential.helper", script], check=True
    )
