"""``git mlvers clean``: one file becomes a pointer, from standard input to standard output."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from git_mlvers.cli.context import Context

SUMMARY = "Turn content into a pointer"
HELP = """
Reads content from standard input, keeps it in the cache, and writes its pointer
to standard output. A pointer comes out as it went in, and so does nothing at all.
`PATH` is only named in messages.

Git starts this program for tools that do not speak to `filter-process`.

## Examples

    git mlvers clean -- model.bin < model.bin
"""

_BLOCK = 1 << 20


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the path."""
    parser.add_argument("path", nargs="?", metavar="PATH", help="the file, for messages")


def run(args: argparse.Namespace, context: Context) -> int:
    """Clean standard input."""
    return run_words([args.path] if args.path else [], context)


def run_words(words: list[str], context: Context) -> int:
    """Clean standard input."""
    from git_mlvers.filter.clean import clean
    from git_mlvers.filter.report import Report
    from git_mlvers.workspace import Workspace

    path = os.fsencode(words[-1]) if words and words[-1] != "--" else b"standard input"
    report = Report()
    with Workspace.open(context.cwd, context.env) as workspace:
        pointer = clean(path, _blocks(), workspace.cache, report)
        workspace.cache.flush()
    sys.stdout.buffer.write(pointer)
    report.show()
    return 0


def _blocks() -> Iterator[bytes]:
    while block := sys.stdin.buffer.read(_BLOCK):
        yield block
