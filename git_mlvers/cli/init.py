"""``git mlvers init``."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from git_mlvers import hooks, wiring
from git_mlvers.cli import setup
from git_mlvers.cli.options import add_quiet
from git_mlvers.config import FILE_NAME, Config
from git_mlvers.fsutil import write_atomic
from git_mlvers.tracking import switch

if TYPE_CHECKING:
    import argparse

    from git_mlvers.cli.context import Context

SUMMARY = "Prepare this repository for large files"

HELP = """
Sets this repository up: the filter and the merge driver, unless `git mlvers
install` has done so for the user; the hooks; what git needs to carry and show notes
(unless `mlvers.notes` is false); and an empty `.mlversconfig` at the top of the
working tree, if there is none. It can be run any number of times, and
changes nothing that is there already.

A hook of the same name that is there already is kept beside the new one, and runs
first. `core.hooksPath` is honoured; when it leads into the working tree, nothing
is written there, and the line to add is printed.

A bare repository gets all but the file. It has no filter that would put the hooks
in place by itself, so run this in a mirror before you push from it.

## Examples

    git mlvers init
    git mlvers track '*.bin'
    git mlvers remote add -d storage s3://bucket/prefix
"""

_SKELETON = f"""\
# {FILE_NAME}: where git-mlvers keeps the content of large files. Commit this file.
# "git mlvers remote add -d NAME URL" writes the address of a place here.
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add ``-q``."""
    add_quiet(parser)


def run(args: argparse.Namespace, context: Context) -> int:
    """Set up what is not set up yet, and say what that was."""
    repo = setup.repository(context)
    config = Config.load(repo, context.env)
    if set(wiring.scopes(config)) & {"global", "system"}:
        context.say("filter: set up for the user")
    else:
        program = wiring.find_program(context.env)
        changed = wiring.install(config, repo, "local", program)
        context.say("filter: " + ("set up for this repository" if changed else "as it was"))
    report = hooks.install(repo, config)
    switch.ensure(repo, config)
    setup.show_hooks(report, context)
    if not report.changed:
        context.say("hooks: as they were")
    if repo.work_tree is None:
        return 0  # what is committed there is pushed from elsewhere
    path = os.path.join(repo.work_tree, FILE_NAME)
    if os.path.lexists(path) or config.committed_place() is not None:
        context.say(f"{FILE_NAME}: as it was")
    else:
        write_atomic(path, _SKELETON.encode())
        context.say(f"{FILE_NAME}: new; commit it with the first remote")
    return 0
