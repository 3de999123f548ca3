"""What experiments print, kept as files: ``<git common dir>/mlvers/exps/logs/<commit>.log``."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import threading
from typing import TYPE_CHECKING

from git_mlvers.fsutil import make_dirs, remove_quietly

if TYPE_CHECKING:
    from collections.abc import Iterator

    from git_mlvers.workspace import Workspace

_RUNNING = ".running"
_BLOCK = 1 << 16
# A program that a stage left behind may hold our end of the pipe. Seconds.
_PATIENCE = 1.0


def folder(workspace: Workspace) -> str:
    """Where all that belongs to experiments and is no part of Git stands."""
    return os.path.join(workspace.home, "exps")


def path_of(workspace: Workspace, commit: str) -> str:
    """Where the log of the experiment with this commit stands, if there is one."""
    return os.path.join(folder(workspace), "logs", f"{commit}.log")


def keep(log: str, workspace: Workspace, commit: str) -> None:
    """Keep the file `log`, which may still grow, as the log of the experiment with this commit."""
    path = path_of(workspace, commit)
    make_dirs(os.path.dirname(path), workspace.config.shared)
    try:
        os.link(log, path)
    except OSError:
        shutil.copyfile(log, path)  # a file system without links


def new(workspace: Workspace, name: str) -> str:
    """A path for the log of an experiment that has no commit yet."""
    place = os.path.join(folder(workspace), "logs")
    make_dirs(place, workspace.config.shared)
    for other in os.listdir(place):
        if other.endswith(_RUNNING) and not _is_alive(other.split(".")[-2]):
            remove_quietly(os.path.join(place, other))  # of one that was killed
    return os.path.join(place, f"{name}.{os.getpid()}{_RUNNING}")


@contextlib.contextmanager
def copied_to(path: str) -> Iterator[None]:
    """Let all that we, and programs that we start, print in the block also go into a file.

    Where it goes to a terminal, programs go on seeing one.
    """
    log = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o666)
    copies = [_Copy(number, log) for number in (1, 2)]
    try:
        yield
    finally:
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError):
                stream.flush()
        for copy in copies:
            copy.end()
        os.close(log)


class _Copy:
    """One of our two outputs, which leads through us while this lives."""

    def __init__(self, number: int, log: int) -> None:
        self._number = number
        self._before = os.dup(number)
        source, target = _terminal(number) if os.isatty(number) else os.pipe()
        os.dup2(target, number)
        os.close(target)
        # Its own descriptors: it may go on when nobody waits for it any more.
        args = (source, os.dup(log), os.dup(self._before))
        self._thread = threading.Thread(target=_carry, args=args, daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Let it lead where it led before."""
        os.dup2(self._before, self._number)
        os.close(self._before)
        self._thread.join(_PATIENCE)


def _carry(source: int, *targets: int) -> None:
    """Write what comes from `source` to all `targets`, until its end."""
    while True:
        try:
            data = os.read(source, _BLOCK)
        except OSError:  # how a terminal says that nobody is there any more
            break
        if not data:
            break
        for target in targets:
            with contextlib.suppress(OSError):  # a full disk, a pipe that nobody reads
                _write(target, data)
    for fd in (source, *targets):
        os.close(fd)


def _is_alive(process: str) -> bool:
    try:
        os.kill(int(process), 0)
    except (ValueError, ProcessLookupError):
        return False
    except PermissionError:
        pass  # somebody else's
    return True


def _write(fd: int, data: bytes) -> None:
    while data:
        data = data[os.write(fd, data) :]


def _terminal(like: int) -> tuple[int, int]:
    """A terminal of the size of the one behind the descriptor `like`: our end, and theirs."""
    import fcntl
    import termios
    import tty

    ours, theirs = os.openpty()
    tty.setraw(theirs)
    with contextlib.suppress(OSError):
        size = fcntl.ioctl(like, termios.TIOCGWINSZ, b"\0" * 8)
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, size)
    return ours, theirs
