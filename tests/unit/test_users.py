"""Who uses a remote: when two addresses are one git remote, and what is told of it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from git_mlvers.config import users

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.git import Repo

FORGE = [
    "https://example.org/ada/data.git",
    "https://example.org/ada/data",
    "https://token:secret@example.org/ada/data.git/",
    "https://Example.org:443/ada/data.git",
    "mlvers::https://example.org/ada/data.git",
    "git@example.org:ada/data.git",
    "ssh://git@example.org/ada/data",
    "ssh://git@example.org:22/ada/data.git",
    "git://example.org/ada/data.git",
]

OTHERS = [
    "https://example.org/ada/data2.git",
    "https://example.com/ada/data.git",
    "https://example.org:8443/ada/data.git",
    "ada@example.org:ada/data.git",
    "grace@example.org:ada/data.git",
    "ssh://ada@example.org/~/ada/data.git",
    "/ada/data.git",
    "s3://example.org/ada/data.git",
    "mlvers::s3://example.org/ada/data.git/more",
]


def test_spellings_of_one_address() -> None:
    assert len({users.of_url(url, "/").name for url in FORGE}) == 1


def test_other_addresses_are_others() -> None:
    """What is wrongly taken for looked at would be lost."""
    names = [users.of_url(url, "/").name for url in (FORGE[0], *OTHERS)]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("url", [*FORGE, *OTHERS, "https://x.org/a?access_token=secret"])
def test_no_secret_is_told(url: str) -> None:
    user = users.of_url(url, "/")
    assert b"secret" not in user.text and b"token" not in user.text
    again = users.read(user.text)
    assert again is not None and again.name == user.name and again.shown == user.shown


def test_a_path_is_one_of_a_machine(tmp_path: Path, repo: Repo) -> None:
    (tmp_path / "link").symlink_to(repo.path)
    spellings = [str(repo.path), f"file://{repo.path}", f"{repo.path}/.git", "link", "./work/"]
    found = {users.of_url(url, str(tmp_path)) for url in spellings}
    assert len(found) == 1
    (user,) = found
    assert user.host == os.uname().nodename
    assert user._replace(host="another").name != user.name
    assert "on the machine" in user.shown


@pytest.mark.parametrize("text", [b"", b"{}", b"[]", b"\xff", b'{"url": 1, "host": ""}', b"null"])
def test_what_is_no_user(text: bytes) -> None:
    assert users.read(text) is None
