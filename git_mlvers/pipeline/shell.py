"""Running the commands of stages: each line in a shell of its own, as DVC does it.

This is the only place, git aside, that starts programs, and what it starts is
what the user has written into a pipeline file and asked to be run.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
from typing import IO, TYPE_CHECKING, NamedTuple

from git_mlvers.errors import MlversError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_QUIET_SHELLS = {"zsh": ("--no-rcs",), "bash": ("--noprofile", "--norc")}
"""Options that keep what a user has configured for typing out of the way."""

GRACE = 5.0
"""How long a command may take to end after it was told to, before it is killed. Seconds."""


Aside = subprocess.Popen[bytes]
"""A program that `start_aside` has started."""


class CommandFailed(MlversError):
    """A command of a stage exited with another code than 0, or could not be started."""


class Job(NamedTuple):
    """The commands of one stage, the folder to run them in, and the whole environment."""

    name: str
    cmds: Sequence[str]
    cwd: str
    env: Mapping[str, str]


class Commands:
    """The commands that run at present; `stop` ends them all. Used from several threads."""

    def __init__(self) -> None:
        self._running: set[subprocess.Popen[bytes]] = set()
        self._guard = threading.Lock()
        self._stopped = False

    def run(
        self,
        job: Job,
        *,
        before: Callable[[str], None],
        line: Callable[[bytes], None] | None = None,
        started: Callable[[int], None] = lambda group: None,
        stdout: int | None = None,
    ) -> None:
        """Run the commands of `job` one after the other; raises `CommandFailed` when one fails.

        `before` is called with each command, `started` with its process group. What they
        write goes where our own output goes (or to the descriptor `stdout`); with `line`,
        that is called with each line of it.
        """
        for cmd in job.cmds:
            before(cmd)
            code = self._run_one(job, cmd, line, started, stdout)
            if code:
                raise CommandFailed(f"stage '{job.name}' failed: {_why(cmd, code)}")

    def stop(self) -> None:
        """End everything that runs: politely, and after `GRACE` seconds by force."""
        with self._guard:
            self._stopped = True
            running = list(self._running)
        for process in running:
            _signal(process, signal.SIGTERM)
        try:
            for process in running:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(GRACE)
        finally:
            # What a command has started itself may be left of its group.
            for process in running:
                _signal(process, signal.SIGKILL)
                process.wait()

    def _run_one(
        self,
        job: Job,
        cmd: str,
        line: Callable[[bytes], None] | None,
        started: Callable[[int], None],
        stdout: int | None,
    ) -> int:
        with self._guard:
            if self._stopped:
                return -signal.SIGTERM
            process = _start(job, cmd, stdout if line is None else subprocess.PIPE)
            self._running.add(process)
        started(process.pid)
        if line is not None and process.stdout is not None:
            _pump(process.stdout, line)
        code = process.wait()
        with self._guard:
            self._running.discard(process)
        return code


def shell_words(cmd: str, env: Mapping[str, str]) -> list[str]:
    """The program and its words that run `cmd`: the user's ``$SHELL``, else ``/bin/sh``."""
    shell = env.get("SHELL") or "/bin/sh"
    return [shell, *_QUIET_SHELLS.get(os.path.basename(shell), ()), "-c", cmd]


def start_aside(
    argv: Sequence[str], cwd: str, env: Mapping[str, str], log: int, *, session: bool = False
) -> Aside:
    """Start `argv`, which is this program once more, with all that it prints going to `log`.

    It is in a group of its own, so that Ctrl-C reaches us alone; with `session` it goes on
    when the terminal is gone, too.
    """
    return subprocess.Popen(
        argv,
        cwd=cwd,
        env=dict(env),
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        start_new_session=session,
        process_group=None if session else 0,
    )


def _start(job: Job, cmd: str, stdout: int | None) -> subprocess.Popen[bytes]:
    # A group of its own, so that Ctrl-C reaches us alone and we can end all of it. Such a
    # group must not read from the terminal: it would be stopped, and nobody would know why.
    piped = stdout == subprocess.PIPE
    silent = piped or os.isatty(0)
    try:
        return subprocess.Popen(
            shell_words(cmd, job.env),
            cwd=job.cwd,
            env=dict(job.env),
            stdin=subprocess.DEVNULL if silent else None,
            stdout=stdout,
            stderr=subprocess.STDOUT if piped else None,
            process_group=0,
        )
    except OSError as error:
        what = error.filename or cmd
        raise CommandFailed(
            f"stage '{job.name}' cannot be started: {error.strerror}: {what}",
            "look at the stage's wdir, and at $SHELL",
        ) from error


def _pump(stream: IO[bytes], line: Callable[[bytes], None]) -> None:
    with stream:
        for text in stream:
            line(text.rstrip(b"\r\n"))


def _signal(process: subprocess.Popen[bytes], number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)


def _why(cmd: str, code: int) -> str:
    if code < 0:
        return f"`{cmd}` was stopped by signal {-code}"
    return f"`{cmd}` exited with code {code}"
