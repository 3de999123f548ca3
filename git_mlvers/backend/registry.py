"""From an address to a backend: the only place that lists them all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_mlvers.backend.patience import NORMAL
from git_mlvers.backend.schemes import SCHEMES, MissingExtra
from git_mlvers.backend.url import missing_extra, parse
from git_mlvers.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from git_mlvers.backend.base import Backend
    from git_mlvers.backend.patience import Patience
    from git_mlvers.backend.url import Location


def open_backend(
    url: str,
    options: Mapping[str, str] | None = None,
    *,
    patience: Patience = NORMAL,
    fsync: bool = True,
    shared: int | None = None,
) -> Backend:
    """The backend for `url`, with the remote's `options` (lower-case keys). Sends nothing yet.

    A cloud is wrapped so that transient failures are tried again within
    `patience`; a directory is as it is, `fsync` asks it for durability, and
    `shared` (``core.sharedRepository`` as permission bits) is for what is made in it.
    Raises `BadAddress`, `MissingExtra`, and `UsageError` for an option that
    means nothing for this kind of address.
    """
    location = parse(url)
    given = dict(options or {})
    _check_options(location.scheme or "file", given)
    if not location.scheme:
        from git_mlvers.backend.directory import Directory

        return Directory(location.path, fsync=fsync, shared=shared)
    if missing_extra(url) is not None:
        raise MissingExtra(location.scheme)
    from git_mlvers.backend.retry import Retrying

    return Retrying(_cloud(location, given, patience), patience)


def _cloud(location: Location, options: Mapping[str, str], patience: Patience) -> Backend:
    if location.scheme == "s3":
        from git_mlvers.backend.s3 import S3Backend

        return S3Backend(location, options, patience)
    if location.scheme == "az":
        from git_mlvers.backend.azure import AzureBackend

        return AzureBackend(location, options, patience)
    if location.scheme in ("ssh", "sftp"):
        from git_mlvers.backend.sftp import SftpBackend

        return SftpBackend(location, options, patience)
    if location.scheme in ("webdav", "webdavs"):
        from git_mlvers.backend.webdav import WebdavBackend

        return WebdavBackend(location, options, patience)
    from git_mlvers.backend.fsspec_adapter import FsspecBackend

    return FsspecBackend(location, options)


def _check_options(scheme: str, options: Mapping[str, str]) -> None:
    known = SCHEMES[scheme].options
    for option in options:
        if option not in known:
            kind = "a directory" if scheme == "file" else f"{scheme}://"
            raise UsageError(
                f"a remote at {kind} has no option {option}",
                f"it has {', '.join(known)}"
                if known
                else f"git mlvers remote modify NAME --unset {option}",
            )
