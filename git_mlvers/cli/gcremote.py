"""``git mlvers gc --remote``: delete from a remote what nothing needs any more."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from git_mlvers.errors import CorruptError, UsageError

if TYPE_CHECKING:
    import argparse

    from git_mlvers.cli.context import Context
    from git_mlvers.config import RemoteSettings
    from git_mlvers.maintain.collection import Outcome
    from git_mlvers.remote.live import Count
    from git_mlvers.workspace import Workspace

_PRESENT = 30.0  # Seconds.
_ABOUT_REMOTES = ("git_remotes", "also", "only_this", "forget", "keep_since", "force")


def check(args: argparse.Namespace) -> None:
    """Raise `UsageError` for options that do not go together."""
    if args.remote is None:
        for name in _ABOUT_REMOTES:
            if getattr(args, name):
                option = "--" + name.removesuffix("s").replace("_", "-")
                raise UsageError(f"{option} is about a remote for content", "give --remote too")
    elif args.git_remote is not None:
        raise UsageError(
            f"{args.git_remote!r} goes without --remote",
            f"--git-remote {args.git_remote} looks at its refs",
        )
    elif args.all:
        raise UsageError("--all goes without --remote", "leave out one of them")
    elif args.forget and (args.git_remotes or args.also or args.only_this or args.keep_since):
        raise UsageError("--forget deletes nothing else", "leave out the other options")


def run(args: argparse.Namespace, context: Context) -> int:
    """Collect, and say what was done."""
    from git_mlvers.maintain import collection
    from git_mlvers.workspace import Workspace

    with Workspace.open(context.cwd, context.env) as workspace:
        settings = _settings(args, workspace)
        if args.forget:
            return _forget(args, context, workspace, settings)
        wish = collection.Wish(
            args.git_remotes,
            args.also,
            args.only_this,
            _since(workspace, args.keep_since),
            args.dry_run,
            args.force,
        )
        outcome = collection.collect(workspace, settings, wish, context.progress())
    if context.json:
        context.out_json(_as_json(outcome, settings, args.dry_run))
    elif outcome is None:
        context.say(f"There is nothing on the remote {settings.name}.")
    else:
        _tell(outcome, args.dry_run, context)
    unreadable = outcome is not None and outcome.done is not None and outcome.done.unreadable
    return CorruptError.exit_code if unreadable else 0


def _forget(
    args: argparse.Namespace, context: Context, workspace: Workspace, settings: RemoteSettings
) -> int:
    from git_mlvers.maintain import collection

    gone = collection.forget(workspace, settings, args.forget)
    if not gone:
        raise UsageError(
            f"the remote {settings.name} knows no git remote {args.forget!r}",
            "git mlvers gc --remote --dry-run names those that it knows",
        )
    for user in gone:
        context.say(f"collections no longer ask for {user.shown}")
    if context.json:
        context.out_json({"remote": settings.name, "forgotten": [user.url for user in gone]})
    return 0


def _settings(args: argparse.Namespace, workspace: Workspace) -> RemoteSettings:
    if args.remote:
        return workspace.config.remote_settings(args.remote)
    settings = workspace.config.default_remote(None)
    # A repository that others push to keeps their content itself.
    found = [settings] if settings is not None else workspace.config.own_place()
    if not found:
        raise UsageError("no remote is configured", "git mlvers remote add -d NAME URL")
    return found[0]


def _since(workspace: Workspace, when: str | None) -> float | None:
    """Seconds since 1970 for a date as git understands it."""
    if when is None:
        return None
    said = workspace.repo.git("rev-parse", f"--since={when}").decode("ascii", "replace").strip()
    since = float(said.removeprefix("--max-age="))
    # Git takes what it does not understand for the present moment.
    if time.time() - since < _PRESENT:
        raise UsageError(
            f"--keep-since {when!r} is no time in the past", "for example: 2 weeks ago"
        )
    return since


def _tell(outcome: Outcome, dry_run: bool, context: Context) -> None:
    from git_mlvers.backend.url import redact
    from git_mlvers.cli.render import count, path, size, table
    from git_mlvers.remote.collect import Fate

    plan, done = outcome.plan, outcome.done
    names = ["this clone", *(path(redact(name)) for name in outcome.looked_at)]
    context.say(f"Looked at: {', '.join(names)}")
    rows = [
        ("needed", count(plan.needed.files, "file"), size(plan.needed.size)),
        ("not needed", count(plan.idle.files, "file"), size(plan.idle.size)),
    ]
    context.say(table(rows, indent="  ", right=(1, 2)))
    over = plan.total(Fate.OVER) if done is None else done.swept.packs
    marked = plan.total(Fate.DEAD, Fate.SPARSE) if done is None else done.doomed
    waiting = plan.total(Fate.WAITING, Fate.AGAIN, Fate.WANTED)
    would = " would be" if dry_run else ""
    if done is not None and done.moved.files:
        moved = count(done.moved.files, "file")
        context.say(f"{moved} copied into new packs, {size(done.moved.size)} sent.")
    if marked.files:
        saved = marked.size - sum(plan.held[name] for name in plan.of(Fate.SPARSE))
        context.say(f"{_packs(marked)}{would} marked for deletion, which saves {size(saved)}.")
        context.say(f"A run {_span(outcome.grace)} from now deletes what is marked.")
    if waiting.files:
        context.say(f"{_packs(waiting)} marked earlier and left for a later run.")
    if over.files:
        context.say(f"{_packs(over)}{would} deleted.")
    if not (over.files or marked.files or waiting.files):
        why = ": what is not needed is too young, or in packs with what is"
        context.say(f"Nothing to delete{why if plan.idle.files else ''}.")
    for name in done.unreadable if done is not None else ():
        context.warn(
            f"the pack {name.hex()} stays, since what is needed of it cannot be read",
            "git mlvers fsck --remote --read-data --repair",
        )


def _packs(packs: Count) -> str:
    from git_mlvers.cli.render import count, size

    return f"{count(packs.files, 'pack')} ({size(packs.size)})"


def _span(seconds: float) -> str:
    from git_mlvers.cli.render import count

    for unit, name in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= unit:
            return count(round(seconds / unit), name)
    return count(round(seconds), "second")


def _as_json(outcome: Outcome | None, settings: RemoteSettings, dry_run: bool) -> dict[str, object]:
    from git_mlvers.backend.url import redact
    from git_mlvers.remote.collect import Fate

    told: dict[str, object] = {"remote": settings.name, "dry_run": dry_run}
    if outcome is None:
        return told | {"exists": False}
    plan, done = outcome.plan, outcome.done
    marked = plan.total(Fate.DEAD, Fate.SPARSE) if done is None else done.doomed
    return told | {
        "exists": True,
        "git_remotes": [redact(name) for name in outcome.looked_at],
        "grace": outcome.grace,
        "needed": {"files": plan.needed.files, "bytes": plan.needed.size},
        "not_needed": {"files": plan.idle.files, "bytes": plan.idle.size},
        "marked": _of_packs(marked),
        "deleted": _of_packs(plan.total(Fate.OVER) if done is None else done.swept.packs),
        "waiting": _of_packs(plan.total(Fate.WAITING, Fate.AGAIN, Fate.WANTED)),
        "moved": {} if done is None else {"files": done.moved.files, "sent": done.moved.size},
        "unreadable": [] if done is None else [name.hex() for name in done.unreadable],
    }


def _of_packs(count: Count) -> dict[str, int]:
    return {"packs": count.files, "bytes": count.size}
