"""``git mlvers exp run``."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from git_mlvers.cli.exp_several import describe, run_now
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
    from git_mlvers.experiments.tasks import Task
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
    flag("--pull", action="store_true", help="bring what is missing from the remote first")
    flag("--temp", action="store_true", help="in a working tree of its own")
    flag("-j", "--jobs", type=int, metavar="N", help="so many at once, in trees of their own")
    flag("--queue", action="store_true", help="only write down what is to be run")
    add_quiet(parser)
    add_json(parser)


def run(args: argparse.Namespace, context: Context) -> int:
    """Run one experiment, or a sweep."""
    from git_mlvers.experiments import names
    from git_mlvers.experiments.setparam import combinations
    from git_mlvers.workspace import Workspace

    if args.jobs is not None and args.jobs < 1:
        raise UsageError("-j takes a number from 1 on")
    sweep = combinations(args.settings)
    if args.name is not None:
        names.checked(args.name)
    with Workspace.open(context.cwd, context.env) as workspace:
        requests = _requests(workspace, args, sweep, context)
        apart = args.temp or args.queue or args.jobs is not None or len(requests) > 1
        if not apart:
            return _in_place(workspace, requests[0], context)
        made = _tasks(workspace, requests)
        if len(made) > 1 or args.queue:
            describe(made, context.say)
        if args.queue:
            context.say("To run what waits: git mlvers queue start")
            if context.json:
                context.out_json({"queued": [task.name for task in made]})
            return 0
        context.stdout.flush()
        return run_now(workspace, made, args.jobs or 1, context)


def _requests(
    workspace: Workspace,
    args: argparse.Namespace,
    sweep: Sequence[tuple[Setting, ...]],
    context: Context,
) -> list[Request]:
    from git_mlvers.experiments import refs, tasks
    from git_mlvers.experiments.run import Request, baseline_of
    from git_mlvers.git.repository import require_work_tree

    top = require_work_tree(workspace.repo)
    baseline = baseline_of(workspace.repo)
    here = {each.name for each in refs.listed(workspace.repo) if each.baseline == baseline}
    waiting = {task.name for task in tasks.listed(workspace) if task.outcome() is None}
    folder = os.path.relpath(os.path.realpath(context.cwd), os.path.realpath(top))
    return [
        Request(
            name,
            baseline,
            settings=settings,
            targets=args.targets,
            folder=folder,
            force=args.force,
            pull=args.pull,
            message=args.message,
        )
        for name, settings in zip(_names(args.name, len(sweep), here | waiting), sweep, strict=True)
    ]


def _names(given: str | None, number: int, taken: set[str]) -> list[str]:
    """Names for `number` experiments; those of a sweep are numbered, if it has a name."""
    from git_mlvers.experiments import names

    if given is None:
        found: list[str] = []
        for _ in range(number):
            found.append(names.fresh({*taken, *found}))
        return found
    wanted = [given] if number == 1 else [f"{given}-{place}" for place in range(1, number + 1)]
    for name in wanted:
        if name in taken:
            raise UsageError(
                f"there is an experiment {name!r} of this commit already",
                "give another name with -n",
            )
    return wanted


def _tasks(workspace: Workspace, requests: Sequence[Request]) -> list[Task]:
    """Write down `requests` as tasks that start from the files as they are now.

    What is wrong with all of them is told at once.
    """
    from git_mlvers.experiments import params, snapshot, tasks
    from git_mlvers.experiments.run import stored
    from git_mlvers.pipeline.project import Project
    from git_mlvers.pipeline.source import WorkingTree

    source, first = WorkingTree(workspace.repo), requests[0]
    project = Project.load(source)
    project.find(first.targets, first.folder)
    params.plan(source, first.settings, first.folder)
    taken = snapshot.take(workspace.repo, forced=stored(workspace, project))
    message = "The working tree that experiments start from"
    commit = snapshot.commit(workspace.repo, taken.tree, [first.baseline], message)
    return tasks.add(workspace, requests, commit)


def _in_place(workspace: Workspace, request: Request, context: Context) -> int:
    from git_mlvers.cli.repro import ContextReport
    from git_mlvers.experiments import logs
    from git_mlvers.experiments.inplace import run_in_place

    log = logs.new(workspace, request.name)

    def kept(experiment: Experiment) -> None:
        os.replace(log, logs.path_of(workspace, experiment.commit))

    try:
        with logs.copied_to(log):
            ran = run_in_place(workspace, request, ContextReport(context), kept)
    finally:
        if os.path.exists(log):
            os.unlink(log)
    return tell(ran, context)


def tell(ran: Ran, context: Context) -> int:
    """Say what came of an experiment in the working tree; the exit code."""
    experiment, error = ran.experiment, ran.error
    tell_left_out(ran.left_out, context)
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


def tell_left_out(names: Sequence[str], context: Context) -> None:
    """Warn of untracked files that are not part of an experiment."""
    if names:
        what = ", ".join(path(name) for name in names[:3])
        more = f" and {len(names) - 3} more" if len(names) > 3 else ""
        context.warn(
            f"{count(len(names), 'untracked path')} not part of it: {what}{more}",
            "git mlvers track, or git add, makes large files part of experiments",
        )
