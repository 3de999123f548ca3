"""A web server on loopback that shows the files of one folder."""

from __future__ import annotations

import base64
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Self


class WebServer:
    """Shows what is below `folder`, to those who give `login` (``user:password``) if there is one.

    Each request is sent on to the address `elsewhere`, if there is one. The first
    `breaks` answers end after `breaks_at` bytes. `seen` has the ``Authorization`` of
    each request.
    """

    def __init__(
        self,
        folder: Path,
        *,
        login: str = "",
        elsewhere: str = "",
        breaks: int = 0,
        breaks_at: int = 0,
    ) -> None:
        self.login = "Basic " + base64.b64encode(login.encode()).decode() if login else None
        self.elsewhere = elsewhere
        self.breaks, self.breaks_at = breaks, breaks_at
        self.seen: list[str | None] = []
        handler = partial(_Handler, self, directory=str(folder))
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Handler(SimpleHTTPRequestHandler):
    def __init__(self, owner: WebServer, *args: object, directory: str) -> None:
        self.owner = owner
        super().__init__(*args, directory=directory)  # type: ignore[arg-type]

    def do_GET(self) -> None:
        given = self.headers["Authorization"]
        self.owner.seen.append(given)
        if self.owner.elsewhere:
            self.send_response(302)
            self.send_header("Location", self.owner.elsewhere + self.path)
            self.end_headers()
        elif self.owner.login not in (None, given):
            self.send_error(401)
        elif self.owner.breaks:
            self.owner.breaks -= 1
            file = self.send_head()
            assert file is not None
            with file:
                self.wfile.write(file.read(self.owner.breaks_at))
        else:
            super().do_GET()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Be silent."""
