"""``git mlvers track``."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from git_mlvers.cli import patterns, setup
from git_mlvers.cli.options import add_json, add_quiet
from git_mlvers.cli.render import count, path, table
from git_mlvers.git.attributes import FILE_NAME
from git_mlvers.git.repository import require_work_tree

if TYPE_CHECKING:
    import argparse

    from git_mlvers.cli.context import Context
    from git_mlvers.git.repository import Repository

SUMMARY = "Keep the content of matching files outside of Git"

HELP = """
Writes each PATTERN into the `.gitattributes` of the current directory, so that the
content of files which match it is kept outside of Git from their next `git add` on.
A pattern has the form of gitignore(5): `*.bin` in this directory and below,
`data/**` all that is in a directory, `/model.bin` one file. Put it in quotes, so
that the shell does not replace it. The path of a directory means all that is in it.

Nothing else is changed: commit `.gitattributes`, and add the files.

Git's own files (`.gitattributes`, `.gitignore`, `.gitmodules`) and `.mlversconfig`
must stay readable for git: a pattern that is meant for one of them is refused, and a
pattern that only happens to match them, such as `*`, leaves them out.

Without a PATTERN, lists the patterns of this repository and where each is written.

## Examples

    git mlvers track '*.bin' 'data/**'
    git mlvers track --filename 'results [final].csv'
    git add .gitattributes data
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the patterns and options."""
    parser.add_argument("patterns", metavar="PATTERN", nargs="*", help="which files to track")
    parser.add_argument(
        "--filename", action="store_true", help="each PATTERN is a file's name, not a pattern"
    )
    add_quiet(parser)
    add_json(parser)


def run(args: argparse.Namespace, context: Context) -> int:
    """Track the patterns, or list them."""
    repo = setup.repository(context)
    require_work_tree(repo)
    file = os.path.join(context.cwd, FILE_NAME)
    if not args.patterns:
        _list(repo, context)
        return 0
    chosen = [patterns.normalise(text, context.cwd, args.filename) for text in args.patterns]
    for text in chosen:
        patterns.refuse_git_files(text)
    new = []
    for text in chosen:
        if patterns.track(file, text):
            new.append(text)
            context.say(f"tracking {path(text)}")
        else:
            context.say(f"{path(text)} is tracked already")
    if context.json:
        context.out_json({"tracked": new, "already": [text for text in chosen if text not in new]})
    if new:
        context.say("commit the patterns with: git add .gitattributes")
    waiting = patterns.added_as_they_are(repo, context.cwd)
    if waiting and not context.json:
        context.note(
            f"hint: {count(len(waiting), 'file')} in Git, such as {path(waiting[0])}, match and "
            "are stored as they are; git add --renormalize . turns them into pointers"
        )
    return 0


def _list(repo: Repository, context: Context) -> None:
    found = patterns.listing(repo)
    if context.json:
        context.out_json([{"pattern": item.pattern, "file": item.file} for item in found])
    elif found:
        context.out(table([(path(item.pattern), path(item.file)) for item in found]))
    else:
        context.note("no pattern is tracked; git mlvers track PATTERN adds one")
