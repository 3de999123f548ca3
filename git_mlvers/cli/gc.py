"""``git mlvers gc``: keep order in a git remote that has no server to do it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_mlvers.cli.options import add_json, add_quiet

if TYPE_CHECKING:
    import argparse

    from git_mlvers.cli.context import Context
    from git_mlvers.serverless.collect import Collected

SUMMARY = "Tidy up a git remote that has no server"
HELP = """
Is for a git remote like `mlvers::s3://bucket/prefix`, where there is no Git server
that would do it. Without GIT-REMOTE it is the one that `git push` uses. Any other
git remote is left to its server.

- The small packs at the end of the list are joined into one, up to a pack that is
  more than twice as large as all that follow. A push does so by itself when it
  leaves more than 50 packs. With `--all`, one pack takes the place of all, and has
  nothing that no ref needs any more; it is made from the objects of this clone, so
  that it can also stand for packs that are damaged or missing over there.
- What has been superseded for 7 days is deleted: packs that others stand for, packs
  left by a push that was killed, and old states. Within that time whoever has begun
  to read still finds them.

What this clone lacks of the objects is fetched. Pushes and fetches of others go on
meanwhile.

Content of large files is never deleted from a remote by this version.

## Examples

    git mlvers gc --dry-run
    git mlvers gc
    git mlvers gc --all store

## Exit codes

`0` done, even when there was nothing to do; `1` this clone lacks objects, or others
kept changing the repository; `2` there is no such git remote; `5` the store refused
or could not be reached; `6` the repository on the store is damaged.
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the git remote and options."""
    parser.add_argument("git_remote", nargs="?", metavar="GIT-REMOTE", help="which git remote")
    parser.add_argument("-n", "--dry-run", action="store_true", help="only tell what would be done")
    parser.add_argument("--all", action="store_true", help="make one pack of all")
    add_quiet(parser)
    add_json(parser)


def run(args: argparse.Namespace, context: Context) -> int:
    """Join, delete, and say what was done."""
    from git_mlvers.maintain import stores
    from git_mlvers.workspace import Workspace

    with Workspace.open(context.cwd, context.env) as workspace:
        name = stores.git_remote(workspace, args.git_remote)
        done = stores.collect_at(workspace, name, everything=args.all, dry_run=args.dry_run)
    if context.json:
        context.out_json(_as_json(name, done, args.dry_run))
    elif done is None:
        context.say(f"There is nothing to collect at {_shown(name)}: its own server does that.")
    else:
        _tell(done, name, args.dry_run, context)
    return 0


def _shown(name: str) -> str:
    from git_mlvers.backend.url import redact
    from git_mlvers.cli.render import path

    return path(redact(name))


def _tell(done: Collected, name: str, dry_run: bool, context: Context) -> None:
    from git_mlvers.cli.render import count, size

    if done.packs:
        packs = f"{count(done.packs, 'pack')} of {size(done.before)}"
        what = "would be joined." if dry_run else f"joined into {size(done.after)}."
        context.say(f"{packs} {what}")
    if done.deleted:
        files = count(len(done.deleted), "superseded file")
        verb = "would be deleted" if dry_run else "deleted"
        context.say(f"{files} {verb}, {size(sum(entry.size for entry in done.deleted))}.")
    if not done.packs and not done.deleted:
        context.say(f"Nothing to join or delete at {_shown(name)}.")


def _as_json(name: str, done: Collected | None, dry_run: bool) -> dict[str, object]:
    from git_mlvers.backend.url import redact

    told: dict[str, object] = {"git_remote": redact(name), "dry_run": dry_run}
    if done is None:
        return told | {"store": False}
    joined = {"packs": done.packs, "bytes": done.before}
    if not dry_run:
        joined["new_bytes"] = done.after
    size = sum(entry.size for entry in done.deleted)
    deleted = {"files": len(done.deleted), "bytes": size}
    return told | {"store": True, "joined": joined, "deleted": deleted}
