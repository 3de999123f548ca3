"""Options that several commands share."""

from __future__ import annotations

import argparse


def add_quiet(parser: argparse.ArgumentParser) -> None:
    """Add ``-q``: `Context.quiet` follows it."""
    parser.add_argument("-q", "--quiet", action="store_true", help="say nothing but errors")


def add_json(parser: argparse.ArgumentParser, *, again: bool = False) -> None:
    """Add ``--json``: `Context.json` follows it.

    `again` when the command has it already, and this is the parser of a sub-command.
    """
    parser.add_argument(
        "--json",
        action="store_true",
        # Else it takes back what stood before the sub-command's name.
        default=argparse.SUPPRESS if again else False,
        help="answer in JSON on standard output, with progress as lines of JSON on standard error",
    )
