"""An S3 server on loopback that counts what it is asked for.

Run as a program it serves until it is ended, and prints its address first.
Content lives in its memory.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import urllib.request
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

_COUNTS = "/__counts__"


class Traffic(NamedTuple):
    """What went over the wire: requests, and bytes of content either way."""

    requests: int
    received: int
    sent: int


class Server:
    """The server as a child process; `url` is its endpoint."""

    def __init__(self) -> None:
        argv = [sys.executable, __file__]
        self._child = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)
        assert self._child.stdout is not None
        self.url = self._child.stdout.readline().strip()

    def traffic(self) -> Traffic:
        """What clients have asked for since the last time this was called."""
        with urllib.request.urlopen(self.url + _COUNTS) as answer:
            return Traffic(**json.load(answer))

    def make_bucket(self, name: str) -> None:
        """Make an empty bucket."""
        request = urllib.request.Request(f"{self.url}/{name}", method="PUT")
        request.add_header(
            "Authorization", "AWS4-HMAC-SHA256 Credential=bench/20260101/us-east-1/s3"
        )
        urllib.request.urlopen(request).close()
        self.traffic()

    def close(self) -> None:
        """End the server."""
        self._child.terminate()
        self._child.wait()


class Counter:
    """Counts requests and bytes around another WSGI application."""

    def __init__(self, app: Callable[..., Iterable[bytes]]) -> None:
        self._app = app
        self._lock = threading.Lock()
        self._counts = dict.fromkeys(Traffic._fields, 0)

    def __call__(self, environ: dict[str, str], start: Callable[..., object]) -> Iterable[bytes]:
        """Answer one request."""
        if environ.get("PATH_INFO") == _COUNTS:
            with self._lock:
                counts, self._counts = self._counts, dict.fromkeys(Traffic._fields, 0)
            start("200 OK", [("Content-Type", "application/json")])
            return [json.dumps(counts).encode()]
        self._count(requests=1, received=int(environ.get("CONTENT_LENGTH") or 0))
        return self._counted(self._app(environ, start))

    def _counted(self, blocks: Iterable[bytes]) -> Iterator[bytes]:
        for block in blocks:
            self._count(sent=len(block))
            yield block

    def _count(self, **more: int) -> None:
        with self._lock:
            for name, value in more.items():
                self._counts[name] += value


def serve() -> None:
    """Serve for ever, on a free port."""
    import logging

    from moto.server import DomainDispatcherApplication, create_backend_app
    from werkzeug.serving import make_server

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    app = Counter(DomainDispatcherApplication(create_backend_app))
    server = make_server("127.0.0.1", 0, app, threaded=True)
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    serve()
