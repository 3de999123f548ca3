"""What is noted of an experiment: one line on its commit, as of any commit, and how it went."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

from git_mlvers.git import notes_write
from git_mlvers.git.notes_line import Line
from git_mlvers.tracking.record import by_key
from git_mlvers.tracking.speaking import own_id

if TYPE_CHECKING:
    from collections.abc import Mapping

    from git_mlvers.git.repository import Repository
    from git_mlvers.pipeline.readings import Readings

DONE, FAILED = "done", "failed"

FIELD = "exp"
"""The field of a line that makes it one of an experiment."""

SOURCE = "exp"


class Run(NamedTuple):
    """How an experiment went; `started` in seconds since 1970, `seconds` how long it took."""

    name: str
    status: str
    started: float
    seconds: float
    changed: Mapping[str, object] = {}
    """The params that were set, by ``[FILE:]KEY``."""
    error: str = ""

    def as_field(self) -> dict[str, object]:
        """It as it stands in a line."""
        fields: dict[str, object] = {
            "name": self.name,
            "status": self.status,
            "started": utc(self.started),
            "seconds": round(self.seconds, 3),
            "set": dict(self.changed),
            "error": self.error,
        }
        return {key: value for key, value in fields.items() if value not in ("", {})}


def write(repo: Repository, commit: str, tree: str, readings: Readings, run: Run) -> None:
    """Note on `commit`, which has `tree`, what was read of it, and how `run` went."""
    line = Line(
        time=utc(run.started + run.seconds),
        id=f"exp-{own_id(commit)}",
        commit=commit,
        tree=tree,
        source=SOURCE,
        params=by_key(readings.params),
        metrics=by_key(readings.metrics),
        more={FIELD: run.as_field()},
    )
    notes_write.append(repo, {commit: [line]}, why=f"Record experiment {run.name}")


def utc(when: float) -> str:
    """Seconds since 1970 as ``2026-11-21T02:47:15Z``."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(when))
