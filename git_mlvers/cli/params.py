"""``git mlvers params``: how params changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_mlvers.cli.revisions import add_look, add_pair

if TYPE_CHECKING:
    import argparse

    from git_mlvers.cli.context import Context
    from git_mlvers.cli.revisions import Revision
    from git_mlvers.pipeline.readings import Wanted

SUMMARY = "Show how params changed"
HELP = """
## Synopsis

    git mlvers params diff [--all] [--deps] [--no-path] [--targets PATH…]
                           [--json | --csv | --md] [A [B]]

## Description

Params are values in files that decide how stages run: those that stages in a
pipeline file name by key or whole, those at its top level, and all of `params.yaml`,
`params.yml` and `dvclive/params.yaml` if they are there. YAML (as its version 1.2
reads it), JSON and TOML are read as nested names, and so are the constants of a
Python file, which is not run.

`params diff` compares commit A with commit B. Without B that is the working tree,
which `workspace` means too; without A it is `HEAD`. With `--deps` only those params
are shown that stages depend on.

## Examples

    git mlvers params diff
    git mlvers params diff main HEAD
    git mlvers params diff --deps --md v1.0
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the sub-commands."""
    commands = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    diff = commands.add_parser("diff", add_help=False, help="compare params of two commits")
    add_pair(diff)
    diff.add_argument("--deps", action="store_true", help="only those that stages depend on")
    add_look(diff, precision=False)


def run(args: argparse.Namespace, context: Context) -> int:
    """Compare."""
    from git_mlvers.cli.revisions import (
        check_found,
        diff_json,
        diff_table,
        from_here,
        from_top,
        read,
        revision,
        show,
        tell_problems,
    )
    from git_mlvers.pipeline.readings import PARAMS
    from git_mlvers.values.compare import compare
    from git_mlvers.workspace import Workspace

    with Workspace.open(context.cwd, context.env) as workspace:
        targets = from_top(workspace.repo, context, args.targets or ())
        found = {}
        for label in (args.a, args.b):
            item = revision(workspace.repo, label)
            found[label] = read(workspace, item, _wanted(args, item, targets), PARAMS)
        name = from_here(workspace.repo, context)
    if not tell_problems(context, found):
        check_found(targets, (readings.params for readings in found.values()))
    changes = compare(found[args.a].params, found[args.b].params, unchanged=args.all)
    if context.json:
        context.out_json(diff_json(changes, name))
    else:
        show(context, args, diff_table(changes, args, "Param", name).without("Change"), None)
    return 0


def _wanted(args: argparse.Namespace, item: Revision, targets: list[str]) -> Wanted | None:
    """What to read of a revision; ``None`` for all that its pipelines name."""
    from git_mlvers.pipeline.readings import Wanted, dependencies, loaded

    if targets:
        return Wanted(params=dict.fromkeys(targets))
    if args.deps and item.source is not None:
        return Wanted(params=dependencies(loaded(item.source)))
    return None
