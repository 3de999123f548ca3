"""What the clients of many clouds raise, as errors of a backend.

They agree on little: some raise Python's own ``OSError``, some their own classes
with a status somewhere, and some let the HTTP library's through. What cannot be
told is passed on with the client's words, and is not tried again.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
from typing import TYPE_CHECKING

from git_mlvers.backend.base import (
    BackendError,
    Forbidden,
    KeyMissing,
    StoreFull,
    Unreachable,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_WORDS = 300
"""How much of a foreign message is shown. Characters."""

_TRANSIENT_ERRNO = {
    *(errno.EBUSY, errno.EAGAIN, errno.EPIPE, errno.ETIMEDOUT, errno.EIO),
    getattr(errno, "EREMOTEIO", errno.EIO),
}
# What broken connections are called by aiohttp, httpx, asyncssh, paramiko, Azure and Google.
_TRANSIENT_NAMES = {
    *("ClientError", "ClientPayloadError", "TransportError", "NetworkError", "TimeoutException"),
    *("ConnectionLost", "DisconnectError", "SSHException", "ServiceRequestError"),
    *("ServiceResponseError", "IncompleteReadError", "FSTimeoutError"),
}


@contextlib.contextmanager
def translated(url: str, doing: str, key: str) -> Iterator[None]:
    """Turn whatever a client raises within into a `BackendError`: "cannot READ KEY at URL: why"."""
    try:
        yield
    except BackendError:
        raise
    except Exception as error:
        raise translate(error, url, f"cannot {doing} {key}".rstrip() + f" at {url}") from error


def translate(error: Exception, url: str, what: str) -> BackendError:
    """The `BackendError` for `error`; `what` begins its sentence."""
    status = status_of(error)
    if isinstance(error, FileNotFoundError) or status == 404:
        return KeyMissing(f"{what}: it is not there")
    if isinstance(error, PermissionError) or status in (401, 403):
        return Forbidden(f"{what}: access is denied", "check the credentials and what they allow")
    if status == 507 or getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT):
        return StoreFull(f"{what}: there is no room left", "make room and try again")
    if is_transient(error):
        return Unreachable(f"{what}: {words(error)}", f"is {url} within reach?")
    return BackendError(f"{what}: {words(error)}")


def is_transient(error: Exception) -> bool:
    """Whether the connection or the server failed in a way that may pass."""
    status = status_of(error)
    if status is not None:
        return status == 429 or status >= 500
    if isinstance(error, (ConnectionError, TimeoutError, asyncio.TimeoutError, socket.timeout)):
        return True
    if isinstance(error, OSError) and error.errno in _TRANSIENT_ERRNO:
        return True
    return any(kind.__name__ in _TRANSIENT_NAMES for kind in type(error).__mro__)


def status_of(error: Exception) -> int | None:
    """The HTTP status that an error carries, wherever its class keeps it."""
    for holder in (error, getattr(error, "response", None)):
        for name in ("status", "status_code", "code"):
            value = getattr(holder, name, None)
            text = value if isinstance(value, int) else str(value or "")
            if str(text).isdigit() and 100 <= int(text) < 600:
                return int(text)
    return None


def words(error: BaseException) -> str:
    """What an error says, in one line of bounded length and with no control characters."""
    text = " ".join("".join(c if c.isprintable() else " " for c in str(error)).split())
    if not text:
        return type(error).__name__
    return text if len(text) <= MAX_WORDS else text[:MAX_WORDS] + "…"
