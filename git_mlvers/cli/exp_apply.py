"""``git mlvers exp apply``: an experiment's files in the working tree."""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_mlvers.cli.options import add_quiet

if TYPE_CHECKING:
    import argparse

    from git_mlvers.cli.context import Context

SUMMARY = "put the files of an experiment into the working tree"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add its options."""
    parser.add_argument("name", metavar="NAME", help="the experiment")
    add_quiet(parser)


def run(args: argparse.Namespace, context: Context) -> int:
    """Apply."""
    from git_mlvers.experiments.apply import apply
    from git_mlvers.experiments.find import find
    from git_mlvers.workspace import Workspace

    with Workspace.open(context.cwd, context.env) as workspace:
        experiment = find(workspace.repo, args.name)
        kept = apply(workspace, experiment)
    context.say(
        f"Changes for experiment '{args.name}' have been applied to your current workspace."
    )
    if kept.changed:
        context.say(f"What was there before is kept. To have it back:\n\t{kept.command}")
    context.say("To record it: git add -A, git commit")
    return 0
