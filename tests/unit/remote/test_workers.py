"""Threads that run tasks, tell how they ended, and stop when they are told to."""

from __future__ import annotations

import threading
import time

import pytest

from git_mlvers.remote.workers import Workers, in_order, in_parallel


def test_results_come_with_their_tags() -> None:
    found = {done.tag: done.result for done in in_parallel(4, lambda n: n * n, range(100))}
    assert found == {n: n * n for n in range(100)}


def test_what_a_task_raises_is_told() -> None:
    (done,) = in_parallel(4, lambda n: 1 // n, [0])
    assert isinstance(done.error, ZeroDivisionError)


def test_order_is_kept_when_asked_for() -> None:
    def slow_at_first(n: int) -> int:
        time.sleep(0.02 if n % 5 == 0 else 0)
        return n

    assert [n for _, n in in_order(4, slow_at_first, range(40))] == list(range(40))
    with pytest.raises(ZeroDivisionError):
        list(in_order(4, lambda n: 1 // n, [1, 0]))


def test_little_work_starts_few_threads() -> None:
    before = threading.active_count()
    workers: Workers[int, int] = Workers(50)
    gate = threading.Event()
    for n in range(3):
        workers.submit(n, lambda: int(gate.wait()))
    assert threading.active_count() - before == 3
    gate.set()
    assert {workers.take().tag for _ in range(3)} == {0, 1, 2}
    assert workers.poll() is None
    workers.stop()
    assert threading.active_count() == before


def test_what_has_not_begun_is_dropped_at_stop() -> None:
    workers: Workers[int, None] = Workers(1)
    ran: list[int] = []
    gate = threading.Event()

    def task(n: int) -> None:
        ran.append(n)
        gate.wait()

    for n in range(3):
        workers.submit(n, lambda n=n: task(n))
    while not ran:
        time.sleep(0.001)
    threading.Timer(0.05, gate.set).start()
    workers.stop()
    assert ran == [0]


def test_stop_does_not_wait_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("git_mlvers.remote.workers._GRACE", 0.05)
    workers: Workers[int, bool] = Workers(1)
    gate = threading.Event()
    workers.submit(0, gate.wait)
    started = time.monotonic()
    workers.stop()
    assert time.monotonic() - started < 5
    gate.set()
