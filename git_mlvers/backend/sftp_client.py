"""One connection by SSH, made when it is needed and again when it broke."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any, TypeVar

import asyncssh
from fsspec.asyn import get_loop, sync

from git_mlvers.backend.logs import keep_to_itself

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from git_mlvers.backend.patience import Patience
    from git_mlvers.backend.url import Location

_BROKEN = (asyncssh.DisconnectError, asyncssh.SFTPConnectionLost, asyncssh.SFTPNoConnection)
_KEEPALIVES = 3

_T = TypeVar("_T")


class SftpClient:
    """A channel to the host of `location` for all threads. Errors are those of asyncssh."""

    def __init__(self, location: Location, options: Mapping[str, str], patience: Patience) -> None:
        keep_to_itself("asyncssh")
        self._host = location.host.strip("[]")
        self._arguments = _arguments(location, options, patience)
        self._silence = patience.silence
        self._lock = threading.Lock()
        self._connected: tuple[Any, asyncssh.SFTPClient] | None = None

    def run(self, ask: Callable[[asyncssh.SFTPClient], Awaitable[_T]]) -> _T:
        """What `ask` answers on the channel."""
        with self._lock:
            if self._connected is None:
                self._connected = sync(get_loop(), self._connect)
            _, channel = used = self._connected
        try:
            answer: _T = sync(get_loop(), ask, channel)
            return answer
        except (*_BROKEN, TimeoutError):
            self._forget(used)
            raise

    def close(self) -> None:
        """Close the connection."""
        with self._lock:
            used = self._connected
        if used is not None:
            self._forget(used)

    async def _connect(self) -> tuple[Any, asyncssh.SFTPClient]:
        async with asyncio.timeout(self._arguments["connect_timeout"] + self._silence):
            connection = await asyncssh.connect(self._host, **self._arguments)
            try:
                return connection, await connection.start_sftp_client()
            except BaseException:
                connection.abort()
                raise

    def _forget(self, used: tuple[Any, asyncssh.SFTPClient]) -> None:
        with self._lock:
            if self._connected is used:
                self._connected = None
        sync(get_loop(), _close, used)


async def _close(used: tuple[Any, asyncssh.SFTPClient]) -> None:
    connection, channel = used
    channel.exit()
    connection.abort()
    await connection.wait_closed()


def _arguments(
    location: Location, options: Mapping[str, str], patience: Patience
) -> dict[str, Any]:
    login = {
        "port": location.port,
        "username": options.get("user", location.user),
        "password": options.get("password", location.password),
        "client_keys": [options["keyfile"]] if "keyfile" in options else None,
    }
    given: dict[str, Any] = {name: value for name, value in login.items() if value is not None}
    return given | {
        "connect_timeout": patience.connect,
        "login_timeout": patience.silence,
        # A host that is there no more is noticed although nothing closes the connection.
        "keepalive_interval": patience.silence / _KEEPALIVES,
        "keepalive_count_max": _KEEPALIVES,
    }
