"""``git mlvers pull``: content into the cache and into the working tree."""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_mlvers.cli import checkout
from git_mlvers.cli.fetch import add_patterns, as_json, chosen, exit_code, tell
from git_mlvers.cli.options import add_json, add_quiet

if TYPE_CHECKING:
    import argparse

    from git_mlvers.cli.context import Context

SUMMARY = "Bring content into the cache and the working tree"
HELP = """
Puts content in the place of every pointer that stands in the working tree, and
downloads what the cache does not have. A file that is not exactly a pointer is
never touched: what you have edited stays.

`git pull` and `git checkout` bring content by themselves; this command is for a
clone made before git-mlvers was installed, after MLVERS_SKIP_SMUDGE=1, or when a
remote could not be reached at the time.

With a PATH only what lies there is brought. `-I` and `-X` take patterns as in
.gitignore and replace `mlvers.fetchInclude` and `mlvers.fetchExclude` for once.

## Examples

    git mlvers pull
    git mlvers pull models/
    git mlvers pull -X 'data/raw/**'

## Exit codes

`0` no wanted pointer is left; `4` some content is not on the remote;
`5` the remote refused or could not be reached; `7` the disk is full or read-only.
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add paths, patterns and options."""
    parser.add_argument("paths", nargs="*", metavar="PATH", help="only what lies there")
    add_patterns(parser)
    add_quiet(parser)
    add_json(parser)


def run(args: argparse.Namespace, context: Context) -> int:
    """Download, then fill in."""
    from git_mlvers.filter.checkout import fetch, fill_in, standing_pointers
    from git_mlvers.workspace import Workspace

    with Workspace.open(context.cwd, context.env) as workspace:
        specs = checkout.pathspecs(args.paths, workspace, context)
        entries = standing_pointers(workspace, specs, chosen(args, workspace))
        paths = {entry.pointer: entry.path for entry in entries}
        outcome = fetch(workspace, workspace.cache.missing(paths), context.progress())
        failed = {pointer for pointer, error in outcome.items() if error is not None}
        filled = fill_in(workspace, [e for e in entries if e.pointer not in failed])
    if context.json:
        brought, placed = as_json(outcome, paths), checkout.as_json(filled)
        problems = [*brought["failed"], *placed["failed"]]
        context.out_json({**brought, "placed": placed["placed"], "failed": problems})
        return checkout.exit_code(filled) or exit_code(outcome)
    code = tell(outcome, paths, context) if outcome else 0
    return checkout.tell(filled, context) or code
