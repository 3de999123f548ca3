"""WsgiDAV, a WebDAV server on a folder, with user and password, for tests."""

from __future__ import annotations

import functools
import itertools
import os
import tempfile
from typing import NamedTuple
from urllib.parse import urlsplit

from tests.support import servers

USER, PASSWORD = "ada", "swordfish-7"

_PROGRAM = """
from cheroot import wsgi
from wsgidav.wsgidav_app import WsgiDAVApp
app = WsgiDAVApp({
    "provider_mapping": {"/": sys.argv[1]},
    "simple_dc": {"user_mapping": {"*": {sys.argv[2]: {"password": sys.argv[3]}}}},
    "http_authenticator": {
        "accept_basic": True, "accept_digest": False, "default_to_digest": False
    },
    "logging": {"enable": False},
    "verbose": 0,
})
server = wsgi.Server(("127.0.0.1", 0), app, numthreads=12)
server.prepare()
print("listening on http://%s:%d" % server.bind_addr[:2], flush=True)
server.serve()
"""
_numbers = itertools.count(1)


class WebdavServer(NamedTuple):
    """Where it is, and the folder that it serves."""

    endpoint: str
    folder: str

    @property
    def address(self) -> tuple[str, int]:
        """Host and port, for a proxy in front of it."""
        parts = urlsplit(self.endpoint)
        return parts.hostname or "127.0.0.1", parts.port or 80

    def url(self, path: str, endpoint: str | None = None) -> str:
        """The address of a remote there; `endpoint` is that of a proxy."""
        return (endpoint or self.endpoint).replace("http://", "webdav://") + f"/{path}"

    def options(self) -> dict[str, str]:
        """What a remote there is configured with."""
        return {"user": USER, "password": PASSWORD}

    def new_path(self) -> str:
        """A path at which nothing is yet."""
        return f"place-{os.getpid()}-{next(_numbers)}/store"


@functools.cache
def webdav_server() -> WebdavServer:
    """The one server of this test process, started at the first call."""
    folder = tempfile.mkdtemp(prefix="webdav-")
    listening = r"listening on (http://127\.0\.0\.1:\d+)"
    return WebdavServer(servers.python(_PROGRAM, listening, folder, USER, PASSWORD), folder)
