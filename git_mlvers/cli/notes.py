"""``git mlvers notes``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from git_mlvers.cli.options import add_json, add_quiet
from git_mlvers.errors import UsageError
from git_mlvers.git import notes, notes_line, refs
from git_mlvers.git.repository import Repository
from git_mlvers.tracking import news
from git_mlvers.tracking.speaking import best, number, telling

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping, Sequence

    from git_mlvers.cli.context import Context
    from git_mlvers.git.notes_line import Line
    from git_mlvers.workspace import Workspace

# To show one note takes little; what writes and exchanges them is imported where it is needed.

SUMMARY = "Show and exchange the params and metrics of commits"

HELP = """
## Synopsis

    git mlvers notes [show] [--json] [REV]
    git mlvers notes list [--json] [-n N] [REV]
    git mlvers notes adopt [-q] [REV…]
    git mlvers notes sync [-q] [REMOTE]
    git mlvers notes gc [-q]

## Description

A commit that changes a params file, a metrics file or a lock gets a note with the
values, as soon as it is made. `git log` shows them in plain words, with what changed
since the commit before, for the newest thousand or two of them; `git fetch` brings
those of others, and `git push` sends yours.

`show` prints what is known of a commit, `list` of a whole history.

`adopt` is for a history that Git or a forge has rewritten. It records commits that
have no note yet, and gives what was logged for a commit that is gone to the one that took its
place: with the same tree, else with the same params and locks.

`sync` exchanges notes with a git remote now. What both sides have written is kept,
line by line; nothing is forced.

`gc` drops lines that later ones have replaced.

The notes are under `refs/notes/mlvers`, one JSON object a line; the words for `git
log` under `refs/notes/mlvers-view`, which never leaves the repository. `git config
mlvers.notes false` turns all of this off.

## Examples

    git mlvers notes show HEAD~1
    git mlvers notes list -n 20
    git mlvers notes sync origin
"""

_LISTED = 50


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the sub-commands."""
    add_json(parser)
    commands = parser.add_subparsers(dest="action", metavar="ACTION")
    show = commands.add_parser("show", add_help=False, help="show the note of a commit")
    add_json(show, again=True)
    show.add_argument("revision", metavar="REV", nargs="?", default="HEAD", help="the commit")
    listing = commands.add_parser("list", add_help=False, help="show the notes of a history")
    add_json(listing, again=True)
    listing.add_argument(
        "-n", "--max-count", type=int, metavar="N", default=_LISTED, help="so many at most"
    )
    listing.add_argument("revision", metavar="REV", nargs="?", default="HEAD", help="its end")
    adopting = commands.add_parser("adopt", add_help=False, help="mend a rewritten history")
    add_quiet(adopting)
    adopting.add_argument("revisions", metavar="REV", nargs="*", help="its ends; HEAD if none")
    syncing = commands.add_parser("sync", add_help=False, help="exchange notes now")
    add_quiet(syncing)
    syncing.add_argument("remote", metavar="REMOTE", nargs="?", help="the git remote")
    collecting = commands.add_parser("gc", add_help=False, help="drop what was replaced")
    add_quiet(collecting)


def run(args: argparse.Namespace, context: Context) -> int:
    """Do what the sub-command says; show the note of HEAD without one."""
    repo = Repository.discover(context.cwd, context.env)
    if args.action in ("adopt", "sync", "gc"):
        from git_mlvers.workspace import Workspace

        with Workspace(repo, context.env) as workspace:
            _change(workspace, args, context)
        return 0
    _refresh(repo, context)
    if args.action == "list":
        _list(repo, args.revision, args.max_count, context)
    else:
        _show(repo, getattr(args, "revision", "HEAD"), context)
    return 0


def _change(workspace: Workspace, args: argparse.Namespace, context: Context) -> None:
    match args.action:
        case "adopt":
            _adopt(workspace, args.revisions or ["HEAD"], context)
        case "sync":
            _sync(workspace, args.remote, context)
        case _:
            from git_mlvers.tracking import tidy

            dropped = tidy.tidy(workspace.repo)
            context.say(f"lines that later ones had replaced, and that are gone: {dropped}")


