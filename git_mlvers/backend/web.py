"""A folder of a web server: it can be read and nothing else, so it is no backend of a remote."""

from __future__ import annotations

import base64
import http.client
import time
import urllib.error
import urllib.parse
import urllib.request
from typing import IO, TYPE_CHECKING, NamedTuple

from git_mlvers.backend.base import BackendError, Forbidden, KeyMissing, Unreachable
from git_mlvers.backend.url import redact

if TYPE_CHECKING:
    from collections.abc import Iterator

_BLOCK = 1 << 20
_PATIENCE = 60
"""Seconds without a byte after which an answer counts as lost."""
_FIRST_WAIT = 0.1
_ATTEMPTS = 4
"""As often as this in a row without a byte, then it counts as unreachable."""


class Login(NamedTuple):
    """A header that lets a user in. It is sent to the server itself, and nowhere else."""

    header: str
    value: str

    @classmethod
    def basic(cls, user: str, password: str) -> Login:
        """The login by user and password."""
        text = base64.b64encode(f"{user}:{password}".encode()).decode("ascii")
        return cls("Authorization", f"Basic {text}")


class WebFolder:
    """What lies below `url` on a web server."""

    def __init__(self, url: str, login: Login | None = None) -> None:
        self._base = url.rstrip("/")
        self._login = login
        self._opener = urllib.request.build_opener(_Redirects(login))

    @property
    def url(self) -> str:
        """Where it is, for messages; holds no secret."""
        return redact(self._base)

    def blocks(self, key: str) -> Iterator[bytes]:
        """The content under `key`, gone on with where a connection broke.

        Raises `KeyMissing`, `Forbidden` and `Unreachable`.
        """
        at, failed = 0, 0
        while True:
            begun = at
            try:
                with self._open(key, at) as answer:
                    while block := answer.read(_BLOCK):
                        yield block
                        at += len(block)
                    if getattr(answer, "length", 0):  # it broke off, which no exception tells
                        raise http.client.IncompleteRead(b"")
                return
            except (OSError, http.client.HTTPException) as error:
                failed = 1 if at > begun else failed + 1
                if failed == _ATTEMPTS:
                    why = getattr(error, "reason", None) or error or type(error).__name__
                    raise Unreachable(f"{self.url} does not answer: {why}") from error
                time.sleep(_FIRST_WAIT * 2**failed)

    def _open(self, key: str, at: int) -> IO[bytes]:
        request = urllib.request.Request(f"{self._base}/{urllib.parse.quote(key)}")
        if self._login is not None:
            request.add_header(*self._login)
        if at:
            request.add_header("Range", f"bytes={at}-")
        try:
            answer: IO[bytes] = self._opener.open(request, timeout=_PATIENCE)
        except urllib.error.HTTPError as error:
            with error:
                raise self._refusal(error.code, key) from error
        if at and getattr(answer, "status", 200) != http.client.PARTIAL_CONTENT:
            _skip(answer, at)
        return answer

    def _refusal(self, status: int, key: str) -> Exception:
        if status in (404, 410):
            return KeyMissing(f"there is no {key} at {self.url}")
        if status in (401, 403):
            return Forbidden(
                f"{self.url} lets nobody read without the right user and password (HTTP {status})"
            )
        if status >= 500 or status == 429:
            return OSError(f"HTTP {status}")  # it may pass
        return BackendError(f"{self.url} refuses to be read (HTTP {status})")


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows a server elsewhere, without the login that was meant for the server alone."""

    def __init__(self, login: Login | None) -> None:
        self._login = login

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        """See the base class."""
        further = super().redirect_request(req, fp, code, msg, headers, newurl)
        if further is None or self._login is None:
            return further
        if _origin(newurl) != _origin(req.full_url):
            further.remove_header(self._login.header.capitalize())
        return further


def _origin(url: str) -> tuple[str, str]:
    parts = urllib.parse.urlsplit(url)
    return parts.scheme.lower(), parts.netloc.lower()


def _skip(answer: IO[bytes], count: int) -> None:
    """Read over what a server sends again that gives no part of a file."""
    while count and (block := answer.read(min(count, _BLOCK))):
        count -= len(block)
