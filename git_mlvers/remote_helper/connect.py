"""Transports that git has built in: paths, ssh and ``git://``.

git asks to be connected with a service and then speaks with that as it does
without us. For reading we become the service; in a push we listen for what is
about to be updated.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NoReturn

from git_mlvers.errors import UsageError
from git_mlvers.git.command import local_env_dropped
from git_mlvers.git.lines import LineReader
from git_mlvers.git.process import PIPE, Process, Streams, become
from git_mlvers.git.quote import unquote
from git_mlvers.remote_helper.connect_address import Daemon, Local, Ssh
from git_mlvers.remote_helper.connect_service import Connection, Program, Service
from git_mlvers.remote_helper.connect_ssh import Call, SshCommand, quoted
from git_mlvers.remote_helper.relay_bytes import write_all

if TYPE_CHECKING:
    from git_mlvers.config.source import Source
    from git_mlvers.progress import Progress
    from git_mlvers.remote_helper.job import Job
    from git_mlvers.remote_helper.wrapper_content import SendContent

CAPABILITIES = b"connect\noption\n\n"
PUSH = "git-receive-pack"
SERVICES = ("git-upload-pack", "git-upload-archive", PUSH)


class Connector:
    """The dialogue with git up to the moment when it is connected."""

    def __init__(
        self,
        job: Job,
        target: Local | Ssh | Daemon,
        config: Source,
        send: SendContent,
        progress: Progress,
    ) -> None:
        self._job = job
        self._target = target
        self._config = config
        self._send = send
        self._progress = progress
        self._program: str | None = None
        self._family: str | None = None

    def run(self) -> int:
        """Answer git until it hangs up or is connected; the exit status."""
        lines = LineReader(self._job.stdin)
        while line := lines.read():
            command, _, rest = line.partition(b" ")
            if command == b"capabilities":
                self._say(CAPABILITIES)
            elif command == b"option":
                self._say(b"ok\n" if self._option(rest) else b"unsupported\n")
            elif command == b"connect" and os.fsdecode(rest) in SERVICES:
                return self._connect(os.fsdecode(rest))
            else:
                raise UsageError(f"git asks for {os.fsdecode(line)!r}, which was not offered")
        return 0

    def _option(self, words: bytes) -> bool:
        """Take an option that counts before git is connected; whether it is one."""
        name, _, value = words.partition(b" ")
        text = os.fsdecode(unquote(value) or value)
        if name == b"servpath":
            self._program = text
        elif name == b"family":
            self._family = text
        else:
            return False
        return True

    def _connect(self, service: str) -> int:
        """Connect git with `service`, or the program that the user has for it."""
        program = self._program or service
        version = protocol_version(self._config, service)
        if isinstance(self._target, Daemon):
            from git_mlvers.remote_helper import connect_daemon

            connection = connect_daemon.connect(self._target, self._family)
            asked = connect_daemon.request(self._target, program, version, self._job.env)
            connection.sendall(asked)
            return self._converse(service, Connection(connection))
        argv, version = self._call(self._target, program, version)
        env = local_env_dropped(self._job.env)
        env.pop("GIT_PROTOCOL", None)
        if version > 0:
            env["GIT_PROTOCOL"] = f"version={version}"
        if service != PUSH:
            self._become(argv, env)
        process = Process(argv, env, Streams(PIPE, PIPE, None))
        return self._converse(service, Program(process))

    def _call(self, target: Local | Ssh, program: str, version: int) -> Call:
        if isinstance(target, Ssh):
            ssh = SshCommand(self._config, self._job.env)
            return ssh.call(target, f"{program} {quoted(target.path)}", version, self._family)
        if program in SERVICES:
            return Call(["git", program.removeprefix("git-"), target.path], version)
        return Call(["sh", "-c", f"{program} {quoted(target.path)}"], version)

    def _converse(self, service: str, other: Service) -> int:
        # Not needed for reading, and not light.
        from git_mlvers.remote_helper.connect_session import Session

        self._say(b"\n")
        session = Session(self._job, other)
        return session.push(self._send, self._progress) if service == PUSH else session.relay()

    def _become(self, argv: list[str], env: dict[str, str]) -> NoReturn:
        self._say(b"\n")
        become(argv, env, self._job.stdin, self._job.stdout)

    def _say(self, answer: bytes) -> None:
        write_all(self._job.stdout, answer)


def protocol_version(config: Source, service: str) -> int:
    """The version of git's protocol to ask `service` for; pushing has no version 2."""
    text = config.get("protocol.version")
    if text not in (None, "0", "1", "2"):
        raise UsageError(f"protocol.version is {text!r}; git knows 0, 1 and 2")
    version = 2 if text is None else int(text)
    return 0 if version == 2 and service == PUSH else version
