"""The program: its words, its messages, its exit codes.

Each command is a module of this package with the same four names::

    SUMMARY                        one line, imperative, without a period
    HELP                           the manual in light Markdown (see `manual`)
    configure(parser)              adds the options to an `argparse` parser
    run(args, context) -> int      does it, and returns the exit code

A command that git starts for itself, often and many times over, has
``run_words(words, context) -> int`` besides: it gets the words as they are, so
that no parser need be built. `main.COMMANDS` names them all.
"""
