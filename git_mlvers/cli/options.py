"""Options that several commands share."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse


def add_quiet(parser: argparse.ArgumentParser) -> None:
    """Add ``-q``: `Context.quiet` follows it."""
    parser.add_argument("-q", "--quiet", action="store_true", help="say nothing but errors")


def add_json(parser: argparse.ArgumentParser) -> None:
    """Add ``--json``: `Context.json` follows it."""
    parser.add_argument(
        "--json",
        action="store_true",
        help="answer in JSON on standard output, with progress as lines of JSON on standard error",
    )
