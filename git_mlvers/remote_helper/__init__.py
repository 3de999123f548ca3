"""The program ``git-remote-mlvers``, which git starts for addresses ``mlvers::…``.

This file imports next to nothing, so that Ctrl-C is in our hands from the start.
"""

from __future__ import annotations


def entry() -> None:
    """The console script: do what git asks for, and leave with an exit code."""
    import signal

    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        # Until `program` listens itself, the signal ends us without a word.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from git_mlvers.remote_helper.main import program

    program()
