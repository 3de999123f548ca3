"""Who uses a remote: git remotes whose refs decide what must stay there.

The same git remote has many spellings (ssh, https, with and without ``.git``), and
a path is another place on another machine. Two spellings are taken for one only
where that is sure, since what is mistaken for a git remote that was looked at is lost.
"""

from __future__ import annotations

import json
import os
import re
from typing import TYPE_CHECKING, NamedTuple

from blake3 import blake3

from git_mlvers.config import beside
from git_mlvers.config.address import PREFIX

if TYPE_CHECKING:
    from git_mlvers.config.source import Source
    from git_mlvers.git.repository import Repository

_URL = re.compile(
    r"([A-Za-z][A-Za-z0-9+.-]*)://(?:([^/@]*)@)?([^/:@]*)(?::([0-9]+))?(/.*)?\Z", re.S
)
_SHORT = re.compile(r"(?:([^/@:]+)@)?([^/@:]+):(.*)\Z", re.S)
_GIT = {"ssh": "22", "git+ssh": "22", "ssh+git": "22", "https": "443", "http": "80", "git": "9418"}
_HERE = "beside the content"


class User(NamedTuple):
    """A git remote that uses a remote for content.

    `url` is its address without secrets, `host` the name of the machine when that is
    a path there, else empty. `same` is equal for all spellings of the address.
    """

    url: str
    host: str
    same: str

    @property
    def name(self) -> bytes:
        """The raw name under which the remote is told of it."""
        return blake3(os.fsencode(f"{self.host}\n{self.same}")).digest()

    @property
    def text(self) -> bytes:
        """What the remote is told."""
        value = {"url": os.fsencode(self.url).decode("utf-8", "replace"), "host": self.host}
        return json.dumps(value).encode() + b"\n"

    @property
    def shown(self) -> str:
        """The user in words."""
        if self.same == _HERE:
            return "the git remote that has its content beside itself there"
        return f"{self.url} on the machine {self.host}" if self.host else self.url


def read(text: bytes) -> User | None:
    """The user that a remote was told of; ``None`` for what is none."""
    try:
        value = json.loads(text.decode())
        url, host = value["url"], value["host"]
    except (ValueError, KeyError, TypeError):
        return None
    if not isinstance(url, str) or not isinstance(host, str) or not url:
        return None
    return User(url, host, _HERE if url == _HERE else same(url, "/"))


def of_url(url: str, base: str) -> User:
    """The user that the git remote at `url` is; relative paths begin at `base`."""
    place = _path(url, base)
    if place is not None:
        return User(place, os.uname().nodename, place)
    return User(_without_secrets(url), "", same(url, base))


def of_git_remote(source: Source, repo: Repository, git_remote: str, content: str) -> list[User]:
    """The users that `git_remote` (a name or an address) is of the remote at the URL `content`.

    These are several when it is pushed to several addresses.
    """
    near = beside.place_near(source, repo, git_remote)
    if near is not None and near.url == content:
        return [User(_HERE, "", _HERE)]
    urls = addresses(source, git_remote, pushing=True)
    return list(dict.fromkeys(of_url(source.instead_of(url), repo.top) for url in urls))


def of_repository(repo: Repository) -> User:
    """The user that a repository is which has no git remote."""
    place = os.path.realpath(repo.common_dir)
    return User(place, os.uname().nodename, place)


def as_git_remote(repo: Repository, content: str) -> list[User]:
    """The users that `repo` is of the remote at the URL `content` by what others push to it."""
    beside_it = os.path.join(repo.common_dir, "mlvers") == content
    return [of_repository(repo), *([User(_HERE, "", _HERE)] if beside_it else [])]


def addresses(source: Source, git_remote: str, *, pushing: bool = False) -> list[str]:
    """All addresses of a git remote as they are configured, or only those that are pushed to."""
    urls = [value.text for value in source.values(f"remote.{git_remote}.url") if value.text]
    pushed = [value.text for value in source.values(f"remote.{git_remote}.pushurl") if value.text]
    found = (pushed or urls) if pushing else [*urls[:1], *(pushed or urls)]
    return list(dict.fromkeys(found)) or [git_remote]


def from_anywhere(url: str, base: str) -> str:
    """`url`, with a relative path, which begins at `base`, made absolute."""
    inner = url.removeprefix(PREFIX)
    if inner.startswith(("/", "file://")) or _path(inner, base) is None:
        return url
    return url[: len(url) - len(inner)] + os.path.normpath(os.path.join(base, inner))


def same(url: str, base: str) -> str:
    """What is equal for all spellings of an address, without the machine."""
    place = _path(url, base)
    if place is not None:
        return place
    url = _without_secrets(url.removeprefix(PREFIX))
    match = _URL.match(url)
    if match is not None:
        scheme, user, host, port, path = (part or "" for part in match.groups())
        if scheme.lower() not in _GIT:
            return url.rstrip("/")
        return _host_and_path(user, host, "" if port == _GIT[scheme.lower()] else port, path)
    short = _SHORT.match(url)
    if short is not None:
        return _host_and_path(short[1] or "", short[2], "", short[3])
    return url


def _host_and_path(user: str, host: str, port: str, path: str) -> str:
    # What does not begin at the root begins at the home of a user. Forges have just one of them.
    at_home = (user not in ("", "git") and not path.startswith("/")) or path.startswith("/~")
    who = f"{user}@" if at_home else ""
    port = f":{port}" if port else ""
    return f"{who}{host.lower()}{port}/{path.strip('/').removesuffix('.git')}"


def _path(url: str, base: str) -> str | None:
    """The directory of this machine that `url` is; ``None`` when it is none."""
    inner = url.removeprefix(PREFIX)
    if inner.startswith("file://"):
        inner = beside.path_of_file_url(inner)
    elif _URL.match(inner) or "::" in inner.partition("/")[0] or ":" in inner.partition("/")[0]:
        return None
    found = beside.git_dir_at(inner, base) or os.path.join(base, inner)
    return os.path.realpath(found)


def _without_secrets(url: str) -> str:
    match = _URL.match(url.removeprefix(PREFIX))
    if match is None:
        return url
    scheme, user, host, port, path = (part or "" for part in match.groups())
    user = user.partition(":")[0] if "ssh" in scheme or scheme == "sftp" else ""
    prefix = PREFIX if url.startswith(PREFIX) else ""
    where = f"{user}@{host}" if user else host
    port = f":{port}" if port else ""
    return f"{prefix}{scheme}://{where}{port}{path.partition('?')[0]}"
