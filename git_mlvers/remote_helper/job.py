"""What git asks a remote helper to do, and with what."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from git_mlvers.config.address import Address
    from git_mlvers.git.repository import Repository


class Job(NamedTuple):
    """One run of the helper.

    `name` is the git remote's, or its whole URL when it has no name. `repo` is
    ``None`` where there is no repository (``git ls-remote URL``). `stdin` and
    `stdout` are descriptors on which git speaks gitremote-helpers(7).
    """

    name: str
    address: Address
    repo: Repository | None
    env: Mapping[str, str]
    stdin: int = 0
    stdout: int = 1
