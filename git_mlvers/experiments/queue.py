"""Who works on the queue, and when it stops: a lock for each worker, and a file that says stop."""

from __future__ import annotations

import contextlib
import os
from collections import deque
from typing import TYPE_CHECKING

from git_mlvers.experiments import logs, tasks
from git_mlvers.fsutil import make_dirs, remove_quietly
from git_mlvers.git.process import this_program
from git_mlvers.pipeline.shell import start_aside

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from git_mlvers.experiments.tasks import Task
    from git_mlvers.workspace import Workspace


def workers(workspace: Workspace) -> list[int]:
    """The processes that work on the queue."""
    place = _workers(workspace)
    try:
        names = os.listdir(place)
    except FileNotFoundError:
        return []
    found = (tasks.holder(os.path.join(place, name)) for name in names)
    return sorted(process for process in found if process is not None)


@contextlib.contextmanager
def working(workspace: Workspace) -> Iterator[None]:
    """Be one of `workers`; what an earlier `stop` said does not count any more."""
    make_dirs(_workers(workspace), workspace.config.shared)
    remove_quietly(_flag(workspace))
    path = os.path.join(_workers(workspace), str(os.getpid()))
    try:
        with tasks.held(path):
            yield
    finally:
        remove_quietly(path)


def asker(workspace: Workspace) -> Callable[[], Task | None]:
    """What gives the next task that waits, each once, until the queue is empty or stopped."""
    seen: set[str] = set()
    waiting: deque[Task] = deque()

    def ask() -> Task | None:
        if os.path.exists(_flag(workspace)):
            return None
        if not waiting:
            waiting.extend(tasks.listed(workspace, but=seen))
            seen.update(task.id for task in waiting)
        while waiting:
            task = waiting.popleft()
            if os.path.exists(task.folder) and task.status() == tasks.QUEUED:
                return task
        return None

    return ask


def stop(workspace: Workspace) -> None:
    """Let all workers end when what they run has ended."""
    make_dirs(logs.folder(workspace), workspace.config.shared)
    with open(_flag(workspace), "wb"):
        pass


def start_detached(workspace: Workspace, jobs: int) -> int:
    """Start a worker that goes on without us; its process id."""
    place = logs.folder(workspace)
    make_dirs(place, workspace.config.shared)
    with open(os.path.join(place, "queue.log"), "ab") as log:
        argv = this_program("queue", "start", "-j", str(jobs))
        top, env = workspace.repo.top, workspace.env
        process = start_aside(argv, top, env, log.fileno(), session=True)
    return process.pid


def _workers(workspace: Workspace) -> str:
    return os.path.join(logs.folder(workspace), "workers")


def _flag(workspace: Workspace) -> str:
    return os.path.join(logs.folder(workspace), "stop")
