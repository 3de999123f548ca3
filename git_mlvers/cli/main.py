"""The program's entry: which command is meant, and what becomes of an error.

This is the only place where an error turns into a sentence, a hint and an exit
code, and the only list of commands. A command's module is imported when it is
the one that was asked for.
"""

from __future__ import annotations

import io
import os
import signal
import sys
import time
from importlib import import_module
from typing import TYPE_CHECKING, NamedTuple, NoReturn, cast

from git_mlvers.cli.context import Context
from git_mlvers.errors import LocalIOError, MlversError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TextIO

    from git_mlvers.cli.command import CommandModule

EXIT_INTERRUPTED = 130
EXIT_BROKEN_PIPE = 141
EXIT_BUG = 70

# Signals within this time are those of one Ctrl-C. Seconds.
_ONE_STROKE = 1.0


class Command(NamedTuple):
    """One word after ``git mlvers``. `plumbing` gets its words unparsed: git starts it often.

    `carries` is set for one that takes a command line of the user's, whose ``-h`` is not ours.
    """

    name: str
    group: str
    summary: str
    plumbing: bool = False
    carries: bool = False

    @property
    def module_name(self) -> str:
        """The module that does it."""
        return f"git_mlvers.cli.{self.name.replace('-', '_')}"

    def load(self) -> CommandModule:
        """Import the module that does it."""
        return cast("CommandModule", import_module(self.module_name))


SET_UP = "Set up"
CONTENT = "Content"
PIPELINES = "Pipelines"
LOOK = "See and keep in order"
PLUMBING = "Started by git itself"

COMMANDS: dict[str, Command] = {
    command.name: command
    for command in (
        Command("install", SET_UP, "Set git up for large files, once per user"),
        Command("uninstall", SET_UP, "Take back what install and init have set up"),
        Command("init", SET_UP, "Prepare this repository for large files"),
        Command("track", SET_UP, "Keep the content of matching files outside of Git"),
        Command("untrack", SET_UP, "Stop keeping matching files outside of Git"),
        Command("add", SET_UP, "Track exactly these paths and add them"),
        Command("remote", SET_UP, "Manage the places where content is kept"),
        Command("migrate", SET_UP, "Take over a repository of DVC"),
        Command("push", CONTENT, "Send content that a remote does not have"),
        Command("fetch", CONTENT, "Bring content into the cache"),
        Command("pull", CONTENT, "Bring content into the cache and the working tree"),
        Command("checkout", CONTENT, "Put content from the cache into the working tree"),
        Command("repro", PIPELINES, "Run the stages of a pipeline that are not up to date"),
        Command("exp", PIPELINES, "Run experiments, compare them, and keep the best"),
        Command("queue", PIPELINES, "Run experiments that wait, and look after them"),
        Command("commit", PIPELINES, "Record the present outputs of stages without running them"),
        Command("stage", PIPELINES, "Add stages to the pipeline and list them", carries=True),
        Command("run", PIPELINES, "Add a stage to the pipeline and run it", carries=True),
        Command("dag", PIPELINES, "Show the stages and what depends on what"),
        Command("freeze", PIPELINES, "Keep stages from running, whatever they depend on"),
        Command("unfreeze", PIPELINES, "Let frozen stages run again"),
        Command("status", LOOK, "Show what is not pushed, and what is missing"),
        Command("ls-files", LOOK, "List the tracked files and whether their content is here"),
        Command("metrics", LOOK, "Show metrics, and how they changed"),
        Command("params", LOOK, "Show how params changed"),
        Command("plots", LOOK, "Draw plots of one or several revisions"),
        Command("notes", LOOK, "Show and exchange the params and metrics of commits"),
        Command("prune", LOOK, "Delete old content from the cache that a remote has"),
        Command("gc", LOOK, "Delete from a remote what nothing needs any more"),
        Command("fsck", LOOK, "Check the cache, the pointers and the remote"),
        Command("env", LOOK, "Show versions, configuration, hooks and remotes"),
        Command("version", LOOK, "Show the version"),
        Command("help", LOOK, "Show the manual of a command"),
        Command("clean", PLUMBING, "Turn content into a pointer", plumbing=True),
        Command("smudge", PLUMBING, "Turn a pointer into content", plumbing=True),
        Command("filter-process", PLUMBING, "Clean and smudge many files for git", plumbing=True),
        Command("fetch-process", PLUMBING, "Download for a filter process", plumbing=True),
        Command("merge-driver", PLUMBING, "Merge two versions of a tracked file", plumbing=True),
        Command(
            "exp-process",
            PLUMBING,
            "Run one experiment in a working tree of its own",
            plumbing=True,
        ),
        Command("hook", PLUMBING, "Do what a git hook asks for", plumbing=True),
    )
}
"""Every command; the summary is the one of its module, kept here to be listed without imports."""


