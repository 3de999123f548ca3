"""``git mlvers exp show``: the experiments in a table."""

from __future__ import annotations

import shutil
import time
from typing import TYPE_CHECKING

from git_mlvers.cli.revisions import add_look
from git_mlvers.errors import UsageError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from git_mlvers.cli.context import Context
    from git_mlvers.experiments.columns import Column
    from git_mlvers.experiments.overview import Overview, Row
    from git_mlvers.git.repository import Repository

SUMMARY = "compare experiments in a table"

_WIDTH = 80
_DAY = 24 * 3600
_NAME, _ID, _CREATED, _STATUS = "Experiment", "Id", "Created", "Status"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add its options."""
    flag = parser.add_argument
    flag("revisions", nargs="*", metavar="REV", help="commits whose experiments are shown; HEAD")
    flag("-a", "--all-branches", action="store_true", help="of the tips of all branches")
    flag("-A", "--all-commits", action="store_true", help="of all commits that have some")
    flag("-n", "--num", type=int, default=1, metavar="N", help="of N commits from each back")
    flag("--sort-by", metavar="NAME", help="sort by a metric or param")
    flag("--sort-order", choices=("asc", "desc"), default="asc", help="which are first")
    flag("--filter", action="append", default=[], metavar="COND", help="as in accuracy>0.9")
    flag("--keep", action="append", default=[], metavar="REGEX", help="only these columns")
    flag("--drop", action="append", default=[], metavar="REGEX", help="not these columns")
    flag("--only-changed", action="store_true", help="no column that is the same everywhere")
    flag("--all-columns", action="store_true", help="also params that are the same everywhere")
    flag("--ids", action="store_true", help="also the ids of commits")
    add_look(parser, precision=True)


def run(args: argparse.Namespace, context: Context) -> int:
    """Show."""
    from git_mlvers.experiments.columns import columns, filtered, named, ordered
    from git_mlvers.experiments.overview import overview
    from git_mlvers.workspace import Workspace

    if args.num < 1:
        raise UsageError("-n takes a number from 1 on")
    with Workspace.open(context.cwd, context.env) as workspace:
        found = overview(workspace, _baselines(workspace.repo, args))
    for problem in found.problems:
        context.warn(problem)
    every = columns(found)
    found = filtered(found, every, args.filter)
    if args.sort_by is not None:
        column = named(every, args.sort_by)
        found = ordered(found, column, descending=args.sort_order == "desc")
    if context.json:
        context.out_json(_as_json(found))
        return 0
    _print(args, context, found, _shown(args, found, every))
    return 0


def _baselines(repo: Repository, args: argparse.Namespace) -> list[str] | None:
    from git_mlvers.git import refs

    if args.all_commits:
        return None
    starts = [refs.resolve(repo, word) for word in args.revisions]
    if args.all_branches:
        starts += (ref.oid for ref in refs.for_each_ref(repo, "refs/heads/"))
    head = refs.head(repo)
    if not starts and head is not None:
        starts = [head]
    found: list[str] = []
    for start in starts:
        said = repo.git("rev-list", "--first-parent", f"--max-count={args.num}", start)
        found += said.decode("ascii").split()
    return list(dict.fromkeys(found))


def _shown(args: argparse.Namespace, found: Overview, every: Sequence[Column]) -> list[Column]:
    from git_mlvers.experiments.columns import METRICS, changing, matching

    some = matching(every, args.keep, args.drop)
    if args.all_columns or args.keep:
        return changing(found, some) if args.only_changed else some
    different = set(changing(found, some))
    stay = set() if args.only_changed else {column for column in some if column.kind == METRICS}
    return [column for column in some if column in different or column in stay]


def _print(args: argparse.Namespace, context: Context, found: Overview, some: list[Column]) -> None:
    from git_mlvers.experiments.columns import headings
    from git_mlvers.view.tables import PRECISION, Table, render

    if not any(group.experiments for group in found.groups):
        context.note("There are no experiments here yet: git mlvers exp run -S KEY=VALUE")
    style = "csv" if args.csv else "md" if args.md else "plain"
    names = [column.name for column in some] if args.csv else headings(some)
    lead = [_NAME, *([_ID] if args.ids else []), _CREATED]
    failures = any(row.status not in ("", "done") for row in _all(found))
    lead += [_STATUS] if failures or args.csv else []
    made = [
        [*_lead(lead, row, name, plain=not args.csv), *(column.of(row) for column in some)]
        for row, name in _tree(found, plain=style == "plain")
    ]
    precision = PRECISION if args.precision is None else args.precision
    table = Table([*lead, *names], made)
    text = render(table, style, precision)
    if style == "plain":
        text, hidden = _fitting(table, len(lead), precision)
        context.stdout.write(text)
        if hidden:
            context.note(
                f"{len(hidden)} more: {', '.join(hidden)}"
                " (--keep and --drop choose columns, --csv has all)"
            )
        return
    context.stdout.write(text)


def _fitting(table: object, lead: int, precision: int) -> tuple[str, list[str]]:
    """The table as wide as the terminal, or 80 columns; and the headings that had no room."""
    from git_mlvers.view.tables import Table, render

    assert isinstance(table, Table)
    width = shutil.get_terminal_size((_WIDTH, 0)).columns
    count = len(table.headings)
    while True:
        kept = Table(table.headings[:count], [row[:count] for row in table.rows])
        text = render(kept, "plain", precision)
        if count <= lead + 1 or max(map(len, text.splitlines()), default=0) <= width:
            return text, list(table.headings[count:])
        count -= 1


def _all(found: Overview) -> list[Row]:
    return [row for group in found.groups for row in group.experiments]


def _tree(found: Overview, *, plain: bool) -> list[tuple[Row, str]]:
    """Rows with their names, which in a plain table show what belongs to what."""
    rows = [] if found.workspace is None else [(found.workspace, found.workspace.name)]
    for group in found.groups:
        rows.append((group.baseline, group.baseline.name))
        for number, row in enumerate(group.experiments, 1):
            last = number == len(group.experiments)
            mark = ("└── " if last else "├── ") if plain else ""
            rows.append((row, mark + row.name))
    return rows


def _lead(lead: Sequence[str], row: Row, name: str, *, plain: bool) -> list[object]:
    cells: dict[str, object] = {
        _NAME: name,
        _ID: f"exp-{row.commit[:5]}" if row.kind == "experiment" and row.commit else row.commit[:7],
        _CREATED: _when(row.created, plain) if row.created else None,
        _STATUS: row.status or None,
    }
    return [cells[heading] or None for heading in lead]


def _when(seconds: int, plain: bool) -> str:
    """The time of today, else the day, as in the tables of DVC; all of it if not `plain`."""
    local = time.localtime(seconds)
    if not plain:
        return time.strftime("%Y-%m-%dT%H:%M:%S", local)
    if abs(time.time() - seconds) < _DAY:
        return time.strftime("%H:%M", local)
    return time.strftime("%b %d, %Y", local)


def _as_json(found: Overview) -> dict[str, object]:
    return {
        "workspace": None if found.workspace is None else _row_json(found.workspace),
        "baselines": [
            {
                **_row_json(group.baseline),
                "experiments": [_row_json(row) for row in group.experiments],
            }
            for group in found.groups
        ],
    }


def _row_json(row: Row) -> dict[str, object]:
    from git_mlvers.values.compare import finite

    shown: dict[str, object] = {"name": row.name}
    if row.commit:
        shown["commit"] = row.commit
    if row.created:
        shown["created"] = row.created
    if row.status:
        shown["status"] = row.status
    if row.error:
        shown["error"] = row.error
    for kind in ("params", "metrics"):
        values = getattr(row, kind)
        shown[kind] = {key: finite(value) for key, value in values.items()}
    return shown
