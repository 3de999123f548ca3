"""``git mlvers help``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_mlvers.cli import manual
from git_mlvers.cli.main import find

if TYPE_CHECKING:
    import argparse

    from git_mlvers.cli.context import Context

SUMMARY = "Show the manual of a command"

HELP = """
Without a command, shows what git-mlvers is, and its commands by group. With one,
shows that command's manual: the same text as `git mlvers COMMAND --help`, and as
the page that `git help git-mlvers-COMMAND` opens.

## Examples

    git mlvers help track
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command to explain."""
    parser.add_argument("command", metavar="COMMAND", nargs="?", help="the command to explain")


def run(args: argparse.Namespace, context: Context) -> int:
    """Print the overview, or one manual."""
    name = (args.command or "mlvers").removeprefix("git-")
    if name == "mlvers":
        page = manual.overview()
    elif name == "remote-mlvers":
        page = manual.helper_page()
    else:
        page = manual.command_page(find(name.removeprefix("mlvers-")))
    context.out(manual.as_text(page))
    return 0
