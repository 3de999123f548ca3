"""Addresses of git, taken apart as git itself does it (connect.c, transport.c)."""

from __future__ import annotations

import os
import re
from typing import NamedTuple, TypeAlias

from git_mlvers.errors import UsageError

_HELPER = re.compile(r"([A-Za-z0-9][A-Za-z0-9+.-]*)::")
_SCHEME = re.compile(r"([A-Za-z0-9][A-Za-z0-9+.-]*)://")
_ESCAPED = re.compile(rb"%([0-9A-Fa-f]{2})")
_SSH = ("ssh", "git+ssh", "ssh+git")
_PORTS = 1 << 16


class Blocked(UsageError):
    """An address that git does not take, or that a program could take for an option."""

    exit_code = 128


class Helper(NamedTuple):
    """An address for the program ``git remote-<name>``."""

    name: str
    address: str


class Local(NamedTuple):
    """A repository on this machine."""

    path: str


class Ssh(NamedTuple):
    """A repository behind ssh; `host` with its user, as ssh takes it."""

    host: str
    port: str | None
    path: str


class Daemon(NamedTuple):
    """A repository behind ``git daemon``; `host` as it was written, with its port."""

    host: str
    path: str


Target: TypeAlias = Helper | Local | Ssh | Daemon


def parse(address: str) -> Target:
    """What `address`, which follows ``mlvers::``, means to git; raises `Blocked`."""
    helper = _HELPER.match(address)
    if helper is not None:
        return Helper(helper[1], address[helper.end() :])
    scheme = _SCHEME.match(address)
    if scheme is None:
        target = _short(address)
    elif scheme[1] in ("file", "git", *_SSH):
        rest = _decoded(address[scheme.end() :])
        target = _long(scheme[1], rest)
    else:
        return Helper(scheme[1], address)
    _refuse_options(target)
    return target


def protocol_of(target: Target) -> str:
    """The name under which ``protocol.<name>.allow`` knows the transport of `target`."""
    match target:
        case Helper(name=name):
            return name
        case Local():
            return "file"
        case Ssh():
            return "ssh"
        case Daemon():
            return "git"


def split_port(host: str) -> tuple[str, str | None]:
    """Host and port of ``host:port``, ``[v6]:port`` or ``[host:port]``; brackets are taken off."""
    user, at, rest = host.rpartition("@[")
    start = "[" + rest if at else host
    prefix = user + "@" if at else ""
    close = start.find("]")
    if start.startswith("[") and close > 0:
        inside, after = start[1:close], start[close + 1 :]
        if after.startswith(":") and _is_port(after[1:]):
            return prefix + inside, after[1:]
        if inside.count(":") == 1 and _is_port(inside.partition(":")[2]):
            name, _, port = inside.partition(":")
            return prefix + name, port
        return prefix + inside, None
    name, colon, port = host.partition(":")
    if colon and (not port or _is_port(port)):
        return name, port or None
    return host, None


def _short(address: str) -> Target:
    """A path, or ``host:path`` where a colon comes before the first slash."""
    colon, slash = address.find(":"), address.find("/")
    if colon < 0 or 0 <= slash < colon:
        return Local(address)
    end = _after_brackets(address)
    colon = address.find(":", end)
    if colon < 0 or colon + 1 == len(address):
        raise _no_path()
    host, port = split_port(address[:colon])
    return Ssh(host, port, _from_home(address[colon + 1 :]))


def _long(scheme: str, rest: str) -> Target:
    """What follows ``scheme://``, with its escapes decoded."""
    slash = rest.find("/", _after_brackets(rest))
    if slash < 0:
        raise _no_path()
    if scheme == "file":
        return Local(rest[slash:])
    host, path = rest[:slash], _from_home(rest[slash:])
    if scheme == "git":
        if "\n" in host or "\n" in path:
            raise Blocked("newline is forbidden in git:// hosts and repo paths")
        return Daemon(host, path)
    return Ssh(*split_port(host), path)


def _after_brackets(text: str) -> int:
    """Where to look for what ends the host: behind the ``]`` of ``user@[v6]``."""
    start = text.find("@[") + 1
    return max(0, text.find("]", start)) if text.startswith("[", start) else start


def _from_home(path: str) -> str:
    """``/~user/repo`` means ``~user/repo``."""
    return path[1:] if path[1:2] == "~" else path


def _is_port(text: str) -> bool:
    return text.isascii() and text.isdigit() and int(text) < _PORTS


def _decoded(text: str) -> str:
    def byte(match: re.Match[bytes]) -> bytes:
        code = int(match[1], 16)
        return bytes([code]) if code else match[0]

    return os.fsdecode(_ESCAPED.sub(byte, os.fsencode(text)))


def _refuse_options(target: Target) -> None:
    """ssh, a shell or git would take a leading dash for an option."""
    if not isinstance(target, (Local, Helper)) and target.host.startswith("-"):
        raise Blocked(f"strange hostname '{target.host}' blocked")
    if not isinstance(target, Helper) and target.path.startswith("-"):
        raise Blocked(f"strange pathname '{target.path}' blocked")


def _no_path() -> Blocked:
    return Blocked("no path specified", "see 'git help pull' for valid url syntax")
