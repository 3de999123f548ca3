"""The rows of `bench` about pipelines, params, metrics and notes.

What counts here is CPU time, of a command and all that it starts: these commands
are started often, and wait for nothing but themselves.
"""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import _bench_tools

if TYPE_CHECKING:
    from pathlib import Path

    from _bench_rows import Bench, Values
    from _bench_site import Site
    from _bench_tools import Tool

_LEARNED = 5
"""So many times each question is asked; the least counts, since other work can only add."""

_NOTES = 2000
"""Commits with a note, in a history that `git log` looks at."""

_PIPELINE = """\
stages:
  get_data:
    cmd: mkdir -p assets/data && cp src/get_data.sh assets/data/train.csv
    deps: [src/get_data.sh]
    params: [base, data]
    outs: [assets/data]
  featurize:
    cmd: mkdir -p assets/features && cp assets/data/train.csv assets/features/train.csv
    deps: [assets/data, src/featurize.sh]
    params: [features]
    outs: [assets/features]
  train:
    cmd: mkdir -p assets/models && cp params.yaml assets/models/model
    deps: [assets/features, src/train.sh]
    params: [base, train]
    outs: [assets/models]
  evaluate:
    cmd: sh src/evaluate.sh
    deps: [assets/features, assets/models, src/evaluate.sh]
    metrics:
    - assets/metrics.json: {cache: false}
"""

_PARAMS = """\
base: {random_seed: 123}
data: {file_name: stats.csv}
features: {remove: [Rk, Player, Tm, Pos]}
train: {C: 1, max_iter: 10000}
"""

_DIRECTORY = """\
stages:
  count:
    cmd: ls -R data | wc -l > count.txt
    deps: [data]
    outs: [count.txt]
"""


def pipeline(bench: Bench, tool: Tool) -> Values:
    """A pipeline of four stages that has run: nothing to do, what is different, and why."""
    commands = tool.pipeline()
    if not commands:
        return {}
    with bench.site(tool) as site:
        _write_pipeline(site.repo)
        site.timed([commands["repro"]])
        tool.commit(site.repo)
        values = {
            "pipeline-repro": _cpu(site, commands["repro"]),
            "pipeline-status": _cpu(site, commands["status"]),
        }
        (site.repo / "params.yaml").write_text(_PARAMS.replace("C: 1,", "C: 10,"))
        site.timed([commands["repro"]])
        values["pipeline-metrics"] = _cpu(site, commands["metrics diff"])
        values["pipeline-params"] = _cpu(site, commands["params diff"])
        return values


def directory(bench: Bench, tool: Tool) -> Values:
    """A stage that depends on a directory of many files, unchanged."""
    commands = tool.pipeline()
    if not commands:
        return {}
    with bench.site(tool) as site:
        bench.write_small(site.data)
        site.timed(tool.add())
        (site.repo / "dvc.yaml").write_text(_DIRECTORY)
        site.timed([commands["repro"]])
        tool.commit(site.repo)
        return {"pipeline-directory": _cpu(site, commands["repro"])}


def notes(bench: Bench, tool: Tool) -> Values:
    """What the hook adds to a commit that has nothing to record, and notes to ``git log``."""
    if not isinstance(tool, _bench_tools.Mlvers):
        return {}
    with bench.site(tool) as site:
        metrics, other = site.repo / "metrics.json", site.repo / "code.py"
        metrics.write_text('{"accuracy": 0}')
        tool.commit(site.repo)
        hooked = min(_commit(site, other, number) for number in range(2 * _LEARNED))
        bare = min(_commit(site, other, -number, "-c", "core.hooksPath=/dev/null")
                   for number in range(1, 2 * _LEARNED))  # fmt: skip
        _many_commits(site, metrics)
        log = ["git", "log", "-200"]
        plain = _cpu(site, [*log, "--no-notes"])
        return {
            "hook-commit": 1000 * (hooked - bare),
            "notes-log": _cpu(site, log) / plain,
        }


def _write_pipeline(repo: Path) -> None:
    (repo / "src").mkdir()
    for name in ("get_data", "featurize", "train"):
        (repo / "src" / f"{name}.sh").write_text(f"# {name}\n")
    evaluate = "grep -c . params.yaml | sed 's/.*/{\"accuracy\": &}/' > assets/metrics.json\n"
    (repo / "src" / "evaluate.sh").write_text(evaluate)
    (repo / "dvc.yaml").write_text(_PIPELINE)
    (repo / "params.yaml").write_text(_PARAMS)


def _many_commits(site: Site, metrics: Path) -> None:
    """Give the history commits that all change the metrics, and record them at once."""
    lines = []
    for number in range(_NOTES):
        content = f'{{"accuracy": {number}}}'
        lines.append(
            f"commit refs/heads/main\ncommitter A <a@example.org> {1_700_000_000 + number} +0000\n"
            f"data 1\nc\n"
            + ("from refs/heads/main^0\n" if number == 0 else "")
            + f"M 100644 inline {metrics.name}\ndata {len(content)}\n{content}\n"
        )
    subprocess.run(
        ["git", "fast-import", "--quiet"], cwd=site.repo, env=site.env, check=True,
        input="\n".join(lines), text=True,
    )  # fmt: skip
    site.timed([["git", "reset", "-q", "--hard"], ["git", "mlvers", "notes", "adopt"]])


def _commit(site: Site, path: Path, number: int, *config: str) -> float:
    path.write_text(f"{number}\n")
    site.timed([["git", "add", path.name]])
    return site.timed([["git", *config, "commit", "-q", "-m", "change"]]).seconds


def _cpu(site: Site, argv: list[str]) -> float:
    return min(site.timed([argv]).cpu for _ in range(_LEARNED))
