"""Where every way to start ``git-mlvers`` begins: the console script, ``bin/``, and ``-m``.

Nothing is imported here before `entry` runs: until then Ctrl-C shows Python's traceback.
"""

import sys

_EXIT_INTERRUPTED = 130


def entry() -> None:
    """Run the program; it leaves with its exit code. Ctrl-C on the way to it says nothing."""
    try:
        import signal

        # Importing takes a while, and half-way through it Python would report a
        # `KeyboardInterrupt` in its own words, whoever catches it.
        if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
            signal.signal(signal.SIGINT, signal.SIG_DFL)
        from git_mlvers.cli import main
    except KeyboardInterrupt:
        sys.exit(_EXIT_INTERRUPTED)
    main.entry()


if __name__ == "__main__":
    entry()
