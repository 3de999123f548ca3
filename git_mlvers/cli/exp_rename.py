"""``git mlvers exp rename``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_mlvers.cli.options import add_quiet

if TYPE_CHECKING:
    import argparse

    from git_mlvers.cli.context import Context

SUMMARY = "give an experiment another name"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add its options."""
    parser.add_argument("name", metavar="NAME", help="the experiment")
    parser.add_argument("new", metavar="NEW", help="what it is to be called")
    add_quiet(parser)


def run(args: argparse.Namespace, context: Context) -> int:
    """Rename."""
    from git_mlvers.experiments import names, refs
    from git_mlvers.experiments.find import find
    from git_mlvers.workspace import Workspace

    name = names.checked(args.new)
    with Workspace.open(context.cwd, context.env) as workspace:
        experiment = find(workspace.repo, args.name)
        new = experiment._replace(name=name, foreign=False)
        refs.change(workspace.repo, make=[(new.ref, new.commit)], drop=[experiment])
    context.say(f"Experiment '{experiment.name}' is called '{name}' now.")
    return 0
