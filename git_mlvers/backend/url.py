"""Addresses of stores: read, checked, and shown without their secrets."""

from __future__ import annotations

import re
from typing import NamedTuple

from git_mlvers.backend.schemes import SCHEMES, extra_for, known_examples
from git_mlvers.errors import UsageError

__all__ = ["BadAddress", "Location", "extra_for", "is_local", "missing_extra", "parse", "redact"]

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_SECRET = re.compile(
    r"((?:^|[?&;])[^=&;]*(?:key|token|secret|pass|sig|credential)[^=&;]*=)[^&;#]+", re.I
)
_BUCKETS = ("s3", "gs", "az", "gdrive", "memory")


class BadAddress(UsageError):
    """An address that names no store."""


class Location(NamedTuple):
    """The parts of an address.

    `scheme` is in lower case, and empty for a directory, whose `path` is then
    as it was typed (``file://`` taken off). Otherwise `host` is the bucket or
    the host, with user, password and port split off, and `path` is what
    follows, without slashes at its ends.
    """

    scheme: str
    host: str
    path: str
    user: str | None = None
    password: str | None = None
    port: int | None = None

    @property
    def url(self) -> str:
        """The address in one normal form, without user and password."""
        if not self.scheme:
            return self.path
        port = f":{self.port}" if self.port is not None else ""
        return f"{self.scheme}://{self.host}{port}" + (f"/{self.path}" if self.path else "")


def parse(url: str) -> Location:
    """Take an address apart; raise `BadAddress` when it is none that we know."""
    if not url.strip():
        raise BadAddress("the address of the remote is empty")
    if _CONTROL.search(url):
        raise BadAddress(f"the address {_visible(url)} has control characters")
    match = _SCHEME.match(url)
    if match is None:
        return _directory(url)
    scheme, rest = match[1].lower(), url[match.end() :]
    if scheme not in SCHEMES:
        raise BadAddress(
            f"the address {redact(url)} begins with {scheme}://, which is not known",
            f"known are a directory, {known_examples()}",
        )
    if scheme == "file":
        return _file(url, rest)
    return _remote(scheme, rest, redact(url))


def is_local(url: str) -> bool:
    """Whether `url` is a directory of this machine, typed as a path or as ``file://``."""
    return url.lower().startswith("file://") or not (
        _SCHEME.match(url) or "::" in url.partition("/")[0]
    )


def missing_extra(url: str) -> str | None:
    """The extra to install before `url` can be used; `None` when all is there, or it is unknown."""
    match = _SCHEME.match(url)
    scheme = SCHEMES.get(match[1].lower()) if match else None
    if scheme is None or not scheme.module:
        return None
    from importlib.util import find_spec

    return scheme.extra if find_spec(scheme.module) is None else None


def redact(url: str) -> str:
    """`url` fit to be shown: no password, no secret in a query, no control characters.

    A lone user name is kept for ssh and sftp, where it is no secret.
    """
    shown = _visible(url)
    match = _SCHEME.match(shown)
    if match is None:
        return shown
    authority, slash, path = shown[match.end() :].partition("/")
    user, at, host = authority.rpartition("@")
    if at and (":" in user or match[1].lower() not in ("ssh", "sftp")):
        user = f"{user.partition(':')[0]}:***" if match[1].lower() in ("ssh", "sftp") else "***"
    path, mark, query = path.partition("?")
    query = _SECRET.sub(r"\1***", query)
    return f"{match[0]}{user}{at}{host}{slash}{path}{mark}{query}"


def _directory(url: str) -> Location:
    before = url.partition("/")[0]
    if "::" in before:
        raise BadAddress(
            f"{_visible(url)} is an address for git, not a place for content",
            f"known are a directory, {known_examples()}",
        )
    if ":" in before:
        raise BadAddress(
            f"the address {_visible(url)} is neither a directory nor a URL",
            f"write ./{url} for a directory, or ssh://user@host/directory for one elsewhere",
        )
    return Location("", "", url)


def _file(url: str, rest: str) -> Location:
    path = rest.removeprefix("localhost") if rest.startswith("localhost/") else rest
    if not path.startswith("/"):
        raise BadAddress(
            f"the address {_visible(url)} names another host or no full path",
            "write file:///directory",
        )
    return Location("", "", path)


def _remote(scheme: str, rest: str, shown: str) -> Location:
    authority, _, path = rest.partition("/")
    login, _, host = authority.rpartition("@")
    if scheme in _BUCKETS and login:
        raise BadAddress(
            f"the address {shown} carries credentials, which do not belong there",
            "git mlvers remote modify --local NAME accesskeyid VALUE, or the cloud's own settings",
        )
    if scheme in _BUCKETS and ("?" in path or "#" in path):
        raise BadAddress(f"the address {shown} has a ? or # in it")
    name, colon, number = host.partition(":") if not host.startswith("[") else (host, "", "")
    if colon and not (number.isascii() and number.isdigit() and 0 < int(number) < 65536):
        raise BadAddress(f"the address {shown} has no usable port")
    option = name.startswith("-") and scheme not in _BUCKETS
    if not name or option or any(part in (".", "..") for part in path.split("/")):
        raise BadAddress(f"the address {shown} names no place", f"like {SCHEMES[scheme].example}")
    user, colon, password = login.partition(":")
    parts = "/".join(part for part in path.split("/") if part)
    return Location(
        scheme, name, parts, user or None, password if colon else None, int(number or 0) or None
    )


def _visible(url: str) -> str:
    return _CONTROL.sub(lambda match: f"\\x{ord(match[0]):02x}", url)
