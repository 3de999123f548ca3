"""``git mlvers ls-files``: the tracked files, and where their content is."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from git_mlvers.cli.fetch import add_patterns
from git_mlvers.cli.options import add_json
from git_mlvers.errors import UsageError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from git_mlvers.cli.context import Context
    from git_mlvers.maintain.listing import Listed
    from git_mlvers.workspace import Workspace

SUMMARY = "List the tracked files and whether their content is here"
HELP = """
One line for each tracked file: the beginning of its oid, `*` when its content is
here and `-` when it is not, and its path. Here means in the cache and, for the
files that are checked out, in the working tree too.

Without REF these are the files in the index. With a REF they are those of that
commit. With `A..B` they are all versions that the commits of the range brought,
with `--deleted` all that are in the history of REF or HEAD, and with `--all` all
in the history of every ref.

`-I` and `-X` take patterns as in .gitignore. `--remote` asks the remote as well
which content it has, and shows it with `--json`.

## Examples

    git mlvers ls-files
    git mlvers ls-files --size -I 'models/**'
    git mlvers ls-files --json --remote
    git mlvers ls-files origin/main..HEAD

## Exit codes

`0` listed; `5` the remote refused or could not be reached.
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the revision, patterns and options."""
    parser.add_argument("ref", nargs="?", metavar="REF | A..B", help="whose files to list")
    parser.add_argument("-l", "--long", action="store_true", help="show whole oids")
    parser.add_argument("-s", "--size", action="store_true", help="show sizes")
    parser.add_argument("-n", "--name-only", action="store_true", help="show paths alone")
    parser.add_argument(
        "-z", "--null", action="store_true", help="end lines with NUL, quote nothing"
    )
    parser.add_argument("-a", "--all", action="store_true", help="the history of every ref")
    parser.add_argument("-d", "--deleted", action="store_true", help="the whole history of REF")
    parser.add_argument("--remote", action="store_true", help="ask the remote too")
    add_patterns(parser)
    add_json(parser)


def run(args: argparse.Namespace, context: Context) -> int:
    """List."""
    from git_mlvers.filter.wanted import wanted
    from git_mlvers.maintain.listing import ask_remote
    from git_mlvers.workspace import Workspace

    if args.all and (args.ref or args.deleted):
        raise UsageError("--all goes with neither REF nor --deleted", "leave out one of them")
    test = wanted(args.include or (), args.exclude or ())
    with Workspace.open(context.cwd, context.env) as workspace:
        files = _select(args, workspace, test)
        if args.remote:
            settings = workspace.config.default_remote(None)
            if settings is None:
                raise UsageError("no remote is configured", "git mlvers remote add -d NAME URL")
            files = ask_remote(workspace, settings, files)
    if args.json:
        context.out_json({"files": [_as_json(item) for item in files]})
        return 0
    end = "\0" if args.null else "\n"
    context.stdout.write("".join(_line(item, args) + end for item in files))
    return 0


def _select(
    args: argparse.Namespace, workspace: Workspace, test: Callable[[bytes], bool]
) -> list[Listed]:
    from git_mlvers.git import refs
    from git_mlvers.maintain import listing

    repo = workspace.repo
    if args.all:
        return listing.of_history(workspace, refs.all_tips(repo), [], test)
    if args.ref is not None and ".." in args.ref:
        first, last = listing.ends_of(repo, args.ref)
        return listing.of_history(workspace, [last], [first], test)
    if args.deleted:
        tip = refs.head(repo) if args.ref is None else refs.resolve(repo, args.ref)
        return listing.of_history(workspace, [] if tip is None else [tip], [], test)
    if args.ref is not None:
        return listing.of_tree(workspace, args.ref, test)
    return listing.current(workspace, test)


def _line(item: Listed, args: argparse.Namespace) -> str:
    from git_mlvers.cli.render import path, size

    name = os.fsdecode(item.path)
    if not args.null:
        name = path(name)
    if args.name_only:
        return name
    oid = item.pointer.oid.hex() if args.long else item.pointer.oid.short
    tail = f" ({size(item.pointer.size)})" if args.size else ""
    return f"{oid} {'*' if item.here else '-'} {name}{tail}"


def _as_json(item: Listed) -> dict[str, object]:
    shown: dict[str, object] = {
        "path": os.fsdecode(item.path),
        "oid": str(item.pointer.oid),
        "size": item.pointer.size,
        "cache": item.cached,
    }
    if item.in_tree is not None:
        shown["working_tree"] = item.in_tree
    if item.on_remote is not None:
        shown["remote"] = item.on_remote
    return shown
