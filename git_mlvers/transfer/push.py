"""Push: bring to a remote what the commits about to be pushed need.

Content before refs: this runs before Git sends anything, and an error keeps
the refs from moving.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from blake3 import blake3

from git_mlvers.errors import ContentMissing
from git_mlvers.fsutil import make_dirs, write_atomic
from git_mlvers.git import refs, scan
from git_mlvers.progress import Silent

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from git_mlvers.cache import Cache
    from git_mlvers.git.refs import RefUpdate
    from git_mlvers.git.repository import Repository
    from git_mlvers.git.scan import Found
    from git_mlvers.oid import Oid
    from git_mlvers.progress import Progress
    from git_mlvers.remote import Remote

# Files below this size are a single chunk or a few: older versions do not help them.
_WORTH_A_BASE = 256 << 10


class Pushed(NamedTuple):
    """What a push did; sizes in bytes."""

    files: int
    size: int
    sent: int
    absent: list[Found]
    """Content of older commits that is neither here nor on the remote."""
    remote_id: str = ""
    """Of the remote; empty when nothing had to be asked of it."""


NOTHING = Pushed(0, 0, 0, [])


class PushMarks:
    """Remembers to which remotes the whole history of a git remote was once brought.

    The first push to a new remote looks at all history and later ones only at
    what is new, so that content follows when a project moves to another remote.
    `shared` is ``core.sharedRepository`` as permission bits.
    """

    def __init__(self, folder: str, shared: int | None = None) -> None:
        self._folder = folder
        self._shared = shared

    def get(self, url: str, git_remote: str) -> str | None:
        """The id of the remote at `url` to which all that `git_remote` has was brought.

        It is empty when that was no content at all; ``None`` when it was not done yet.
        """
        try:
            with open(self._path(url, git_remote), "rb") as file:
                return file.read().decode("ascii", "replace")
        except FileNotFoundError:
            return None

    def set(self, url: str, git_remote: str, remote_id: str) -> None:
        """Remember that it was brought to the remote `remote_id`."""
        make_dirs(self._folder, self._shared)
        path = self._path(url, git_remote)
        write_atomic(path, remote_id.encode(), sync=False, shared=self._shared)

    def _path(self, url: str, git_remote: str) -> str:
        name = blake3(os.fsencode(f"{url}\n{git_remote}")).hexdigest()[:32]
        return os.path.join(self._folder, name)


def push_updates(
    repo: Repository,
    open_cache: Callable[[], Cache],
    open_remote: Callable[[], Remote],
    updates: Sequence[RefUpdate],
    git_remote: str,
    *,
    seen: str | None,
    advertised: Collection[str] | None = None,
    progress: Progress | None = None,
) -> Pushed:
    """Upload what the new values of `updates` need and the remote lacks.

    `git_remote` is a git remote's name or URL, and `advertised` the ids that its refs
    name, if they are known already. Content of the history that the
    git remote has already is brought too, as far as it is here, unless the
    remote is the one with the id `seen`, where it is. `open_remote` and
    `open_cache` are called only when there is content at all. Raises
    `ContentMissing` when new commits need content that is nowhere.
    """
    new = [update.local_oid for update in updates if not update.deletes]
    if not new:
        return NOTHING
    known = known_commits(repo, git_remote, updates, advertised)
    found = list(scan.pointers(repo, new, [] if seen is None else known))
    if not found:
        return NOTHING
    remote = open_remote()
    whole = remote.id != seen
    if whole and seen is not None:  # Another remote has been made at that place.
        found = list(scan.pointers(repo, new))
    missing = _missing(remote, found)
    cache = open_cache()
    absent = [item for item in missing if not cache.has(item.pointer.oid, item.pointer.size)]
    if absent:
        needed = scan.pointers(repo, new, known) if whole else found
        _refuse(absent, {item.pointer.oid for item in needed})
        gone = {item.pointer.oid for item in absent}
        missing = [item for item in missing if item.pointer.oid not in gone]
    bases = _bases(repo, new, known, missing)
    report = upload(cache, remote, missing, bases, progress)
    return report._replace(absent=absent, remote_id=remote.id)


def push_everything(
    repo: Repository,
    cache: Cache,
    remote: Remote,
    revisions: Sequence[str],
    progress: Progress | None = None,
) -> Pushed:
    """Upload whatever `revisions` reach and the remote lacks, as far as it is here."""
    missing = _missing(remote, scan.pointers(repo, revisions, []))
    present = [item for item in missing if cache.has(item.pointer.oid, item.pointer.size)]
    here = {item.pointer.oid for item in present}
    bases = _bases(repo, revisions, [], present)
    report = upload(cache, remote, present, bases, progress)
    return report._replace(absent=[item for item in missing if item.pointer.oid not in here])


def upload(
    cache: Cache,
    remote: Remote,
    items: Sequence[Found],
    bases: Mapping[Oid, Iterable[Oid]],
    progress: Progress | None = None,
) -> Pushed:
    """Upload `items` from the cache, neighbours in the tree side by side."""
    from git_mlvers.remote import Item

    if not items:
        return NOTHING
    progress = progress or Silent()
    remote.prove()
    ordered = sorted(items, key=lambda item: item.path)
    size = sum(item.pointer.size for item in ordered)
    progress.start("Uploading", len(ordered), size)
    try:
        report = remote.upload(
            [Item(item.pointer.oid, item.pointer.size) for item in ordered],
            cache,
            bases={oid: tuple(older) for oid, older in bases.items()},
            progress=progress,
        )
    finally:
        progress.finish()
    return Pushed(len(ordered), size, report.sent_bytes, [])


def known_commits(
    repo: Repository,
    git_remote: str,
    updates: Sequence[RefUpdate],
    advertised: Collection[str] | None = None,
) -> list[str]:
    """Ids of objects here that the git remote certainly has now.

    Git tells the present value of each ref that it is about to move. Only for
    a ref that is new there, or was moved by others, all refs of the git remote
    are looked at: `advertised`, the ids that they name, or what it says when it
    is asked. Its remote-tracking refs may be out of date, and what they name
    long deleted and collected.
    """
    told = {update.remote_oid for update in updates if not update.creates}
    here = refs.existing(repo, told)
    if len(here) == len(told) and told and not any(update.creates for update in updates):
        return sorted(here)
    if advertised is None:
        listed = refs.ls_remote(repo, git_remote)
        if listed is None:
            return sorted(here)
        advertised = listed.values()
    return sorted(here | refs.existing(repo, advertised))


def _missing(remote: Remote, found: Iterable[Found]) -> list[Found]:
    """One `Found` for each distinct content that the remote lacks."""
    distinct = {item.pointer.oid: item for item in found}
    lacking = remote.missing(distinct, to_upload=True)
    return [item for oid, item in distinct.items() if oid in lacking]


def _refuse(absent: Sequence[Found], needed: set[Oid]) -> None:
    hard = [item for item in absent if item.pointer.oid in needed]
    if not hard:
        return
    first = hard[0]
    more = f" (and of {len(hard) - 1} more files)" if len(hard) > 1 else ""
    raise ContentMissing(
        f"the content of {os.fsdecode(first.path)!r}{more} is neither in the cache"
        f" nor on the remote: {first.pointer.oid.short}",
        "add the file again, or fetch its content from where it is: git mlvers fetch",
    )


def _bases(
    repo: Repository, new: Sequence[str], known: Sequence[str], items: Sequence[Found]
) -> Mapping[Oid, Iterable[Oid]]:
    """Earlier versions of the same paths, in whose packs shared chunks are to be found."""
    paths = {item.path for item in items if item.pointer.size >= _WORTH_A_BASE and item.path}
    if not paths:
        return {}
    return scan.previous_versions(repo, new, known, paths)
