"""``git mlvers prune``: make room in the cache."""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_mlvers.cli.options import add_json, add_quiet
from git_mlvers.errors import UsageError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable

    from git_mlvers.cli.context import Context
    from git_mlvers.config import RemoteSettings
    from git_mlvers.maintain.prune import Plan
    from git_mlvers.pointer import Pointer
    from git_mlvers.workspace import Workspace

SUMMARY = "Delete old content from the cache that a remote has"
HELP = """
Deletes from the cache the content that the remote has and that nobody here needs
at present. A later checkout that needs it downloads it again. Kept is what is

- checked out, staged or stashed, in any worktree of the repository;
- needed by a merge, rebase, cherry-pick or bisect that is not finished, or to undo
  one (`ORIG_HEAD`);
- in a commit, of any branch or tag, that no git remote has;
- in a commit of the last 7 days on any ref (`--recent-days N`, or the
  configuration `mlvers.pruneDays`);
- added in the last minutes, or while the command runs;
- not on the remote, whatever else holds.

The remote is asked for every file before it is deleted. `--no-verify-remote` does
without: then only what the remote-tracking refs reach is deleted, in the trust
that its content was pushed with it. Working trees are never touched.

A cache that several repositories share (`mlvers.cacheDir`) is not pruned without
`--force`, since what the others need is not known.

## Examples

    git mlvers prune --dry-run --verbose
    git mlvers prune
    git mlvers prune --recent-days 0 --remote archive

## Exit codes

`0` done, even when there was nothing to delete; `2` the cache is shared, or there
is no remote; `5` the remote refused or could not be reached, and nothing is deleted.
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("-n", "--dry-run", action="store_true", help="only tell what would go")
    parser.add_argument("-v", "--verbose", action="store_true", help="name every file that goes")
    parser.add_argument("--recent-days", type=float, metavar="N", help="keep what N days need")
    parser.add_argument("-f", "--force", action="store_true", help="even in a shared cache")
    parser.add_argument("--remote", metavar="NAME", help="the remote that must have the content")
    parser.add_argument(
        "--no-verify-remote",
        dest="verify",
        action="store_false",
        help="trust that what was pushed is on the remote",
    )
    add_quiet(parser)
    add_json(parser)


def run(args: argparse.Namespace, context: Context) -> int:
    """Plan, delete, and say what went and what stayed."""
    from git_mlvers.cache import Removed
    from git_mlvers.maintain import prune
    from git_mlvers.workspace import Workspace

    if args.recent_days is not None and not args.recent_days >= 0:
        raise UsageError("--recent-days needs a number that is not negative")
    with Workspace.open(context.cwd, context.env) as workspace:
        if not args.force:
            prune.check_alone(workspace)
        settings = _remote(args, workspace) if args.verify else None
        days = workspace.config.prune_days if args.recent_days is None else args.recent_days
        plan = prune.plan(workspace, settings, days)
        done = Removed(*_sum(plan.doomed)) if args.dry_run else prune.carry_out(workspace, plan)
    if context.json:
        context.out_json(_as_json(plan, done, args.dry_run))
    else:
        _tell(plan, done, args, context)
    return 0


def _remote(args: argparse.Namespace, workspace: Workspace) -> RemoteSettings:
    config = workspace.config
    settings = config.remote_settings(args.remote) if args.remote else config.default_remote(None)
    if settings is None:
        raise UsageError(
            "there is no remote that could have the content",
            "git mlvers remote add -d NAME URL",
        )
    return settings


def _tell(plan: Plan, done: tuple[int, int], args: argparse.Namespace, context: Context) -> None:
    from git_mlvers.cli.render import count, size, table

    files, total = done
    if args.verbose:
        verb = "would delete" if args.dry_run else "deleted"
        for pointer in sorted(plan.doomed):
            context.say(f"{verb} {pointer.oid.hex()} ({size(pointer.size)})")
    if not files:
        context.say("Nothing to delete.")
    elif args.dry_run:
        context.say(f"{count(files, 'file')} would be deleted, {size(total)}.")
    else:
        context.say(f"{count(files, 'file')} deleted from the cache, {size(total)}.")
    rows = []
    for reason, pointers in sorted(plan.kept.items()):
        number, held = _sum(pointers)
        rows.append((count(number, "file"), size(held), reason))
    spared = len(plan.doomed) - files
    if spared:
        held = _sum(plan.doomed)[1] - total
        rows.append((count(spared, "file"), size(held), "added in the last minutes"))
    if rows:
        context.say("Kept:")
        context.say(table(rows, indent="  ", right=(0, 1)))


def _as_json(plan: Plan, done: tuple[int, int], dry_run: bool) -> dict[str, object]:
    kept = {}
    for reason, pointers in plan.kept.items():
        number, held = _sum(pointers)
        kept[reason] = {"files": number, "bytes": held}
    return {
        "dry_run": dry_run,
        "deleted": {"files": done[0], "bytes": done[1]},
        "chosen": [str(pointer.oid) for pointer in sorted(plan.doomed)],
        "kept": kept,
    }


def _sum(pointers: Iterable[Pointer]) -> tuple[int, int]:
    sizes = [pointer.size for pointer in pointers]
    return len(sizes), sum(sizes)
