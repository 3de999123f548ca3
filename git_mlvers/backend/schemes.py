"""Which addresses are known, and what has to be installed for each."""

from __future__ import annotations

from typing import NamedTuple

from git_mlvers.backend.base import BackendError


class Scheme(NamedTuple):
    """One kind of address.

    `extra` is what ``pip install 'git-mlvers[extra]'`` wants, and `module` the
    top-level module that is there then; both are empty when nothing is needed.
    `options` are those of a remote that mean something here.
    """

    name: str
    example: str
    extra: str = ""
    module: str = ""
    options: tuple[str, ...] = ()


_S3 = (
    *("endpointurl", "region", "profile"),
    *("accesskeyid", "secretaccesskey", "sessiontoken", "anon"),
)
_AZURE = (
    *("endpointurl", "connectionstring", "accountname", "accountkey", "sastoken"),
    *("tenantid", "clientid", "clientsecret", "anon"),
)
_GCS = ("endpointurl", "credentialpath", "project", "anon")
_LOGIN = ("user", "password", "keyfile")
_WEB = ("user", "password", "token", "sslverify")

SCHEMES = {
    scheme.name: scheme
    for scheme in (
        Scheme("file", "file:///directory"),
        Scheme("s3", "s3://bucket/prefix", "s3", "s3fs", _S3),
        Scheme("gs", "gs://bucket/prefix", "gcs", "gcsfs", _GCS),
        Scheme("az", "az://container/prefix", "azure", "adlfs", _AZURE),
        Scheme("gdrive", "gdrive://folder-id/path", "gdrive", "pydrive2", ("credentialpath",)),
        Scheme("ssh", "ssh://user@host/directory", "ssh", "asyncssh", _LOGIN),
        Scheme("sftp", "sftp://user@host/directory", "ssh", "asyncssh", _LOGIN),
        Scheme("webdav", "webdav://host/path", "webdav", "httpx", _WEB),
        Scheme("webdavs", "webdavs://host/path", "webdav", "httpx", _WEB),
        Scheme("memory", "memory://name"),
    )
}
"""Every kind of address by its name. ``memory`` lives as long as the process, for tests."""


class MissingExtra(BackendError):
    """The packages for this kind of address are not installed."""

    def __init__(self, scheme: str) -> None:
        super().__init__(
            f"what is needed for {scheme}:// is not installed",
            f"pip install 'git-mlvers[{SCHEMES[scheme].extra}]'",
        )


def extra_for(scheme: str) -> str | None:
    """The extra of git-mlvers that addresses of `scheme` need; `None` when none, or unknown."""
    known = SCHEMES.get(scheme)
    return known.extra or None if known else None


def known_examples() -> str:
    """One example of each kind of address, for a hint."""
    hidden = ("file", "memory", "sftp", "webdavs")
    return ", ".join(s.example for s in SCHEMES.values() if s.name not in hidden)
