"""``git mlvers exp push``: experiments to a git remote."""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_mlvers.cli.options import add_quiet
from git_mlvers.errors import UsageError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from git_mlvers.cli.context import Context
    from git_mlvers.experiments.exchange import Sent
    from git_mlvers.experiments.refs import Experiment
    from git_mlvers.workspace import Workspace

SUMMARY = "send experiments to a git remote"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add its options."""
    flag = parser.add_argument
    flag("remote", metavar="GIT_REMOTE", help="the git remote, as origin")
    flag("names", nargs="*", metavar="NAME", help="the experiments; all of HEAD if left out")
    flag("-A", "--all-commits", action="store_true", help="those of all commits")
    flag("-f", "--force", action="store_true", help="also what was removed or has a name twice")
    add_quiet(parser)


def run(args: argparse.Namespace, context: Context) -> int:
    """Push."""
    from git_mlvers.experiments.exchange import push
    from git_mlvers.workspace import Workspace

    with Workspace.open(context.cwd, context.env) as workspace:
        known_remote(workspace, args.remote)
        wanted = _wanted(workspace, args)
        context.stdout.flush()
        sent = push(workspace.repo, args.remote, wanted, force=args.force)
    return _tell(sent, args.remote, context)


def known_remote(workspace: Workspace, name: str) -> None:
    """Raise `UsageError` unless there is a git remote of that name."""
    if name not in workspace.config.git_remotes():
        raise UsageError(f"there is no git remote named {name!r}", "git remote -v")


def _wanted(workspace: Workspace, args: argparse.Namespace) -> Sequence[Experiment]:
    from git_mlvers.experiments import refs
    from git_mlvers.experiments.find import find_all
    from git_mlvers.git import refs as git_refs

    repo = workspace.repo
    if args.names:
        return find_all(repo, args.names)
    head = git_refs.head(repo)
    return [each for each in refs.listed(repo) if args.all_commits or each.baseline == head]


def _tell(sent: Sent, git_remote: str, context: Context) -> int:
    from git_mlvers.cli.render import count

    for each in sent.taken:
        context.warn(
            f"{git_remote} has another experiment {each.name!r}, so it was not sent",
            f"git mlvers exp rename {each.name} NEW, or push --force to replace it there",
        )
    for each in sent.removed:
        context.warn(
            f"the experiment {each.name!r} was removed from {git_remote}, so it was not sent",
            "git mlvers exp push --force sends it again",
        )
    names = ", ".join(each.name for each in sent.sent[:5])
    more = ", …" if len(sent.sent) > 5 else ""
    told = f": {names}{more}" if names else ""
    context.say(f"Sent {count(len(sent.sent), 'experiment')} to {git_remote}{told}")
    if sent.there:
        context.say(f"{count(len(sent.there), 'experiment')} had been there")
    return 1 if sent.taken or sent.removed else 0
