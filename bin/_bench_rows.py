"""What `bench` measures: the rows of its table, and the work that yields them."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import time
from typing import TYPE_CHECKING, NamedTuple

import _bench_tools

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from _bench_tools import Commands, Tool
    from _counting_s3 import Server

_BLOCK = 1 << 20
_PLACES = 8
"""An edit of a large file touches so many places."""

_INSERTED = 1001
"""Bytes that an edit inserts, so that all that follows is moved by an odd number."""


class Row(NamedTuple):
    """One line of the table.

    `key` names what is measured and `unit` what it is measured in. The target
    is `at_most` (in the unit) or, with `against`, so many times that tool's value.
    """

    key: str
    work: str
    unit: str
    at_most: float
    against: str | None = None


ROWS = [
    Row("add-large", "add {large}", "s", 0.4, "git-lfs"),
    Row("add-small", "add {small}", "s", 1.0, "git"),
    Row("checkout-large", "checkout {large} from the cache", "s", 1.1, "cp"),
    Row("checkout-large-memory", "– peak memory of one process", "MiB", 64),
    Row("checkout-small", "checkout {small} from the cache", "s", 1.3, "git"),
    Row("clone-small", "clone with content, {small}", "s", 1.0, "git"),
    Row("push-s3", "push {small} to S3", "s", 0.2, "DVC"),
    Row("push-s3-requests", "– requests for each 100 files", "", 1.0),
    Row("push-edit", "push after a 1 % edit of {large}", "% of bytes", 3.0),
    Row("push-edit-time", "– time", "s", 1.0, "DVC"),
    Row("pull-edit", "pull of it by who has the old version", "% of bytes", 3.0),
    Row("pull-edit-time", "– time", "s", 1.0, "DVC"),
    Row("status", "`git status`, nothing changed: filters started", "", 0),
    Row("status-time", "– time", "s", 1.5, "git"),
    Row("push-nothing", "push with nothing new, {small}", "s", 0.1, "DVC"),
    Row("push-nothing-requests", "– requests", "", 2),
]


class Sizes(NamedTuple):
    """How much there is to do: bytes of the large file, number and bytes of the small ones."""

    large: int
    count: int
    small: int


class Spent(NamedTuple):
    """What a piece of work cost: seconds, and the largest memory of any one process in bytes."""

    seconds: float
    memory: int


Values = dict[str, float]


class Bench:
    """The work, done with one tool at a time in `root`, an empty directory."""

    def __init__(self, root: Path, sizes: Sizes, s3: Server | None) -> None:
        self.root = root
        self.sizes = sizes
        self.s3 = s3
        self._runs = 0

    def large(self, tool: Tool) -> Values:
        """Add and check out one large file."""
        with _Site(self, tool) as site:
            write_noise(site.data / "large.bin", self.sizes.large, seed=1)
            values = {"add-large": site.timed(tool.add()).seconds}
            tool.commit(site.repo)
            shutil.rmtree(site.data)
            spent = site.timed(tool.checkout())
            site.check(self.sizes.large)
            return values | {
                "checkout-large": spent.seconds,
                "checkout-large-memory": spent.memory / (1 << 20),
            }

    def small(self, tool: Tool) -> Values:
        """Add, check out, and clone many small files."""
        with _Site(self, tool) as site:
            self._write_small(site.data)
            values = {"add-small": site.timed(tool.add()).seconds}
            tool.commit(site.repo)
            shutil.rmtree(site.data)
            values["checkout-small"] = site.timed(tool.checkout()).seconds
            site.check(self.sizes.count * self.sizes.small)
            if isinstance(tool, _bench_tools.Copy):
                return values
            site.timed(tool.push())
            spent = site.timed(tool.clone(site.server), site.root)
            values["clone-small"] = spent.seconds
            site.check(self.sizes.count * self.sizes.small, site.root / "clone")
            return values

    def small_on_s3(self, tool: Tool) -> Values:
        """Push many small files to S3, then nothing more; look at the status."""
        if isinstance(tool, _bench_tools.Copy):
            return {}
        with _Site(self, tool, on_s3=tool.speaks_s3) as site:
            self._write_small(site.data)
            site.timed(tool.add())
            tool.commit(site.repo)
            values = {}
            if tool.speaks_s3:
                values["push-s3"], requests = self._counted(site, tool.push())
                values["push-s3-requests"] = requests / (self.sizes.count / 100)
                values["push-nothing"], requests = self._counted(site, tool.push())
                values["push-nothing-requests"] = requests
            status = [["git", "status", "--porcelain"]]
            site.timed(status)
            values["status-time"] = site.timed(status).seconds
            values["status"] = site.filters_started(status[0])
            return values

    def edit_on_s3(self, tool: Tool) -> Values:
        """Push an edit of a large file to S3, and pull it in a clone that has the old version."""
        if not tool.speaks_s3 or self.s3 is None:
            return {}
        with _Site(self, tool, on_s3=True) as site:
            large = site.data / "large.bin"
            write_noise(large, self.sizes.large, seed=1)
            site.timed(tool.add())
            tool.commit(site.repo)
            site.timed(tool.push())
            site.timed(tool.clone(site.server), site.root)
            size = edit(large, seed=2)
            site.timed(tool.add())
            tool.commit(site.repo)
            self.s3.traffic()
            push = site.timed(tool.push())
            pushed = self.s3.traffic()
            pull = site.timed(tool.pull(), site.root / "clone")
            pulled = self.s3.traffic()
            site.check(size, site.root / "clone")
            return {
                "push-edit": 100 * pushed.received / size,
                "push-edit-time": push.seconds,
                "pull-edit": 100 * pulled.sent / size,
                "pull-edit-time": pull.seconds,
            }

    def _counted(self, site: _Site, commands: Commands) -> tuple[float, int]:
        """Seconds and requests that `commands` cost."""
        assert self.s3 is not None
        self.s3.traffic()
        spent = site.timed(commands)
        return spent.seconds, self.s3.traffic().requests

    def _write_small(self, data: Path) -> None:
        for number in range(self.sizes.count):
            # A hundred to a directory, as data sets have it.
            path = data / f"{number // 100:03d}" / f"{number:05d}.bin"
            write_noise(path, self.sizes.small, seed=number)


WORK: dict[str, Callable[[Bench, Tool], Values]] = {
    "large": Bench.large,
    "small": Bench.small,
    "small on S3": Bench.small_on_s3,
    "edit on S3": Bench.edit_on_s3,
}
YIELDS: dict[str, tuple[str, ...]] = {
    "large": ("add-large", "checkout-large"),
    "small": ("add-small", "checkout-small", "clone-small"),
    "small on S3": ("push-s3", "push-nothing", "status"),
    "edit on S3": ("push-edit", "pull-edit"),
}
"""Which rows each work is for, by the start of their keys."""


class _Site:
    """A fresh repository with its server, removed at the end."""

    def __init__(self, bench: Bench, tool: Tool, on_s3: bool = False) -> None:
        bench._runs += 1
        self.root = bench.root / f"run-{bench._runs}"
        self.repo = self.root / "repo"
        self.data = self.repo / "data"
        self.server = self.root / "server.git"
        self._tool = tool
        if on_s3:
            assert bench.s3 is not None
            url = f"s3://{_bench_tools.BUCKET}/run-{bench._runs}"
            self._place = _bench_tools.Place(url, bench.s3.url)
        else:
            self._place = _bench_tools.Place(str(self.root / "storage"))

    def __enter__(self) -> _Site:
        self.root.mkdir()
        self._tool.init(self.repo, self.server, self._place)
        return self

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self.root)

    def timed(self, commands: Commands, cwd: Path | None = None) -> Spent:
        """Run `commands` one after the other; all must succeed."""
        # What others have left to write must not be paid for here.
        os.sync()
        memory = 0
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
        return Spent(time.monotonic() - start, memory)

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


def write_noise(path: Path, size: int, seed: int) -> None:
    """Write `size` bytes that do not compress, the same for the same `seed`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        for block in _noise(size, seed):
            file.write(block)


def edit(path: Path, seed: int) -> int:
    """Change 1 % of a large file in some places, and insert a little; the new size in bytes."""
    size = path.stat().st_size
    length = size // 100 // _PLACES
    chance = random.Random(seed)
    with path.open("r+b") as file:
        for place in range(_PLACES):
            file.seek(size * place // _PLACES + chance.randrange(size // _PLACES - length))
            file.write(chance.randbytes(length))
    edited = path.with_suffix(".new")
    with path.open("rb") as old, edited.open("wb") as new:
        for start in range(0, size // 2, _BLOCK):
            new.write(old.read(min(_BLOCK, size // 2 - start)))
        new.write(chance.randbytes(_INSERTED))
        shutil.copyfileobj(old, new, _BLOCK)
    edited.replace(path)
    return size + _INSERTED


def _noise(size: int, seed: int) -> Iterator[bytes]:
    chance = random.Random(seed)
    for start in range(0, size, _BLOCK):
        yield chance.randbytes(min(_BLOCK, size - start))
