"""The options that make a stage, for ``stage add`` and ``run``; and what is done with them."""

from __future__ import annotations

import argparse
import os
from typing import TYPE_CHECKING

from git_mlvers.errors import UsageError

if TYPE_CHECKING:
    from git_mlvers.cli.context import Context
    from git_mlvers.pipeline.compose import Listed

# Option, short form, section, whether it is cached, whether it stays; in the order of DVC.
_OUTS = (
    ("outs", "-o", "outs", True, False, "a file or directory that the stage writes"),
    ("outs-no-cache", "-O", "outs", False, False, "the same, small enough for Git itself"),
    ("outs-persist", None, "outs", True, True, "one that stays in place for the next run"),
    ("outs-persist-no-cache", None, "outs", False, True, "one that stays, for Git itself"),
    ("metrics", "-m", "metrics", True, False, "a metrics file that the stage writes"),
    ("metrics-no-cache", "-M", "metrics", False, False, "the same, for Git itself"),
    ("metrics-persist", None, "metrics", True, True, "a metrics file that stays in place"),
    ("metrics-persist-no-cache", None, "metrics", False, True, "one that stays, for Git itself"),
    ("plots", None, "plots", True, False, "a plots file that the stage writes"),
    ("plots-no-cache", None, "plots", False, False, "the same, for Git itself"),
    ("plots-persist", None, "plots", True, True, "a plots file that stays in place"),
    ("plots-persist-no-cache", None, "plots", False, True, "one that stays, for Git itself"),
)


def add_stage_options(parser: argparse.ArgumentParser) -> None:
    """Add what describes a stage; ``args.command`` is its command line in words."""
    # Behind the first word of the command, everything belongs to the command.
    parser.add_argument("-h", "--help", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("-n", "--name", metavar="NAME", help="the name of the stage")
    _add_list(parser, "-d", "--deps", metavar="PATH", help="a file or directory that it reads")
    _add_list(
        parser,
        *("-p", "--params"),
        metavar="[FILE:]KEYS",
        help="keys of params.yaml or of FILE that it depends on, with commas between",
    )
    for name, short, _, _, _, text in _OUTS:
        flags = [short, f"--{name}"] if short else [f"--{name}"]
        _add_list(parser, *flags, metavar="PATH", help=text)
    parser.add_argument("-w", "--wdir", metavar="PATH", help="where the command runs")
    parser.add_argument("-f", "--force", action="store_true", help="replace a stage of this name")
    parser.add_argument("--always-changed", action="store_true", help="run it at every repro")
    parser.add_argument("--desc", metavar="TEXT", help="what it is for, for the reader")
    parser.add_argument(
        "command", nargs=argparse.REMAINDER, metavar="COMMAND", help="the command line"
    )


def add_stage(args: argparse.Namespace, context: Context) -> str:
    """Write the stage that `args` describe into its pipeline file, and say so; its address."""
    from git_mlvers.cli import setup
    from git_mlvers.git.repository import require_work_tree
    from git_mlvers.pipeline import compose, edit
    from git_mlvers.pipeline.change import Changes
    from git_mlvers.pipeline.model import FILES

    words = args.command[1:] if args.command[:1] == ["--"] else args.command
    if args.name is None:
        raise UsageError("the stage needs a name", "-n NAME")
    compose.check_name(args.name)
    if not any(words):
        raise UsageError("the stage needs a command", "write it behind all options")
    definition = compose.definition(
        cmd=compose.command_line(words),
        deps=args.deps,
        params=args.params,
        outs=_listed(args),
        wdir=args.wdir,
        always_changed=args.always_changed,
        desc=args.desc,
    )
    if args.wdir is not None and not os.path.isdir(os.path.join(context.cwd, args.wdir)):
        raise UsageError(f"there is no directory {args.wdir}", "make it first")
    repo = setup.repository(context)
    folder = folder_in(require_work_tree(repo), context.cwd)
    changes = Changes(repo)
    here = [name for name in FILES if os.path.lexists(os.path.join(context.cwd, name))]
    file = compose.file_for(folder, here, changes.pipeline_files())
    before = changes.read(file)
    changes.put(file, edit.put_stage(before, file, args.name, definition, force=args.force))
    changes.check()
    changes.write()
    context.say(f"Added stage '{args.name}' in '{os.path.basename(file)}'")
    return args.name if folder == "." else f"{os.path.basename(file)}:{args.name}"


def folder_in(top: str, cwd: str) -> str:
    """The directory `cwd` relative to `top`, with ``/``; ``.`` for `top` itself."""
    return os.path.relpath(os.path.realpath(cwd), os.path.realpath(top)).replace(os.sep, "/")


def _add_list(parser: argparse.ArgumentParser, *flags: str, metavar: str, help: str) -> None:  # noqa: A002
    parser.add_argument(*flags, action="append", default=[], metavar=metavar, help=help)


def _listed(args: argparse.Namespace) -> list[Listed]:
    from git_mlvers.pipeline.compose import Listed

    return [
        Listed(path, section, cache, persist)
        for name, _, section, cache, persist, _ in _OUTS
        for path in getattr(args, name.replace("-", "_"))
    ]
