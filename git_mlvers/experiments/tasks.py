"""Experiments that are to be run in a working tree of their own, as files: the queue.

Each has a folder ``<git common dir>/mlvers/exps/tasks/<id>/``: `task.json` says what is to
be run, `log` has what was printed, `result.json` is there when it has ended. Whoever runs
it holds a lock on `lock`. So after a crash or a reboot nobody holds it, and it is run
again. The files it starts from are kept by ``refs/mlvers/queue/<id>``.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import time
from typing import TYPE_CHECKING, NamedTuple

from git_mlvers.errors import MlversError
from git_mlvers.experiments import logs
from git_mlvers.experiments.run import Request
from git_mlvers.experiments.setparam import Setting
from git_mlvers.fsutil import make_dirs, write_atomic

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Sequence

    from git_mlvers.git.repository import Repository
    from git_mlvers.workspace import Workspace

REFS = "refs/mlvers/queue/"
QUEUED, RUNNING, DONE, FAILED, KILLED = "queued", "running", "done", "failed", "killed"
KILLED_BY_USER = "it was killed: git mlvers queue kill"


class Outcome(NamedTuple):
    """How a task ended: `DONE`, `FAILED` or `KILLED`, the experiment's commit, and what is told."""

    status: str
    commit: str = ""
    message: str = ""
    hint: str | None = None
    exit_code: int = 0
    left_out: Sequence[str] = ()


class Task(NamedTuple):
    """One experiment to be run. `folder` is where its files are, absolute."""

    id: str
    folder: str
    request: Request
    snapshot: str
    """The commit with the files that it starts from."""
    created: float
    """Seconds since 1970."""

    @property
    def name(self) -> str:
        """The name of the experiment."""
        return self.request.name

    @property
    def ref(self) -> str:
        """The ref that keeps its files."""
        return f"{REFS}{self.id}"

    @property
    def log(self) -> str:
        """Where its output goes while it runs."""
        return os.path.join(self.folder, "log")

    def path(self, name: str) -> str:
        """Another file of it."""
        return os.path.join(self.folder, name)

    def outcome(self) -> Outcome | None:
        """How it ended; ``None`` before that."""
        found = _load(self.path("result.json"))
        try:
            return Outcome(**found) if isinstance(found, dict) else None
        except TypeError:
            return None

    def status(self) -> str:
        """`QUEUED`, `RUNNING`, or how it ended."""
        outcome = self.outcome()
        if outcome is not None:
            return outcome.status
        return RUNNING if is_held(self.path("lock")) else QUEUED


def folder_of(workspace: Workspace) -> str:
    """Where the tasks are."""
    return os.path.join(logs.folder(workspace), "tasks")


def add(workspace: Workspace, requests: Sequence[Request], snapshot: str) -> list[Task]:
    """Write down that `requests` are to be run, with the files of the commit `snapshot`."""
    shared, now = workspace.config.shared, time.time()
    made = []
    for number, request in enumerate(requests):
        name = f"{int(now * 1000):013d}{number:06d}-{request.name}"
        made.append(Task(name, os.path.join(folder_of(workspace), name), request, snapshot, now))
    lines = "".join(f"create {task.ref} {snapshot}\n" for task in made)
    workspace.repo.git("update-ref", "--stdin", input=lines.encode())
    for task in made:
        make_dirs(task.folder, shared)
        data = json.dumps(_as_json(task)).encode("ascii")
        write_atomic(task.path("task.json"), data, sync=False, shared=shared)
    return made


def listed(workspace: Workspace, *, but: Container[str] = ()) -> list[Task]:
    """All tasks, the oldest first, without those whose id is in `but`; what cannot be read
    is left out.
    """
    place = folder_of(workspace)
    try:
        names = sorted(os.listdir(place))
    except FileNotFoundError:
        return []
    found = (_read(os.path.join(place, name), name) for name in names if name not in but)
    return [task for task in found if task is not None]


def find(workspace: Workspace, task_id: str) -> Task:
    """The task with this id; raises `MlversError`."""
    task = _read(os.path.join(folder_of(workspace), task_id), task_id)
    if task is None:
        raise MlversError(f"there is no task {task_id!r}")
    return task


def finish(repo: Repository, task: Task, outcome: Outcome, shared: int | None) -> None:
    """Note how `task` ended; its files need not be kept any more."""
    data = json.dumps(outcome._asdict()).encode("ascii")
    write_atomic(task.path("result.json"), data, shared=shared)
    repo.git("update-ref", "-d", task.ref, check=False)


def remove(repo: Repository, tasks: Iterable[Task]) -> None:
    """Forget `tasks`, which nobody runs. Experiments stay."""
    found = list(tasks)
    lines = "".join(f"delete {task.ref}\n" for task in found)
    if lines:
        repo.git("update-ref", "--stdin", input=lines.encode())
    for task in found:
        shutil.rmtree(task.folder, ignore_errors=True)


@contextlib.contextmanager
def held(path: str) -> Iterator[bool]:
    """Hold the lock in the file `path`, with our process id in it; whether it could be had."""
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            yield False
            return
        os.ftruncate(fd, 0)
        os.pwrite(fd, f"{os.getpid()}\n".encode("ascii"), 0)
        yield True
    finally:
        os.close(fd)


def is_held(path: str) -> bool:
    """Whether somebody holds the lock in the file `path`."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(fd)
    return False


def holder(path: str) -> int | None:
    """The process that holds the lock in `path`; ``None`` if nobody does."""
    if not is_held(path):
        return None
    try:
        with open(path, "rb") as file:
            return int(file.read(20))
    except (OSError, ValueError):
        return None


def _as_json(task: Task) -> dict[str, object]:
    request = task.request._asdict()
    request["settings"] = [setting.as_json() for setting in task.request.settings]
    return {"request": request, "snapshot": task.snapshot, "created": task.created}


def _read(folder: str, name: str) -> Task | None:
    found = _load(os.path.join(folder, "task.json"))
    try:
        fields = dict(found["request"])  # type: ignore[index]
        fields["settings"] = [Setting.from_json(each) for each in fields["settings"]]
        request = Request(**fields)
        return Task(name, folder, request, str(found["snapshot"]), float(found["created"]))  # type: ignore[index]
    except (TypeError, ValueError, KeyError):
        return None


def _load(path: str) -> object:
    try:
        with open(path, "rb") as file:
            return json.loads(file.read())
    except (OSError, ValueError):
        return None
