"""``git mlvers gc``: keep order in a remote, and in a git remote that has no server to do it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_mlvers.cli.options import add_json, add_quiet

if TYPE_CHECKING:
    import argparse

    from git_mlvers.cli.context import Context
    from git_mlvers.serverless.collect import Collected

SUMMARY = "Delete from a remote what nothing needs any more"
HELP = """
## Synopsis

    git mlvers gc --remote [NAME] [-n] [--git-remote NAME | URL]… [--also URL]…
                  [--only-this] [--keep-since WHEN] [--force] [-q | --json]
    git mlvers gc --remote [NAME] --forget URL
    git mlvers gc [-n] [--all] [-q | --json] [GIT-REMOTE]

## Description

With `--remote`, deletes content of large files from the remote NAME, or the default
one. Needed is what any ref of the git remotes needs that keep, or once kept, their content
there, as those refs are at that moment, and whatever this clone has: refs, notes,
worktrees, staged files, stashes, unfinished operations. Everything else goes, in two steps:

- Packs of which nothing is needed are marked for deletion. Those of which less than
  half is needed are too, after that has been copied into new ones. From then
  on no push relies on them.
- A later run deletes what was marked more than `mlvers.gcGrace` ago (7 days) and is
  still not needed. So the room is free after two runs, a week apart.

Pushes and fetches of others go on meanwhile, and it may be stopped at any time. No
push may take longer than the grace, from its start until its refs have moved.

In a repository that others push to, which has their content beside its commits, it is
that content.

Every git remote whose pushes brought content to the remote is known there. When there is
one that is not looked at, nothing is deleted, and it is named. `--also` looks at it.

- `--git-remote`: look at these, by name or address, and not at all that use the remote.
- `--also`: look at this address as well, which another repository is pushed to.
- `--only-this`: delete even what others alone need.
- `--forget`: a git remote that is no more need not be looked at from now on.
- `--keep-since`: also keep what was uploaded since then, and what commits in the reflogs
  of this clone need that are younger. WHEN is any date that git understands.
- `--force`: even with a grace below an hour, and even if nothing is needed.

## A git remote without a server

Without `--remote` it is about the commits in a git remote like
`mlvers::s3://bucket/prefix`, where there is no Git server that would tidy up. Without
GIT-REMOTE it is the one that `git push` uses. Any other git remote is left to its server.

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

## Examples

    git mlvers gc --remote --dry-run
    git mlvers gc --remote storage --also https://example.org/other.git
    git mlvers gc --all store

## Exit codes

`0` done, even when there was nothing to do; `1` this clone lacks objects, others
kept changing the repository, or nothing is needed at all; `2` there is no such git
remote, or others use the remote; `5` the store or a git remote refused or could not be
reached; `6` the repository on the store, or the index of the remote, is damaged, or packs
stay since they are.
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the git remote and options."""
    parser.add_argument("git_remote", nargs="?", metavar="GIT-REMOTE", help="which git remote")
    parser.add_argument("-n", "--dry-run", action="store_true", help="only tell what would be done")
    parser.add_argument("--all", action="store_true", help="make one pack of all")
    parser.add_argument(
        "--remote", nargs="?", const="", metavar="NAME", help="delete content from a remote"
    )
    parser.add_argument(
        *("--git-remote",),
        action="append",
        default=[],
        dest="git_remotes",
        metavar="NAME | URL",
        help="whose refs are looked at",
    )
    parser.add_argument(
        "--also", action="append", default=[], metavar="URL", help="look at this one as well"
    )
    parser.add_argument("--only-this", action="store_true", help="do not care what others need")
    parser.add_argument("--forget", metavar="URL", help="never look at this one again")
    parser.add_argument("--keep-since", metavar="WHEN", help="keep what was uploaded since")
    parser.add_argument("-f", "--force", action="store_true", help="even if it may be a mistake")
    add_quiet(parser)
    add_json(parser)


def run(args: argparse.Namespace, context: Context) -> int:
    """Join, delete, and say what was done."""
    from git_mlvers.cli import gcremote
    from git_mlvers.maintain import stores
    from git_mlvers.workspace import Workspace

    gcremote.check(args)
    if args.remote is not None:
        return gcremote.run(args, context)
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
