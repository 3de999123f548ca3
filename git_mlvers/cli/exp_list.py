"""``git mlvers exp list``: the names of experiments."""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_mlvers.cli.options import add_json

if TYPE_CHECKING:
    import argparse

    from git_mlvers.cli.context import Context

SUMMARY = "list the names of experiments"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add its options."""
    flag = parser.add_argument
    flag("-A", "--all-commits", action="store_true", help="of all commits, not of HEAD alone")
    flag("--rev", metavar="REV", default="HEAD", help="of this commit")
    flag("--name-only", action="store_true", help="names alone, for scripts")
    add_json(parser)


def run(args: argparse.Namespace, context: Context) -> int:
    """List."""
    from git_mlvers.experiments import refs
    from git_mlvers.git import refs as git_refs
    from git_mlvers.workspace import Workspace

    with Workspace.open(context.cwd, context.env) as workspace:
        repo = workspace.repo
        found = refs.everywhere(repo)
        if not args.all_commits:
            baseline = git_refs.resolve(repo, args.rev)
            found = [each for each in found if each.baseline == baseline]
    if context.json:
        fields = ("name", "commit", "baseline")
        context.out_json([{field: getattr(each, field) for field in fields} for each in found])
        return 0
    before = ""
    for each in found:
        if args.name_only:
            context.out(each.name)
            continue
        if each.baseline != before:
            before = each.baseline
            context.out(f"{before[:7]}:")
        context.out(f"    {each.short} [{each.name}]")
    return 0
