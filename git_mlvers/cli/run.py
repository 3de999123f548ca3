"""``git mlvers run``: add a stage and run it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_mlvers.cli.options import add_quiet
from git_mlvers.cli.stage_options import add_stage, add_stage_options

if TYPE_CHECKING:
    import argparse

    from git_mlvers.cli.context import Context

SUMMARY = "Add a stage to the pipeline and run it"
HELP = """
## Synopsis

    git mlvers run [--no-exec] -n NAME [-d PATH]... [-p KEYS]... [-o PATH]... COMMAND...

## Description

Writes a stage into the pipeline file of this directory and runs it, as `dvc run` of
DVC 2 did. With `--no-exec` it only writes the stage, which is `git mlvers stage add`.

The options come first, the command line last. A command line of several words is
put together again, with quotes around words that have blanks; one with pipes or
redirections is given as one word, in quotes.

## Examples

    git mlvers run -n train -d src/train.py -p train -o models python src/train.py
    git mlvers run --no-exec -n evaluate -d models -M metrics.json python src/evaluate.py
    git mlvers run -n count -d data -o count.txt "ls data | wc -l > count.txt"

## Exit codes

`0` the stage is written, and has run; `1` the pipeline is not valid with it, or its
command failed; `2` the words of the command line cannot be used.
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of a stage."""
    parser.add_argument("--no-exec", action="store_true", help="write the stage, do not run it")
    add_quiet(parser)
    add_stage_options(parser)


def run(args: argparse.Namespace, context: Context) -> int:
    """Write, and run unless told not to."""
    return run_added(add_stage(args, context), args.no_exec, context)


def run_added(name: str, no_exec: bool, context: Context) -> int:
    """Run the stage `name` of this directory alone, which was just added; the exit code."""
    if no_exec:
        return 0
    from git_mlvers.cli.main import main

    return main(["repro", *(["-q"] if context.quiet else []), "--single-item", name], context)
