"""A store in a folder of a WebDAV server (RFC 4918).

Only imported when an address says ``webdav://`` or ``webdavs://``. Servers differ in what
they make of conditions, and keep files in place while they are being written: so an object
is written under another name and moved, which on all of them is one step.
"""

from __future__ import annotations

import contextlib
import os
import threading
from typing import TYPE_CHECKING

from git_mlvers.backend.base import (
    BackendError,
    Capabilities,
    Entry,
    KeyMissing,
    Unreachable,
    check_range,
    is_valid_key,
    validate_key,
    validate_prefix,
)
from git_mlvers.backend.cloud_errors import status_of
from git_mlvers.backend.patience import NORMAL
from git_mlvers.backend.storage_options import secrets
from git_mlvers.backend.webdav_client import WebdavClient, answered_range

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from git_mlvers.backend.patience import Patience
    from git_mlvers.backend.url import Location

CONNECTIONS = 8
"""How many requests at a time are worth it."""

_TEMP = ".tmp-"
_NO_PARENT = 409


class WebdavBackend:
    """A `Backend` on the folder of `location`.

    `options`: ``user``, ``password``, ``token``, ``sslverify``. A write is two requests, one
    more for each folder that has to be made; a list one for each folder; any other verb one.
    Nothing is tried again here.
    """

    def __init__(
        self, location: Location, options: Mapping[str, str], patience: Patience = NORMAL
    ) -> None:
        self.url = location.url
        self.capabilities = Capabilities(False, False, True, CONNECTIONS)
        self._client = WebdavClient(
            location, options, patience, hide=secrets(location, options), connections=CONNECTIONS
        )
        self._made: set[str] = set()
        self._lock = threading.Lock()

    def get(self, key: str, start: int = 0, length: int | None = None) -> bytes:
        """See `Backend.get`."""
        check_range(start, length)
        path = validate_key(key)
        if length == 0:
            if self.stat(key) is None:
                raise KeyMissing(f"cannot read {key} at {self.url}: it is not there")
            return b""
        part = start > 0 or length is not None
        end = "" if length is None else start + length - 1
        headers = {"Range": f"bytes={start}-{end}"} if part else {}
        try:
            answer = self._client.send("GET", path, "read", headers=headers)
        except BackendError as error:
            # The range begins at the end of the object or beyond.
            if status_of(error.__cause__) == 416:
                return b""
            raise
        if not part:
            return answer.content
        if answer.status_code != 206:
            # The server does not know ranges: from now on whole packs are asked for.
            self.capabilities = self.capabilities._replace(ranges=False)
            return answer.content[start : None if length is None else start + length]
        return self._checked(key, answer.content, answered_range(answer), start, length)

    def put(self, key: str, data: bytes | memoryview) -> None:
        """See `Backend.put`."""
        self._write(validate_key(key), data, overwrite=True)

    def create(self, key: str, data: bytes | memoryview) -> bool:
        """See `Backend.create`. Two at once may both hear `True`: servers look and then move."""
        return self._write(validate_key(key), data, overwrite=False)

    def get_versioned(self, key: str) -> tuple[bytes, str]:
        """Not possible here: raises `BackendError`."""
        raise self._no_replace(key)

    def replace(self, key: str, data: bytes | memoryview, token: str) -> str:
        """Not possible here: raises `BackendError`."""
        raise self._no_replace(key)

    def stat(self, key: str) -> Entry | None:
        """See `Backend.stat`."""
        try:
            found = self._client.look(validate_key(key), 0, "look up")
        except KeyMissing:
            return None
        files = [each for each in found if not each.folder]
        return Entry(key, files[0].size, files[0].modified) if files else None

    def list(self, prefix: str) -> Iterator[Entry]:
        """See `Backend.list`."""
        yield from self._below(validate_prefix(prefix).rpartition("/")[0], prefix)

    def delete(self, key: str) -> None:
        """See `Backend.delete`."""
        self._remove(validate_key(key))

    def close(self) -> None:
        """See `Backend.close`."""
        self._client.close()

    def _below(self, folder: str, prefix: str) -> Iterator[Entry]:
        try:
            found = self._client.look(f"{folder}/" if folder else "", 1, "list")
        except KeyMissing:
            return
        # A folder sorts as the keys in it do: "a-b" comes before "a/b", which is before "a0".
        for each in sorted(found, key=lambda item: item.path + ("/" if item.folder else "")):
            if each.path == folder or not is_valid_key(each.path):
                continue
            if not each.folder:
                if each.path.startswith(prefix):
                    yield Entry(each.path, each.size, each.modified)
            elif f"{each.path}/".startswith(prefix) or prefix.startswith(f"{each.path}/"):
                yield from self._below(each.path, prefix)

    def _write(self, key: str, data: bytes | memoryview, *, overwrite: bool) -> bool:
        folder = key.rpartition("/")[0]
        temp = f"{folder}/{_TEMP}{os.urandom(8).hex()}".lstrip("/")
        self._send_body(temp, folder, data)
        try:
            moved = self._client.move(temp, key, overwrite=overwrite)
        except BaseException:
            with contextlib.suppress(BackendError):
                self._remove(temp)
            raise
        if not moved:
            self._remove(temp)
        return moved

    def _remove(self, path: str) -> None:
        with contextlib.suppress(KeyMissing):
            self._client.send("DELETE", path, "delete")

    def _send_body(self, path: str, folder: str, data: bytes | memoryview) -> None:
        known = folder in self._made
        try:
            self._client.upload(path, data)
        except BackendError as error:
            # Servers say 409, and some 404 or 403, where the folder is not there.
            if known or status_of(error.__cause__) not in (_NO_PARENT, 404, 403):
                raise
            self._make(folder)
            self._client.upload(path, data)

    def _make(self, folder: str) -> None:
        """Make `folder` and those around it, the store's own too."""
        with self._lock:
            for path in ["", *_folders(folder)]:
                if path not in self._made:
                    self._client.make_folder(path)
                    self._made.add(path)

    def _checked(
        self, key: str, data: bytes, span: tuple[int, int], start: int, length: int | None
    ) -> bytes:
        first, total = span
        end = total if length is None else min(total, start + length)
        if first != start or len(data) != end - start:
            raise Unreachable(
                f"{key} at {self.url}: {end - start} bytes were asked for, {len(data)} came"
            )
        return data

    def _no_replace(self, key: str) -> BackendError:
        return BackendError(
            f"{key} at {self.url} cannot be replaced safely: WebDAV servers do not agree on"
            " conditions for a write"
        )


def _folders(folder: str) -> list[str]:
    parts = folder.split("/") if folder else []
    return ["/".join(parts[: number + 1]) for number in range(len(parts))]
