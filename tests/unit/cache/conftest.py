"""A cache, and processes that use it and die."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Protocol

import pytest

from git_mlvers.cache import Cache
from tests.support.environment import CHECKOUT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

PRELUDE = """
import os, signal, sys
from git_mlvers.cache import Cache
from git_mlvers.oid import Oid

def die_at(owner, name, nth, when="before", half=False):
    '''Kill this process at the nth call of owner.name; half: after half of what it writes.'''
    real, calls = getattr(owner, name), []
    def called(*args, **kwargs):
        calls.append(args)
        if len(calls) == nth:
            if half:
                real(args[0], bytes(args[1])[: len(args[1]) // 2])
            elif when == "after":
                real(*args, **kwargs)
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*args, **kwargs)
    setattr(owner, name, called)

def small(number):
    return (b"small content %d " % number) * 40

def large(number):
    return (b"large content %7d " % number) * 15000

def say(word):
    print(word, flush=True)
"""


class RunChild(Protocol):
    """Runs Python code after `PRELUDE` in a process of its own."""

    def __call__(self, code: str, *args: object) -> subprocess.CompletedProcess[str]: ...


@pytest.fixture
def root(tmp_path: Path) -> str:
    """Where the cache of the test is; nothing is there yet."""
    return str(tmp_path / "git" / "mlvers")


@pytest.fixture
def open_cache(root: str) -> Iterator[Callable[..., Cache]]:
    """Open the cache at `root` once more, as another process would."""
    caches = []

    def opened(**options: object) -> Cache:
        caches.append(Cache(root, **options))  # type: ignore[arg-type]
        return caches[-1]

    yield opened
    for cache in caches:
        cache.close()


@pytest.fixture
def cache(open_cache: Callable[..., Cache]) -> Cache:
    """An empty cache."""
    return open_cache()


@pytest.fixture
def start_child() -> Callable[..., subprocess.Popen[str]]:
    """Start Python code after `PRELUDE` in a process of its own, with arguments."""

    def start(code: str, *args: object) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-c", PRELUDE + code, *map(str, args)],
            cwd=CHECKOUT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    return start


@pytest.fixture
def run_child(start_child: Callable[..., subprocess.Popen[str]]) -> RunChild:
    """Run Python code after `PRELUDE`, and wait for its end."""

    def run(code: str, *args: object) -> subprocess.CompletedProcess[str]:
        with start_child(code, *args) as process:
            stdout, stderr = process.communicate()
        return subprocess.CompletedProcess([], process.returncode, stdout, stderr)

    return run


def small(number: int) -> bytes:
    """The same as in a child."""
    return (b"small content %d " % number) * 40


def large(number: int) -> bytes:
    """The same as in a child."""
    return (b"large content %7d " % number) * 15000
