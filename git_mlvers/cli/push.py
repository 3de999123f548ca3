"""``git mlvers push``: send content by hand; ``git push`` does it by itself."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from git_mlvers.cli.options import add_json, add_quiet
from git_mlvers.cli.runcache import add_run_cache, check_alone, share
from git_mlvers.errors import ContentMissing, UsageError

if TYPE_CHECKING:
    import argparse

    from git_mlvers.cli.context import Context
    from git_mlvers.transfer.push import Pushed

SUMMARY = "Send content that a remote does not have"
HELP = """
`git push` sends content by itself, before the refs move. This command sends it
without pushing any ref: all content that the given refs reach and the remote
lacks. With no REF it is the branch that is checked out.

With `--run-cache` it is what the stages of pipelines ever made, and the facts about
it, that go to a git remote (the branch's own, or the one that `--git-remote` names),
and its run cache comes here: both are merged, and nothing is overwritten. So
`git mlvers repro` of others has the outputs of your runs without running anything.

The remote is the default one (`git mlvers remote default`), or the one that
`--remote` names. What the cache does not have is left out, and counted; the exit
code is then 4.

## Examples

    git mlvers push --all
    git mlvers push --remote archive v1.0 v2.0
    git mlvers push --run-cache

## Exit codes

`0` all content is on the remote; `4` some is neither here nor there;
`5` the remote refused or could not be reached.
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add refs and options."""
    parser.add_argument("refs", nargs="*", metavar="REF", help="what to send the content of")
    parser.add_argument("-a", "--all", action="store_true", help="of all refs")
    parser.add_argument("--remote", metavar="NAME", help="the remote to send it to")
    add_run_cache(parser)
    add_quiet(parser)
    add_json(parser)


def run(args: argparse.Namespace, context: Context) -> int:
    """Send content and say how much."""
    from git_mlvers import pushing
    from git_mlvers.workspace import Workspace

    if args.all and args.refs:
        raise UsageError("--all and REF exclude each other", "leave out one of them")
    check_alone(args)
    if args.run_cache:
        if args.refs or args.all or args.remote:
            raise UsageError("--run-cache goes with neither REF, --all nor --remote")
        return share(args, context, pushing=True)
    with Workspace.open(context.cwd, context.env) as workspace:
        config = workspace.config
        settings = (
            config.remote_settings(args.remote) if args.remote else config.default_remote(None)
        )
        revisions = pushing.revisions(workspace, args.refs, every=args.all)
        pushed = pushing.push_refs(workspace, revisions, settings, context.progress())
        born = pushing.born(workspace, args.refs, every=args.all)
    if born or context.json:
        _tell(pushed, context)
    else:
        context.say("There are no commits yet.")
    return ContentMissing.exit_code if pushed.absent else 0


def _tell(pushed: Pushed, context: Context) -> None:
    from git_mlvers.cli.render import count, path, size

    if context.json:
        context.out_json(
            {
                "files": pushed.files,
                "bytes": pushed.size,
                "sent": pushed.sent,
                "absent": [str(item.pointer.oid) for item in pushed.absent],
            }
        )
        return
    if pushed.files:
        context.say(f"{count(pushed.files, 'file')}, {size(pushed.size)}; sent {size(pushed.sent)}")
    else:
        context.say("Everything is on the remote.")
    for item in pushed.absent[:10]:
        context.warn(f"{path(os.fsdecode(item.path))}: content {item.pointer.oid.short} is nowhere")
    if len(pushed.absent) > 10:
        context.warn(f"and {len(pushed.absent) - 10} more files whose content is nowhere")
