"""Reading everything in a cache, to find what the disk has damaged."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from git_mlvers.errors import CorruptError
from git_mlvers.fsutil import disk_errors
from git_mlvers.progress import Silent

if TYPE_CHECKING:
    from git_mlvers.cache.store import Store
    from git_mlvers.oid import Oid
    from git_mlvers.progress import Progress


class Problem(NamedTuple):
    """What a check found and put right: a sentence, the file, the content that is lost here.

    `path` is where damaged content is now, if it was moved.
    """

    message: str
    path: str
    oid: Oid | None


def verify(store: Store, oid: Oid, size: int) -> Problem | None:
    """Read and hash one object; damaged it is moved away, and what is missing is no problem."""
    path = store.objects.path(oid)
    if store.objects.has_file(oid):
        return None if store.objects.is_intact(oid) else _moved(store, oid, path)
    try:
        store.packs.read(oid)
    except CorruptError as error:
        return Problem(error.message, store.packs.folder, oid)
    return None


def check(store: Store, progress: Progress | None = None) -> list[Problem]:
    """Read and hash all objects, and make the index of the packs anew if it is unsound.

    Damaged content is moved away, and counts as missing from then on; it stays
    in a store that is not writable.
    """
    progress = progress or Silent()
    sizes = [size for _, size in store.objects]
    packs = store.packs.catalog.packs()
    progress.start("Checking", len(sizes) + len(packs), sum(sizes) + sum(packs.values()))
    try:
        found = _check_objects(store, progress)
        return found + _check_index(store) + _check_packs(store, progress)
    finally:
        progress.finish()
        store.packs.flush()


def _check_objects(store: Store, progress: Progress) -> list[Problem]:
    found = []
    for oid, path in store.objects.files():
        try:
            size = os.lstat(path).st_size
        except FileNotFoundError:
            continue  # removed at this moment
        if not store.objects.is_intact(oid):
            found.append(_moved(store, oid, path))
        progress.advance(1, size)
    return found


def _check_index(store: Store) -> list[Problem]:
    with store.packs.mutex:
        if store.packs.catalog.is_sound():
            return []
        store.packs.catalog.rebuild()
    return [
        Problem("the index of the packs was damaged; it is made anew", store.packs.folder, None)
    ]


def _check_packs(store: Store, progress: Progress) -> list[Problem]:
    problems = []
    for name, size in sorted(store.packs.catalog.packs().items()):
        path = os.path.join(store.packs.folder, name)
        with disk_errors(path, "checking the cache"):
            for oid, kept in store.packs.heal(name).items():
                problems.append(_damaged(oid, path, kept))
        progress.advance(1, size)
    if problems:
        # There may be another copy of what is damaged, or a row that was damaged itself.
        with store.packs.mutex:
            store.packs.catalog.rebuild()
    return problems


def _moved(store: Store, oid: Oid, path: str) -> Problem:
    return _damaged(oid, path, store.objects.damaged.get(oid, path))


def _damaged(oid: Oid, path: str, kept: str) -> Problem:
    if kept == path:
        return Problem(f"content {oid.short} is damaged", path, oid)
    return Problem(f"content {oid.short} was damaged; it is moved to {kept}", kept, oid)
