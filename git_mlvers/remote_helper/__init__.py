"""The program ``git-remote-mlvers``, which git starts for addresses ``mlvers::…``.

This file imports next to nothing, so that Ctrl-C is in our hands from the start.
"""

import sys

_EXIT_INTERRUPTED = 130


def entry() -> None:
    """The console script: do what git asks for, and leave with an exit code."""
    try:
        import signal

        # Until `program` listens itself, the signal ends us without a word.
        if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
            signal.signal(signal.SIGINT, signal.SIG_DFL)
        from git_mlvers.remote_helper.main import program
    except KeyboardInterrupt:
        sys.exit(_EXIT_INTERRUPTED)
    program()
