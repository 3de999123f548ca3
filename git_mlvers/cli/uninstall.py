"""``git mlvers uninstall``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_mlvers import hooks, wiring
from git_mlvers.cli import setup
from git_mlvers.cli.options import add_quiet
from git_mlvers.config import Config
from git_mlvers.errors import NotARepository
from git_mlvers.tracking import switch

if TYPE_CHECKING:
    import argparse

    from git_mlvers.cli.context import Context
    from git_mlvers.git.repository import Repository

SUMMARY = "Take back what install and init have set up"

HELP = """
Takes the filter and the merge driver of git-mlvers out of the user's git
configuration; inside of a repository also out of that repository's, together with
its hooks and what carries notes. Hooks that were there before come back as they
were. With `--local` only the repository is changed, with `--system` only the
machine's configuration.

Files, pointers, `.gitattributes`, `.mlversconfig`, notes and the cache stay.

## Examples

    git mlvers uninstall --local
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the scope."""
    setup.add_scope(parser)
    add_quiet(parser)


def run(args: argparse.Namespace, context: Context) -> int:
    """Remove the configuration, and the hooks of the repository."""
    setup.refuse_unread_scope(args.scope, context)
    repo = _repository(args.scope, context)
    config = Config.load(repo, context.env)
    done = [_remove(config, repo, args.scope, context)]
    if repo is not None:
        if args.scope != "local":
            done.append(_remove(config, repo, "local", context))
        done.append(switch.undo(repo, config))
        report = hooks.uninstall(repo, config)
        setup.show_hooks(report, context)
        done.append(bool(report.changed))
    if not any(done):
        context.say("there was nothing to take back")
    elif args.scope == "local" and set(wiring.scopes(config)) - {"local"}:
        context.note(
            "note: the filter is still set up for the user, and puts the hooks back when it "
            "next runs here; git config mlvers.hooks false prevents that"
        )
    return 0


def _repository(scope: str, context: Context) -> Repository | None:
    if scope == "system":
        return None
    try:
        return setup.repository(context)
    except NotARepository:
        if scope == "local":
            raise
        return None


def _remove(config: Config, repo: Repository | None, scope: str, context: Context) -> bool:
    change = wiring.uninstall(config, repo, scope)
    for key in change.foreign:
        context.note(f"note: {key} is left as it is, since git-mlvers did not write it")
    if change.changed:
        context.say(f"git-mlvers is no longer set up for {setup.SCOPES[scope]}")
    return change.changed
