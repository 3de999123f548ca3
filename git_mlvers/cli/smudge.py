"""``git mlvers smudge``: a pointer becomes content, from standard input to standard output."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse

    from git_mlvers.cli.context import Context

SUMMARY = "Turn a pointer into content"
HELP = """
Reads a pointer from standard input and writes its content to standard output,
from the cache or else from the remote. Anything but a pointer comes out as it
went in. `PATH` decides about `mlvers.fetchInclude` and `mlvers.fetchExclude`,
and is named in messages.

Git starts this program for tools that do not speak to `filter-process`.

## Examples

    git show HEAD:model.bin | git mlvers smudge -- model.bin > old.bin
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the path."""
    parser.add_argument("path", nargs="?", metavar="PATH", help="the file's path")


def run(args: argparse.Namespace, context: Context) -> int:
    """Smudge standard input."""
    return run_words([args.path] if args.path else [], context)


def run_words(words: list[str], context: Context) -> int:
    """Smudge standard input."""
    from git_mlvers.filter.single import smudge
    from git_mlvers.workspace import Workspace

    path = os.fsencode(words[-1]) if words and words[-1] != "--" else b"standard input"
    with Workspace.open(context.cwd, context.env) as workspace:
        smudge(path, sys.stdin.buffer, sys.stdout.buffer, workspace)
    return 0
