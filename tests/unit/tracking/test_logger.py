"""Logging from a training: the files, what is said of odd values, and that it never raises."""

from __future__ import annotations

import copy
import csv
import logging
import os
import pickle
import subprocess
import sys
import threading
import types
from typing import TYPE_CHECKING, Any

import pytest

import git_mlvers
from git_mlvers.tracking import harmless, logger
from git_mlvers.tracking.both import BaseLogger
from git_mlvers.tracking.logger import Logger
from git_mlvers.values import formats
from tests.support.environment import CHECKOUT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Array:
    """Numbers of another library."""

    def __init__(self, value: Any) -> None:
        self._value = value

    def tolist(self) -> Any:
        return self._value


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder in which things are logged; nothing was complained about yet."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(logger, "_default", None)
    monkeypatch.setattr(harmless, "_told", set())
    yield tmp_path


def rows(path: Path) -> list[list[str]]:
    with path.open(newline="") as file:
        return list(csv.reader(file))


def test_the_words_of_the_package_log(folder: Path) -> None:
    git_mlvers.log_params({"lr": 1e-3, "model": {"layers": 2}}, seed=7)
    git_mlvers.log_params({"model": {"width": 8}})
    for loss in (0.5, 0.25):
        git_mlvers.log_metrics({"loss": loss})
    git_mlvers.log_metrics(step=10, accuracy=1)
    assert (folder / "params.yml").read_text() == (
        "lr: 0.001\nmodel:\n  layers: 2\n  width: 8\nseed: 7\n"
    )
    found = rows(folder / "metrics.csv")
    assert found[0] == ["Name", "Value", "Timestamp", "Step"]
    assert [[name, value, step] for name, value, _, step in found[1:]] == [
        ["loss", "0.5", "1"],
        ["loss", "0.25", "2"],
        ["accuracy", "1", "10"],
    ]


def test_our_own_commands_read_what_was_logged(folder: Path) -> None:
    with Logger() as log:
        log.log_metrics({"test": {"recall": Array(0.5)}}, step=1)
        log.log_metrics({"test": {"recall": 0.75}, "kind": 'x,"y"'}, step=2)
    data = (folder / "metrics.csv").read_bytes()
    assert formats.metrics("metrics.csv", data) == {"test.recall": 0.75, "kind": 'x,"y"'}


def test_values_of_other_libraries_are_their_numbers(folder: Path) -> None:
    Logger().log_params(
        a=Array(3),
        b=Array([1.5, 2.5]),
        c=(1, Array(2)),
        d=None,
        e=True,
        f=folder,
        g={1: Array("x")},
    )
    assert formats.parse("params.yml", (folder / "params.yml").read_bytes()) == {
        "a": 3,
        "b": [1.5, 2.5],
        "c": [1, 2],
        "d": None,
        "e": True,
        "f": str(folder),
        "g": {"1": "x"},
    }


def test_a_new_run_begins_anew_and_a_resumed_one_goes_on(folder: Path) -> None:
    Logger().log_metrics(a=1)
    Logger().log_metrics(b=1)
    assert [row[0] for row in rows(folder / "metrics.csv")] == ["Name", "b"]
    Logger().log_params(x=1)
    resumed = Logger(resume=True)
    resumed.log_metrics(c=1)
    resumed.log_params(y=2)
    assert [row[0] for row in rows(folder / "metrics.csv")] == ["Name", "b", "c"]
    assert (folder / "params.yml").read_text() == "x: 1\ny: 2\n"


def test_threads_and_a_forked_process_do_not_mix_their_rows(folder: Path) -> None:
    code = (
        "import os, threading\n"
        "from git_mlvers import Logger\n"
        "log = Logger()\n"
        "log.log_metrics(start=0)\n"
        "child = os.fork()\n"
        "def run(name):\n"
        "    for n in range(200):\n"
        "        log.log_metrics({name * 50: n})\n"
        "names = 'ab' if child else 'cd'\n"
        "threads = [threading.Thread(target=run, args=(n,)) for n in names]\n"
        "[t.start() for t in threads]\n"
        "[t.join() for t in threads]\n"
        "os.waitpid(child, 0) if child else os._exit(0)\n"
    )
    env = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
    subprocess.run([sys.executable, "-c", code], env=env, check=True)
    found = rows(folder / "metrics.csv")
    assert len(found) == 2 + 800
    for letter in "abcd":
        values = [int(row[1]) for row in found[1:] if row[0] == letter * 50]
        assert values == list(range(200))


