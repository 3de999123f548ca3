"""What a committed ``.mlversconfig`` may say.

The file comes from whoever can commit, so it is data that a stranger wrote. It
can name the place of the content, and nothing that runs a program, carries a
secret, or points into the repository itself. A file that says anything else is
refused as a whole, with the key and the reason.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from git_mlvers.config.values import ConfigError, Value
from git_mlvers.git.command import GitError
from git_mlvers.git.config import read_blob_config, read_file_config

if TYPE_CHECKING:
    from collections.abc import Iterable

    from git_mlvers.git.repository import Repository

FILE_NAME = ".mlversconfig"
"""The committed file, at the top of the working tree."""

TOP_KEYS = frozenset({"mlvers.remote", "mlvers.fetchinclude", "mlvers.fetchexclude"})
"""What the committed file can set for the repository."""

REMOTE_KEYS = frozenset({"url", "endpointurl", "region", "anon"})
"""What the committed file can set for one remote."""

CLOUDS = frozenset({"s3", "gs", "gdrive", "az"})
"""Schemes whose address is a name inside of one cloud, not a host of its own."""

HOSTS = frozenset({"ssh", "sftp", "webdav", "webdavs"})
"""Schemes whose address names a host."""

_SECRETS = ("key", "secret", "token", "password", "credential", "auth")
_PROGRAMS = ("program", "command", "process", "clean", "smudge", "driver", "hook", "agent", "path")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*\Z")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")

Values = dict[str, list[Value]]


def load(repo: Repository, treeish: str | None) -> Values:
    """The checked values of the committed file by key; empty when there is no such file.

    Looked for in `treeish` when given, else in the working tree, the index and
    ``HEAD``. Raises `ConfigError` for a file that is not allowed or not readable.
    """
    try:
        origin, pairs = _read(repo, treeish)
    except GitError as error:
        # What git says of it names the line.
        raise ConfigError(f"{FILE_NAME} cannot be read: {error.message}") from error
    values: Values = {}
    if origin is None:
        return values
    for key, text in pairs:
        check_pair(repo, origin, key, text)
        values.setdefault(key, []).append(Value(text, FILE_NAME, origin))
    return values


def place(repo: Repository, treeish: str | None = None) -> str | None:
    """Which committed file counts (its path, or git's name for it); ``None`` for none."""
    return _read(repo, treeish)[0]


def split_remote_key(key: str) -> tuple[str, str] | None:
    """``mlvers.remote.<name>.<option>`` as (name, option); ``None`` for any other key."""
    if not key.startswith("mlvers.remote."):
        return None
    name, dot, option = key[len("mlvers.remote.") :].rpartition(".")
    return (name, option) if dot else None


def scheme_of(url: str) -> str:
    """The scheme of `url` in lower case; empty for a plain directory."""
    scheme, mark, _ = url.partition("://")
    return "" if not mark or scheme.lower() == "file" else scheme.lower()


def check_name(name: str) -> None:
    """Raise `ConfigError` unless `name` can name a remote."""
    if not _NAME.match(name):
        raise ConfigError(
            f"{name!r} cannot be the name of a remote",
            "use letters, digits, '.', '_' and '-', beginning with a letter or digit",
        )


def check_pair(repo: Repository, origin: str, key: str, text: str | None) -> None:
    """Raise `ConfigError` unless the committed file may set `key` to `text`."""
    remote = split_remote_key(key)
    if remote is None:
        if key not in TOP_KEYS:
            raise _refusal(origin, key, _why_not(key))
    else:
        check_name(remote[0])
        if remote[1] not in REMOTE_KEYS:
            raise _refusal(origin, key, _why_not(remote[1]))
    if not text:
        raise _refusal(origin, key, "it has no value")
    if _CONTROL.search(text):
        raise _refusal(origin, key, "its value has control characters")
    if remote is not None and remote[1] == "url":
        _check_url(repo, origin, key, text)
    if remote is not None and remote[1] == "endpointurl":
        _check_endpoint(origin, key, text)


def has_password(url: str) -> bool:
    """Whether `url` carries a password (``scheme://user:password@host``)."""
    authority = url.partition("://")[2].partition("/")[0]
    return "@" in authority and ":" in authority.rpartition("@")[0]


def directory_of(repo: Repository, url: str) -> str:
    """The absolute directory that a `url` without a host means.

    A relative one starts at the top of the main working tree, so that all
    linked worktrees mean the same place.
    """
    path = url[len("file://") :] if url.lower().startswith("file://") else url
    if os.path.basename(repo.common_dir) == ".git":
        base = os.path.dirname(repo.common_dir)
    else:
        base = repo.work_tree or repo.common_dir
    return os.path.normpath(os.path.join(base, path))


def is_inside(repo: Repository, path: str) -> bool:
    """Whether the absolute `path` is in the working tree or in the git directory of `repo`."""
    real = os.path.realpath(path) + os.sep
    around = (repo.work_tree, repo.common_dir)
    return any(
        one is not None and real.startswith(os.path.realpath(one) + os.sep) for one in around
    )


def _read(
    repo: Repository, treeish: str | None
) -> tuple[str | None, Iterable[tuple[str, str | None]]]:
    if treeish is not None:
        return _read_blobs(repo, [f"{treeish}:{FILE_NAME}"])
    if repo.work_tree is not None:
        path = os.path.join(repo.work_tree, FILE_NAME)
        if os.path.islink(path):
            raise ConfigError(
                f"{FILE_NAME} is a symbolic link", "replace it by the file that it points to"
            )
        if os.path.isfile(path):
            return FILE_NAME, read_file_config(path)
        return _read_blobs(repo, [f":{FILE_NAME}", f"HEAD:{FILE_NAME}"])
    return _read_blobs(repo, [f"HEAD:{FILE_NAME}"])


def _read_blobs(
    repo: Repository, names: list[str]
) -> tuple[str | None, Iterable[tuple[str, str | None]]]:
    for name in names:
        pairs = read_blob_config(repo, name)
        if pairs is not None:
            return name.lstrip(":"), pairs
    return None, ()


def _check_url(repo: Repository, origin: str, key: str, url: str) -> None:
    scheme = scheme_of(url)
    if has_password(url):
        raise _refusal(origin, key, "it carries a password, which must not be committed")
    if "::" in url or (scheme and scheme not in CLOUDS | HOSTS):
        raise _refusal(origin, key, f"{url!r} is no kind of address that can be committed")
    if scheme:
        return
    if is_inside(repo, directory_of(repo, url)):
        raise _refusal(origin, key, f"the directory {url!r} is inside of the repository")


def _check_endpoint(origin: str, key: str, url: str) -> None:
    if scheme_of(url) not in ("http", "https"):
        raise _refusal(origin, key, f"{url!r} is no http or https address")
    if "@" in url.partition("://")[2].partition("/")[0]:
        raise _refusal(origin, key, "it carries a user name, which must not be committed")


def _why_not(option: str) -> str:
    low = option.lower()
    if any(word in low for word in _SECRETS):
        return "it is a secret, which must not be committed"
    if any(word in low for word in _PROGRAMS):
        return "a committed file cannot name a program or a file of this machine"
    return "it is not a key that can be committed"


def _refusal(origin: str, key: str, why: str) -> ConfigError:
    return ConfigError(
        f"{origin} is refused because of the key {printable(key)}: {why}",
        "set it in git config instead, or take it out of the committed file",
    )


def printable(text: str) -> str:
    """`text` with control characters spelled out, fit for a terminal."""
    return _CONTROL.sub(lambda match: f"\\x{ord(match[0]):02x}", text)
