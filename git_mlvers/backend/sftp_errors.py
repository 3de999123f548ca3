"""What SSH and SFTP say, as errors of a backend in plain words."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

import asyncssh

from git_mlvers.backend.base import BackendError, Forbidden, KeyMissing, StoreFull, Unreachable
from git_mlvers.backend.cloud_errors import translate, words

if TYPE_CHECKING:
    from collections.abc import Iterable

    from git_mlvers.backend.url import Location

_FULL = (asyncssh.SFTPNoSpaceOnFilesystem, asyncssh.SFTPQuotaExceeded)
_LOST = (asyncssh.SFTPConnectionLost, asyncssh.SFTPNoConnection, asyncssh.DisconnectError)
_LOGIN = (asyncssh.PermissionDenied, asyncssh.KeyImportError, asyncssh.KeyEncryptionError)


class Host:
    """The other machine as messages name it; they show none of `hide`."""

    def __init__(self, location: Location, hide: Iterable[str]) -> None:
        self._url = location.url
        self._hide = tuple(hide)
        port = f"-p {location.port} " if location.port else ""
        self._scan = f"ssh-keyscan {port}{location.host}"

    def translate(self, error: Exception, what: str) -> BackendError:
        """The `BackendError` for `error`; `what` begins its sentence."""
        what = f"{what} at {self._url}"
        said = words(error, self._hide)
        if isinstance(error, asyncssh.HostKeyNotVerifiable):
            return Forbidden(
                f"{what}: the host is not among the known ones, or has another key ({said})",
                f"{self._scan} >> ~/.ssh/known_hosts, once you know that what it prints is right",
            )
        if isinstance(error, _LOGIN):
            return Forbidden(
                f"{what}: the login is refused ({said})",
                "ssh-add, or git mlvers remote modify --local NAME keyfile FILE",
            )
        if isinstance(error, (asyncssh.SFTPNoSuchFile, asyncssh.SFTPNoSuchPath)):
            return KeyMissing(f"{what}: it is not there")
        if isinstance(error, asyncssh.SFTPPermissionDenied):
            return Forbidden(f"{what}: access is denied", "check the rights of the directory there")
        if isinstance(error, _FULL):
            return StoreFull(f"{what}: there is no room left", "make room and try again")
        if isinstance(error, _LOST):
            return Unreachable(f"{what}: {said}", f"is {self._url} within reach?")
        if isinstance(error, asyncssh.SFTPFailure):
            # All that this protocol says of a full disk, for example.
            return BackendError(
                f"{what}: the server could not do it ({said})",
                "is there room left there, and are its files yours?",
            )
        if isinstance(error, OSError) and error.errno in (errno.ECONNREFUSED, errno.EHOSTUNREACH):
            return Unreachable(f"{what}: no connection", f"is {self._url} within reach?")
        return translate(error, self._url, what, self._hide)
