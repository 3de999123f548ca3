"""SSH beyond what every store does: who is believed, and what a broken connection leaves."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import asyncssh
import pytest

from git_mlvers.backend.base import BackendError, Forbidden, Unreachable
from git_mlvers.backend.patience import Patience
from git_mlvers.backend.registry import open_backend
from tests.support.sshserver import SshServer, shared_sshd

if TYPE_CHECKING:
    from collections.abc import Iterator

    from git_mlvers.backend.base import Backend

QUICK = Patience(connect=1.0, silence=1.0, unknown=2.0, total=4.0)


@pytest.fixture
def server() -> SshServer:
    """A running sshd."""
    return shared_sshd()


@pytest.fixture
def url(server: SshServer, tmp_path: Path) -> str:
    """The address of a directory there."""
    return f"ssh://127.0.0.1:{server.port}{tmp_path}/store"


@pytest.fixture
def backend(server: SshServer, url: str) -> Iterator[Backend]:
    """An empty place, on a host that is known."""
    server.make_known()
    backend = open_backend(url, server.options(), patience=QUICK)
    yield backend
    backend.close()


def test_a_host_that_is_not_known_gets_nothing(server: SshServer, url: str) -> None:
    backend = open_backend(url, server.options())
    with pytest.raises(Forbidden, match="not among the known ones") as caught:
        backend.get("key")
    assert f"ssh-keyscan -p {server.port} 127.0.0.1" in (caught.value.hint or "")


def test_a_host_with_another_key_gets_nothing(server: SshServer, url: str, tmp_path: Path) -> None:
    server.make_known()
    known = Path.home() / ".ssh/known_hosts"
    other = tmp_path / "other"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", other], check=True)
    known.write_text(f"{known.read_text().split()[0]} {other.with_suffix('.pub').read_text()}")
    with pytest.raises(Forbidden, match="another key"):
        open_backend(url, server.options()).put("key", b"x")


def test_a_login_that_is_refused_is_told(server: SshServer, url: str, tmp_path: Path) -> None:
    server.make_known()
    key = tmp_path / "mine"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    options = server.options() | {"keyfile": str(key), "password": "hunter2hunter2"}
    with pytest.raises(Forbidden, match="login is refused") as caught:
        open_backend(url, options).get("key")
    assert "hunter2hunter2" not in str(caught.value) + str(caught.value.hint)


def test_a_host_that_does_not_answer_is_told(server: SshServer) -> None:
    backend = open_backend("ssh://127.0.0.1:1/place", server.options(), patience=QUICK)
    with pytest.raises(Unreachable, match="no connection"):
        backend.get("key")


def test_a_connection_that_broke_is_made_again(backend: Backend, server: SshServer) -> None:
    backend.put("key", b"content")
    for child in _children_of(server._process.pid):
        os.kill(child, signal.SIGKILL)
    assert backend.get("key") == b"content"
    backend.put("key", b"new")
    assert backend.get("key") == b"new"


def test_a_server_that_hangs_is_given_up(backend: Backend, server: SshServer) -> None:
    backend.put("key", b"content")
    stopped = _children_of(server._process.pid)
    for child in stopped:
        os.kill(child, signal.SIGSTOP)
    waking = threading.Timer(3.0, lambda: [os.kill(child, signal.SIGCONT) for child in stopped])
    waking.start()
    assert backend.get("key") == b"content"
    waking.join()


def test_what_writers_left_behind_is_no_object(backend: Backend, tmp_path: Path) -> None:
    backend.put("a/key", b"x")
    (tmp_path / "store/a/.tmp-0123").write_bytes(b"half")
    (tmp_path / "store/a/not a key").write_bytes(b"?")
    assert [entry.key for entry in backend.list("")] == ["a/key"]
    assert sorted(os.listdir(tmp_path / "store/a")) == [".tmp-0123", "key", "not a key"]


def test_no_write_leaves_anything_beside(backend: Backend, tmp_path: Path) -> None:
    backend.put("a/key", b"x")
    assert not backend.create("a/key", b"y")
    (tmp_path / "store/a/folder").mkdir()
    with pytest.raises(BackendError, match="cannot write a/folder"):
        backend.put("a/folder", b"x")
    assert sorted(os.listdir(tmp_path / "store/a")) == ["folder", "key"]


def test_a_folder_that_was_removed_meanwhile_is_made_again(
    backend: Backend, tmp_path: Path
) -> None:
    backend.put("a/key", b"x")
    (tmp_path / "store/a/key").unlink()
    (tmp_path / "store/a").rmdir()
    assert backend.stat("a/key") is None
    backend.put("a/key", b"y")
    assert backend.get("a/key") == b"y"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a file system")
def test_where_nobody_may_write_it_is_told(server: SshServer) -> None:
    server.make_known()
    backend = open_backend(f"ssh://127.0.0.1:{server.port}/proc/place", server.options())
    with pytest.raises(BackendError, match="cannot write key"):
        backend.put("key", b"x")
    backend.close()


def test_a_server_without_links_creates_by_renaming_and_says_so(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def no_links(*_: Any) -> None:
        raise asyncssh.SFTPOpUnsupported("no links")

    monkeypatch.setattr(asyncssh.SFTPClient, "link", no_links)
    assert backend.capabilities.create_only
    assert backend.create("key", b"first")
    assert not backend.create("key", b"second")
    assert backend.get("key") == b"first"
    assert not backend.capabilities.create_only


def test_a_place_below_the_home_there(server: SshServer) -> None:
    server.make_known()
    place = f"tests-{os.urandom(4).hex()}"
    backend = open_backend(f"sftp://127.0.0.1:{server.port}/~/{place}/a", server.options())
    backend.put("b/key", b"x")
    assert [entry.key for entry in backend.list("")] == ["b/key"]
    backend.delete("b/key")
    backend.close()
    home = Path(f"~{server.user}").expanduser() / place
    assert (home / "a/b").is_dir()
    for folder in (home / "a/b", home / "a", home):
        folder.rmdir()


def test_threads_do_not_wait_for_each_other_for_ever(backend: Backend) -> None:
    """Other clients of SFTP hang when eight threads share one connection."""
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda n: backend.put(f"k/{n}", os.urandom(20_000)), range(80)))
        found = list(threads.map(lambda n: len(backend.get(f"k/{n}")), range(80)))
    assert found == [20_000] * 80


def _children_of(process: int) -> list[int]:
    """The processes below `process`, those of connections."""
    listed = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    return [pid for child in map(int, listed) for pid in (child, *_children_of(child))]
