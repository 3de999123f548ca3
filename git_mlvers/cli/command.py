"""A command's module as a type, and the parser made from it."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, NoReturn, Protocol

from git_mlvers.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from git_mlvers.cli.context import Context
    from git_mlvers.cli.main import Command


class CommandModule(Protocol):
    """What every module of a command offers; see `git_mlvers.cli`."""

    SUMMARY: str
    HELP: str

    def configure(self, parser: argparse.ArgumentParser) -> None:
        """Add the command's options and arguments."""

    def run(self, args: argparse.Namespace, context: Context) -> int:
        """Do it, and return the exit code."""

    def run_words(self, words: list[str], context: Context) -> int:
        """The same from unparsed words; only for what git itself starts."""


class Parser(argparse.ArgumentParser):
    """A parser whose complaints are errors of ours, and which leaves help to the manual."""

    def error(self, message: str) -> NoReturn:
        """Raise `UsageError` with what argparse found wrong."""
        name = self.prog.split()[2]  # a sub-command has no manual of its own
        raise UsageError(f"{self.prog}: {message}", f"git mlvers help {name}")


class _Formatter(argparse.RawDescriptionHelpFormatter):
    """One of a fixed width: to look for that of the terminal, argparse imports shutil."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, width=78)


def make_parser(command: Command, module: CommandModule) -> Parser:
    """The parser of one command, as `module` configures it."""
    parser = Parser(
        prog=f"git mlvers {command.name}",
        description=module.SUMMARY,
        add_help=False,
        allow_abbrev=False,
        formatter_class=_Formatter,
    )
    module.configure(parser)
    return parser


def parse(command: Command, module: CommandModule, words: Sequence[str]) -> argparse.Namespace:
    """The options and arguments in `words`; raises `UsageError`.

    `literal` in the result has the words after ``--``, which are among the arguments too.
    """
    args = make_parser(command, module).parse_args(words)
    args.literal = list(words[words.index("--") + 1 :]) if "--" in words else []
    return args
