"""Where `bench` does its work: a fresh repository for each piece, on a disk that is at rest.

Nothing that has many files is deleted while there is more to measure. For a minute
and more, ext4 does not use the inode of a deleted file again, and looks at each
of them for every new file: after ten thousand of them are gone, whoever comes next
takes up to ten times as long to make files.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from _bench_tools import Commands, Place, Tool

_LARGE = 1 << 20
"""Bytes of a file that is deleted for the room it takes; few are so large."""

_LITTLE = 8 << 20
"""Bytes yet to be written that do not disturb."""

_PATIENCE = 30.0
"""Seconds to wait for others to have written what they have."""


class Spent(NamedTuple):
    """What a piece of work cost: seconds on the clock, the largest memory of any one process in
    bytes, and seconds of CPU time of all processes."""

    seconds: float
    memory: int
    cpu: float


class Site:
    """A fresh repository with its server in `root`, which stays, if need be without large files."""

    def __init__(self, root: Path, tool: Tool, place: Place, keep_large: bool) -> None:
        self.root = root
        self.repo = root / "repo"
        self.data = self.repo / "data"
        self.server = root / "server.git"
        self._tool = tool
        self._place = place
        self._keep_large = keep_large

    def __enter__(self) -> Site:
        self.root.mkdir()
        self._tool.init(self.repo, self.server, self._place)
        return self

    def __exit__(self, *_: object) -> None:
        if self._keep_large:
            return
        for directory, _, names in os.walk(self.root):
            for name in names:
                path = os.path.join(directory, name)
                if os.lstat(path).st_size >= _LARGE:
                    os.unlink(path)

    @property
    def env(self) -> dict[str, str]:
        """The environment of all commands."""
        return self._tool.env

    def put_data_away(self) -> None:
        """Take the data out of the working tree, without deleting it."""
        self.data.rename(self.root / "away")

    def timed(self, commands: Commands, cwd: Path | None = None) -> Spent:
        """Run `commands` one after the other; all must succeed."""
        settle()
        memory, cpu = 0, 0.0
        start = time.monotonic()
        for argv in commands:
            child = subprocess.Popen(
                argv, cwd=cwd or self.repo, env=self._tool.env, stdout=subprocess.DEVNULL
            )
            _, status, usage = os.wait4(child.pid, 0)
            child.returncode = os.waitstatus_to_exitcode(status)
            if child.returncode != 0:
                raise SystemExit(f"bench: `{' '.join(argv)}` exited with {child.returncode}")
            memory = max(memory, usage.ru_maxrss * 1024)
            cpu += usage.ru_utime + usage.ru_stime
        return Spent(time.monotonic() - start, memory, cpu)

    def check(self, size: int, where: Path | None = None) -> None:
        """The content must be there: fast and wrong is not fast."""
        found = sum(
            os.lstat(os.path.join(directory, name)).st_size
            for directory, _, names in os.walk((where or self.repo) / "data")
            for name in names
            if name != ".gitignore"
        )
        if found != size:
            raise SystemExit(f"bench: {self._tool.name} brought {found} bytes, not {size}")

    def filters_started(self, argv: list[str]) -> int:
        """How many filters git starts for one command."""
        trace = self.root / "trace"
        env = {**self._tool.env, "GIT_TRACE2_EVENT": str(trace)}
        subprocess.run(argv, cwd=self.repo, env=env, check=True, stdout=subprocess.DEVNULL)
        events = [json.loads(line) for line in trace.read_text().splitlines()]
        started = [" ".join(event["argv"]) for event in events if event["event"] == "child_start"]
        return sum("filter-process" in line for line in started)


def settle() -> None:
    """Have everything written that is to be written, so that nobody pays for others."""
    deadline = time.monotonic() + _PATIENCE
    os.sync()
    while _unwritten() > _LITTLE:
        if time.monotonic() > deadline:
            print("bench: the disk does not come to rest; others write to it", file=sys.stderr)
            return
        time.sleep(0.5)
        os.sync()


def _unwritten() -> int:
    """Bytes that are still to be written to disks, where the system tells."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
    except OSError:
        return 0
    return 1024 * sum(
        int(line.split()[1]) for line in lines if line.startswith(("Dirty:", "Writeback:"))
    )
