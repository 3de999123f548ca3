"""One repro at a time in a working tree, and word of one that was killed."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import signal
import threading
from typing import TYPE_CHECKING

from git_mlvers.errors import MlversError
from git_mlvers.fsutil import disk_errors, remove_quietly, write_atomic

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class StillRunning(MlversError):
    """Commands of a repro that was killed go on, and write to outputs."""


@contextlib.contextmanager
def alone(folder: str, waiting: Callable[[str], None], name: str = "repro.lock") -> Iterator[None]:
    """Be the only repro that works with the state in `folder`; wait for another one to end.

    `waiting` is called with its process id if there is any need to wait. `name` is that of
    the lock.
    """
    path = os.path.join(folder, name)
    with disk_errors(path, "taking the lock of repro"):
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            waiting(os.pread(fd, 20, 0).decode("ascii", "replace").strip())
            fcntl.flock(fd, fcntl.LOCK_EX)
        os.ftruncate(fd, 0)
        os.pwrite(fd, f"{os.getpid()}\n".encode("ascii"), 0)
        yield
    finally:
        os.close(fd)


class Groups:
    """The process groups that run at present, written down in `folder` for whoever comes next.

    Used from several threads.
    """

    def __init__(self, folder: str) -> None:
        self._path = os.path.join(folder, "repro.running")
        self._guard = threading.Lock()
        self._groups: dict[str, tuple[int, str]] = {}

    def check(self) -> None:
        """Raise `StillRunning` if commands of an earlier repro, which is gone, still run."""
        for stage, (group, start) in self._left().items():
            if _is_alive(group, start):
                raise StillRunning(
                    f"a repro was killed, and the commands of its stage '{stage}' still run",
                    f"wait for their end, or end them: kill -- -{group}",
                )
        remove_quietly(self._path)

    def kill_left(self) -> None:
        """End what still runs of an earlier repro, which is gone."""
        for group, start in self._left().values():
            if _is_alive(group, start):
                with contextlib.suppress(OSError):
                    os.killpg(group, signal.SIGKILL)
        remove_quietly(self._path)

    def began(self, stage: str, group: int) -> None:
        """Commands of `stage` run in the process group `group`."""
        with self._guard:
            self._groups[stage] = group, _start_of(group)
            self._write()

    def ended(self, stage: str) -> None:
        """They do not any more."""
        with self._guard:
            if self._groups.pop(stage, None) is not None:
                self._write()

    def clear(self) -> None:
        """None do any more."""
        with self._guard:
            self._groups.clear()
            self._write()

    def _write(self) -> None:
        if self._groups:
            write_atomic(self._path, json.dumps(self._groups).encode("ascii"), sync=False)
        else:
            remove_quietly(self._path)

    def _left(self) -> dict[str, tuple[int, str]]:
        try:
            with open(self._path, "rb") as file:
                found = json.loads(file.read())
            return {str(stage): (int(group), str(start)) for stage, (group, start) in found.items()}
        except (OSError, ValueError, TypeError):
            return {}


def _is_alive(group: int, start: str) -> bool:
    """Whether a process of just this group still runs: a number may be given to another one."""
    try:
        os.killpg(group, 0)
    except OSError:
        return False
    if not start:
        return True
    if _start_of(group) not in ("", start):
        return False
    return any(_facts(int(name))[:2] == (str(group), True) for name in _processes())


def _processes() -> list[str]:
    return [name for name in os.listdir("/proc") if name.isdigit()]


def _start_of(process: int) -> str:
    """When a process began, in the kernel's own count; empty where that is not told."""
    return _facts(process)[2]


def _facts(process: int) -> tuple[str, bool, str]:
    """The group of a process, whether it is more than an entry in a table, and when it began."""
    try:
        with open(f"/proc/{process}/stat", "rb") as file:
            words = file.read().rpartition(b")")[2].split()
    except OSError:
        return "", False, ""
    state, group, start = words[0], words[2], words[19]
    return group.decode("ascii"), state not in (b"Z", b"X"), start.decode("ascii")
