"""``git mlvers commit``: what stands there is what the stages made."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from git_mlvers.cli.options import add_json, add_quiet

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from git_mlvers.cli.context import Context
    from git_mlvers.pipeline.explain import Reason
    from git_mlvers.pipeline.model import Stage

SUMMARY = "Record the present outputs of stages without running them"
HELP = """
Writes into `mlvers.lock` and the run cache that the stages made, of the dependencies,
params and commands that there are now, the outputs that there are now. So nothing runs
that need not: after a change of code that changes no result, or where outputs were made
by hand or brought from elsewhere.

For each stage that is not up to date it asks first, and shows what is different; `-f`
answers yes. A TARGET is what it is for `git mlvers repro`; what a target depends on is
left alone.

Outputs and lock files are staged as by `git mlvers repro`. To make a commit in Git is
left to `git commit`.

## Examples

    git mlvers commit
    git mlvers commit -f train

## Exit codes

`0` done; `1` the answer was no, or something does not exist; `2` there is no such target.
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add targets and options."""
    parser.add_argument(
        "targets", nargs="*", metavar="TARGET", help="a stage, a pipeline file, or an output"
    )
    parser.add_argument("-f", "--force", action="store_true", help="do not ask")
    add_quiet(parser)
    add_json(parser)


def run(args: argparse.Namespace, context: Context) -> int:
    """Ask, and record."""
    from git_mlvers.cli.reasons import sentence
    from git_mlvers.cli.repro import ContextReport
    from git_mlvers.pipeline.recording import record_present
    from git_mlvers.workspace import Workspace

    def agree(stage: Stage, reasons: Sequence[Reason]) -> bool:
        if args.force:
            return True
        for reason in reasons:
            context.note(f"{stage.address}: {sentence(reason)}")
        return _ask(f"Record stage '{stage.address}' as it is? [y/N] ", context)

    with Workspace.open(context.cwd, context.env) as workspace:
        done = record_present(
            workspace, args.targets, ContextReport(context), agree, cwd=context.cwd
        )
    if context.json:
        context.out_json({name: list(value) for name, value in done._asdict().items()})
    elif not done.recorded:
        context.say("Data and pipelines are up to date.")
    return 0


def _ask(question: str, context: Context) -> bool:
    if not sys.stdin.isatty() or context.json:
        return False
    context.stderr.write(question)
    context.stderr.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")