def test_what_cannot_be_logged_is_told_once_and_stops_nothing(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    class Odd:
        def __str__(self) -> str:
            raise RuntimeError("no text of me")

    log = Logger(metrics=str(folder / "missing" / "\0" / "metrics.csv"))
    with caplog.at_level(logging.WARNING, "git_mlvers"):
        for _ in range(3):
            log.log_metrics(a=1)
            log.log_params(b=Odd())
    messages = [record.getMessage() for record in caplog.records]
    assert len(messages) == 2
    assert "null byte" in messages[0] and "no text of me" in messages[1]
    log.log_params(b=1)
    assert (folder / "params.yml").read_text() == "b: 1\n"


def test_a_full_disk_leaves_the_old_params_whole(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = Logger()
    log.log_params(a=1)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", full)
        log.log_params(b=2)
    assert (folder / "params.yml").read_text() == "a: 1\n"
    assert os.listdir(folder) == ["params.yml"]
    log.log_params(c=3)
    assert (folder / "params.yml").read_text() == "a: 1\nb: 2\nc: 3\n"


def alone(code: str) -> None:
    """Run `code` in a process of its own, which fails where an ``assert`` does."""
    env = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
    subprocess.run([sys.executable, "-c", code], env=env, check=True)


@pytest.mark.parametrize("kind", ["Logger", "DAGsHubLogger"])
def test_a_fork_amid_another_threads_logging_does_not_wait_for_it(folder: Path, kind: str) -> None:
    alone(
        "import os, signal, threading, git_mlvers\n"
        f"log = git_mlvers.{kind}()\n"
        "inside, done = threading.Event(), threading.Event()\n"
        "def hold():\n"
        "    with log._guard:\n"
        "        inside.set(), done.wait()\n"
        "thread = threading.Thread(target=hold)\n"
        "thread.start(), inside.wait()\n"
        "child = os.fork()\n"
        "if not child:\n"
        "    signal.alarm(30)\n"
        "    log.log_metrics({'loss': 1})\n"
        "    os._exit(0)\n"
        "status = os.waitpid(child, 0)[1]\n"
        "done.set(), thread.join()\n"
        "assert status == 0\n"
    )
    assert [row[:2] for row in rows(folder / "metrics.csv")[1:]] == [["loss", "1"]]


_LIMIT = """\
import os, resource
def limit(size):
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
"""


def test_half_a_row_on_a_full_disk_does_not_spoil_the_next(folder: Path) -> None:
    alone(
        f"{_LIMIT}from git_mlvers import Logger\n"
        "log = Logger()\n"
        "limit(1000)\n"
        "for n in range(100): log.log_metrics({'before': n})\n"
        "limit(resource.RLIM_INFINITY)\n"
        "log.log_metrics({'after': 1})\n"
    )
    found = rows(folder / "metrics.csv")
    assert {len(row) for row in found} == {4}
    assert [row[0] for row in found[1:]] == ["before"] * (len(found) - 2) + ["after"]
    assert found[-1][1] == "1"


def test_a_disk_that_was_full_from_the_start_costs_no_open_files(folder: Path) -> None:
    alone(
        f"{_LIMIT}from git_mlvers import Logger\n"
        "log = Logger()\n"
        "limit(0)\n"
        "log.log_metrics({'a': 0})\n"
        "before = os.dup(0)\n"
        "for n in range(20): log.log_metrics({'a': n})\n"
        "assert os.dup(0) == before + 1\n"
        "limit(resource.RLIM_INFINITY)\n"
        "log.log_metrics({'a': 2})\n"
    )
    assert [row[:2] for row in rows(folder / "metrics.csv")] == [["Name", "Value"], ["a", "2"]]


@pytest.mark.parametrize("kind", [Logger, BaseLogger])
def test_a_logger_in_a_configuration_is_copied_and_sent_with_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch, kind: type[Logger | BaseLogger]
) -> None:
    monkeypatch.setitem(sys.modules, "mlflow", None)
    log = kind()
    log.log_metrics({"a": 1})
    copy.deepcopy(log).log_metrics({"a": 2})
    pickle.loads(pickle.dumps(log)).log_metrics({"a": 3})
    log.log_metrics({"b": 4})
    assert [row[1] for row in rows(folder / "metrics.csv")[1:]] == ["1", "2", "3", "4"]


def test_threads_of_one_logger_lose_no_param(folder: Path) -> None:
    log = Logger()
    threads = [
        threading.Thread(target=log.log_params, kwargs={f"p{number}": number})
        for number in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = formats.parse("params.yml", (folder / "params.yml").read_bytes())
    assert found == {f"p{number}": number for number in range(20)}


def test_one_call_logs_to_mlflow_too(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[str, Any]] = []
    fake = types.ModuleType("mlflow")
    fake.__spec__ = types.SimpleNamespace(name="mlflow")  # type: ignore[assignment]
    fake.log_params = lambda params: calls.append(("params", params))  # type: ignore[attr-defined]
    fake.log_metrics = lambda metrics, step=None: calls.append(("metrics", metrics))  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "mlflow", fake)
    log = BaseLogger()
    log.log_params({"model": {"n_clusters": 5}})
    log.log_metrics({"k_best": Array(5)})
    assert calls == [("params", {"model.n_clusters": 5}), ("metrics", {"k_best": 5})]
    assert (folder / "params.yml").read_text() == "model:\n  n_clusters: 5\n"
    assert rows(folder / "metrics.csv")[1][:2] == ["k_best", "5"]


def test_trouble_with_mlflow_stops_nothing(
    folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    fake = types.ModuleType("mlflow")
    fake.__spec__ = types.SimpleNamespace(name="mlflow")  # type: ignore[assignment]
    monkeypatch.setitem(sys.modules, "mlflow", fake)
    with caplog.at_level(logging.WARNING, "git_mlvers"):
        BaseLogger().log_metrics({"a": 1})
    assert rows(folder / "metrics.csv")[1][:2] == ["a", "1"]
    assert "log_metrics" in caplog.text


def test_without_mlflow_files_alone_are_written(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("git_mlvers.tracking.both.find_spec", lambda name: None)
    BaseLogger().log_params({"a": 1})
    assert (folder / "params.yml").read_text() == "a: 1\n"


def test_the_package_loads_no_logger_before_it_is_asked_for_one() -> None:
    code = (
        "import sys, git_mlvers\n"
        "assert not [name for name in sys.modules if name.startswith('git_mlvers.')]\n"
        "from git_mlvers import Logger\n"
        "assert 'git_mlvers.git' not in sys.modules and 'mlflow' not in sys.modules\n"
    )
    env = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
    subprocess.run([sys.executable, "-c", code], env=env, check=True)
    with pytest.raises(AttributeError, match="nothing"):
        _ = git_mlvers.nothing  # type: ignore[attr-defined]
