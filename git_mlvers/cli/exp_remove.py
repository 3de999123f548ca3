"""``git mlvers exp remove``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_mlvers.cli.options import add_quiet
from git_mlvers.errors import UsageError

if TYPE_CHECKING:
    import argparse

    from git_mlvers.cli.context import Context
    from git_mlvers.experiments.refs import Experiment
    from git_mlvers.git.repository import Repository

SUMMARY = "forget experiments"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add its options."""
    flag = parser.add_argument
    flag("names", nargs="*", metavar="NAME", help="the experiments")
    flag("--rev", metavar="REV", help="all of this commit")
    flag("-A", "--all-commits", action="store_true", help="all that there are")
    flag("--failed", action="store_true", help="of those only the failed ones")
    flag("-g", "--git-remote", metavar="GIT_REMOTE", help="from this git remote, not here")
    add_quiet(parser)


def run(args: argparse.Namespace, context: Context) -> int:
    """Remove."""
    from git_mlvers.cli.render import count
    from git_mlvers.experiments import refs
    from git_mlvers.workspace import Workspace

    if not (args.names or args.rev or args.all_commits):
        raise UsageError("which experiments?", "give names, --rev REV or -A")
    if args.git_remote is not None:
        return _from_remote(args, context)
    with Workspace.open(context.cwd, context.env) as workspace:
        found = _chosen(workspace.repo, args)
        if args.failed:
            found = _failed(workspace.repo, found)
        refs.change(workspace.repo, drop=found)
    for each in found:
        context.say(f"Removed experiment '{each.name}' ({each.short}). To have it back:")
        context.say(f"\tgit update-ref {each.ref} {each.commit}")
    if not found:
        context.say(f"{count(0, 'experiment')} removed")
    return 0


def _from_remote(args: argparse.Namespace, context: Context) -> int:
    from git_mlvers.cli.exp_push import known_remote
    from git_mlvers.cli.render import count
    from git_mlvers.experiments.exchange import remove
    from git_mlvers.experiments.find import UnknownExperiment
    from git_mlvers.workspace import Workspace

    if not args.names:
        raise UsageError("which experiments?", "from a git remote they are removed by name")
    with Workspace.open(context.cwd, context.env) as workspace:
        known_remote(workspace, args.git_remote)
        found = remove(workspace.repo, args.git_remote, args.names)
    if not found:
        raise UnknownExperiment(f"{args.git_remote} has no experiment {args.names[0]!r}")
    context.say(f"Removed {count(len(found), 'experiment')} from {args.git_remote}")
    return 0


def _chosen(repo: Repository, args: argparse.Namespace) -> list[Experiment]:
    from git_mlvers.experiments import refs
    from git_mlvers.experiments.find import find_all
    from git_mlvers.git import refs as git_refs

    found = find_all(repo, args.names)
    if args.rev or args.all_commits:
        baseline = None if args.all_commits else git_refs.resolve(repo, args.rev)
        found += [each for each in refs.listed(repo) if baseline in (None, each.baseline)]
    return list(dict.fromkeys(found))


def _failed(repo: Repository, some: list[Experiment]) -> list[Experiment]:
    from git_mlvers.experiments.overview import statuses
    from git_mlvers.experiments.record import FAILED

    noted = statuses(repo, [each.commit for each in some])
    return [each for each in some if noted.get(each.commit) == FAILED]
