"""``git mlvers exp-process``: what runs one experiment in a working tree of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse

    from git_mlvers.cli.context import Context

SUMMARY = "Run one experiment in a working tree of its own"
HELP = """
`git mlvers exp run --temp` and `git mlvers queue start` start this program for each
experiment. It makes a working tree, runs the pipeline there, keeps what came of it, and
takes the working tree away.

There is no reason to start it by hand; `git mlvers queue start` runs what waits.
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the task."""
    parser.add_argument("task", metavar="TASK", help="the id of a task")


def run(args: argparse.Namespace, context: Context) -> int:
    """Run it."""
    return run_words([args.task], context)


def run_words(words: list[str], context: Context) -> int:
    """Run the task whose id is the only word."""
    from git_mlvers.cli.repro import ContextReport
    from git_mlvers.experiments import tasks, worker
    from git_mlvers.workspace import Workspace

    with Workspace.open(context.cwd, context.env) as workspace:
        task = tasks.find(workspace, words[0] if words else "")
        return worker.work(workspace, task, ContextReport(context))
