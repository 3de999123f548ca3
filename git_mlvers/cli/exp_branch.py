"""``git mlvers exp branch``: a branch from an experiment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_mlvers.cli.options import add_quiet

if TYPE_CHECKING:
    import argparse

    from git_mlvers.cli.context import Context

SUMMARY = "make a branch of an experiment"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add its options."""
    parser.add_argument("name", metavar="NAME", help="the experiment")
    parser.add_argument(
        "branch", nargs="?", metavar="BRANCH", help="what it is called; NAME-branch"
    )
    add_quiet(parser)


def run(args: argparse.Namespace, context: Context) -> int:
    """Make the branch."""
    from git_mlvers.errors import UsageError
    from git_mlvers.experiments.find import find
    from git_mlvers.git.command import GitError
    from git_mlvers.workspace import Workspace

    with Workspace.open(context.cwd, context.env) as workspace:
        experiment = find(workspace.repo, args.name)
        branch = args.branch or f"{experiment.name}-branch"
        try:
            workspace.repo.git("branch", "--no-track", "--", branch, experiment.commit)
        except GitError as error:
            reason = error.stderr.strip().removeprefix("fatal: ").splitlines()[0]
            raise UsageError(f"no branch was made: {reason}") from error
    context.say(f"Git branch '{branch}' has been created from experiment '{experiment.name}'.")
    context.say(f"To switch to it: git switch {branch}")
    return 0
