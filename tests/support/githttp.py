"""A smart HTTP server of git for tests: ``git http-backend`` behind the standard library's."""

from __future__ import annotations

import base64
import os
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, ClassVar, Self

if TYPE_CHECKING:
    from pathlib import Path

USER, PASSWORD = "someone", "a secret/with@signs"


class GitHttp:
    """Serves all repositories under `root`; with `login` only to `USER` with `PASSWORD`.

    With `hang_up` it closes every connection without a word.
    """

    def __init__(self, root: Path, *, login: bool = False, hang_up: bool = False) -> None:
        handler = type(
            "Handler", (_Handler,), {"root": str(root), "login": login, "hang_up": hang_up}
        )
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self.address = f"127.0.0.1:{self._server.server_address[1]}"

    def url(self, path: str, *, user: str = "") -> str:
        """The address of the repository at `path`, below the root."""
        return f"http://{user}{'@' if user else ''}{self.address}/{path}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    root: ClassVar[str]
    login: ClassVar[bool]
    hang_up: ClassVar[bool]

    def do_GET(self) -> None:
        self._answer(b"")

    def do_POST(self) -> None:
        if self.headers.get("Transfer-Encoding") == "chunked":
            self._answer(b"".join(self._chunks()))
        else:
            self._answer(self.rfile.read(int(self.headers.get("Content-Length", 0))))

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass

    def _chunks(self) -> list[bytes]:
        chunks = []
        while size := int(self.rfile.readline(), 16):
            chunks.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return chunks

    def _answer(self, body: bytes) -> None:
        if self.hang_up:
            self.close_connection = True
            return
        if self.login and not self._knows_the_secret():
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="git"')
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        ran = subprocess.run(
            ["git", "http-backend"], input=body, capture_output=True, env=self._env(), check=False
        )
        head, _, content = ran.stdout.partition(b"\r\n\r\n")
        headers = [line.split(": ", 1) for line in head.decode("latin-1").split("\r\n") if line]
        status = next((text for name, text in headers if name == "Status"), "200 OK")
        self.send_response(int(status.split()[0]))
        for name, text in headers:
            if name != "Status":
                self.send_header(name, text)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _env(self) -> dict[str, str]:
        path, _, query = self.path.partition("?")
        return {
            **os.environ,
            "GIT_PROJECT_ROOT": self.root,
            "GIT_HTTP_EXPORT_ALL": "1",
            "REMOTE_USER": USER,  # without one nobody may push
            "REMOTE_ADDR": "127.0.0.1",
            "REQUEST_METHOD": self.command,
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
        }

    def _knows_the_secret(self) -> bool:
        wanted = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        return self.headers.get("Authorization") == f"Basic {wanted}"
