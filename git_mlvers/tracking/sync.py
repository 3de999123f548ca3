"""Notes to and from git remotes: what others wrote is merged, and nothing is forced.

A git remote's notes are fetched into a ref of their own, merged line by line, and
pushed. When another push was first, that is done again.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, NamedTuple

from blake3 import blake3

from git_mlvers.errors import MlversError, RemoteError
from git_mlvers.fsutil import make_dirs, remove_quietly, write_atomic
from git_mlvers.git import notes, notes_merge
from git_mlvers.git.command import failure
from git_mlvers.tracking import view

if TYPE_CHECKING:
    from git_mlvers.config import Config
    from git_mlvers.git.repository import Repository

_TRIES = 5
OVERTAKEN = ("cannot lock ref", "failed to lock", "failed to update ref", "incorrect old value")
"""How the other side's git begins to say that another push was at the ref at that moment."""

# A git remote that refuses notes is asked again after so long. Seconds.
_REFUSED = 7 * 24 * 3600.0


class NotesRefused(RemoteError):
    """A git remote takes no notes."""


class Synced(NamedTuple):
    """What an exchange did: how many commits have other notes now, and whether ours went."""

    changed: int
    pushed: bool


def merge_fetched(repo: Repository) -> list[str]:
    """Take in the notes that a plain ``git fetch`` has brought; the commits whose note changed.

    Raises `NotesBusy` or `GitError`.
    """
    found = notes.tips(repo)
    theirs = {oid for ref, oid in found.items() if ref.startswith(notes.TRACKING)}
    theirs.discard(found.get(notes.REF, ""))
    changed = [commit for oid in sorted(theirs) for commit in notes_merge.merge(repo, oid)]
    if changed or (notes.VIEW not in found and notes.REF in found):
        view.update(repo, changed or _all(repo))
    return changed


def news(repo: Repository, git_remote: str) -> bool:
    """Whether there are notes that `git_remote` did not have when it was last talked to."""
    found = notes.tips(repo)
    mine = found.get(notes.REF)
    return mine is not None and mine != found.get(notes.tracking_ref(git_remote))


def sync(
    repo: Repository, git_remote: str, *, address: str | None = None, fetch: bool = True
) -> Synced:
    """Exchange notes with the git remote of that name.

    `address` is where it is pushed to, if that is not where it is fetched from.
    Without `fetch` it is asked for its notes only when it has some that we do not know.
    Raises `NotesRefused` when it takes none, and `RemoteError` when it cannot be
    reached; nothing is lost then.
    """
    changed: list[str] = []
    pushed = False
    for _ in range(_TRIES):
        if fetch:
            _fetch(repo, git_remote, address)
        changed += merge_fetched(repo)
        if not news(repo, git_remote):
            break
        pushed = _push(repo, git_remote, address)
        if pushed:
            break
        fetch = True
    else:
        raise RemoteError(
            f"the notes of {git_remote} change faster than they can be merged",
            f"git mlvers notes sync {git_remote}",
        )
    view.trim(repo)
    return Synced(len(set(changed)), pushed)


def _fetch(repo: Repository, git_remote: str, address: str | None) -> None:
    _run(
        repo,
        git_remote,
        *("fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-auto-maintenance"),
        *("--recurse-submodules=no", "--no-prune", "--refmap=", *_unfiltered(repo)),
        *("--", address or git_remote, notes.REFSPEC.format(git_remote)),
    )


def _push(repo: Repository, git_remote: str, address: str | None) -> bool:
    """Send our notes; false when there are others by now. Never by force."""
    mine = notes.tip(repo)
    if mine is None:
        return False
    try:
        _run(
            repo,
            git_remote,
            # No hook: the one that asks for this is pre-push itself.
            *("push", "--porcelain", "--no-verify", "--no-follow-tags", "--no-signed"),
            *("--recurse-submodules=no", "--", address or git_remote, f"{mine}:{notes.REF}"),
        )
    except _Rejected as error:
        if error.faster:
            return False
        raise NotesRefused(
            f"{git_remote} takes no notes: {error.reason}",
            "git config mlvers.notes false turns notes off",
        ) from error
    repo.git("update-ref", "-m", "mlvers: pushed", notes.tracking_ref(git_remote), mine)
    return True


class _Rejected(MlversError):
    """The git remote does not move the ref; `faster` if that is due to another push."""

    def __init__(self, reason: str, faster: bool) -> None:
        super().__init__(reason)
        self.reason = reason
        self.faster = faster


def _run(repo: Repository, git_remote: str, *args: str) -> None:
    process = repo.start(*args, env={"MLVERS_IN_HOOK": "1"})
    with process:
        said = os.fsdecode(b"".join(process.blocks()))
        if process.wait() == 0:
            return
        # "!	<from>:<to>	[remote rejected] (reason)"
        told = next((line for line in said.splitlines() if line.startswith("!")), None)
        if told is not None:
            kind, _, reason = told.rpartition("\t")[2].partition(" (")
            reason = reason.removesuffix(")")
            faster = kind == "[rejected]" or reason.startswith(OVERTAKEN)
            raise _Rejected(reason or kind, faster)
        error = failure(process)
        raise RemoteError(
            f"notes cannot be exchanged with {git_remote}: {error.message}",
            error.hint or f"git mlvers notes sync {git_remote}",
        ) from error


def _unfiltered(repo: Repository) -> tuple[str, ...]:
    return ("--no-filter",) if repo.partial else ()


def _all(repo: Repository) -> list[str]:
    tip = notes.tip(repo)
    return [] if tip is None else list(notes.blobs(repo, tip))


class Refusals:
    """Remembers which git remotes take no notes, so that this is said once and not each time."""

    def __init__(self, repo: Repository, config: Config) -> None:
        self._folder = os.path.join(repo.common_dir, "mlvers", "notes-refused")
        self._shared = config.shared

    def has(self, git_remote: str) -> bool:
        """Whether it has refused of late."""
        try:
            age = time.time() - os.stat(self._path(git_remote)).st_mtime
        except OSError:
            return False
        return age < _REFUSED

    def add(self, git_remote: str, reason: str) -> None:
        """It has refused now."""
        make_dirs(self._folder, self._shared)
        path = self._path(git_remote)
        write_atomic(path, f"{reason}\n".encode(), sync=False, shared=self._shared)

    def clear(self, git_remote: str) -> None:
        """It has not."""
        remove_quietly(self._path(git_remote))

    def _path(self, git_remote: str) -> str:
        return os.path.join(self._folder, blake3(os.fsencode(git_remote)).hexdigest()[:32])
