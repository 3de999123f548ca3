"""Addresses of git remotes that begin with ``mlvers::``, and what stands behind each.

Behind it is either any address that git knows, whose transport is used as it
is, or a store of ours that holds refs, objects and content without a server.
"""

from __future__ import annotations

import os
import re
from enum import Enum
from typing import NamedTuple

from git_mlvers.backend.url import BadAddress, redact
from git_mlvers.config.beside import git_dir_at, path_of_file_url

PREFIX = "mlvers::"

_STORES = frozenset({"s3", "gs", "az", "gdrive", "sftp", "webdav", "webdavs", "memory"})
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_HELPER = re.compile(r"[A-Za-z0-9][A-Za-z0-9+.-]*::")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class Kind(Enum):
    """What stands behind an address."""

    GIT = "git"
    """A repository that git reaches itself."""
    STORE = "store"
    """A store without a git server."""


class Address(NamedTuple):
    """What follows ``mlvers::``: for git an address as it is, for a store one of `backend.url`."""

    kind: Kind
    inner: str


def is_ours(url: str) -> bool:
    """Whether git hands `url` to our remote helper."""
    return url.startswith((PREFIX, "mlvers://"))


def parse(url: str, base: str) -> Address:
    """Take an address with or without its prefix apart; relative paths begin at `base`.

    A path at which there is a repository is git's, any other path is a store.
    Raises `BadAddress`.
    """
    inner = url.removeprefix(PREFIX)
    if not inner or _CONTROL.search(inner) or inner.startswith("-"):
        raise BadAddress(f"{redact(url)!r} is no address of a git remote", "write mlvers::ADDRESS")
    scheme = _SCHEME.match(inner)
    if scheme is not None and scheme[1].lower() == "mlvers":
        raise BadAddress(f"{redact(url)} names no place", "write mlvers::ADDRESS")
    if scheme is not None and scheme[1].lower() in _STORES:
        return Address(Kind.STORE, inner)
    path = _path(inner, scheme[1].lower() if scheme else "")
    if path is None or git_dir_at(path, base) is not None:
        return Address(Kind.GIT, inner)
    return Address(Kind.STORE, os.path.normpath(os.path.join(base, path)))


def absolute(url: str, base: str) -> str:
    """`url`, or, where it names a relative path, the same with the path from `base` on."""
    inner = url.removeprefix(PREFIX)
    path = _path(inner, "") if not _SCHEME.match(inner) else None
    if not path or path.startswith("/"):
        return url
    return PREFIX + os.path.normpath(os.path.join(base, path))


def _path(inner: str, scheme: str) -> str | None:
    """The path of this machine that an address names, if it names one."""
    if scheme:
        return path_of_file_url(inner) if scheme == "file" else None
    before, colon, _ = inner.partition(":")
    if _HELPER.match(inner) or (colon and "/" not in before):  # host:path is ssh, as for git
        return None
    return inner
