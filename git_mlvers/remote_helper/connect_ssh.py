"""The command line for a service of git behind ssh, as git itself would write it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from git_mlvers.errors import UsageError
from git_mlvers.git.process import NULL, Process, Streams

if TYPE_CHECKING:
    from collections.abc import Mapping

    from git_mlvers.config.source import Source
    from git_mlvers.remote_helper.connect_address import Ssh

_VARIANTS = ("auto", "plink", "putty", "tortoiseplink", "simple")


class Call(NamedTuple):
    """A command line, and the version of git's protocol that its environment asks for."""

    argv: list[str]
    version: int


class SshCommand:
    """Which program git would use for ssh, and what kind of ssh it takes it for.

    `env` is the whole environment; ``GIT_SSH_COMMAND``, ``GIT_SSH`` and
    ``GIT_SSH_VARIANT`` in it count, and ``core.sshCommand`` and ``ssh.variant``.
    """

    def __init__(self, config: Source, env: Mapping[str, str]) -> None:
        self._env = env
        self._given = env.get("GIT_SSH_VARIANT") or config.get("ssh.variant")
        command = env.get("GIT_SSH_COMMAND") or config.get("core.sshcommand")
        program = env.get("GIT_SSH") or "ssh"
        # A command is for the shell, a program is none of its business.
        self._argv = ["sh", "-c", f'{command} "$@"', command] if command else [program]
        self._name = _first_word(command) if command else program

    def call(self, target: Ssh, remote: str, version: int, family: str | None) -> Call:
        """How to run the command line `remote` on the host of `target`.

        `version` of git's protocol is asked for where this kind of ssh can do
        that. `family` is "ipv4", "ipv6" or ``None``. Raises `UsageError` for what
        it cannot do.
        """
        variant = self.variant(target, family)
        words = list(self._argv)
        if variant != "ssh":
            version = 0
        if version > 0:
            words += ["-o", "SendEnv=GIT_PROTOCOL"]
        words += self._family(variant, family)
        if variant == "tortoiseplink":
            words.append("-batch")
        if target.port is not None:
            if variant == "simple":
                raise UsageError("ssh variant 'simple' does not support setting port")
            words += ["-p" if variant == "ssh" else "-P", target.port]
        return Call([*words, target.host, remote], version)

    def variant(self, target: Ssh, family: str | None) -> str:
        """One of "ssh", "plink", "putty", "tortoiseplink", "simple"."""
        found = self._named_variant()
        if found == "auto":
            found = "ssh" if self._answers_like_openssh(target, family) else "simple"
        return found

    def _named_variant(self) -> str:
        if self._given:
            return self._given if self._given in _VARIANTS else "ssh"
        name = os.path.basename(self._name).lower().removesuffix(".exe")
        return name if name in ("ssh", "plink", "tortoiseplink") else "auto"

    def _answers_like_openssh(self, target: Ssh, family: str | None) -> bool:
        """Whether the program knows ``-G`` and OpenSSH's other options."""
        port = ["-p", target.port] if target.port is not None else []
        options = ["-G", "-o", "SendEnv=GIT_PROTOCOL", *self._family("ssh", family), *port]
        argv = [*self._argv, *options, target.host]
        with Process(argv, self._env, Streams(NULL, NULL, NULL)) as process:
            return process.wait() == 0

    @staticmethod
    def _family(variant: str, family: str | None) -> list[str]:
        option = {"ipv4": "-4", "ipv6": "-6"}.get(family or "")
        if option is None:
            return []
        if variant == "simple":
            raise UsageError(f"ssh variant 'simple' does not support {option}")
        return [option]


def quoted(path: str) -> str:
    """`path` in single quotes, as git writes it for a shell."""
    inside = path.replace("'", "'\\''").replace("!", "'\\!'")
    return f"'{inside}'"


def _first_word(command: str) -> str:
    import shlex

    try:
        words = shlex.split(command)
    except ValueError:
        return command
    return words[0] if words else command
