"""``git mlvers untrack``."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from git_mlvers.cli import patterns, setup
from git_mlvers.cli.options import add_json, add_quiet
from git_mlvers.cli.render import path
from git_mlvers.git.attributes import FILE_NAME
from git_mlvers.git.repository import require_work_tree

if TYPE_CHECKING:
    import argparse

    from git_mlvers.cli.context import Context

SUMMARY = "Stop keeping matching files outside of Git"

HELP = """
Takes each PATTERN out of the `.gitattributes` of the current directory. Files that
Git has as pointers stay so until they are added again: `git add --renormalize .`
stores their content in Git itself. Older commits are not changed.

## Examples

    git mlvers untrack '*.csv'
    git add --renormalize .
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the patterns."""
    parser.add_argument("patterns", metavar="PATTERN", nargs="+", help="as it was tracked")
    parser.add_argument(
        "--filename", action="store_true", help="each PATTERN is a file's name, not a pattern"
    )
    add_quiet(parser)
    add_json(parser)


def run(args: argparse.Namespace, context: Context) -> int:
    """Take the patterns out; the exit code is 1 if one of them was not there."""
    repo = setup.repository(context)
    require_work_tree(repo)
    file = os.path.join(context.cwd, FILE_NAME)
    absent = []
    for text in args.patterns:
        pattern = patterns.normalise(text, context.cwd, args.filename)
        # As it is now, as it was typed, or a directory that is gone by now.
        if any(patterns.untrack(file, one) for one in (pattern, text, text.rstrip("/") + "/**")):
            context.say(f"no longer tracking {path(text)}")
        else:
            absent.append(text)
            if not context.json:
                context.warn(f"{path(text)} is not tracked in {FILE_NAME} here", "git mlvers track")
    if context.json:
        gone = [text for text in args.patterns if text not in absent]
        context.out_json({"untracked": gone, "absent": absent})
    if len(absent) < len(args.patterns):
        context.say("files that are pointers now stay so until: git add --renormalize .")
    return 1 if absent else 0
