"""What the set-up commands share: the scope they work on, the repository, and their words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_mlvers.config.values import Value, read_bool
from git_mlvers.errors import UsageError
from git_mlvers.git.repository import Repository

if TYPE_CHECKING:
    import argparse

    from git_mlvers.cli.context import Context
    from git_mlvers.hooks import Report

SCOPES = {"global": "this user", "local": "this repository", "system": "this machine"}
"""Git's words for its places of configuration, in ours."""


def add_scope(parser: argparse.ArgumentParser) -> None:
    """Add ``--local`` and ``--system``; ``args.scope`` is ``global`` without them."""
    group = parser.add_mutually_exclusive_group()
    for name, help_text in (
        ("local", "this repository only"),
        ("system", "all users of this machine"),
    ):
        group.add_argument(
            f"--{name}", dest="scope", action="store_const", const=name, help=help_text
        )
    parser.set_defaults(scope="global")


def refuse_unread_scope(scope: str, context: Context) -> None:
    """Raise `UsageError` when git would not read what is written for `scope`."""
    name = "GIT_CONFIG_NOSYSTEM"
    if scope == "system" and read_bool(name, Value(context.env.get(name, ""), "environment", name)):
        raise UsageError(
            f"{name} is set, so git does not read the configuration of the machine",
            f"unset {name}",
        )


def repository(context: Context) -> Repository:
    """The repository that the command runs in; raises `NotARepository`."""
    return Repository.discover(context.cwd, context.env)


def show_hooks(report: Report, context: Context) -> None:
    """Tell what was done to the hooks."""
    if report.changed:
        context.say(f"hooks: {', '.join(report.changed)}")
    for remark in report.remarks:
        context.note(f"note: {remark}")
