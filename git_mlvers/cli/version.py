"""``git mlvers version``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_mlvers import __version__
from git_mlvers.cli.options import add_json

if TYPE_CHECKING:
    import argparse

    from git_mlvers.cli.context import Context

SUMMARY = "Show the version"

HELP = """
Prints the version of git-mlvers, as one line. `git mlvers env` tells more: git,
Python, the libraries, and every configured value.

## Examples

    $ git mlvers version
    git-mlvers 0.1.0
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add ``--json``."""
    add_json(parser)


def run(args: argparse.Namespace, context: Context) -> int:
    """Print the version."""
    if context.json:
        context.out_json({"version": __version__})
    else:
        context.out(f"git-mlvers {__version__}")
    return 0
