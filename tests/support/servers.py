"""Servers on loopback, each a process of its own that ends with the tests.

They get a pipe as their standard input and end when it does, so also when the
tests are killed.
"""

from __future__ import annotations

import atexit
import contextlib
import fcntl
import os
import re
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from typing import IO, TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

# Read here, because tests run with an environment from which such names are gone.
IN_CI = bool(os.environ.get("CI"))
_HOME = os.environ.get("HOME", "/")

ENDS_WITH_ITS_INPUT = """
import os, sys, threading
threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
"""
"""What a server in Python begins with."""


def start(argv: Sequence[str], listening: re.Pattern[str]) -> str:
    """Start a server, to be stopped when Python ends; what `listening` finds in its output."""
    server = subprocess.Popen(
        argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    atexit.register(_stop, server)
    assert server.stdout is not None
    said = []
    for line in server.stdout:
        said.append(line)
        if match := listening.search(line):
            # Nobody else reads its log; a full pipe would stop it.
            threading.Thread(target=_drain, args=(server.stdout,), daemon=True).start()
            return match[1]
    raise RuntimeError(f"{argv[0]} did not start: {''.join(said)}")


def python(program: str, listening: str, *arguments: str) -> str:
    """The same for a server that is the text of a Python `program`."""
    argv = [sys.executable, "-c", ENDS_WITH_ITS_INPUT + program, *arguments]
    return start(argv, re.compile(listening))


def from_npm(package: str, version: str) -> Path:
    """The folder of an npm package, installed beside the environment of the tests when it is not.

    Skips the test where there is no npm, but not in continuous integration.
    """
    prefix = Path(sys.prefix, "servers", f"{package}-{version}")
    folder = prefix / "node_modules" / package
    done = prefix / "done"
    if done.exists():
        return folder
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        missing(f"npm and node are needed for {package}: apt-get install npm, or the like")
    prefix.mkdir(parents=True, exist_ok=True)
    with _only_one(package):
        if not done.exists():
            argv = [str(npm), "install", "--silent", "--no-audit", "--no-fund"]
            _run([*argv, "--prefix", str(prefix), f"{package}@{version}"])
            done.touch()
    return folder


def missing(what: str) -> None:
    """Skip the test, since the machine lacks something; in continuous integration, fail it."""
    if IN_CI:
        pytest.fail(what)
    pytest.skip(what)


@contextlib.contextmanager
def _only_one(name: str) -> Iterator[None]:
    """Several test processes start at once."""
    with open(Path(sys.prefix, f".git-mlvers-tests-{name}.lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _run(argv: Sequence[str]) -> None:
    ran = subprocess.run(
        argv, env={**os.environ, "HOME": _HOME}, capture_output=True, text=True, check=False
    )
    if ran.returncode != 0:
        raise RuntimeError(f"{' '.join(argv)} failed: {ran.stdout}{ran.stderr}")


def _drain(log: IO[str]) -> None:
    with log:
        for _ in log:
            pass


def _stop(server: subprocess.Popen[str]) -> None:
    if server.stdin is not None:
        with contextlib.suppress(OSError):
            server.stdin.close()
    server.terminate()
    server.wait()
