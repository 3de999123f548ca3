"""``git mlvers hook``: what the shims in a repository's hooks start."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from git_mlvers.errors import UsageError

if TYPE_CHECKING:
    import argparse

    from git_mlvers.cli.context import Context

SUMMARY = "Do what a git hook asks for"
HELP = """
The shims that `git mlvers init` puts into a repository start this program with
the hook's name and whatever git gave to the hook, on its command line and on its
standard input.

A hook of your own, or of a hook manager, can start it as well:

    git mlvers hook pre-push "$@"

## Exit codes

`0` git may go on. For `pre-push` anything else stops the push.
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the hook's name and its arguments."""
    parser.add_argument("name", metavar="NAME", help="the hook, such as pre-push")
    parser.add_argument("words", nargs="*", metavar="ARG", help="what git gave to the hook")


def run(args: argparse.Namespace, context: Context) -> int:
    """Run the hook."""
    return run_words([args.name, *args.words], context)


def run_words(words: list[str], context: Context) -> int:
    """Run the hook that the first word names."""
    from git_mlvers.hooks import run_hook
    from git_mlvers.workspace import Workspace

    if not words:
        raise UsageError("hook needs the name of a hook", "git mlvers help hook")
    with Workspace.open(context.cwd, context.env) as workspace:
        return run_hook(words[0], words[1:], workspace, sys.stdin.buffer, context.progress())
