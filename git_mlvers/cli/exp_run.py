"""``git mlvers exp run``."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from git_mlvers.cli.options import add_json, add_quiet
from git_mlvers.cli.render import count, path
from git_mlvers.errors import UsageError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from git_mlvers.cli.context import Context
    from git_mlvers.experiments.refs import Experiment
    from git_mlvers.experiments.run import Ran, Request
    from git_mlvers.experiments.setparam import Setting
    from git_mlvers.workspace import Workspace

SUMMARY = "run the pipeline with other params, and keep what comes of it"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add targets and options."""
    flag = parser.add_argument
    flag("targets", nargs="*", metavar="TARGET", help="a stage, a pipeline file, or an output")
    flag(
        *("-S", "--set-param"),
        dest="settings",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="set a param; several values are a sweep",
    )
    flag("-n", "--name", metavar="NAME", help="call it so; else two words are chosen")
    flag("-m", "--message", metavar="MSG", default="", help="the message of its commit")
    flag("-f", "--force", action="store_true", help="run stages even if they are up to date")
    add_quiet(parser)
    add_json(parser)


def run(args: argparse.Namespace, context: Context) -> int:
    """Run one experiment, or a sweep."""
    from git_mlvers.experiments import names, refs
    from git_mlvers.experiments.run import Request, baseline_of
    from git_mlvers.experiments.setparam import combinations
    from git_mlvers.git.repository import require_work_tree
    from git_mlvers.workspace import Workspace

    sweep = combinations(args.settings)
    if args.name is not None:
        names.checked(args.name)
    with Workspace.open(context.cwd, context.env) as workspace:
        top = require_work_tree(workspace.repo)
        baseline = baseline_of(workspace.repo)
        known = refs.listed(workspace.repo)
        folder = os.path.relpath(os.path.realpath(context.cwd), os.path.realpath(top))
        name = args.name or names.fresh({each.name for each in known})
        request = Request(
            name,
            baseline,
            settings=sweep[0],
            targets=args.targets,
            folder=folder,
            force=args.force,
            message=args.message,
        )
        if any((each.baseline, each.name) == (baseline, name) for each in known):
            raise UsageError(
                f"there is an experiment {name!r} of this commit already",
                "give another name with -n",
            )
        return _in_place(workspace, request, context)


def _in_place(workspace: Workspace, request: Request, context: Context) -> int:
    from git_mlvers.cli.repro import ContextReport
    from git_mlvers.experiments import logs
    from git_mlvers.experiments.inplace import run_in_place

    log = logs.new(workspace, request.name)

    def kept(experiment: Experiment) -> None:
        os.replace(log, logs.path_of(workspace, experiment.commit))

    _say_settings(request.settings, request.name, context)
    try:
        with logs.copied_to(log):
            ran = run_in_place(workspace, request, ContextReport(context), kept)
    finally:
        if os.path.exists(log):
            os.unlink(log)
    return tell(ran, context)


def _say_settings(settings: Sequence[Setting], name: str, context: Context) -> None:
    words = " ".join(setting.text for setting in settings)
    context.say(f"Running experiment '{name}'" + (f": {words}" if words else ""))
    context.stdout.flush()


def tell(ran: Ran, context: Context) -> int:
    """Say what came of an experiment in the working tree; the exit code."""
    experiment, error = ran.experiment, ran.error
    if ran.left_out:
        what = ", ".join(path(name) for name in ran.left_out[:3])
        more = f" and {len(ran.left_out) - 3} more" if len(ran.left_out) > 3 else ""
        context.warn(
            f"{count(len(ran.left_out), 'untracked path')} not part of it: {what}{more}",
            "git mlvers track, or git add, makes large files part of experiments",
        )
    if context.json:
        status = "done" if error is None else "failed"
        fields = {"name": experiment.name, "commit": experiment.commit, "status": status}
        context.out_json({"experiments": [fields]})
    if error is not None:
        context.say(f"Experiment '{experiment.name}' ({experiment.short}) has failed, and is kept.")
        raise error
    context.say("")
    context.say(f"Ran experiment '{experiment.name}' ({experiment.short}).")
    context.say("What it made is in your working tree. To record it: git add -A, git commit")
    return 0
