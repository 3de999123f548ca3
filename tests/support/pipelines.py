"""Repositories with pipelines, and what a repro of them did."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from tests.support.git import Repo

if TYPE_CHECKING:
    from collections.abc import Mapping

RAN = "Running stage '{}':"
SKIPPED = "Stage '{}' didn't change, skipping"
RESTORED = "Stage '{}' is cached - skipping run, checking out outputs"

CHAIN = """\
stages:
  first:
    cmd: cat source.txt > first.txt && echo ran first >> log
    deps: [source.txt]
    outs: [first.txt]
  second:
    cmd: cat first.txt other.txt > second.txt && echo ran second >> log
    deps: [first.txt, other.txt]
    outs: [second.txt]
  third:
    cmd: wc -c < second.txt > third.txt && echo ran third >> log
    deps: [second.txt]
    metrics: [third.txt]
"""
"""Three stages, each on what the one before it made. `log` tells which have really run."""

ALL = ["first", "second", "third"]
"""Their names."""

SEED_DAG = """\
        +----------+
        | get_data |
        +----------+
              *
              *
              *
        +-----------+
        | featurize |
        +-----------+
         **        **
       **            *
      *               **
+-------+               *
| train |             **
+-------+            *
         **        **
           **    **
             *  *
        +----------+
        | evaluate |
        +----------+"""
"""The graph of the seed pipeline."""


class Pipelines(Repo):
    """A repository whose pipelines can be run."""

    def repro(self, *args: str, check: bool = True, **options: object) -> str:
        """What ``git mlvers repro ARGS`` says, on both streams."""
        ran = self.run("mlvers", "repro", *args, check=check, **options)  # type: ignore[arg-type]
        assert "Traceback" not in ran.stderr, ran.stderr
        return ran.stdout + ran.stderr

    def repro_fails(self, *args: str, **options: object) -> str:
        """The error of ``git mlvers repro ARGS``, which must fail."""
        return self.fails("mlvers", "repro", *args, **options).stderr

    def outcome(self, *args: str, check: bool = True) -> dict[str, list[str]]:
        """Which stages ``git mlvers repro ARGS`` ran, restored, skipped…"""
        ran = self.run("mlvers", "repro", "--json", *args, check=check)
        found = json.loads(ran.stdout)
        assert isinstance(found, dict)
        return found

    def ran(self) -> list[str]:
        """The lines of `log`, which is forgotten: the stages that have run since the last time."""
        log = self.file("log")
        lines = log.read_text().splitlines() if log.exists() else []
        log.unlink(missing_ok=True)
        return [line.removeprefix("ran ") for line in lines]

    def stale(self) -> dict[str, list[dict[str, object]]]:
        """What ``git mlvers status`` gives as reasons, by stage; stages without one left out."""
        found = json.loads(self.mlvers("status", "--json"))["pipelines"]
        return {item["stage"]: item["reasons"] for item in found if item["reasons"]}

    def facts(self, lock: str = "mlvers.lock") -> list[str]:
        """The lines of a lock file."""
        path = self.file(lock)
        return path.read_text().splitlines() if path.exists() else []

    def start(self, *args: str, env: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
        """A ``git-mlvers repro ARGS`` that runs on; git itself is not between us and it."""
        return subprocess.Popen(
            ["git-mlvers", "repro", *args],
            cwd=self.path,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, **(env or {})},
        )


def chain(path: Path) -> Pipelines:
    """The pipeline `CHAIN`, committed and not run."""
    repo = Pipelines(Repo.init(path).path)
    repo.write("dvc.yaml", CHAIN)
    repo.write("source.txt", "source\n")
    repo.write("other.txt", "other\n")
    repo.write(".gitignore", "log\n")
    repo.commit("pipeline")
    return repo


def end(process: subprocess.Popen[str]) -> None:
    """Kill a process that a test has started, if it still runs."""
    if process.poll() is None:
        process.send_signal(signal.SIGKILL)
    process.communicate()


def seed(path: Path) -> Pipelines:
    """The pipeline of the seed's fourth part, with stand-ins for its programs, committed."""
    repo = Pipelines(Repo.init(path).path)
    source = Path(__file__).parent / "data" / "seed-pipeline"
    shutil.copytree(source, repo.path, dirs_exist_ok=True)
    (repo.path / "gitignore").rename(repo.path / ".gitignore")
    repo.commit("code")
    return repo
