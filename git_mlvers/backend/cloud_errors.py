"""What the clients of many clouds raise, as errors of a backend.

They agree on little: some raise Python's own ``OSError``, some their own classes
with a status somewhere, and some let the HTTP library's through. What cannot be
told is passed on with the client's words, and is not tried again.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import re
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
    from collections.abc import Iterable, Iterator

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

# "sig=…" in a signed address, "AccountKey=…", "Authorization: Bearer …", "user:password@host".
_SECRET = re.compile(
    r"((?:sig|signature|key|token|secret|password|assertion)[\"']?\s*[=:]\s*[\"']?"
    r"|\b(?:Bearer|Basic|SharedKey)\s+)[^\s&;,\"'<>]{8,}",
    re.IGNORECASE,
)
_LOGIN = re.compile(r"(//)[^\s/@]+@")


@contextlib.contextmanager
def translated(url: str, doing: str, key: str, hide: Iterable[str] = ()) -> Iterator[None]:
    """Turn whatever a client raises within into a `BackendError`: "cannot READ KEY at URL: why".

    `hide` are secrets, which no message shows.
    """
    try:
        yield
    except BackendError:
        raise
    except Exception as error:
        what = f"cannot {doing} {key}".rstrip() + f" at {url}"
        raise translate(error, url, what, hide) from error


def translate(error: BaseException, url: str, what: str, hide: Iterable[str] = ()) -> BackendError:
    """The `BackendError` for `error`; `what` begins its sentence, and it has none of `hide`."""
    said = words(error, hide)
    status = status_of(error)
    if isinstance(error, FileNotFoundError) or status == 404:
        return KeyMissing(f"{what}: it is not there")
    if isinstance(error, PermissionError) or status in (401, 403):
        return Forbidden(f"{what}: access is denied", "check the credentials and what they allow")
    if status == 507 or getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT):
        return StoreFull(f"{what}: there is no room left", "make room and try again")
    if is_transient(error):
        return Unreachable(f"{what}: {said}", f"is {url} within reach?")
    return BackendError(f"{what}: {said}")


def is_transient(error: BaseException) -> bool:
    """Whether the connection or the server failed in a way that may pass."""
    status = status_of(error)
    if status is not None:
        return status == 429 or status >= 500
    if isinstance(error, (ConnectionError, TimeoutError, asyncio.TimeoutError, socket.timeout)):
        return True
    if isinstance(error, OSError) and error.errno in _TRANSIENT_ERRNO:
        return True
    return any(kind.__name__ in _TRANSIENT_NAMES for kind in type(error).__mro__)


def status_of(error: BaseException | None) -> int | None:
    """The HTTP status that an error carries, wherever its class keeps it."""
    for holder in (error, getattr(error, "response", None)):
        for name in ("status", "status_code", "code"):
            value = getattr(holder, name, None)
            text = value if isinstance(value, int) else str(value or "")
            if str(text).isdigit() and 100 <= int(text) < 600:
                return int(text)
    return None


def words(error: BaseException, hide: Iterable[str] = ()) -> str:
    """What an error says, in one line of bounded length and with no control characters.

    None of `hide` is in it, nor what looks like a secret of any cloud.
    """
    text = " ".join("".join(c if c.isprintable() else " " for c in str(error)).split())
    for secret in hide:
        text = text.replace(secret, "***")
    text = _LOGIN.sub(r"\1***@", _SECRET.sub(r"\1***", text))
    if not text:
        return type(error).__name__
    return text if len(text) <= MAX_WORDS else text[:MAX_WORDS] + "…"
