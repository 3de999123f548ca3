"""WebDAV beyond what every store does: what it costs, what it refuses, and the main job on it."""

from __future__ import annotations

import http.server
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from git_mlvers.backend.base import Forbidden, KeyMissing, Unreachable
from git_mlvers.backend.registry import open_backend
from tests.support.chaosproxy import ChaosProxy
from tests.support.git import Repo, noise
from tests.support.webdavserver import PASSWORD, USER, WebdavServer, webdav_server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from git_mlvers.backend.base import Backend


@pytest.fixture
def server() -> WebdavServer:
    """WsgiDAV."""
    return webdav_server()


@pytest.fixture
def proxy(server: WebdavServer) -> Iterator[ChaosProxy]:
    """What counts the requests to it."""
    with ChaosProxy(*server.address) as proxy:
        yield proxy


@pytest.fixture
def backend(server: WebdavServer, proxy: ChaosProxy) -> Iterator[Backend]:
    """A new place, through the proxy."""
    backend = open_backend(server.url(server.new_path(), proxy.url), server.options())
    yield backend
    backend.close()


def test_what_each_verb_costs(backend: Backend, proxy: ChaosProxy) -> None:
    backend.put("content/index/one", b"0123456789")
    verbs: list[tuple[int, Callable[[], object]]] = [
        (1, lambda: backend.get("content/index/one")),
        (1, lambda: backend.get("content/index/one", 2, 3)),
        (2, lambda: backend.put("content/index/two", b"x" * (6 << 20))),
        (2, lambda: backend.create("content/index/three", b"x")),
        (1, lambda: backend.stat("content/index/one")),
        (1, lambda: backend.stat("none")),
        (1, lambda: list(backend.list("content/index/"))),
        (1, lambda: backend.delete("content/index/one")),
        (1, lambda: backend.delete("content/index/one")),
    ]
    for number, (cost, verb) in enumerate(verbs):
        before = len(proxy.requests)
        verb()
        assert len(proxy.requests) - before == cost, number


def test_nothing_is_left_of_what_was_not_written(server: WebdavServer) -> None:
    path = server.new_path()
    backend = open_backend(server.url(path), server.options())
    backend.put("a/key", b"one")
    assert backend.create("a/key", b"two") is False
    assert [each.name for each in Path(server.folder, path, "a").iterdir()] == ["key"]
    backend.close()


@pytest.mark.parametrize("options", [{}, {"user": USER, "password": "hunter2hunter2"}])
def test_who_may_not_is_told_so(server: WebdavServer, options: dict[str, str]) -> None:
    backend = open_backend(server.url("place"), options)
    with pytest.raises(Forbidden, match="access is denied") as caught:
        backend.get("key")
    assert "hunter2" not in str(caught.value)
    backend.close()


def test_a_token_is_sent_and_a_server_may_not_know_ranges() -> None:
    seen: list[str | None] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append(self.headers["Authorization"])
            if self.path != "/p/key":
                self.send_error(404)
                return
            self.send_response(200)
            self.send_header("Content-Length", "10")
            self.end_headers()
            self.wfile.write(b"0123456789")

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as web:
        threading.Thread(target=web.serve_forever, daemon=True).start()
        url = f"webdav://127.0.0.1:{web.server_address[1]}/p"
        backend = open_backend(url, {"token": "a-secret-token"})
        assert backend.capabilities.ranges
        assert backend.get("key", 3, 4) == b"3456"
        assert not backend.capabilities.ranges
        with pytest.raises(KeyMissing):
            backend.get("other")
        backend.close()
        web.shutdown()
    assert set(seen) == {"Bearer a-secret-token"}


def test_what_is_no_webdav_is_told_so() -> None:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_PROPFIND(self) -> None:
            self.send_response(207)
            self.send_header("Content-Length", "5")
            self.end_headers()
            self.wfile.write(b"hello")

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Nothing."""

    from git_mlvers.backend.patience import Patience

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as web:
        threading.Thread(target=web.serve_forever, daemon=True).start()
        url = f"webdav://127.0.0.1:{web.server_address[1]}/p"
        backend = open_backend(url, {}, patience=Patience(1, 1, 1, 1))
        with pytest.raises(Unreachable, match="no XML"):
            list(backend.list(""))
        backend.close()
        web.shutdown()


def test_the_main_job(server: WebdavServer, installed: Path, tmp_path: Path) -> None:
    bare, repo = Repo.init(tmp_path / "origin.git", "--bare"), Repo.init(tmp_path / "work")
    repo.git("remote", "add", "origin", str(bare.path))
    repo.run("mlvers", "init")
    repo.run("mlvers", "track", "*.bin")
    repo.run("mlvers", "remote", "add", "-d", "storage", server.url(server.new_path()))
    for name, value in server.options().items():
        repo.run("mlvers", "remote", "modify", "--local", "storage", name, value)
    large = noise(700_000, seed=5)
    repo.write("large.bin", large)
    repo.write("small.bin", b"small")
    repo.commit("data")
    repo.git("push", "-q", "origin", "main")
    assert PASSWORD not in repo.run("mlvers", "env").stdout
    repo.git("clone", "-q", str(bare.path), str(tmp_path / "clone"), check=False)
    other = Repo(tmp_path / "clone")
    # A host of its own that a committed file names wants the user's word.
    assert other.read("large.bin").startswith(b"version git-mlvers/1")
    other.run("mlvers", "remote", "trust", "storage")
    for name, value in server.options().items():
        other.run("mlvers", "remote", "modify", "--local", "storage", name, value)
    other.run("mlvers", "pull")
    assert other.read("large.bin") == large
    assert other.read("small.bin") == b"small"
    assert other.git("status", "--porcelain") == ""


def test_no_git_remote_can_be_pushed_there(
    server: WebdavServer, installed: Path, tmp_path: Path
) -> None:
    repo = Repo.init(tmp_path / "work")
    repo.write("file", "1\n")
    repo.commit("one")
    place = server.url(server.new_path()).replace("://", f"://{USER}:{PASSWORD}@")
    said = repo.fails("push", f"mlvers::{place}", "main").stderr
    # Git itself shows the address as it was typed, on other lines.
    (line,) = [line for line in said.splitlines() if "no condition on writes" in line]
    assert PASSWORD not in line
