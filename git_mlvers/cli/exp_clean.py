"""``git mlvers exp clean``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_mlvers.cli.options import add_quiet

if TYPE_CHECKING:
    import argparse

    from git_mlvers.cli.context import Context

SUMMARY = "delete what experiments have left behind"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add its options."""
    parser.add_argument(
        "--kept", action="store_true", help="also what stood in your tree before experiments"
    )
    add_quiet(parser)


def run(args: argparse.Namespace, context: Context) -> int:
    """Clean up."""
    from git_mlvers.cli.render import count
    from git_mlvers.experiments.clean import clean
    from git_mlvers.workspace import Workspace

    with Workspace.open(context.cwd, context.env) as workspace:
        gone = clean(workspace, states=args.kept)
    told = [count(gone.logs, "log"), count(gone.trees, "working tree")]
    if args.kept:
        told.append(count(gone.states, "kept state"))
    context.say(f"Deleted {', '.join(told)}")
    return 0
