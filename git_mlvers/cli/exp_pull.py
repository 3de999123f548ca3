"""``git mlvers exp pull``: experiments from a git remote."""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_mlvers.cli.options import add_quiet

if TYPE_CHECKING:
    import argparse

    from git_mlvers.cli.context import Context

SUMMARY = "bring experiments from a git remote"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add its options."""
    flag = parser.add_argument
    flag("remote", metavar="GIT_REMOTE", help="the git remote, as origin")
    flag("names", nargs="*", metavar="NAME", help="the experiments; all of HEAD if left out")
    flag("-A", "--all-commits", action="store_true", help="those of all commits")
    add_quiet(parser)


def run(args: argparse.Namespace, context: Context) -> int:
    """Pull."""
    from git_mlvers.cli.exp_push import known_remote
    from git_mlvers.cli.render import count
    from git_mlvers.experiments import exchange, find
    from git_mlvers.git import refs as git_refs
    from git_mlvers.tracking import switch, sync
    from git_mlvers.workspace import Workspace

    with Workspace.open(context.cwd, context.env) as workspace:
        repo, git_remote = workspace.repo, args.remote
        known_remote(workspace, git_remote)
        there = exchange.fetch(repo, git_remote)
        if args.names:
            wanted = find.chosen(repo, there, args.names)
        else:
            head = git_refs.head(repo)
            wanted = [each for each in there if args.all_commits or each.baseline == head]
        new = exchange.take_in(repo, wanted)
        if workspace.config.notes:
            switch.ensure_fetched(repo, workspace.config, git_remote)
            sync.sync(repo, git_remote)
    names = ", ".join(each.name for each in new[:5])
    more = ", …" if len(new) > 5 else ""
    told = f": {names}{more}" if names else ""
    context.say(f"{count(len(new), 'new experiment')} from {git_remote}{told}")
    if not args.names and not wanted and there:
        context.note("It has experiments of other commits: -A brings all")
    return 0
