"""Programs that die, wait, or are hurried at a named point, without hooks in what is tested.

``inject/sitecustomize.py`` wraps functions inside of the programs that git
starts; here is what a test says about it::

    trouble = Trouble(tmp_path, At("git_mlvers.cache.objects:ObjectStore.adopt"))
    ran = trouble.run(repo, "git", "add", ".")
    assert trouble.happened
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tests.support.git import Repo

INJECT = Path(__file__).with_name("inject")

TIMEOUT = 60.0
"""Seconds after which a command counts as hung."""

Do = Literal["kill", "kill all", "interrupt all", "hold"]
When = Literal["before", "after", "half"]


class At(NamedTuple):
    """A point: the `nth` call, in one process, of a function ``module:name`` or ``module:A.b``.

    ``half`` means with half of the bytes that it was given. ``module:`` is the
    beginning of the module's import.
    """

    point: str
    when: When = "before"
    nth: int = 1
    do: Do = "kill"

    def __str__(self) -> str:
        module, _, name = self.point.partition(":")
        count = f" {self.nth}" if self.nth > 1 else ""
        return f"{self.do} {self.when} {module.rpartition('.')[2]}.{name}{count}"


class Ended(NamedTuple):
    """How a command ended: minus the signal or the exit code, and what it wrote."""

    code: int
    out: str
    err: str
    seconds: float


class Trouble:
    """What is to happen in the programs started with `env`, or by `run`.

    `values` are constants of modules to be changed, ``module:NAME``; with
    `quick` nobody waits long for a store that does not answer.
    """

    _number = 0

    def __init__(
        self,
        folder: Path,
        *points: At,
        values: Mapping[str, int | float | str] | None = None,
        quick: bool = False,
    ) -> None:
        Trouble._number += 1
        self._flag = folder / f"trouble-{Trouble._number}"
        told = {
            "points": [self._point(point) for point in points],
            "values": [
                {"module": name.partition(":")[0], "name": name.partition(":")[2], "value": value}
                for name, value in (values or {}).items()
            ],
            "patience": [2.0, 2.0, 0.5, 0.5] if quick else None,
        }
        self.env = {"PYTHONPATH": str(INJECT), "MLVERS_TEST_TROUBLE": json.dumps(told)}

    @property
    def happened(self) -> bool:
        """Whether a point was reached."""
        return self._flag.exists()

    def wait(self) -> None:
        """Wait until a point is reached."""
        end = time.monotonic() + TIMEOUT
        while not self.happened:
            assert time.monotonic() < end, "the point was never reached"
            time.sleep(0.005)

    def go_on(self) -> None:
        """Let those that were held go on."""
        self._flag.with_name(self._flag.name + ".go").touch()

    def start(self, repo: Repo, *argv: str | bytes) -> Running:
        """Start a program in `repo`, leading a process group of its own."""
        return Running(repo.path, argv, self.env)

    def run(self, repo: Repo, *argv: str | bytes) -> Ended:
        """Run a program in `repo`, in a process group of its own, to its end."""
        return self.start(repo, *argv).end()

    def _point(self, at: At) -> dict[str, object]:
        module, _, name = at.point.partition(":")
        return {
            "module": module,
            "name": name,
            "nth": at.nth,
            "when": at.when,
            "do": at.do,
            "flag": str(self._flag),
        }


class Running:
    """A program that runs in a process group of its own."""

    def __init__(
        self, cwd: Path, argv: Sequence[str | bytes], env: Mapping[str, str] | None = None
    ) -> None:
        self._begun = time.monotonic()
        self._child = subprocess.Popen(
            argv,
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, **(env or {})},
            process_group=0,
        )

    def signal(self, number: int) -> None:
        """Send a signal to the whole group, as a terminal does."""
        os.killpg(self._child.pid, number)

    def kill(self) -> None:
        """Kill the whole group."""
        self.signal(signal.SIGKILL)

    @property
    def alive(self) -> bool:
        """Whether it runs still."""
        return self._child.poll() is None

    def end(self) -> Ended:
        """Wait for the end, also of all that has its output open; no traceback was shown."""
        try:
            out, err = self._child.communicate(timeout=TIMEOUT)
        except subprocess.TimeoutExpired:
            self.kill()
            out, err = self._child.communicate()
            raise AssertionError(f"hung: {self._child.args!r}: {os.fsdecode(err)}") from None
        ended = Ended(
            self._child.returncode,
            os.fsdecode(out),
            os.fsdecode(err),
            time.monotonic() - self._begun,
        )
        assert "Traceback" not in ended.err, ended.err
        assert "fault of the program" not in ended.err, ended.err
        return ended
