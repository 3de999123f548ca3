"""``git mlvers pull``: content into the cache and into the working tree."""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_mlvers.cli import checkout, selection
from git_mlvers.cli.fetch import add_patterns, as_json, exit_code, tell
from git_mlvers.cli.options import add_json, add_quiet
from git_mlvers.cli.runcache import add_run_cache, check_alone, share
from git_mlvers.errors import UsageError

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

With a PATH only what lies there is brought, even if `mlvers.fetchExclude` leaves all
of it out. With a REF (a branch, a tag, a commit) the content that it needs is
brought into the cache in place of that of the working tree, for a checkout to come;
pointers whose content is in the cache then are filled in. A word that is both is a
PATH; what follows `--` is one, too.

With `--run-cache` it is the facts about what the stages of pipelines ever made, and the
trees of their outputs, that come from a git remote (the branch's own, or the one that
`--git-remote` names). `git mlvers repro` brings content of large outputs when it
needs it.

`-I` and `-X` take patterns as in .gitignore. `-I` replaces `mlvers.fetchInclude`
and `mlvers.fetchExclude` for once, `-X` only the latter.

## Examples

    git mlvers pull
    git mlvers pull models/
    git mlvers pull -X 'data/raw/**'
    git mlvers pull origin/experiment -- models/

## Exit codes

`0` no wanted pointer is left; `1` no file in Git is what was named; `4` some content
is not on the remote; `5` the remote refused or could not be reached; `7` the disk is
full or read-only.
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add paths, patterns and options."""
    parser.add_argument(
        "words",
        nargs="*",
        metavar="REF|PATH",
        help="what to bring the content of; or only what lies there",
    )
    add_patterns(parser)
    add_run_cache(parser)
    add_quiet(parser)
    add_json(parser)


def run(args: argparse.Namespace, context: Context) -> int:
    """Download, then fill in."""
    from git_mlvers.filter.checkout import fetch, fill_in, standing_pointers
    from git_mlvers.git import scan
    from git_mlvers.workspace import Workspace

    check_alone(args)
    if args.run_cache:
        if args.words:
            raise UsageError("--run-cache goes with neither REF nor PATH")
        return share(args, context, pushing=False)
    with Workspace.open(context.cwd, context.env) as workspace:
        revisions, words = selection.split_refs(args, workspace, context.cwd)
        chosen = selection.Selection(workspace, context.cwd, words, revisions)
        test = chosen.test(args)
        entries = standing_pointers(workspace, chosen.pathspecs, test)
        needed = [
            entry
            for revision in revisions
            for entry in scan.tree_pointers(workspace.repo, revision, chosen.pathspecs)
            if test(entry.path)
        ]
        if not entries and not needed:
            selection.require_match(args, [name for name in chosen.names() if test(name)])
        paths = {entry.pointer: entry.path for entry in (needed if revisions else entries)}
        outcome = fetch(workspace, workspace.cache.missing(paths), context.progress())
        left = {pointer for pointer, error in outcome.items() if error is not None}
        if revisions:
            left.update(workspace.cache.missing(entry.pointer for entry in entries))
        filled = fill_in(workspace, [e for e in entries if e.pointer not in left])
    if context.json:
        brought, placed = as_json(outcome, paths), checkout.as_json(filled)
        problems = [*brought["failed"], *placed["failed"]]
        context.out_json({**brought, "placed": placed["placed"], "failed": problems})
        return checkout.exit_code(filled) or exit_code(outcome)
    code = tell(outcome, paths, context) if outcome else 0
    code = checkout.tell(filled, context) or code
    if revisions:
        checkout.tell_left(len(left - set(outcome)), context)
    return code
