"""Tasks as files: whoever holds the lock runs one, and what cannot be read is passed over."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest

from git_mlvers.errors import UsageError
from git_mlvers.experiments import names, queue, tasks
from git_mlvers.experiments.run import Request
from git_mlvers.experiments.setparam import combinations
from git_mlvers.git import refs
from git_mlvers.workspace import Workspace
from tests.support.git import Repo

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    repo = Repo.init(tmp_path / "work")
    repo.commit("empty", "--allow-empty")
    with Workspace.open(str(repo.path), {}) as opened:
        yield opened


def added(workspace: Workspace, *given: str) -> list[tasks.Task]:
    head = refs.resolve(workspace.repo, "HEAD")
    requests = [
        Request(name, head, targets=["t"], settings=combinations([f"a={number}"])[0])
        for number, name in enumerate(given)
    ]
    return tasks.add(workspace, requests, head)


def test_they_come_back_in_their_order(workspace: Workspace) -> None:
    made = added(workspace, "z", "a", "m")
    assert [task.name for task in tasks.listed(workspace)] == ["z", "a", "m"]
    assert tasks.listed(workspace)[1].request == made[1].request._replace(
        settings=list(made[1].request.settings)
    )
    assert tasks.find(workspace, made[2].id).name == "m"


def test_what_is_damaged_is_passed_over(workspace: Workspace) -> None:
    made = added(workspace, "a", "b", "c", "d")
    with open(made[0].path("task.json"), "wb") as file:
        file.write(b"{")
    with open(made[1].path("task.json"), "wb") as file:
        file.write(b'{"request": {"name": "b", "of later": 1}, "snapshot": "x", "created": 1}')
    os.unlink(made[2].path("task.json"))
    assert [task.name for task in tasks.listed(workspace)] == ["d"]


def test_the_lock_says_who_runs_it(workspace: Workspace) -> None:
    (task,) = added(workspace, "a")
    assert task.status() == tasks.QUEUED
    with tasks.held(task.path("lock")) as mine:
        assert mine
        assert task.status() == tasks.RUNNING
        assert tasks.holder(task.path("lock")) == os.getpid()
        with tasks.held(task.path("lock")) as again:
            assert not again
    assert task.status() == tasks.QUEUED
    assert tasks.holder(task.path("lock")) is None
    tasks.finish(workspace.repo, task, tasks.Outcome(tasks.DONE, "1" * 40), None)
    assert task.status() == tasks.DONE
    assert task.outcome() == tasks.Outcome(tasks.DONE, "1" * 40, left_out=[])


def test_each_is_given_once_and_new_ones_too(workspace: Workspace) -> None:
    first = added(workspace, "a", "b", "gone")
    ask = queue.asker(workspace)
    assert ask() == tasks.find(workspace, first[0].id)
    shutil.rmtree(first[2].folder)
    with tasks.held(first[1].path("lock")):
        assert ask() is None
    added(workspace, "c", "d")
    assert [task.name for task in (ask(), ask()) if task] == ["c", "d"]
    assert ask() is None
    added(workspace, "e")
    queue.stop(workspace)
    assert ask() is None
    with queue.working(workspace):
        assert queue.workers(workspace) == [os.getpid()]
        found = ask()
        assert found is not None
        assert found.name == "e"
    assert queue.workers(workspace) == []


def test_names() -> None:
    taken: set[str] = set()
    for _ in range(300):
        name = names.fresh(taken)
        assert name not in taken
        assert names.checked(name) == name
        taken.add(name)
    for wrong in ("", "a b", "-a", "a..b", "a.lock", "a/b", "a@{b", "exp-12345", "ü", "a."):
        with pytest.raises(UsageError):
            names.checked(wrong)