def entry() -> NoReturn:
    """The whole program: run the command that was asked for, and leave with its exit code."""
    _open_missing_streams()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A path may hold any bytes; it must come out as the same bytes.
            stream.reconfigure(errors="surrogateescape")
    hear_interrupts()
    code = guarded(sys.argv[1:])
    # All is done: Ctrl-C could only make the interpreter complain about its own end.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        sys.stdout.flush()
    except OSError as error:
        # Else the interpreter tries again, and complains in its own words.
        _silence_stdout()
        code = EXIT_BROKEN_PIPE
        if not isinstance(error, BrokenPipeError):
            code = LocalIOError.exit_code
            _tell(sys.stderr, LocalIOError(f"cannot write the output: {error.strerror}"))
    sys.exit(code)


def hear_interrupts() -> None:
    """Let Ctrl-C raise `KeyboardInterrupt`, once, unless whoever started us has turned it off.

    A terminal sends the signal to every process, and git sends it on to those
    that it started: the second one would hit the cleaning up after the first.
    """
    heard = -_ONE_STROKE

    def interrupt(_number: int, _frame: object) -> None:
        nonlocal heard
        now = time.monotonic()
        if now - heard >= _ONE_STROKE:
            heard = now
            raise KeyboardInterrupt

    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, interrupt)


def guarded(words: Sequence[str], context: Context | None = None) -> int:
    """Run the command in `words`; every error becomes a message and an exit code."""
    stderr = sys.stderr if context is None else context.stderr
    debug = bool((os.environ if context is None else context.env).get("MLVERS_DEBUG"))
    try:
        try:
            return main(words, Context() if context is None else context)
        except BaseException as error:
            if isinstance(error, MlversError):
                # What was answered before it is still in a buffer, and comes first.
                (sys.stdout if context is None else context.stdout).flush()
            if debug:
                import traceback

                traceback.print_exc(file=stderr)
            raise
    except MlversError as error:
        _tell(stderr, error)
        return error.exit_code
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        _silence_stdout()
        return EXIT_BROKEN_PIPE
    except OSError as error:
        _tell(stderr, _as_local_error(error))
        return LocalIOError.exit_code
    except Exception as error:
        from git_mlvers.cli.crash import missing_library, report

        if isinstance(error, ModuleNotFoundError):
            absent = missing_library(error)
            if absent is not None:
                _tell(stderr, absent)
                return absent.exit_code
        stderr.write(report(error, words))
        return EXIT_BUG


def main(words: Sequence[str], context: Context) -> int:
    """Run the command in `words` and return its exit code; errors come out as exceptions."""
    if not words or words[0] in ("-h", "--help"):
        words = ["help"]
    elif words[0] == "--version":
        words = ["version", *words[1:]]
    command = find(words[0])
    rest = list(words[1:])
    module = command.load()
    if wants_help(rest[:1] if command.carries else rest):
        return main(["help", command.name], context)
    if command.plumbing:
        return module.run_words(rest, context)
    # Only now: argparse costs more than many a plumbing command.
    from git_mlvers.cli.command import parse

    args = parse(command, module, rest)
    if getattr(args, "help", False):
        return main(["help", command.name], context)
    context.quiet = bool(getattr(args, "quiet", False))
    context.json = bool(getattr(args, "json", False))
    return module.run(args, context)


def find(name: str) -> Command:
    """The command called `name`; raises `UsageError` with the nearest name there is."""
    command = COMMANDS.get(name)
    if command is not None:
        return command
    import difflib

    near = difflib.get_close_matches(name, COMMANDS, n=1)
    hint = f"did you mean {near[0]}?" if near else "git mlvers help lists the commands"
    raise UsageError(f"there is no command {name!r}", hint)


def wants_help(words: Sequence[str]) -> bool:
    """Whether ``-h`` or ``--help`` is among the options (not after ``--``)."""
    options = words[: words.index("--")] if "--" in words else words
    return "-h" in options or "--help" in options


def _tell(stderr: TextIO, error: MlversError) -> None:
    stderr.write(f"git-mlvers: {error.message}\n")
    if error.hint:
        stderr.write(f"hint: {error.hint}\n")


def _as_local_error(error: OSError) -> LocalIOError:
    reason = error.strerror or str(error)
    where = error.filename
    if isinstance(where, bytes):
        where = os.fsdecode(where)
    return LocalIOError(f"{reason}: {where}" if where else reason)


def _open_missing_streams() -> None:
    """Give the program the streams that its caller has closed, leading nowhere.

    Else a file opened later gets their number, and messages end in it.
    """
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            # The lowest free number is given, which is this one.
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)
    if sys.stdout is None:
        sys.stdout = os.fdopen(1, "w", encoding="utf-8", closefd=False)
    if sys.stderr is None:
        sys.stderr = os.fdopen(2, "w", encoding="utf-8", closefd=False)


def _silence_stdout() -> None:
    devnull = os.open(os.devnull, os.O_WRONLY)
    os.dup2(devnull, sys.stdout.fileno())
    os.close(devnull)
