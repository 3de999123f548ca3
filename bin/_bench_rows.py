"""What `bench` measures: the rows of its table, and the work that yields them."""

from __future__ import annotations

import random
import shutil
from typing import TYPE_CHECKING, NamedTuple

import _bench_experiments
import _bench_pipeline
import _bench_store
import _bench_tools
from _bench_site import Site

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
    Row("clone-history", "clone {objects} objects, no git server", "s", 1.3, "git"),
    Row("fetch-history", "– fetch into an empty repository", "s", 1.3, "git"),
    Row("push-history-requests", "– push of one commit more to S3: requests", "", 3),
    Row("pipeline-repro", "repro of 4 stages, nothing to do", "s CPU", 0.2, "DVC"),
    Row("pipeline-status", "status of them", "s CPU", 0.2, "DVC"),
    Row("pipeline-metrics", "metrics diff", "s CPU", 0.2, "DVC"),
    Row("pipeline-params", "params diff", "s CPU", 0.2, "DVC"),
    Row("pipeline-directory", "repro, a directory of {small} unchanged", "s CPU", 0.2, "DVC"),
    Row("exp-run", "exp run of a trivial stage", "s CPU", 0.25, "DVC"),
    Row("exp-show", "exp show of 50", "s CPU", 0.2, "DVC"),
    Row("exp-jobs", "10 experiments that sleep, -j 2: part of one by one", "", 0.625),
    Row("hook-commit", "commit with nothing to record: what the hook adds", "ms", 50),
    Row("notes-log", "`git log -200` with notes, times without", "", 1.5),
]


class Sizes(NamedTuple):
    """How much there is to do: bytes of the large file, number and bytes of the small ones.

    And the objects of a long history.
    """

    large: int
    count: int
    small: int
    objects: int


Values = dict[str, float]


class Bench:
    """The work, done with one tool at a time in `root`, an empty directory.

    Without `keep_large`, the large files of each piece of work are deleted after it.
    """

    def __init__(self, root: Path, sizes: Sizes, s3: Server, keep_large: bool) -> None:
        self.root = root
        self.sizes = sizes
        self.s3 = s3
        self.keep_large = keep_large
        self._runs = 0

    def large(self, tool: Tool) -> Values:
        """Add and check out one large file."""
        with self.site(tool) as site:
            write_noise(site.data / "large.bin", self.sizes.large, seed=1)
            values = {"add-large": site.timed(tool.add()).seconds}
            tool.commit(site.repo)
            site.put_data_away()
            spent = site.timed(tool.checkout())
            site.check(self.sizes.large)
            return values | {
                "checkout-large": spent.seconds,
                "checkout-large-memory": spent.memory / (1 << 20),
            }

    def small(self, tool: Tool) -> Values:
        """Add, check out, and clone many small files."""
        with self.site(tool) as site:
            self.write_small(site.data)
            values = {"add-small": site.timed(tool.add()).seconds}
            tool.commit(site.repo)
            site.put_data_away()
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
        with self.site(tool, on_s3=tool.speaks_s3) as site:
            self.write_small(site.data)
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
        if not tool.speaks_s3:
            return {}
        with self.site(tool, on_s3=True) as site:
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

    def site(self, tool: Tool, on_s3: bool = False) -> Site:
        """A place for one piece of work with `tool`."""
        self._runs += 1
        name = f"run-{self._runs}"
        place = _bench_tools.Place(str(self.root / name / "storage"))
        if on_s3:
            place = _bench_tools.Place(f"s3://{_bench_tools.BUCKET}/{name}", self.s3.url)
        return Site(self.root / name, tool, place, self.keep_large)

    def _counted(self, site: Site, commands: Commands) -> tuple[float, int]:
        """Seconds and requests that `commands` cost."""
        self.s3.traffic()
        spent = site.timed(commands)
        return spent.seconds, self.s3.traffic().requests

    def write_small(self, data: Path) -> None:
        """Write the many small files into the directory `data`."""
        for number in range(self.sizes.count):
            # A hundred to a directory, as data sets have it.
            path = data / f"{number // 100:03d}" / f"{number:05d}.bin"
            write_noise(path, self.sizes.small, seed=number)


class Work(NamedTuple):
    """A piece of work, and which rows it is for, by the start of their keys.

    It leaves at most `large` copies of the large file, and `small` of the small ones.
    """

    do: Callable[[Bench, Tool], Values]
    yields: tuple[str, ...]
    large: int = 0
    small: int = 0


WORK = {
    "large": Work(Bench.large, ("add-large", "checkout-large"), large=3),
    "small": Work(Bench.small, ("add-small", "checkout-small", "clone-small"), small=6),
    "small on S3": Work(Bench.small_on_s3, ("push-s3", "push-nothing", "status"), small=3),
    "edit on S3": Work(Bench.edit_on_s3, ("push-edit", "pull-edit"), large=8),
    "history": Work(_bench_store.history, ("clone-history", "fetch-history", "push-history")),
    "pipeline": Work(
        _bench_pipeline.pipeline,
        ("pipeline-repro", "pipeline-status", "pipeline-metrics", "pipeline-params"),
    ),
    "directory": Work(_bench_pipeline.directory, ("pipeline-directory",), small=3),
    "experiments": Work(_bench_experiments.run, ("exp-run",)),
    "experiments shown": Work(_bench_experiments.show, ("exp-show",)),
    "experiments at once": Work(_bench_experiments.several, ("exp-jobs",)),
    "notes": Work(_bench_pipeline.notes, ("hook-commit", "notes-log")),
}


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
