"""The configuration of DVC: ``.dvc/config``, and ``.dvc/config.local`` which is not committed."""

from __future__ import annotations

import configparser
import os
from typing import TYPE_CHECKING, NamedTuple

from git_mlvers.migrate.dvcfiles import BadDvcFile

if TYPE_CHECKING:
    from collections.abc import Iterator

FOLDER = ".dvc"
_FILES = ("config", "config.local")
_SCHEMES = {"azure": "az", "s3": "s3", "gs": "gs", "gdrive": "gdrive", "ssh": "ssh"}
_SCHEMES |= {"webdav": "webdav", "webdavs": "webdavs", "sftp": "sftp"}
_OPTIONS = {
    "endpointurl": "endpointurl",
    "region": "region",
    "profile": "profile",
    "access_key_id": "accesskeyid",
    "secret_access_key": "secretaccesskey",
    "session_token": "sessiontoken",
    "allow_anonymous_login": "anon",
    "credentialpath": "credentialpath",
    "connection_string": "connectionstring",
    "account_name": "accountname",
    "account_key": "accountkey",
    "user": "user",
    "password": "password",
    "token": "token",
    "keyfile": "keyfile",
}
_WEB = ("http", "https")
_SUBFOLDER = "mlvers"
"""Below DVC's own root, so that neither tool sees files of the other."""


class Value(NamedTuple):
    """An option of a remote, and whether it stood in ``config.local``."""

    text: str
    local: bool


class DvcRemote(NamedTuple):
    """A remote of DVC. `url` is its own, `ours` the address for git-mlvers, if there can be one.

    `options` are by our names, `left` are DVC's names of those that mean nothing here.
    """

    name: str
    url: str
    ours: str | None
    options: dict[str, Value]
    left: list[str]
    local: bool
    relative: bool
    """Whether its address is that of a folder, from the repository on."""
    web: bool = False
    """Whether it is on a web server, which can be read and nothing else."""
    header: str | None = None
    """Of a web server, the header that its password goes into, where it has one of its own."""


class DvcConfig(NamedTuple):
    """What matters of the configuration; `cache` is the folder of the cache, absolute."""

    remotes: list[DvcRemote]
    default: str | None
    cache: str


def read(top: str) -> DvcConfig:
    """Read the configuration of the repository at `top`. Raises `BadDvcFile`."""
    folder = os.path.join(top, FOLDER)
    values: dict[str, dict[str, Value]] = {}
    for name in _FILES:
        for section, key, text in _pairs(os.path.join(folder, name)):
            values.setdefault(section, {})[key] = Value(text, name != _FILES[0])
    remotes = [
        _remote(section.split('"')[1], found, folder)
        for section, found in values.items()
        if section.startswith("remote ") and section.count('"') == 2 and "url" in found
    ]
    default = values.get("core", {}).get("remote")
    cache = values.get("cache", {}).get("dir")
    place = "cache" if cache is None else cache.text
    names = [remote.name for remote in remotes]
    chosen = default.text if default is not None else names[0] if len(names) == 1 else None
    return DvcConfig(remotes, chosen, os.path.normpath(os.path.join(folder, place)))


def _pairs(path: str) -> Iterator[tuple[str, str, str]]:
    parser = configparser.RawConfigParser(strict=False, allow_no_value=True)
    parser.optionxform = str.lower  # type: ignore[assignment,method-assign]
    try:
        with open(path, encoding="utf-8") as file:
            parser.read_file(file)
    except FileNotFoundError:
        return
    except (OSError, ValueError, configparser.Error) as error:
        raise BadDvcFile(f"{path} cannot be read: {' '.join(str(error).split())}") from error
    for section in parser.sections():
        for key, text in parser.items(section):
            yield section.strip("'"), key, (text or "").strip().strip("\"'")


def _remote(name: str, values: dict[str, Value], folder: str) -> DvcRemote:
    url = values["url"]
    scheme, colon, rest = url.text.partition("://")
    web = scheme in _WEB and bool(colon)
    options, left = {}, []
    for key, value in values.items():
        if key in ("url", "auth") or (web and key in ("custom_auth_header", "method")):
            left += ["auth"] if key == "auth" and value.text.lower() == "digest" else []
        elif key in _OPTIONS:
            options[_OPTIONS[key]] = value
        else:
            left.append(key)
    text = url.text
    ours: str | None = None
    if not colon:
        text = os.path.normpath(os.path.join(folder, os.path.expanduser(url.text)))
        ours = os.path.join(text, _SUBFOLDER)
    elif scheme in _SCHEMES:
        ours = f"{_SCHEMES[scheme]}://{rest.rstrip('/')}/{_SUBFOLDER}"
        text = f"{_SCHEMES[scheme]}://{rest}"
    relative = not colon and not os.path.isabs(os.path.expanduser(url.text))
    header = values.get("custom_auth_header")
    special = header.text if header is not None else None
    return DvcRemote(name, text, ours, options, left, url.local, relative, web, special)
