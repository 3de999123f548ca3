"""``git mlvers fetch``: content into the cache."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from git_mlvers.cli.options import add_json, add_quiet
from git_mlvers.cli.selection import chosen, require_match
from git_mlvers.errors import UsageError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Iterator, Mapping

    from git_mlvers.cli.context import Context
    from git_mlvers.errors import MlversError
    from git_mlvers.pointer import Pointer
    from git_mlvers.workspace import Workspace

SUMMARY = "Bring content into the cache"
HELP = """
Brings the content that the given refs need (with no REF, the commit that is
checked out) from the remote into the cache, where a later checkout finds it
without a network. The working tree stays as it is; `git mlvers pull` fills it in.

`git fetch` brings no content by itself: a checkout does, when it needs it.

`-I` and `-X` take patterns as in .gitignore. `-I` replaces `mlvers.fetchInclude`
and `mlvers.fetchExclude` for once, `-X` only the latter. With `--all` everything
that any ref reaches is brought, old versions too.

## Examples

    git mlvers fetch origin/experiment
    git mlvers fetch -I 'data/train/**' -X '*.tmp'
    git mlvers fetch --all

## Exit codes

`0` everything is in the cache; `1` no file matches what `-I` names;
`4` some content is not on the remote; `5` the remote refused or could not be reached.
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add refs, patterns and options."""
    parser.add_argument("refs", nargs="*", metavar="REF", help="what to bring the content of")
    parser.add_argument("-a", "--all", action="store_true", help="everything that any ref reaches")
    add_patterns(parser)
    add_quiet(parser)
    add_json(parser)


def add_patterns(parser: argparse.ArgumentParser) -> None:
    """Add ``-I`` and ``-X``."""
    parser.add_argument(
        "-I", "--include", action="append", metavar="PATTERN", help="only these paths"
    )
    parser.add_argument(
        "-X", "--exclude", action="append", metavar="PATTERN", help="not these paths"
    )


def run(args: argparse.Namespace, context: Context) -> int:
    """Fetch, and say what came and what did not."""
    from git_mlvers import pushing
    from git_mlvers.filter.checkout import fetch
    from git_mlvers.workspace import Workspace

    if args.all and args.refs:
        raise UsageError("--all and REF exclude each other", "leave out one of them")
    with Workspace.open(context.cwd, context.env) as workspace:
        if not pushing.born(workspace, args.refs, every=args.all):
            return _tell_unborn(context)
        pointers = {pointer: path for path, pointer in _wanted_pointers(args, workspace)}
        require_match(args, pointers)
        workspace.cache.keep(pointers)
        missing = workspace.cache.missing(pointers)
        outcome = fetch(workspace, missing, context.progress())
    return tell(outcome, pointers, context)


def _tell_unborn(context: Context) -> int:
    if context.json:
        context.out_json(as_json({}, {}))
    context.say("There are no commits yet.")
    return 0


def tell(
    outcome: Mapping[Pointer, MlversError | None], paths: Mapping[Pointer, bytes], context: Context
) -> int:
    """Say what a download brought, and give the exit code for it."""
    from git_mlvers.cli.render import count, path, size

    failed = {pointer: error for pointer, error in outcome.items() if error is not None}
    brought = [pointer for pointer in outcome if pointer not in failed]
    if context.json:
        context.out_json(as_json(outcome, paths))
        return exit_code(outcome)
    if brought:
        total = sum(pointer.size for pointer in brought)
        context.say(f"Downloaded {count(len(brought), 'file')}, {size(total)}.")
    elif not failed:
        context.say("Everything is in the cache.")
    for pointer, error in list(failed.items())[:10]:
        context.warn(f"{path(os.fsdecode(paths[pointer]))}: {error.message}")
    if len(failed) > 10:
        context.warn(f"and {len(failed) - 10} more files")
    hint = next((error.hint for error in failed.values()), None)
    if hint:
        context.note(f"hint: {hint}")
    return exit_code(outcome)


def exit_code(outcome: Mapping[Pointer, MlversError | None]) -> int:
    """That of the first failure, or 0."""
    return next((error.exit_code for error in outcome.values() if error is not None), 0)


def as_json(
    outcome: Mapping[Pointer, MlversError | None], paths: Mapping[Pointer, bytes]
) -> dict[str, Any]:
    """What a download brought, as ``--json`` tells it."""
    brought = [pointer.size for pointer, error in outcome.items() if error is None]
    failed = [
        failure(paths[pointer], pointer, error)
        for pointer, error in outcome.items()
        if error is not None
    ]
    return {"files": len(brought), "bytes": sum(brought), "failed": failed}


def failure(path: bytes, pointer: Pointer, error: MlversError) -> dict[str, str]:
    """Why one file has no content, as ``--json`` tells it."""
    return {"path": os.fsdecode(path), "oid": str(pointer.oid), "error": error.message}


def _wanted_pointers(
    args: argparse.Namespace, workspace: Workspace
) -> Iterator[tuple[bytes, Pointer]]:
    from git_mlvers import pushing
    from git_mlvers.git import scan

    test = chosen(args, workspace)
    entries: Iterable[scan.Found | scan.Entry]
    if args.all:
        entries = scan.pointers(workspace.repo, pushing.every_ref(workspace), [])
    else:
        entries = (
            entry
            for ref in args.refs or ["HEAD"]
            for entry in scan.tree_pointers(workspace.repo, ref)
        )
    for entry in entries:
        if test(entry.path):
            yield entry.path, entry.pointer
