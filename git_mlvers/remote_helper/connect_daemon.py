"""The connection to ``git daemon``."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING

from git_mlvers.errors import RemoteError
from git_mlvers.remote_helper.connect_address import split_port
from git_mlvers.remote_helper.connect_commands import packet

if TYPE_CHECKING:
    from collections.abc import Mapping

    from git_mlvers.remote_helper.connect_address import Daemon

_PORT = "9418"
_FAMILIES = {"ipv4": socket.AF_INET, "ipv6": socket.AF_INET6}


class Unreachable(RemoteError):
    """Nobody answers where the address says."""

    exit_code = 128


def connect(target: Daemon, family: str | None) -> socket.socket:
    """A connection to the host of `target`; raises `Unreachable`."""
    host, port = split_port(target.host)
    try:
        places = socket.getaddrinfo(
            host, port or _PORT, _FAMILIES.get(family or "", 0), socket.SOCK_STREAM
        )
    except (OSError, UnicodeError) as error:
        raise Unreachable(f"unable to look up {host} (port {port or _PORT}) ({error})") from None
    failure: OSError | None = None
    for kind, sort, protocol, _, place in places:
        connection = socket.socket(kind, sort, protocol)
        try:
            connection.connect(place)
        except OSError as error:
            connection.close()
            failure = error
        else:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            return connection
    reason = failure.strerror if failure is not None else "no address"
    raise Unreachable(f"unable to connect to {target.host}: {reason}")


def request(target: Daemon, program: str, version: int, env: Mapping[str, str]) -> bytes:
    """What the daemon is asked first: for which service, repository and virtual host."""
    host = env.get("GIT_OVERRIDE_VIRTUAL_HOST") or target.host
    line = f"{program} {target.path}\0host={host}\0"
    if version > 0:
        line += f"\0version={version}\0"
    return packet(os.fsencode(line))
