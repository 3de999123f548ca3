"""Single requests to one folder of a WebDAV server, and what its answers say."""

from __future__ import annotations

import time
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote, unquote, urlsplit
from xml.etree import ElementTree

import httpx

from git_mlvers.backend.base import BackendError, Unreachable
from git_mlvers.backend.cloud_errors import translate
from git_mlvers.backend.logs import keep_to_itself
from git_mlvers.backend.storage_options import is_yes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from git_mlvers.backend.patience import Patience
    from git_mlvers.backend.url import Location

_PIECE = 1 << 18
_DAV = "{DAV:}"
_NO_PARENT = 409
# What a server says of a folder that is there: 405, or that it has a slash at its end.
_THERE = (405, 301, 308)
_WANTED = (
    b'<?xml version="1.0" encoding="utf-8"?><D:propfind xmlns:D="DAV:"><D:prop>'
    b"<D:resourcetype/><D:getcontentlength/><D:getlastmodified/></D:prop></D:propfind>"
)


class Item(NamedTuple):
    """What a server lists: the path from the store's folder, bytes, and seconds since 1970."""

    path: str
    folder: bool
    size: int
    modified: float


class WebdavClient:
    """Requests from any thread. All raise `BackendError`, whose cause has the status."""

    def __init__(
        self,
        location: Location,
        options: Mapping[str, str],
        patience: Patience,
        *,
        hide: Sequence[str],
        connections: int,
    ) -> None:
        keep_to_itself("httpx")
        keep_to_itself("httpcore")
        self._url = location.url
        self._hide = hide
        http = "https" if location.scheme == "webdavs" else "http"
        port = f":{location.port}" if location.port else ""
        self._root = f"/{location.path}" if location.path else ""
        self._base = f"{http}://{location.host}{port}{quote(self._root)}/"
        silence = patience.silence
        user = options.get("user", location.user)
        password = options.get("password", location.password) or ""
        headers = {"Accept-Encoding": "identity"}
        if user is None and "token" in options:
            headers["Authorization"] = f"Bearer {options['token']}"
        self._http = httpx.Client(
            auth=None if user is None else (user, password),
            headers=headers,
            timeout=httpx.Timeout(silence, connect=patience.connect, pool=None),
            limits=httpx.Limits(max_connections=connections, max_keepalive_connections=connections),
            verify=is_yes(options.get("sslverify", "true")),
        )

    def send(
        self, verb: str, path: str, doing: str, *, headers: Mapping[str, str] | None = None
    ) -> httpx.Response:
        """One request without a body; its answer, read whole."""
        # Content may be elsewhere; httpx takes no login there. A write goes nowhere else.
        follow = verb == "GET"
        what = f"{doing} {path}"
        return self._request(verb, self._at(path), what, headers=headers or {}, follow=follow)

    def upload(self, path: str, data: bytes | memoryview) -> None:
        """Write the file `path`, in pieces, each of which the server has to take in time."""
        headers = {"Content-Length": str(len(data)), "Content-Type": "application/octet-stream"}
        self._request("PUT", self._at(path), f"write {path}", headers=headers, body=_Pieces(data))

    def move(self, path: str, to: str, *, overwrite: bool) -> bool:
        """Rename a file; false when there is one already and it is not to be overwritten."""
        headers = {"Destination": self._at(to), "Overwrite": "T" if overwrite else "F"}
        try:
            self._request("MOVE", self._at(path), f"write {to}", headers=headers)
        except BackendError as error:
            if not overwrite and _status(error) == 412:
                return False
            raise
        return True

    def make_folder(self, path: str) -> None:
        """Make a folder, and for the top one those around it; that there is one is fine."""
        try:
            self._make(f"{self._base}{quote(path)}/" if path else self._base)
        except BackendError as error:
            if path or _status(error) != _NO_PARENT:
                raise
            host = self._base[: len(self._base) - len(quote(self._root)) - 1]
            parts = self._root.strip("/").split("/")
            for number in range(1, len(parts) + 1):
                self._make(f"{host}/{quote('/'.join(parts[:number]))}/")

    def _make(self, url: str) -> None:
        try:
            self._request("MKCOL", url, "make a folder for the store")
        except BackendError as error:
            if _status(error) not in _THERE:
                raise

    def look(self, path: str, depth: int, doing: str) -> list[Item]:
        """What is at `path`, and with `depth` 1 in it. Raises `KeyMissing`."""
        headers = {"Depth": str(depth), "Content-Type": "application/xml; charset=utf-8"}
        what = f"{doing} {path}".rstrip()
        answer = self._request("PROPFIND", self._at(path), what, headers=headers, body=_WANTED)
        try:
            tree = ElementTree.fromstring(answer.content)
        except ElementTree.ParseError as error:
            raise Unreachable(f"{self._url} answers with what is no XML: {error}") from error
        return [item for each in tree.iter(f"{_DAV}response") if (item := self._item(each))]

    def close(self) -> None:
        """Close all connections."""
        self._http.close()

    def _at(self, path: str) -> str:
        return self._base + quote(path)

    def _request(
        self,
        verb: str,
        url: str,
        doing: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | _Pieces | None = None,
        follow: bool = False,
    ) -> httpx.Response:
        what = f"cannot {doing} at {self._url}"
        try:
            answer = self._http.request(
                verb,
                url,
                headers=dict(headers or {}),
                content=body,
                follow_redirects=follow,
            )
            if not answer.is_success:
                answer.raise_for_status()
            return answer
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise translate(error, self._url, what, self._hide) from error

    def _item(self, response: ElementTree.Element) -> Item | None:
        href = response.findtext(f"{_DAV}href")
        prop = _found(response)
        if href is None or prop is None:
            return None
        path = unquote(urlsplit(href.strip()).path)
        if not f"{path}/".startswith(f"{self._root}/"):
            return None
        inside = path.removeprefix(self._root).strip("/")
        folder = prop.find(f"{_DAV}resourcetype/{_DAV}collection") is not None
        size = prop.findtext(f"{_DAV}getcontentlength") or "0"
        return Item(inside, folder, int(size) if size.isdigit() else 0, _when(prop))


class _Pieces:
    """A body that can be sent again."""

    def __init__(self, data: bytes | memoryview) -> None:
        self._data = memoryview(data)

    def __iter__(self) -> Iterator[bytes]:
        for start in range(0, len(self._data), _PIECE):
            yield bytes(self._data[start : start + _PIECE])


def answered_range(answer: httpx.Response) -> tuple[int, int]:
    """Where the part that came begins, and the size of the whole; -1 for what is not told."""
    span, _, size = answer.headers.get("Content-Range", "").removeprefix("bytes ").partition("/")
    first = span.partition("-")[0]
    total = int(size) if size.isdigit() else -1
    start = int(first) if first.isdigit() else -1
    return start, total if total >= 0 else start + len(answer.content)


def _status(error: BackendError) -> int | None:
    cause = error.__cause__
    return cause.response.status_code if isinstance(cause, httpx.HTTPStatusError) else None


def _found(response: ElementTree.Element) -> ElementTree.Element | None:
    """The properties that the server has, and not those that it says it lacks."""
    for each in response.iter(f"{_DAV}propstat"):
        if " 200 " in f"{each.findtext(f'{_DAV}status')} ":
            return each.find(f"{_DAV}prop")
    return None


def _when(prop: ElementTree.Element) -> float:
    try:
        return parsedate_to_datetime(prop.findtext(f"{_DAV}getlastmodified") or "").timestamp()
    except ValueError:
        # Not known: new, so that nobody takes it for old enough to be collected.
        return time.time()
