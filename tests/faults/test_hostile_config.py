"""A committed ``.mlversconfig`` that would send, read or start what the user never agreed to."""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING

import pytest

from tests.support.git import Repo, noise, pointer_of
from tests.support.scene import SECOND, TRACKED, Scene, assert_tree, pointers, sentences
from tests.support.trouble import Trouble

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

REFUSED = {
    "a secret": ('[mlvers "remote.storage"]\n\tsecretaccesskey = hunter2\n', "secret"),
    "a token": ('[mlvers "remote.storage"]\n\tsessiontoken = hunter2\n', "secret"),
    "a password in the url": (
        '[mlvers "remote.storage"]\n\turl = webdav://me:hunter2@example.com/x\n',
        "password",
    ),
    "a program": ("[mlvers]\n\tprogram = ./evil\n", "program"),
    "a filter": ('[filter "mlvers"]\n\tclean = ./evil\n', "filter.mlvers.clean"),
    "a credential file": ('[mlvers "remote.storage"]\n\tcredentialpath = /etc/passwd\n', "secret"),
    "a cache outside": ("[mlvers]\n\tcachedir = ../outside\n", "mlvers.cachedir"),
    "a helper": ('[mlvers "remote.storage"]\n\turl = ext::./evil\n', "address"),
    "a file scheme": ('[mlvers "remote.storage"]\n\turl = ftp://example.com/x\n', "address"),
    "the repository itself": ('[mlvers "remote.storage"]\n\turl = .git/objects\n', "inside"),
    "an include": ("[include]\n\tpath = ../outside.config\n", "include.path"),
    "control characters": ('[mlvers]\n\tremote = "a\\tb"\n', "control"),
    "no git config at all": ("<html>\n", "cannot be read"),
}


@pytest.fixture
def committed(pushed: Scene) -> Scene:
    """The configuration of the user names no remote; the repository's own is all there is."""
    pushed.repo.git("config", "--global", "--remove-section", "mlvers.remote.storage")
    pushed.repo.git("config", "--global", "--unset", "mlvers.remote")
    return pushed


def commit_config(scene: Scene, text: str) -> None:
    """Let the bare repository have `text` as its ``.mlversconfig``, as a stranger would."""
    skip = {"MLVERS_SKIP_SMUDGE": "1"}
    repo = Repo(scene.folder / "stranger")
    Repo(scene.folder).run("clone", "-q", scene.url, "stranger", env=skip)
    repo.write(".mlversconfig", text)
    repo.git("add", ".mlversconfig")
    repo.git("commit", "-q", "-m", "config", env=skip)
    repo.git("push", "-q", "--no-verify", "origin", "HEAD:main")


@pytest.mark.parametrize("kind", REFUSED)
def test_clone(committed: Scene, tmp_path: Path, kind: str) -> None:
    text, why = REFUSED[kind]
    outside = tmp_path / "outside"
    marker = f"[core]\n\tpager = touch {tmp_path}/started\n"
    (tmp_path / "outside.config").write_text(marker)
    commit_config(committed, text)
    ran = Repo(tmp_path).run("clone", "-q", committed.url, "made", check=False)
    made = Repo(tmp_path / "made")
    said = sentences(ran.stderr)
    assert len(said) <= len(TRACKED) + 1
    assert any(".mlversconfig" in line and why in line for line in said), ran.stderr
    assert "hunter2" not in ran.stderr
    assert not outside.exists()
    assert not (tmp_path / "started").exists()
    assert pointers(made) == set(TRACKED)
    made.assert_status()
    # The user's own word mends it.
    made.config("mlvers.remote", "storage")
    made.config("mlvers.remote.storage.url", str(committed.store))
    refused = made.fails("mlvers", "pull")
    assert why in refused.stderr
    made.git("rm", "-q", "-f", ".mlversconfig")
    made.git("commit", "-q", "-m", "without")
    made.mlvers("pull")
    assert_tree(made, SECOND)


def test_symbolic_link(committed: Scene, tmp_path: Path) -> None:
    target = tmp_path / "outside.config"
    target.write_text(f'[mlvers "remote.storage"]\n\turl = {committed.store}\n')
    skip = {"MLVERS_SKIP_SMUDGE": "1"}
    made = committed.clone(skip=True)
    made.file(".mlversconfig").symlink_to(target)
    refused = made.fails("mlvers", "pull")
    assert ".mlversconfig is a symbolic link" in refused.stderr
    made.git("add", ".mlversconfig", env=skip)
    assert pointers(made) == set(TRACKED)


class Listener:
    """Counts who connects."""

    def __init__(self) -> None:
        self.server = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.server.getsockname()[1]}"
        self.heard: list[bytes] = []
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        while True:
            try:
                client, _ = self.server.accept()
            except OSError:
                return
            with client:
                self.heard.append(client.recv(4096))

    def close(self) -> None:
        self.server.shutdown(socket.SHUT_RDWR)
        self.server.close()


