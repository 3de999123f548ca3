"""``git mlvers install``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_mlvers import hooks, wiring
from git_mlvers.cli import setup
from git_mlvers.cli.options import add_quiet
from git_mlvers.config import Config
from git_mlvers.tracking import switch

if TYPE_CHECKING:
    import argparse

    from git_mlvers.cli.context import Context

SUMMARY = "Set git up for large files, once per user"

HELP = """
Writes the filter and the merge driver of git-mlvers into git's configuration: for
the user, so that every `git clone`, `git checkout` and `git add` from now on
handles large files; or, with `--local`, for this repository only, with its hooks.

When the program is not found on `PATH`, or only in this shell because a virtual
environment is active, its absolute path is written. Run `install` again after you
have moved it.

It can be run any number of times. A filter of the same name that someone else has
put there is left alone unless `--force` is given.

A repository gets its hooks from `git mlvers init`, or by itself when the filter
first runs in it; `git config mlvers.hooks false` prevents the latter.

## Examples

    git mlvers install
    git mlvers install --skip-smudge      # content only by git mlvers pull
    sudo git mlvers install --system      # for all users of a machine
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the scope and the options."""
    setup.add_scope(parser)
    add_quiet(parser)
    parser.add_argument("-f", "--force", action="store_true", help="replace a foreign filter")
    parser.add_argument(
        "-s",
        "--skip-smudge",
        action="store_true",
        help="a checkout leaves pointers, and git mlvers pull brings the content",
    )


def run(args: argparse.Namespace, context: Context) -> int:
    """Write the configuration, and with ``--local`` the hooks."""
    scope = args.scope
    setup.refuse_unread_scope(scope, context)
    repo = setup.repository(context) if scope == "local" else None
    config = Config.load(repo, context.env)
    changed = wiring.install(
        config,
        repo,
        scope,
        wiring.find_program(context.env),
        force=args.force,
        skip_smudge=args.skip_smudge,
    )
    where = setup.SCOPES[scope]
    context.say(f"git-mlvers is set up for {where}" + ("" if changed else ", as it was before"))
    if repo is not None:
        setup.show_hooks(hooks.install(repo, config), context)
        switch.ensure(repo, config)
    return 0
