"""``git mlvers exp diff``: params and metrics of two experiments side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_mlvers.cli.revisions import WORKSPACE, add_look

if TYPE_CHECKING:
    import argparse

    from git_mlvers.cli.context import Context
    from git_mlvers.experiments.overview import Row
    from git_mlvers.workspace import Workspace

SUMMARY = "compare params and metrics of two experiments"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add its options."""
    flag = parser.add_argument
    flag("a", nargs="?", default="HEAD", metavar="A", help="an experiment or commit; HEAD")
    flag("b", nargs="?", default=WORKSPACE, metavar="B", help="the same; the working tree")
    flag("--all", action="store_true", help="also what is the same in both")
    add_look(parser, precision=True)


def run(args: argparse.Namespace, context: Context) -> int:
    """Compare."""
    from git_mlvers.cli.revisions import show
    from git_mlvers.values.compare import compare
    from git_mlvers.view.tables import PRECISION, Table
    from git_mlvers.workspace import Workspace

    kinds = ("metrics", "params")
    with Workspace.open(context.cwd, context.env) as workspace:
        old, new = (_row(workspace, word) for word in (args.a, args.b))
    changes = {}
    for kind in kinds:
        before, after = ({"": getattr(row, kind)} for row in (old, new))
        changes[kind] = compare(before, after, unchanged=args.all).get("", {})
    if context.json:
        context.out_json(
            {
                kind: {name: change.as_json() for name, change in found.items()}
                for kind, found in changes.items()
            }
        )
        return 0
    precision = PRECISION if args.precision is None else args.precision
    for number, (kind, title) in enumerate(zip(kinds, ("Metric", "Param"), strict=True)):
        rows = [
            [name, change.old, change.new, change.diff] for name, change in changes[kind].items()
        ]
        if number and rows and not args.csv:
            context.out()
        show(context, args, Table([title, args.a, args.b, "Change"], rows), precision)
    return 0


def _row(workspace: Workspace, word: str) -> Row:
    from git_mlvers.cli.revisions import commit_of
    from git_mlvers.experiments.overview import values_of

    return values_of(workspace, "" if word == WORKSPACE else commit_of(workspace.repo, word))
