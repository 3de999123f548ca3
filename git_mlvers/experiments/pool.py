"""Several tasks at once, each by a process of its own, and what they print."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from typing import TYPE_CHECKING, NamedTuple

from git_mlvers.errors import MlversError
from git_mlvers.experiments import tasks, trees
from git_mlvers.git.process import this_program
from git_mlvers.pipeline.repro import endings_heard
from git_mlvers.pipeline.shell import start_aside

if TYPE_CHECKING:
    from collections.abc import Callable

    from git_mlvers.experiments.tasks import Outcome, Task
    from git_mlvers.pipeline.shell import Aside
    from git_mlvers.workspace import Workspace

_PAUSE = 0.05
"""How often is looked at what has ended. Seconds."""

TAKEN = 75
"""The exit code of a process that says: somebody else runs this task."""

GRACE = 15.0
"""How long one may take to end after it was told to, before it is killed. Seconds."""


class _Running(NamedTuple):
    task: Task
    process: Aside
    shown: list[int]
    """How much of its log was shown. Bytes."""


class Pool:
    """Runs up to `jobs` tasks at once.

    `show` is called with what a task has printed, `ended` when it has ended.
    """

    def __init__(
        self,
        workspace: Workspace,
        jobs: int,
        show: Callable[[Task, bytes], None],
        ended: Callable[[Task, Outcome], None],
    ) -> None:
        self._workspace = workspace
        self._jobs = jobs
        self._show = show
        self._ended = ended
        self._running: list[_Running] = []

    def run(self, ask: Callable[[], Task | None]) -> None:
        """Run what `ask` gives, each time there is room, until there is nothing more.

        When this is interrupted, so are they: they have not ended, and are to be run again.
        """
        with endings_heard():
            try:
                while self._fill(ask):
                    time.sleep(_PAUSE)
                    self._look()
            except BaseException:
                self._stop()
                raise

    def _fill(self, ask: Callable[[], Task | None]) -> bool:
        """Begin with tasks as long as there is room; whether any runs."""
        while len(self._running) < self._jobs:
            task = ask()
            if task is None:
                break
            self._running.append(_Running(task, self._start(task), [_size(task.log)]))
        return bool(self._running)

    def _start(self, task: Task) -> Aside:
        log = os.open(task.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o666)
        try:
            argv, workspace = this_program("exp-process", task.id), self._workspace
            return start_aside(argv, workspace.repo.top, workspace.env, log)
        finally:
            os.close(log)

    def _look(self) -> None:
        for running in list(self._running):
            over = running.process.poll() is not None
            self._show_more(running, whole=over)
            if over:
                self._running.remove(running)
                if running.process.returncode != TAKEN:
                    self._ended(running.task, running.task.outcome() or self._died(running))

    def _died(self, running: _Running) -> Outcome:
        """Note that the process of a task has ended in the middle of it."""
        repo, task, code = self._workspace.repo, running.task, running.process.returncode
        trees.remove(repo, trees.path_of(self._workspace, task.id))
        how = f"was stopped by signal {-code}" if code < 0 else f"ended with code {code}"
        outcome = tasks.Outcome(
            tasks.FAILED,
            message=f"the process that ran '{task.name}' {how}",
            hint=f"git mlvers queue logs {task.name}",
            exit_code=MlversError.exit_code,
        )
        tasks.finish(repo, task, outcome, self._workspace.config.shared)
        return outcome

    def _show_more(self, running: _Running, *, whole: bool) -> None:
        """Show what was printed since the last time, by whole lines, or all of it."""
        with contextlib.suppress(OSError), open(running.task.log, "rb") as file:
            file.seek(running.shown[0])
            data = file.read()
            if not whole:
                data = data[: data.rfind(b"\n") + 1]
            if data:
                running.shown[0] += len(data)
                self._show(running.task, data)

    def _stop(self) -> None:
        for running in self._running:
            end(running.process.pid)
        limit = time.monotonic() + GRACE
        for running in self._running:
            while running.process.poll() is None and time.monotonic() < limit:
                time.sleep(_PAUSE)
            if running.process.poll() is None:
                end(running.process.pid, signal.SIGKILL)
                running.process.wait()


def end(process: int, number: int = signal.SIGTERM) -> None:
    """Tell a process of a task to end."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(process, number)


def kill(workspace: Workspace, task: Task) -> bool:
    """End `task` for good, if it runs; whether it did."""
    path = task.path("lock")
    process = tasks.holder(path)
    if process is None:
        return False
    with open(task.path("kill"), "wb"):
        pass  # its process looks for this when it is told to end
    end(process)
    limit = time.monotonic() + GRACE
    while tasks.is_held(path) and time.monotonic() < limit:
        time.sleep(_PAUSE)
    if tasks.is_held(path):
        end(process, signal.SIGKILL)
    if task.outcome() is None:
        trees.remove(workspace.repo, trees.path_of(workspace, task.id))
        outcome = tasks.Outcome(tasks.KILLED, message=tasks.KILLED_BY_USER, exit_code=1)
        tasks.finish(workspace.repo, task, outcome, workspace.config.shared)
    return True


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size
    except OSError:
        return 0
