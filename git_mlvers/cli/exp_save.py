"""``git mlvers exp save``: the working tree as it is becomes an experiment."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from git_mlvers.cli.options import add_json, add_quiet

if TYPE_CHECKING:
    import argparse

    from git_mlvers.cli.context import Context

SUMMARY = "keep the working tree as it is as an experiment"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add its options."""
    flag = parser.add_argument
    flag("-n", "--name", metavar="NAME", help="call it so; else two words are chosen")
    flag("-m", "--message", metavar="MSG", default="", help="the message of its commit")
    flag("-f", "--force", action="store_true", help="in place of one with the same name")
    add_quiet(parser)
    add_json(parser)


def run(args: argparse.Namespace, context: Context) -> int:
    """Save."""
    from git_mlvers.cli.exp_run import tell_left_out
    from git_mlvers.experiments import names, refs
    from git_mlvers.experiments.run import Request, baseline_of, save
    from git_mlvers.git.repository import require_work_tree
    from git_mlvers.workspace import Workspace

    with Workspace.open(context.cwd, context.env) as workspace:
        require_work_tree(workspace.repo)
        baseline = baseline_of(workspace.repo)
        if args.name is None:
            taken = {each.name for each in refs.listed(workspace.repo)}
            name = names.fresh(taken)
        else:
            name = names.checked(args.name)
        request = Request(name, baseline, message=args.message, replace=args.force)
        saved = save(workspace, request, time.time())
    tell_left_out(saved.left_out, context)
    if context.json:
        found = saved.experiment
        context.out_json({"name": found.name, "commit": found.commit, "baseline": found.baseline})
    context.say(f"Experiment '{name}' ({saved.experiment.short}) has been saved.")
    return 0
