"""The rows of `bench` about experiments."""

from __future__ import annotations

from typing import TYPE_CHECKING

import _bench_tools

if TYPE_CHECKING:
    from pathlib import Path

    from _bench_rows import Bench, Values
    from _bench_tools import Tool

_ASKED = 5
"""So many times an experiment is run; the least counts, since other work can only add."""

_MANY = 50
_RUNS = 10
_NAP = 1.0
"""How long a stage sleeps, where several run at once. Seconds."""

_ENOUGH = 100
"""Small files from which on a run of the bench is meant in earnest."""

_PIPELINE = """\
stages:
  train:
    cmd: sh code.sh
    deps: [code.sh]
    params: [train]
    outs: [model]
    metrics:
    - metrics.json: {cache: false}
"""

_SLEEPING = """\
stages:
  train:
    cmd: sleep %s && cp params.yaml model
    params: [train]
    outs: [model]
"""


def run(bench: Bench, tool: Tool) -> Values:
    """An experiment with a trivial stage."""
    commands = tool.pipeline()
    if not commands:
        return {}
    with bench.site(tool) as site:
        _write(site.repo, _PIPELINE)
        site.timed([commands["repro"]])
        tool.commit(site.repo)
        spent = [
            site.timed([[*commands["exp run"], "-S", f"train.C={number}"]]).cpu
            for number in range(2, 2 + _ASKED)
        ]
        return {"exp-run": min(spent)}


def show(bench: Bench, tool: Tool) -> Values:
    """The table of fifty experiments."""
    commands = tool.pipeline()
    if not commands:
        return {}
    with bench.site(tool) as site:
        _write(site.repo, _PIPELINE)
        site.timed([commands["repro"]])
        tool.commit(site.repo)
        for number in range(_MANY):
            (site.repo / "params.yaml").write_text(f"train:\n  C: {number}\n")
            site.timed([[*commands["exp save"], "-n", f"run-{number}"]])
        spent = [site.timed([commands["exp show"]]).cpu for _ in range(_ASKED)]
        return {"exp-show": min(spent)}


def several(bench: Bench, tool: Tool) -> Values:
    """Ten experiments two at a time, whose stages sleep: the part of the time of one by one."""
    if not isinstance(tool, _bench_tools.Mlvers):
        return {}
    with bench.site(tool) as site:
        # To see that it works, less is enough.
        nap = _NAP if bench.sizes.count >= _ENOUGH else _NAP / 10
        _write(site.repo, _SLEEPING % nap)
        tool.commit(site.repo)
        command = [*tool.pipeline()["exp run"], "-q"]
        alone = site.timed([[*command, "-S", f"train.C=range({_RUNS})"]]).seconds
        more = f"train.C=range({_RUNS}, {2 * _RUNS})"
        return {"exp-jobs": site.timed([[*command, "-j", "2", "-S", more]]).seconds / alone}


def _write(repo: Path, pipeline: str) -> None:
    (repo / "code.sh").write_text("cp params.yaml model\necho '{\"accuracy\": 1}' > metrics.json\n")
    (repo / "params.yaml").write_text("train:\n  C: 1  # regularisation\n")
    (repo / "dvc.yaml").write_text(pipeline)
