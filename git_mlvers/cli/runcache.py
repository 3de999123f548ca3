"""``--run-cache`` of ``push`` and ``pull``: sharing what the stages of pipelines made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_mlvers.errors import UsageError

if TYPE_CHECKING:
    import argparse

    from git_mlvers.cli.context import Context


def add_run_cache(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument(
        "--run-cache", action="store_true", help="what stages of pipelines ever made, instead"
    )
    parser.add_argument(
        "--git-remote", metavar="NAME", help="with --run-cache, the git remote to share it with"
    )


def share(args: argparse.Namespace, context: Context, *, pushing: bool) -> int:
    """Bring the run cache of a git remote here, and with `pushing` ours there."""
    from git_mlvers.pipeline import runsync
    from git_mlvers.workspace import Workspace

    with Workspace.open(context.cwd, context.env) as workspace:
        git_remote = runsync.git_remote_of(workspace.repo, args.git_remote)
        if pushing:
            fetched, pushed = runsync.push(workspace.repo, git_remote)
        else:
            fetched, pushed = runsync.fetch(workspace.repo, git_remote), False
    if context.json:
        context.out_json({"git_remote": git_remote, "fetched": fetched, "pushed": pushed})
        return 0
    if fetched:
        context.say(f"The run cache of {git_remote} is here.")
    if pushed:
        context.say(f"The run cache is on {git_remote}.")
    if not fetched and not pushed:
        context.say("The run caches have nothing new.")
    return 0


def check_alone(args: argparse.Namespace) -> None:
    """Raise `UsageError` for ``--git-remote`` without ``--run-cache``."""
    if args.git_remote and not args.run_cache:
        raise UsageError("--git-remote goes with --run-cache only")
