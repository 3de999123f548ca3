"""Repositories with a pipeline to experiment with, and what is known of experiments."""

from __future__ import annotations

import json
import os
import subprocess
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from tests.support.git import Repo
from tests.support.pipelines import Pipelines

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

_PIPELINE = """\
stages:
  get_data:
    cmd: mkdir -p data && cp source.txt data/all.txt
    deps: [source.txt]
    outs: [data]
  train:
    cmd: sh train.sh
    deps: [data, train.sh]
    params: [train]
    outs: [model.bin]
    metrics: [metrics.json]
"""

_TRAIN = """\
C=$(sed -n 's/^  C: *\\([^ ]*\\).*/\\1/p' params.yaml)
if [ "$C" = bad ]; then echo "this cannot work" >&2; exit 3; fi
sleep "${NAP:-0}"
cat data/all.txt params.yaml > model.bin
echo "{\\"acc\\": $C}" > metrics.json
"""


class Listed(NamedTuple):
    """One experiment by its ref."""

    name: str
    baseline: str
    commit: str


class Experiments(Pipelines):
    """A repository in which experiments run."""

    def exp(self, *args: str, check: bool = True, **options: object) -> str:
        """What ``git mlvers exp ARGS`` says, on both streams."""
        ran = self.run("mlvers", "exp", *args, check=check, **options)  # type: ignore[arg-type]
        assert "Traceback" not in ran.stderr, ran.stderr
        return ran.stdout + ran.stderr

    def exp_fails(self, *args: str, **options: object) -> str:
        """The error of ``git mlvers exp ARGS``, which must fail."""
        return self.fails("mlvers", "exp", *args, **options).stderr

    def listed(self) -> list[Listed]:
        """The experiments that there are, by name."""
        said = self.git("for-each-ref", "--format=%(refname) %(objectname)", "refs/mlvers/exps/")
        found = []
        for line in said.splitlines():
            ref, commit = line.split()
            baseline, name = ref.split("/")[-2:]
            found.append(Listed(name, baseline, commit))
        return sorted(found)

    def of(self, name: str) -> str:
        """The commit of the experiment called `name`."""
        return {each.name: each.commit for each in self.listed()}[name]

    def line(self, commit: str) -> dict[str, Any]:
        """The only line of the note on `commit`."""
        (line,) = self.git("notes", "--ref=mlvers", "show", commit).splitlines()
        found = json.loads(line)
        assert isinstance(found, dict)
        return found

    def log(self, commit: str) -> bytes:
        """What an experiment printed."""
        return (self.common_dir() / "mlvers" / "exps" / "logs" / f"{commit}.log").read_bytes()

    def started(self, *args: str, env: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
        """A ``git-mlvers exp ARGS`` that runs on; git itself is not between us and it."""
        return subprocess.Popen(
            ["git-mlvers", "exp", *args],
            cwd=self.path,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, **(env or {})},
        )


def experiments(path: Path) -> Experiments:
    """Two stages, the second with params and metrics, run and committed."""
    repo = Experiments(Repo.init(path).path)
    repo.write("dvc.yaml", _PIPELINE)
    repo.write("train.sh", _TRAIN)
    repo.write("params.yaml", "train:\n  C: 1  # reg\n  it: 3\n")
    repo.write("source.txt", "source\n")
    repo.write("readme", "read me\n")
    repo.repro()
    repo.commit("baseline")
    return repo


def wait_for(what: Callable[[], bool]) -> None:
    """Wait until `what` is so."""
    end = time.monotonic() + 60
    while not what():
        assert time.monotonic() < end, "it never came to that"
        time.sleep(0.02)