def _show(repo: Repository, revision: str, context: Context) -> None:
    commit = refs.resolve(repo, revision)
    lines = notes_line.lines_of(notes.read(repo, [commit]).get(commit, b""))
    if context.json:
        context.out_json([json.loads(line.text()) for line in lines])
        return
    if not lines:
        context.note(f"nothing is recorded of {commit[:10]}")
    for line in telling(lines, commit):
        origin = "" if line.commit == commit else f", written for {line.commit[:10]}"
        context.out(f"{line.source or 'run'} {line.id}  {line.time}{origin}")
        for title, values in (("metrics", line.metrics), ("params", line.params)):
            _table(title, values, context)
        _table("stages", dict.fromkeys(line.stages, "recorded"), context)


def _table(title: str, values: Mapping[str, object], context: Context) -> None:
    if values:
        context.out(f"  {title}")
        width = max(len(key) for key in values)
        for key, value in sorted(values.items()):
            context.out(f"    {key:<{width}}  {number(value)}")


def _list(repo: Repository, revision: str, most: int, context: Context) -> None:
    from git_mlvers.tracking import view

    tip = notes.tip(repo)
    history = repo.git("rev-list", refs.resolve(repo, revision)).decode("ascii").split()
    listed = notes.blobs(repo, tip) if tip else {}
    having = [commit for commit in history if commit in listed]
    shown, compared = having[:most], having[: most + 1]
    found = notes.texts(repo, {commit: listed[commit] for commit in compared})
    if context.json:
        known = {commit: notes_line.lines_of(found[commit]) for commit in shown}
        context.out_json([_as_json(commit, known[commit]) for commit in shown])
        return
    for place, commit in enumerate(shown):
        before = next((best(found[c], c) for c in compared[place + 1 :]), None)
        for text in view.words(found[commit], commit, before).splitlines():
            context.out(f"{commit[:10]}  {text}")


def _as_json(commit: str, lines: Sequence[Line]) -> dict[str, object]:
    return {"commit": commit, "lines": [json.loads(line.text()) for line in lines]}


def _adopt(workspace: Workspace, revisions: Sequence[str], context: Context) -> None:
    from git_mlvers.tracking import adopt

    done = adopt.adopt(workspace, revisions)
    for problem in done.problems:
        context.warn(problem)
    for commit, line in done.given:
        context.say(f"{commit[:10]} has {line.source or 'run'} {line.id} of {line.commit[:10]}")
    context.say(f"{len(done.recorded)} commits recorded, {len(done.given)} lines adopted")


def _sync(workspace: Workspace, name: str | None, context: Context) -> None:
    from git_mlvers.config.beside import usual_git_remote
    from git_mlvers.tracking import switch, sync

    repo, config = workspace.repo, workspace.config
    if name is None:
        name = usual_git_remote(config, repo)
    if name is None or name not in config.git_remotes():
        raise UsageError(
            "there is no git remote to exchange notes with"
            if name is None
            else f"there is no git remote named {name}",
            "git remote add NAME URL",
        )
    _refresh(repo, context)
    switch.ensure_fetched(repo, config, name)
    done = sync.sync(repo, name)
    sync.Refusals(repo, config).clear(name)
    sent = "yours were sent" if done.pushed else "it has all of yours"
    context.say(f"{name}: notes of {done.changed} commits are new here; {sent}")


def _refresh(repo: Repository, context: Context) -> None:
    """Make up for what no hook has seen, and take in what a fetch has brought."""
    if not news.waiting(repo):
        return
    from git_mlvers.tracking import record, sync, view
    from git_mlvers.workspace import Workspace

    with Workspace(repo, context.env) as workspace:
        if not workspace.config.notes:
            return
        sync.merge_fetched(repo)
        done = record.catch_up(workspace)
        view.update(repo, done.commits)
    for problem in done.problems:
        context.warn(problem)