@pytest.fixture
def listener() -> Iterator[Listener]:
    made = Listener()
    yield made
    made.close()


@pytest.mark.parametrize("where", ["endpoint", "webdav"])
def test_host_of_a_stranger_hears_nothing(
    committed: Scene, tmp_path: Path, listener: Listener, where: str
) -> None:
    host = listener.url.removeprefix("http://")
    address = {
        "endpoint": f"url = s3://bucket/x\n\tendpointurl = {listener.url}",
        "webdav": f"url = webdav://{host}/x",
    }[where]
    remote = f'[mlvers]\n\tremote = storage\n[mlvers "remote.storage"]\n\t{address}\n'
    commit_config(committed, remote)
    env = {"AWS_ACCESS_KEY_ID": "AKIDSECRET", "AWS_SECRET_ACCESS_KEY": "hunter2"}
    ran = Repo(tmp_path).run("clone", "-q", committed.url, "made", env=env)
    made = Repo(tmp_path / "made")
    assert pointers(made) == set(TRACKED)
    assert "git mlvers remote trust storage" in ran.stderr
    made.write("more.bin", noise(5_000, "more"))
    made.commit("more")
    for words in (["push", "origin", "HEAD:main"], ["mlvers", "pull"], ["mlvers", "push"]):
        said = made.fails(*words, env=env)
        assert "git mlvers remote trust storage" in said.stderr
    made.run("mlvers", "env", env=env, check=False)
    made.run("mlvers", "status", env=env, check=False)
    made.run("mlvers", "fsck", "--remote", env=env, check=False)
    assert listener.heard == []
    # With the user's word it is asked.
    made.mlvers("remote", "trust", "storage")
    trouble = Trouble(tmp_path, quick=True)
    trouble.env.update(env)
    trouble.run(made, "git", "mlvers", "fetch")
    if where == "endpoint":
        assert listener.heard != []


def test_directory_of_a_stranger_is_not_written_to(committed: Scene, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    url = f'[mlvers]\n\tremote = storage\n[mlvers "remote.storage"]\n\turl = {outside}\n'
    commit_config(committed, url)
    ran = Repo(tmp_path).run("clone", "-q", committed.url, "made")
    made = Repo(tmp_path / "made")
    assert pointers(made) == set(TRACKED)
    assert sentences(ran.stderr)
    made.write("more.bin", noise(5_000, "more"))
    made.commit("more")
    before = committed.bare.git("for-each-ref")
    said = made.fails("push", "origin", "HEAD:main")
    assert "git mlvers remote trust storage" in said.stderr
    assert committed.bare.git("for-each-ref") == before
    assert list(outside.iterdir()) == []


POINTERS = {
    "a size that is not its content's": pointer_of(SECOND["large.bin"]).replace(b"300000", b"5000"),
    "a small file said to be large": pointer_of(SECOND["small.bin"]).replace(b"3000", b"9000000"),
    "an impossible size": pointer_of(SECOND["large.bin"]).replace(
        b"300000", b"9223372036854775807"
    ),
    "an oid of nothing": pointer_of(b"x").replace(b"size 1", b"size 4611686018427387904"),
}


@pytest.mark.parametrize("cached", [True, False], ids=["cached", "to download"])
@pytest.mark.parametrize("kind", POINTERS)
def test_pointer_that_lies(pushed: Scene, kind: str, cached: bool) -> None:
    skip = {"MLVERS_SKIP_SMUDGE": "1"}
    stranger = pushed.clone(skip=True)
    stranger.write("lie.bin", POINTERS[kind])
    stranger.git("add", "lie.bin")
    stranger.git("commit", "-q", "-m", "lie", env=skip)
    stranger.git("push", "-q", "--no-verify", "origin", "HEAD:main")
    made = pushed.repo
    if not cached:
        made = pushed.clone(skip=True)
        made.git("checkout", "-q", "v1", env=skip)
    ran = made.run("pull", "-q", "origin", "main")
    assert made.read("lie.bin") == POINTERS[kind]
    assert any("lie.bin" in line for line in sentences(ran.stderr)), ran.stderr
    if cached:
        made.assert_contents(SECOND)
    assert made.fails("mlvers", "pull").returncode in (4, 6)
    made.assert_contents(SECOND)
    assert sum(path.stat().st_size for path in made.cache_dir().rglob("*") if path.is_file()) < 4e6
    # A push of it says that its content is nowhere.
    made.write("more.txt", b"more\n")
    made.commit("more")
    made.git("push", "-q", "origin", "HEAD:refs/heads/other", check=False)
