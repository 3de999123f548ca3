"""What git's configuration forbids stays forbidden behind ``mlvers::``."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.support.git import Repo, noise

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("content")

# For each transport an address at which nothing is found at once.
ADDRESSES = {
    "file": "file:///",
    "http": "http://127.0.0.1:1/",
    "ssh": "ssh://127.0.0.1:1/x",
    "git": "git://127.0.0.1:1/x",
    "ext": "ext::false",
    "other": "other::x",
}


def forbidden(url: str, cwd: Path, env: dict[str, str], words: tuple[str, ...]) -> bool:
    """Whether git does not even try."""
    ran = subprocess.run(
        ["git", *words, "ls-remote", url], cwd=cwd, env={**os.environ, **env},
        capture_output=True, text=True, timeout=20, check=False,
    )  # fmt: skip
    assert ran.returncode != 0
    assert "Traceback" not in ran.stderr
    return "not allowed" in ran.stderr


@pytest.fixture
def no_policy(home: Path, tmp_path: Path) -> Path:
    """A home whose configuration says nothing about transports, and a place with a repository."""
    subprocess.run(["git", "config", "--global", "--remove-section", "protocol.file"], check=True)
    Repo.init(tmp_path / "x.git", "--bare")
    return tmp_path


@pytest.mark.parametrize("name", list(ADDRESSES))
@pytest.mark.parametrize("user", ["", "0", "1"])
@pytest.mark.parametrize("allow", ["", "always", "user", "never"])
def test_as_git_decides(no_policy: Path, name: str, user: str, allow: str) -> None:
    url = ADDRESSES[name] if name != "file" else f"file://{no_policy}/x.git/none/.git"
    env = {"GIT_PROTOCOL_FROM_USER": user} if user else {}
    ours = ("-c", "protocol.mlvers.allow=always")
    for key in (f"protocol.{name}.allow", "protocol.allow"):
        words = ("-c", f"{key}={allow}") if allow else ()
        wanted = forbidden(url, no_policy, env, words)
        if name == "file":
            repo = f"file://{no_policy}/x.git"
            ran = subprocess.run(
                ["git", *ours, *words, "ls-remote", f"mlvers::{repo}"],
                env={**os.environ, **env}, capture_output=True, text=True, timeout=20, check=False,
            )  # fmt: skip
            assert ("transport 'file' not allowed" in ran.stderr) == wanted
        else:
            assert forbidden(f"mlvers::{url}", no_policy, env, (*ours, *words)) == wanted


@pytest.mark.parametrize("name", ["file", "http", "ext"])
@pytest.mark.parametrize("listed", ["", "mlvers", "mlvers:http", "ext:mlvers:file"])
def test_a_list_of_what_is_allowed(no_policy: Path, name: str, listed: str) -> None:
    url = ADDRESSES[name] if name != "file" else f"file://{no_policy}/x.git"
    ran = subprocess.run(
        ["git", "ls-remote", f"mlvers::{url}"],
        env={**os.environ, "GIT_ALLOW_PROTOCOL": listed},
        capture_output=True, text=True, timeout=20, check=False,
    )  # fmt: skip
    allowed = {"mlvers", name} <= set(listed.split(":"))
    assert ("not allowed" not in ran.stderr) == allowed


def test_a_word_that_git_does_not_know(no_policy: Path) -> None:
    ran = Repo(no_policy / "x.git").fails(
        "-c", "protocol.http.allow=perhaps", "ls-remote", "mlvers::http://127.0.0.1:1/"
    )
    assert "protocol.http.allow is 'perhaps'" in ran.stderr


def test_no_command_runs(no_policy: Path) -> None:
    witness = no_policy / "witness"
    for url in (
        f"ext::touch {witness}",
        f"ssh://-oProxyCommand=touch${{IFS}}{witness}/x",
        f"-oProxyCommand=touch {witness}:x",
        f"mlvers::ext::touch {witness}",
        "--upload-pack=touch witness",
    ):
        Repo(no_policy).fails("clone", f"mlvers::{url}", "a")
        Repo(no_policy / "x.git").fails("push", f"mlvers::{url}", "a:b")
    assert not witness.exists()


def test_addresses_are_rewritten_as_without_the_prefix(no_policy: Path) -> None:
    repo = Repo.init(no_policy / "work")
    repo.write("x", noise(10))
    repo.commit()
    repo.config(f"url.{no_policy}/.insteadOf", "short:")
    repo.git("push", "-q", "mlvers::short:x.git", "main")
    assert Repo(no_policy / "x.git").head("main") == repo.head()


def test_a_path_with_spaces_and_signs(no_policy: Path) -> None:
    Repo.init(no_policy / "a b%20'c!.git", "--bare")
    repo = Repo.init(no_policy / "work")
    repo.write("x", noise(10))
    repo.commit()
    escaped = f"file://{no_policy}/a%20b%2520'c!.git"
    for number, url in enumerate((escaped, f"{no_policy}/a b%20'c!.git", "../a b%20'c!.git")):
        for prefix in ("", "mlvers::"):
            repo.git(
                "-c",
                "protocol.file.allow=always",
                "push",
                "-q",
                prefix + url,
                f"main:{number}{prefix[:1]}",
            )
    assert len(Repo(no_policy / "a b%20'c!.git").git("for-each-ref").splitlines()) == 6
