"""The dialogue between git and another remote helper, handed on line by line.

gitremote-helpers(7): each command of git has one answer, whose end can be told.
Only a push is looked into, and a service that the helper connects git with.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from git_mlvers.errors import UsageError
from git_mlvers.git.command import start
from git_mlvers.git.process import PIPE
from git_mlvers.progress import Silent
from git_mlvers.remote_helper.connect_service import Program
from git_mlvers.remote_helper.connect_session import Session
from git_mlvers.remote_helper.relay_bytes import Buffered, write_all
from git_mlvers.remote_helper.relay_push import PushBatch

if TYPE_CHECKING:
    from collections.abc import Callable

    from git_mlvers.progress import Progress
    from git_mlvers.remote_helper.connect_address import Helper
    from git_mlvers.remote_helper.job import Job
    from git_mlvers.remote_helper.wrapper_content import SendContent

_HIDDEN = b"export"
"""A capability that is not offered: what it pushes cannot be known beforehand."""

_BY_URL = ("http", "https", "ftp", "ftps")
"""Helpers of git itself, which take an object's id for the source of a push."""


class HelperEnded(Exception):
    """The other helper does not answer any more."""


class Relay:
    """Git on one side, the program ``git remote-<name>`` on the other."""

    def __init__(self, job: Job, target: Helper, send: SendContent, progress: Progress) -> None:
        self._job = job
        self._send = send
        self._progress = progress
        self._by_id = target.name in _BY_URL
        name = target.address if job.name.startswith("mlvers::") else job.name
        self._process = start(
            f"remote-{target.name}", name, target.address,
            env=job.env, stdin=PIPE, stdout=PIPE, stderr=None,
        )  # fmt: skip
        self._helper = Program(self._process)
        self._from_git = Buffered(job.stdin)
        self._from_helper = Buffered(self._helper.read_fd, job.stdout)
        self._refs: dict[str, str] = {}
        self._dry_run = False

    def run(self) -> int:
        """Hand on commands and answers until one side hangs up; the helper's exit status."""
        with self._process:  # stopped when git has gone in the middle of an answer
            try:
                while line := self._from_git.line():
                    status = self._command(line)
                    if status is not None:
                        return status
                self._to_helper(b"\n")
            except HelperEnded:
                pass  # it has said why; its status is ours
            self._helper.close_write()
            return self._helper.end()

    def _command(self, line: bytes) -> int | None:
        """Do one command of git; a status where that was the last one."""
        command, _, rest = line.partition(b" ")
        if command == b"push":
            self._push(line)
        elif command in (b"connect", b"stateless-connect"):
            return self._connect(line, os.fsdecode(rest))
        elif command == b"option":
            self._option(rest, self._ask(line))
        elif command == b"list":
            self._refs.clear()
            self._block(line, self._remember)
        elif command == b"fetch":
            self._batch(line)
        elif command == b"import":
            self._to_helper(line + b"\n")
            return Session(self._job, self._helper, self._from_git, self._from_helper).relay()
        elif command in (b"capabilities", b"get"):
            self._block(line)
        else:
            raise UsageError(f"git asks a remote helper for {os.fsdecode(command)!r}")
        return None

    def _option(self, words: bytes, answer: bytes) -> None:
        if answer == b"ok":
            if words == b"dry-run true":
                self._dry_run = True
            elif words == b"progress false" or words.startswith(b"verbosity 0"):
                self._progress = Silent()
        self._to_git(answer + b"\n")

    def _connect(self, line: bytes, service: str) -> int | None:
        answer = self._ask(line)
        self._to_git(answer + b"\n")
        if answer:
            return None  # "fallback": git goes on with other commands
        session = Session(self._job, self._helper, self._from_git, self._from_helper)
        if service == "git-upload-pack" or service == "git-upload-archive":
            return session.relay()
        return session.push(self._send, self._progress)

    def _push(self, line: bytes) -> None:
        batch = PushBatch(self._rest_of(line))
        if not self._dry_run:
            batch.resolve(self._job.repo, self._refs)
            refused = batch.refusal(self._job, self._send, self._refs.values(), self._progress)
            if refused:
                self._to_git(refused)
                return
        self._to_helper(batch.command(by_id=self._by_id) + b"\n")
        self._answer()

    def _batch(self, line: bytes) -> None:
        """A command of several lines."""
        self._to_helper(b"\n".join(self._rest_of(line)) + b"\n\n")
        self._answer()

    def _block(self, line: bytes, look: Callable[[bytes], None] | None = None) -> None:
        """A command whose answer ends with an empty line."""
        self._to_helper(line + b"\n")
        self._answer(look)

    def _answer(self, look: Callable[[bytes], None] | None = None) -> None:
        lines = []
        while line := self._from_helper_line():
            if look is not None:
                look(line)
            if line.lstrip(b"*") != _HIDDEN:
                lines.append(line + b"\n")
        self._to_git(b"".join(lines) + b"\n")

    def _remember(self, line: bytes) -> None:
        """A line of ``list``: an id and a ref, and perhaps more."""
        words = os.fsdecode(line).split(" ")
        if len(words) > 1 and not words[0].startswith(("@", "?", ":")):
            self._refs[words[1]] = words[0]

    def _rest_of(self, line: bytes) -> list[bytes]:
        """A batch of git: `line`, and those that follow up to an empty one."""
        lines = [line]
        while more := self._from_git.line():
            lines.append(more)
        return lines

    def _ask(self, line: bytes) -> bytes:
        self._to_helper(line + b"\n")
        return self._from_helper_line()

    def _from_helper_line(self) -> bytes:
        line = self._from_helper.line()
        if line is None:
            raise HelperEnded
        return line

    def _to_helper(self, data: bytes) -> None:
        try:
            write_all(self._helper.write_fd, data)
        except BrokenPipeError:
            raise HelperEnded from None

    def _to_git(self, data: bytes) -> None:
        write_all(self._job.stdout, data)
