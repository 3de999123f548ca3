"""``git mlvers stage``: add stages, and list them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_mlvers.cli.options import add_json, add_quiet
from git_mlvers.cli.stage_options import add_stage, add_stage_options, folder_in

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from git_mlvers.cli.context import Context
    from git_mlvers.pipeline.model import Stage
    from git_mlvers.pipeline.project import Project

SUMMARY = "Add stages to the pipeline and list them"
HELP = """
## Synopsis

    git mlvers stage add -n NAME [-d PATH]... [-p KEYS]... [-o PATH]... COMMAND...
    git mlvers stage list [--all] [--name-only] [--json] [TARGET...]

## Description

A stage is a command with what it reads and what it writes. Stages stand in a
pipeline file, `dvc.yaml` or `mlvers.yaml`, which have one grammar, that of DVC. A
directory has one of them at most, and a repository as many as it has directories.

`stage add` writes a stage into the pipeline file of this directory. A new file is
called `dvc.yaml`, or `mlvers.yaml` if the repository has one of these already. What
else is in the file stays as it is. The options come first, the command line last; see
git-mlvers-run(1) for how it is put together. `stage add --run` runs the stage too.

`stage list` lists the stages of this directory's pipeline file with what they write.
TARGET is a stage, a pipeline file or an output; `--all` lists every stage there is.

## Examples

    git mlvers stage add -n train -d src/train.py -p train -o models python src/train.py
    git mlvers stage list
    git mlvers stage list --all --json

## Exit codes

`0` done; `1` the pipeline is not valid; `2` the words of the command line cannot be
used.
"""

_WIDEST = 80
"""Characters of a description in a list."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the sub-commands."""
    commands = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    add = commands.add_parser("add", add_help=False, help="write a stage into the pipeline file")
    add.add_argument("--run", action="store_true", help="run it, too")
    add_quiet(add)
    add_stage_options(add)
    listing = commands.add_parser("list", add_help=False, help="list the stages")
    listing.add_argument("-h", "--help", action="store_true", help=_suppressed())
    listing.add_argument("--all", action="store_true", help="of all pipeline files")
    listing.add_argument(
        "--name-only", "--names-only", action="store_true", help="show the names alone"
    )
    add_json(listing)
    listing.add_argument("targets", nargs="*", metavar="TARGET", help="what to list")


def run(args: argparse.Namespace, context: Context) -> int:
    """Add, or list."""
    if args.action == "add":
        from git_mlvers.cli.run import run_added

        return run_added(add_stage(args, context), not args.run, context)
    _list(args, context)
    return 0


def _suppressed() -> str:
    import argparse

    return argparse.SUPPRESS


def _list(args: argparse.Namespace, context: Context) -> None:
    from git_mlvers.cli import setup
    from git_mlvers.cli.render import path, table
    from git_mlvers.git.repository import require_work_tree
    from git_mlvers.pipeline.project import Project
    from git_mlvers.pipeline.source import WorkingTree

    repo = setup.repository(context)
    folder = folder_in(require_work_tree(repo), context.cwd)
    project = Project.load(WorkingTree(repo))
    for warning in project.warnings:
        context.warn(warning)
    stages = _chosen(args, project, folder)
    if context.json:
        context.out_json([_as_json(stage) for stage in stages])
    elif args.name_only:
        context.stdout.write("".join(f"{path(stage.address)}\n" for stage in stages))
    elif stages:
        context.out(table((path(stage.address), path(_described(stage))) for stage in stages))
    else:
        context.note("there are no stages here; git mlvers stage add makes one")


def _chosen(args: argparse.Namespace, project: Project, folder: str) -> Sequence[Stage]:
    from git_mlvers.pipeline.paths import folder_of

    if args.targets and not args.all:
        return project.find(args.targets, folder)
    return [stage for stage in project.stages if args.all or folder_of(stage.file) == folder]


def _described(stage: Stage) -> str:
    """Its description in the file, or what it writes."""
    if stage.desc:
        text = stage.desc.partition("\n")[0]
    else:
        outs = [out.path for out in stage.outs if out.kind == "out"]
        reports = [out.path for out in stage.outs if out.kind != "out"]
        parts = [f"Outputs {', '.join(outs)}"] if outs else []
        parts += [f"Reports {', '.join(reports)}"] if reports else []
        reads = [*stage.deps, *(params.path for params in stage.params)]
        if not parts:
            parts = [f"Depends on {', '.join(reads)}" if reads else "No outputs or dependencies"]
        text = "; ".join(parts)
    return text if len(text) <= _WIDEST else text[: _WIDEST - 1] + "…"


def _as_json(stage: Stage) -> dict[str, object]:
    return {
        "name": stage.name,
        "file": stage.file,
        "address": stage.address,
        "cmd": list(stage.cmds),
        "wdir": stage.wdir,
        "deps": list(stage.deps),
        "params": {
            item.path: None if item.keys is None else list(item.keys) for item in stage.params
        },
        "outs": [
            {"path": out.path, "kind": out.kind, "cache": out.cache, "persist": out.persist}
            for out in stage.outs
        ],
        "frozen": stage.frozen,
        "always_changed": stage.always_changed,
        "desc": stage.desc,
        "line": stage.line,
    }
