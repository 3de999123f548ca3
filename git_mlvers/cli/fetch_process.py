"""``git mlvers fetch-process``: what a filter process starts to have many files downloaded."""

from __future__ import annotations

import gc
import os
import select
import signal
import sys
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse

    from git_mlvers.cli.context import Context

SUMMARY = "Download for a filter process"
HELP = """
A filter process starts this program when Git checks out a whole tree, as in a
clone, and hundreds of its files are not in the cache. It reads from standard
input which content is wanted, brings it into the cache, and says on standard
output where it is. So the filter can answer Git while content still arrives.

There is no reason to start it by hand; `git mlvers fetch` brings content.
"""

_STDOUT = 1


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the tree whose configuration counts."""
    parser.add_argument("treeish", nargs="?", metavar="TREE", help="whose .mlversconfig counts")


def run(args: argparse.Namespace, context: Context) -> int:
    """Serve a filter process."""
    return run_words([args.treeish] if args.treeish else [], context)


def run_words(words: list[str], context: Context) -> int:
    """Serve a filter process on standard input and output."""
    from git_mlvers.transfer import download
    from git_mlvers.transfer.apart import serve
    from git_mlvers.workspace import Workspace

    gc.set_threshold(100_000)  # as in the filter process
    endings = _Endings()
    threading.Thread(target=_watch, daemon=True).start()
    with Workspace.open(context.cwd, context.env) as workspace:
        workspace.treeish = words[0] if words else None
        cache = workspace.cache
        serve(
            sys.stdin.buffer,
            _STDOUT,
            cache,
            lambda wanted: download(wanted, cache, workspace.sources()),
        )
        endings.heard = False
    return 0


class _Endings:
    """What asks for our end raises `KeyboardInterrupt`, once, while `heard` is set.

    What was brought is made durable then, which nothing may interrupt.
    """

    def __init__(self) -> None:
        self.heard = True
        signal.signal(signal.SIGTERM, self._interrupt)
        if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
            signal.signal(signal.SIGINT, self._interrupt)

    def _interrupt(self, _number: int, _frame: object) -> None:
        if self.heard:
            self.heard = False
            raise KeyboardInterrupt


def _watch() -> None:
    """End with the filter process, whatever it ends of."""
    poller = select.poll()
    poller.register(_STDOUT, 0)  # a pipe without a reader is reported in any case
    poller.poll()
    os.kill(os.getpid(), signal.SIGTERM)
