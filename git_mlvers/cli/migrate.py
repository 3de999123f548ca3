"""``git mlvers migrate import``: a repository of another tool becomes one of git-mlvers."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from git_mlvers.cli.options import add_json, add_quiet
from git_mlvers.errors import UsageError

if TYPE_CHECKING:
    import argparse

    from git_mlvers.cli.context import Context
    from git_mlvers.cli.remotefile import Editor
    from git_mlvers.git.repository import Repository
    from git_mlvers.migrate.dvc import Taken
    from git_mlvers.migrate.dvcconfig import DvcRemote
    from git_mlvers.migrate.dvcplan import Plan
    from git_mlvers.workspace import Workspace

SUMMARY = "Take over a repository of DVC"
HELP = """
`git mlvers migrate import dvc` takes over what DVC keeps in this repository:

- What the `.dvc` files and the outputs in `dvc.lock` name becomes tracked files. Their
  content is taken from the working tree, DVC's cache, or DVC's remotes, in this
  order, and verified.
- Stages that stand as `dvc.lock` says become facts in `mlvers.lock`: nothing has to
  be run again.
- DVC's remotes become remotes of git-mlvers, in the folder `mlvers` below each, with
  their settings. What was in `config.local` goes to the git config of this clone.
- The lines that DVC wrote into `.gitignore` and the `.dvc` files are removed.

`dvc.yaml`, `dvc.lock`, `.dvc/` and the content on DVC's remotes stay as they are.
Everything is staged and nothing is committed, so that you can look at it first:
`git status`. `git reset`, then `git checkout .` take it back, and leave the data where
it is; `git reset --hard` would remove it, as DVC's data is in no commit. A run that
was stopped can be started again. At its end stands what was not taken over.

## Examples

    git mlvers migrate import dvc --dry-run
    git mlvers migrate import dvc
    git commit -m "From DVC to git-mlvers"

## Exit codes

`0` all was taken over; `1` it was, but for what is listed.
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add what is imported, and options."""
    parser.add_argument("verb", choices=["import"], help="import")
    parser.add_argument("tool", choices=["dvc"], help="dvc")
    parser.add_argument("--dry-run", action="store_true", help="only say what would be done")
    parser.add_argument("--keep-dvc", action="store_true", help="keep the .dvc files")
    add_quiet(parser)
    add_json(parser)


def run(args: argparse.Namespace, context: Context) -> int:
    """Take over, and say what was and what was not."""
    from git_mlvers.cli.repro import ContextReport
    from git_mlvers.migrate import dvc
    from git_mlvers.workspace import Workspace

    with Workspace.open(context.cwd, context.env) as workspace:
        plan = dvc.begin(workspace, context.cwd)
        if args.dry_run:
            return _tell_plan(plan, context)
        _require_filter(workspace)
        remotes = _add_remotes(workspace, plan, context)
        taken = dvc.take_over(workspace, plan, ContextReport(context), keep_dvc=args.keep_dvc)
        taken.left.extend(
            f"the remote {remote.name}: it is within the repository, so this clone alone has it"
            for remote in plan.config.remotes
            if _is_within(remote, workspace.repo)
        )
    return _tell(taken, remotes, context)


def _require_filter(workspace: Workspace) -> None:
    if not workspace.config.get("filter.mlvers.process"):
        raise UsageError(
            "git-mlvers is not set up here, so Git would store the content itself",
            "git mlvers install, then git mlvers init",
        )


def _add_remotes(workspace: Workspace, plan: Plan, context: Context) -> list[str]:
    """Add DVC's remotes; the names of those that were not there."""
    from git_mlvers.cli.remotefile import Editor

    silent = context.quiet
    context.quiet = True
    added = []
    try:
        editor = Editor(workspace.repo, workspace.config, context)
        for remote in plan.config.remotes:
            if remote.ours is not None and remote.name not in editor.config.remote_names():
                _add_remote(editor, remote, default=remote.name == plan.config.default)
                added.append(remote.name)
    finally:
        context.quiet = silent
    return added


def _is_within(remote: DvcRemote, repo: Repository) -> bool:
    """Whether it is a folder of the repository itself, which no committed file can name."""
    from git_mlvers.config import committed

    return (
        remote.ours is not None
        and "://" not in remote.ours
        and committed.is_inside(repo, remote.ours)
    )


def _add_remote(editor: Editor, remote: DvcRemote, *, default: bool) -> None:
    from git_mlvers.backend.schemes import SCHEMES
    from git_mlvers.config import committed

    assert remote.ours is not None
    url = os.path.relpath(remote.ours, editor.context.cwd) if remote.relative else remote.ours
    here = remote.local or _is_within(remote, editor.repo)
    editor.add(remote.name, url, local=here, default=default)
    kind = SCHEMES[committed.scheme_of(remote.ours) or "file"]
    for option, value in remote.options.items():
        if option in kind.options:
            local = here or value.local or option not in committed.REMOTE_KEYS
            editor.modify(remote.name, option, value.text, local=local, unset=False)


def _tell_plan(plan: Plan, context: Context) -> int:
    if context.json:
        context.out_json(
            {
                "files": [out.path for out in plan.tracked],
                "outputs": [out.path for out in plan.made],
                "stages": [stage.name for stage in plan.stages],
                "remotes": {remote.name: remote.ours for remote in plan.config.remotes},
                "left": plan.left,
            }
        )
        return 0
    for out in plan.tracked:
        context.say(f"would track {out.path}{'/' if out.folder else ''}")
    for stage in plan.stages:
        context.say(f"would look at stage {stage.name} of {stage.file}")
    for remote in plan.config.remotes:
        if remote.ours is not None:
            context.say(f"would add the remote {remote.name} at {remote.ours}")
    for sentence in plan.left:
        context.say(f"would leave {sentence}")
    return 0


def _tell(taken: Taken, remotes: list[str], context: Context) -> int:
    from git_mlvers.cli.render import count

    code = 1 if taken.left else 0
    if context.json:
        context.out_json({**taken._asdict(), "remotes": remotes})
        return code
    for path in taken.tracked:
        context.say(f"tracking {path}")
    if taken.brought:
        context.say(f"brought {count(len(taken.brought), 'file')} from DVC's cache and remotes")
    for name in remotes:
        context.say(f"added the remote {name}")
    if taken.recorded:
        context.say(f"up to date without a run: {', '.join(taken.recorded)}")
    for sentence in taken.left:
        context.warn(f"not taken over: {sentence}")
    context.say("All of it is staged. To keep it: git commit")
    return code
