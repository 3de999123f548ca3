"""``git mlvers metrics``: metrics of commits and of the working tree, and how they changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_mlvers.cli.revisions import WORKSPACE, add_look, add_pair
from git_mlvers.errors import UsageError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Sequence

    from git_mlvers.cli.context import Context
    from git_mlvers.cli.revisions import Revision
    from git_mlvers.pipeline.readings import Readings
    from git_mlvers.workspace import Workspace

SUMMARY = "Show metrics, and how they changed"
HELP = """
## Synopsis

    git mlvers metrics show [-a] [-T] [-A] [--precision N] [--json | --csv | --md] [PATH…]
    git mlvers metrics diff [--all] [--no-path] [--targets PATH…] [--precision N]
                            [--json | --csv | --md] [A [B]]

## Description

Metrics are numbers in files: those that a pipeline file names, of its stages and at
its top level, and `metrics.json`, `metrics.yaml`, `metrics.csv` and
`dvclive/metrics.json` if they are there. JSON, YAML, TOML and Python are read as
nested names, of a table (CSV, TSV) the last row counts. A table with the columns
`Name,Value,Timestamp,Step`, as DagsHub's logger writes it, has one metric a line:
of each name the highest step counts.

`metrics show` prints those of the working tree; with `-a`, `-T` or `-A` also those of
all branches, tags or commits. `metrics diff` compares commit A with commit B. Without
B that is the working tree, which `workspace` means too; without A it is `HEAD`.

A file that cannot be read is warned of, and the others are shown. Numbers are shown
with 5 digits after the decimal point (`--precision N`), small ones with three that
count; `--csv` and `--json` have all digits.

## Examples

    git mlvers metrics show
    git mlvers metrics show -a --md
    git mlvers metrics diff
    git mlvers metrics diff main HEAD
    git mlvers metrics diff --json v1.0
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the sub-commands."""
    commands = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    shown = commands.add_parser("show", add_help=False, help="print metrics")
    shown.add_argument("targets", nargs="*", metavar="PATH", help="only these files")
    shown.add_argument("-a", "--all-branches", action="store_true", help="of all branches")
    shown.add_argument("-T", "--all-tags", action="store_true", help="of all tags")
    shown.add_argument("-A", "--all-commits", action="store_true", help="of all commits")
    add_look(shown, precision=True)
    diff = commands.add_parser("diff", add_help=False, help="compare metrics of two commits")
    add_pair(diff)
    add_look(diff, precision=True)


def run(args: argparse.Namespace, context: Context) -> int:
    """Show, or compare."""
    from git_mlvers.workspace import Workspace

    if args.precision is not None and args.precision < 0:
        raise UsageError("--precision needs a number that is not negative")
    with Workspace.open(context.cwd, context.env) as workspace:
        if args.action == "show":
            _show(args, context, workspace)
        else:
            _diff(args, context, workspace)
    return 0


def _show(args: argparse.Namespace, context: Context, workspace: Workspace) -> None:
    from git_mlvers.cli.revisions import from_here, many, show, tell_problems
    from git_mlvers.pipeline.history import History
    from git_mlvers.view.tables import PRECISION, from_dicts

    repo = workspace.repo
    which = {
        "branches": args.all_branches,
        "tags": args.all_tags,
        "commits": args.all_commits,
    }
    with History(repo) as history:
        found = _read(args, context, workspace, many(repo, history, **which))
    _drop_twin(found, repo.head_branch())
    tell_problems(context, found)
    name = from_here(repo, context)
    if context.json:
        context.out_json({label: _as_json(item, name) for label, item in found.items()})
        return
    records = [
        {**values, "Revision": label, "Path": name(path)}
        for label, readings in found.items()
        for path, values in readings.metrics.items()
    ]
    table = from_dicts(["Revision", "Path"], records)
    if not any(which.values()):
        table = table.without("Revision")
    show(context, args, table, PRECISION if args.precision is None else args.precision)


def _diff(args: argparse.Namespace, context: Context, workspace: Workspace) -> None:
    from git_mlvers.cli.revisions import (
        diff_json,
        diff_table,
        from_here,
        revision,
        show,
        tell_problems,
    )
    from git_mlvers.values.compare import compare
    from git_mlvers.view.tables import PRECISION

    revisions = [revision(workspace.repo, name) for name in (args.a, args.b)]
    found = _read(args, context, workspace, revisions)
    tell_problems(context, found)
    changes = compare(found[args.a].metrics, found[args.b].metrics, unchanged=args.all)
    name = from_here(workspace.repo, context)
    if context.json:
        context.out_json(diff_json(changes, name))
        return
    precision = PRECISION if args.precision is None else args.precision
    show(context, args, diff_table(changes, args, "Metric", name), precision)


def _read(
    args: argparse.Namespace,
    context: Context,
    workspace: Workspace,
    revisions: Sequence[Revision],
) -> dict[str, Readings]:
    """The metrics of each revision by its label."""
    from git_mlvers.cli.revisions import check_found, from_top, read
    from git_mlvers.pipeline.readings import METRICS, Wanted

    targets = from_top(workspace.repo, context, args.targets or ())
    wanted = Wanted(metrics=targets) if targets else None
    found = {item.label: read(workspace, item, wanted, METRICS) for item in revisions}
    if not any(readings.problems for readings in found.values()):
        check_found(targets, (readings.metrics for readings in found.values()))
    return found


def _drop_twin(found: dict[str, Readings], branch: str | None) -> None:
    """Drop the working tree where it has the same metrics as the branch that it is on."""
    for label, readings in found.items():
        if label != WORKSPACE and branch in label.split(","):
            if WORKSPACE in found and readings.metrics == found[WORKSPACE].metrics:
                del found[WORKSPACE]
            return


def _as_json(readings: Readings, name: Callable[[str], str]) -> dict[str, object]:
    from git_mlvers.values.compare import finite
    from git_mlvers.values.nested import unflatten

    files = {
        name(path): {"data": finite(unflatten(values))} for path, values in readings.metrics.items()
    }
    return {"data": files}
