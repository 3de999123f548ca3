"""Deleting from a remote what no git remote, and nothing here, needs any more."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from git_mlvers.config import users
from git_mlvers.errors import MlversError, UsageError
from git_mlvers.maintain import marks

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from git_mlvers.config import RemoteSettings
    from git_mlvers.config.users import User
    from git_mlvers.oid import Oid
    from git_mlvers.progress import Progress
    from git_mlvers.remote.collect import Collected, Collector, Plan
    from git_mlvers.workspace import Workspace

MIN_GRACE = 3600.0
"""No push may take longer between looking at the remote and moving its refs. Seconds."""

_SHOWN = 5


class Shared(UsageError):
    """Others use the remote, and what they need is not looked at."""


class NothingNeeded(MlversError):
    """Nothing on the remote is needed, which is rarely what it seems."""


class Wish(NamedTuple):
    """What is asked for.

    `git_remotes` are names or addresses, `also` more addresses; with `only_this` others
    who use the remote are not cared for. What was uploaded after `since` (seconds
    since 1970) stays. With `force` a short grace is fine, and so is that nothing is needed.
    """

    git_remotes: Sequence[str] = ()
    also: Sequence[str] = ()
    only_this: bool = False
    since: float | None = None
    dry_run: bool = False
    force: bool = False


class Outcome(NamedTuple):
    """What was planned, and done unless it was a dry run; with `looked_at`, the git remotes."""

    plan: Plan
    done: Collected | None
    looked_at: list[str]
    grace: float
    """How long what is marked for deletion stays, in seconds."""


def collect(
    workspace: Workspace, settings: RemoteSettings, wish: Wish, progress: Progress
) -> Outcome | None:
    """Collect on a remote; ``None`` when there is nothing at all.

    Raises `Shared`, `Unread`, `Incomplete`, `NothingNeeded`, `RemoteError` and `CorruptError`:
    then nothing was deleted.
    """
    grace = workspace.config.gc_grace
    if grace < MIN_GRACE and not wish.force:
        raise UsageError(
            f"mlvers.gcGrace is {grace:.0f} seconds: a push that takes longer would lose content",
            f"make it at least {MIN_GRACE / 3600:.0f}h; --force if nobody pushes meanwhile",
        )
    remote = workspace.remote(settings, write=not wish.dry_run)
    at_work = remote.collector()
    if at_work is None:
        return None
    registered = dict(_registered(at_work))
    names = list(wish.git_remotes) or _using(workspace, settings, registered)
    if not wish.only_this:
        _check_others(workspace, settings, wish, names, registered)
    needed = _needed(workspace, wish, names)
    # Looking at git remotes may have taken long.
    at_work = remote.collector(progress) or at_work
    if wish.since is not None:
        needed |= at_work.uploaded_since(wish.since)
    plan = at_work.plan(needed, grace, wish.since, dry_run=wish.dry_run)
    if not plan.needed.files and plan.idle.files and not wish.force:
        raise NothingNeeded(
            f"none of the {plan.idle.files} files on the remote {settings.name} is needed by what"
            f" was looked at ({', '.join(map(_shown, names)) or 'this repository'})",
            "is it the right remote? --force deletes nevertheless",
        )
    done = None if wish.dry_run else at_work.carry_out(plan, needed, grace)
    return Outcome(plan, done, [*names, *wish.also], grace)


def forget(workspace: Workspace, settings: RemoteSettings, url: str) -> list[User]:
    """Let collections no longer ask for the git remote at `url`; returns whom that was."""
    at_work = workspace.remote(settings, write=True).collector()
    same = users.same(url, workspace.repo.top)
    gone = []
    if at_work is not None:
        for name, user in _registered(at_work):
            if user is not None and same in (user.same, user.url):
                at_work.forget_user(name)
                gone.append(user)
    return gone


def _using(
    workspace: Workspace, settings: RemoteSettings, registered: Mapping[bytes, User | None]
) -> list[str]:
    """The git remotes of this repository whose content goes, or once went, to that remote.

    All of them if it is none: then somebody has copied content there.
    """
    config, repo = workspace.config, workspace.repo

    def uses(name: str) -> bool:
        place = config.default_remote(name)
        if place is not None and place.url == settings.url:
            return True
        same = users.of_git_remote(config, repo, name, settings.url)
        return any(user.name in registered for user in same)

    names = config.git_remotes()
    return [name for name in names if uses(name)] or names


def _registered(at_work: Collector) -> Iterable[tuple[bytes, User | None]]:
    """Who uses the remote, by raw name; ``None`` for what cannot be read."""
    for name, text in at_work.users().items():
        yield name, users.read(text)


def _check_others(
    workspace: Workspace,
    settings: RemoteSettings,
    wish: Wish,
    names: Sequence[str],
    registered: Mapping[bytes, User | None],
) -> None:
    """Raise `Shared` when somebody uses the remote who is not looked at."""
    config, repo = workspace.config, workspace.repo
    known = {user.name for user in users.as_git_remote(repo, settings.url)}
    for name in (*names, *wish.also):
        known.update(user.name for user in users.of_git_remote(config, repo, name, settings.url))
    # An address that somebody typed means this one, wherever it was pushed from.
    typed = [name for name in (*wish.git_remotes, *wish.also) if name not in config.git_remotes()]
    same = {users.same(config.instead_of(url), repo.top) for url in typed}
    others = [
        f"an unreadable entry ({name.hex()[:10]})" if user is None else user.shown
        for name, user in registered.items()
        if name not in known and (user is None or user.same not in same)
    ]
    if others:
        more = f" and {len(others) - _SHOWN} more" if len(others) > _SHOWN else ""
        raise Shared(
            f"others use the remote {settings.name} too, and what they need is not known:"
            f" {', '.join(sorted(others)[:_SHOWN])}{more}",
            "--also URL looks at one as well, --forget URL drops one that is no more,"
            " --only-this deletes what they alone need",
        )


def _needed(workspace: Workspace, wish: Wish, names: Sequence[str]) -> set[Oid]:
    config = workspace.config
    urls = [url for name in names for url in users.addresses(config, name)] + list(wish.also)
    urls = [users.from_anywhere(url, workspace.repo.top) for url in urls]
    folder = os.path.join(workspace.home, "gc")
    return marks.needed(workspace.repo, folder, list(dict.fromkeys(urls)), wish.since)


def _shown(name: str) -> str:
    from git_mlvers.backend.url import redact

    return redact(name)
