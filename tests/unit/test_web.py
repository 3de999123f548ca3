"""Reading from a web server: broken answers are gone on with, logins stay with their server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from git_mlvers.backend.base import Forbidden, KeyMissing, Unreachable
from git_mlvers.backend.web import Login, WebFolder
from tests.support.webserver import WebServer

if TYPE_CHECKING:
    from pathlib import Path

DATA = bytes(range(256)) * 8


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with one file in it."""
    (tmp_path / "ab").write_bytes(DATA)
    return tmp_path


def test_an_answer_that_breaks_off_is_gone_on_with(folder: Path) -> None:
    with WebServer(folder, breaks=3, breaks_at=1000) as server:
        assert b"".join(WebFolder(server.url).blocks("ab")) == DATA


def test_what_is_not_there_is_missing_and_what_is_refused_is_forbidden(folder: Path) -> None:
    with WebServer(folder, login="you:secret") as server:
        login = Login.basic("you", "secret")
        assert b"".join(WebFolder(server.url, login).blocks("ab")) == DATA
        with pytest.raises(KeyMissing):
            list(WebFolder(server.url, login).blocks("cd"))
        with pytest.raises(Forbidden):
            list(WebFolder(server.url).blocks("ab"))


def test_a_login_is_not_sent_to_another_server(folder: Path) -> None:
    with WebServer(folder) as other, WebServer(folder, elsewhere=other.url) as server:
        login = Login.basic("you", "secret")
        assert b"".join(WebFolder(server.url, login).blocks("ab")) == DATA
        assert server.seen == [login.value]
        assert other.seen == [None]


def test_a_server_that_is_gone_is_unreachable(folder: Path) -> None:
    with WebServer(folder) as server:
        url = server.url
    with pytest.raises(Unreachable, match="does not answer"):
        list(WebFolder(url).blocks("ab"))
