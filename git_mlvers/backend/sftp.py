"""A store in a directory of another machine, reached by SSH.

Only imported when an address says ``ssh://`` or ``sftp://``. It does what
`directory` does here: an object is written beside its place and renamed there,
and one that must not overwrite is linked there.
"""

from __future__ import annotations

import asyncio
import os
import stat
from typing import TYPE_CHECKING, TypeVar

import asyncssh

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
from git_mlvers.backend.folders import TEMP
from git_mlvers.backend.patience import NORMAL
from git_mlvers.backend.sftp_client import SftpClient
from git_mlvers.backend.sftp_errors import Host
from git_mlvers.backend.storage_options import secrets

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Mapping

    from git_mlvers.backend.patience import Patience
    from git_mlvers.backend.url import Location

CONNECTIONS = 8
"""How many requests at a time are worth it; they share one connection."""

_PIECE = 512 << 10
"""Bytes that have to move within the silence that `Patience` allows."""

_T = TypeVar("_T")
Entries = list[Entry]


class SftpBackend:
    """A `Backend` on the directory of `location`: below the root of the host, or ``~/`` below home.

    `options`: ``user``, ``password``, ``keyfile``; what is not given comes from
    ``~/.ssh/config``, the agent and the usual keys. The host must be among the
    known ones. SFTP has no condition on overwriting, so there is no `replace`;
    `create` needs hard links, which nearly every server has.
    """

    def __init__(
        self, location: Location, options: Mapping[str, str], patience: Patience = NORMAL
    ) -> None:
        self.url = location.url
        self._root = _root(location.path)
        self._silence = patience.silence
        self._host = Host(location, secrets(location, options))
        self._client = SftpClient(location, options, patience)
        self._links = True
        self._made: set[str] = set()

    @property
    def capabilities(self) -> Capabilities:
        """See `Backend.capabilities`; `create_only` until the server turns out to lack links."""
        return Capabilities(self._links, False, True, CONNECTIONS)

    def get(self, key: str, start: int = 0, length: int | None = None) -> bytes:
        """See `Backend.get`."""
        check_range(start, length)
        path = self._path(key)
        return self._ask("read", key, lambda sftp: self._read(sftp, path, key, start, length))

    def put(self, key: str, data: bytes | memoryview) -> None:
        """See `Backend.put`."""
        path, body = self._path(key), bytes(data)

        async def write(sftp: asyncssh.SFTPClient) -> None:
            temp = await self._beside(sftp, path, body)
            try:
                await _rename_over(sftp, temp, path)
            except BaseException:
                await _remove(sftp, temp)
                raise

        self._ask("write", key, write)

    def create(self, key: str, data: bytes | memoryview) -> bool:
        """See `Backend.create`. Without links on the server, two at once may both hear `True`."""
        path, body = self._path(key), bytes(data)

        async def write(sftp: asyncssh.SFTPClient) -> bool:
            if await sftp.lexists(path):
                return False
            temp = await self._beside(sftp, path, body)
            try:
                return await self._place(sftp, temp, path)
            finally:
                await _remove(sftp, temp)

        return self._ask("write", key, write)

    def get_versioned(self, key: str) -> tuple[bytes, str]:
        """Not possible here: raises `BackendError`."""
        raise self._no_replace(key)

    def replace(self, key: str, data: bytes | memoryview, token: str) -> str:
        """Not possible here: raises `BackendError`."""
        raise self._no_replace(key)

    def stat(self, key: str) -> Entry | None:
        """See `Backend.stat`."""
        path = self._path(key)
        try:
            found = self._ask("look up", key, lambda sftp: sftp.stat(path))
        except KeyMissing:
            return None
        return _entry(key, found) if stat.S_ISREG(found.permissions or 0) else None

    def list(self, prefix: str) -> Iterator[Entry]:
        """See `Backend.list`."""
        folder = validate_prefix(prefix).rpartition("/")[0]
        found: Entries = []
        self._ask("list", prefix, lambda sftp: self._walk(sftp, folder, prefix, found))
        yield from sorted(found)

    def delete(self, key: str) -> None:
        """See `Backend.delete`."""
        path = self._path(key)
        self._ask("delete", key, lambda sftp: _remove(sftp, path))

    def close(self) -> None:
        """See `Backend.close`."""
        self._client.close()

    def _ask(self, doing: str, key: str, ask: Callable[[asyncssh.SFTPClient], Awaitable[_T]]) -> _T:
        try:
            return self._client.run(ask)
        except BackendError:
            raise
        except Exception as error:
            raise self._host.translate(error, f"cannot {doing} {key}".rstrip()) from error

    async def _read(
        self, sftp: asyncssh.SFTPClient, path: str, key: str, start: int, length: int | None
    ) -> bytes:
        async with sftp.open(path, "rb") as file:
            size = int((await file.stat()).size or 0)
            end = size if length is None else min(size, start + length)
            parts = []
            for at in range(start, end, _PIECE):
                async with asyncio.timeout(self._silence):
                    part = await file.read(min(_PIECE, end - at), at)
                parts.append(part if isinstance(part, bytes) else part.encode())
        data = b"".join(parts)
        if len(data) != max(0, end - start):
            raise Unreachable(
                f"{key} at {self.url}: {end - start} bytes were asked for, {len(data)} came"
            )
        return data

    async def _beside(self, sftp: asyncssh.SFTPClient, path: str, body: bytes) -> str:
        """Write a file beside `path`, durably where the server can; its path."""
        folder = path.rpartition("/")[0]
        if folder and folder not in self._made:
            await sftp.makedirs(folder, exist_ok=True)
            self._made.add(folder)
        temp = f"{folder}/{TEMP}{os.urandom(8).hex()}" if folder else TEMP + os.urandom(8).hex()
        try:
            async with sftp.open(temp, "xb") as file:
                for at in range(0, len(body), _PIECE):
                    async with asyncio.timeout(self._silence):
                        await file.write(body[at : at + _PIECE], at)
                try:
                    await file.fsync()
                except asyncssh.SFTPOpUnsupported:
                    pass
        except asyncssh.SFTPNoSuchFile:
            if folder not in self._made:
                raise
            # Somebody has removed the folder since.
            self._made.discard(folder)
            return await self._beside(sftp, path, body)
        except BaseException:
            await _remove(sftp, temp)
            raise
        return temp

    async def _place(self, sftp: asyncssh.SFTPClient, temp: str, path: str) -> bool:
        """Give `temp` the name `path` unless there is such a file."""
        try:
            await sftp.link(temp, path)
            return True
        except (asyncssh.SFTPFailure, asyncssh.SFTPOpUnsupported, asyncssh.SFTPFileAlreadyExists):
            if await sftp.lexists(path):
                return False
        self._links = False
        try:
            await sftp.rename(temp, path)
        except asyncssh.SFTPFailure:
            if await sftp.lexists(path):
                return False
            raise
        return True

    async def _walk(
        self, sftp: asyncssh.SFTPClient, folder: str, prefix: str, found: Entries
    ) -> None:
        """Add all objects in `folder` of the store and below whose key starts with `prefix`."""
        try:
            names = await sftp.readdir(f"{self._root}{folder}" or ".")
        except asyncssh.SFTPNoSuchFile:
            return
        deeper = []
        for name in names:
            text = os.fsdecode(name.filename)
            key = f"{folder}/{text}" if folder else text
            if text.startswith(".") or not is_valid_key(key):
                continue
            if stat.S_ISDIR(name.attrs.permissions or 0):
                if key.startswith(prefix) or prefix.startswith(f"{key}/"):
                    deeper.append(self._walk(sftp, key, prefix, found))
            elif key.startswith(prefix) and stat.S_ISREG(name.attrs.permissions or 0):
                found.append(_entry(key, name.attrs))
        await asyncio.gather(*deeper)

    def _path(self, key: str) -> str:
        return self._root + validate_key(key)

    def _no_replace(self, key: str) -> BackendError:
        return BackendError(
            f"{key} at {self.url} cannot be replaced safely: SFTP has no condition on a write"
        )


def _root(path: str) -> str:
    """What goes before keys; the user's home is where relative paths begin."""
    if path == "~" or path.startswith("~/"):
        return f"{path[2:]}/" if path[2:] else ""
    return f"/{path}/" if path else "/"


def _entry(key: str, found: asyncssh.SFTPAttrs) -> Entry:
    return Entry(key, int(found.size or 0), float(found.mtime or 0))


async def _rename_over(sftp: asyncssh.SFTPClient, temp: str, path: str) -> None:
    try:
        await sftp.posix_rename(temp, path)
    except asyncssh.SFTPOpUnsupported:
        # Such a server renames to free names only; between the two there is nothing for a moment.
        await _remove(sftp, path)
        await sftp.rename(temp, path)


async def _remove(sftp: asyncssh.SFTPClient, path: str) -> None:
    try:
        await sftp.remove(path)
    except asyncssh.SFTPNoSuchFile:
        pass
