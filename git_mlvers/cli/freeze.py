"""``git mlvers freeze``: keep stages from running."""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_mlvers.cli.options import add_quiet
from git_mlvers.cli.stage_options import folder_in

if TYPE_CHECKING:
    import argparse

    from git_mlvers.cli.context import Context
    from git_mlvers.pipeline.model import Stage

SUMMARY = "Keep stages from running, whatever they depend on"
HELP = """
Writes `frozen: true` into the pipeline file. A frozen stage counts as up to date
whatever has changed, and what it depends on is not looked at for its sake.
`git mlvers unfreeze` takes it back.

Of stages that `foreach` or `matrix` makes, all are frozen or none: name the loop.

## Examples

    git mlvers freeze download
    git mlvers repro
    git mlvers unfreeze download

## Exit codes

`0` done, even if they were frozen already; `1` there is no such stage.
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the targets."""
    parser.add_argument("targets", nargs="+", metavar="STAGE", help="a stage, or a loop of stages")
    add_quiet(parser)


def run(args: argparse.Namespace, context: Context) -> int:
    """Freeze."""
    return set_frozen(args.targets, True, context)


def set_frozen(targets: list[str], frozen: bool, context: Context) -> int:
    """Write of all `targets` whether they are frozen, or of none if one cannot be."""
    from git_mlvers.cli import setup
    from git_mlvers.git.repository import require_work_tree
    from git_mlvers.pipeline import edit
    from git_mlvers.pipeline.change import Changes
    from git_mlvers.pipeline.project import Project

    repo = setup.repository(context)
    folder = folder_in(require_work_tree(repo), context.cwd)
    changes = Changes(repo)
    project = Project.load(changes)
    for word in targets:
        for file, name in _named(word, project.find([word], folder)):
            changes.put(file, edit.set_frozen(changes.read(file) or b"", file, name, frozen))
    changes.write()
    return 0


def _named(word: str, stages: list[Stage]) -> dict[tuple[str, str], None]:
    """The files and keys in them; a loop that was named as a whole is one key."""
    one_turn = len(stages) == 1 and stages[0].name == word.rpartition(":")[2]
    return {(stage.file, stage.name if one_turn else stage.group): None for stage in stages}
