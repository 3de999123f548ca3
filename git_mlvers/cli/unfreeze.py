"""``git mlvers unfreeze``: let frozen stages run again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_mlvers.cli import freeze

if TYPE_CHECKING:
    import argparse

    from git_mlvers.cli.context import Context

SUMMARY = "Let frozen stages run again"
HELP = """
Removes `frozen: true` from the pipeline file, which `git mlvers freeze` or the user
has written there.

## Examples

    git mlvers unfreeze download

## Exit codes

`0` done, even if they were not frozen; `1` there is no such stage.
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the targets."""
    freeze.configure(parser)


def run(args: argparse.Namespace, context: Context) -> int:
    """Unfreeze."""
    return freeze.set_frozen(args.targets, False, context)
