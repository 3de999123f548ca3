"""Whether a repository on a store is whole."""

from __future__ import annotations

import tempfile
from typing import TYPE_CHECKING

from git_mlvers.backend.base import KeyMissing
from git_mlvers.errors import CorruptError
from git_mlvers.git.command import GitError
from git_mlvers.serverless import layout
from git_mlvers.serverless.local import Local
from git_mlvers.serverless.mirror import hydrate

if TYPE_CHECKING:
    from git_mlvers.serverless.manifest import Manifest
    from git_mlvers.serverless.store import Store


def check(store: Store, *, deep: bool = True, local: Local | None = None) -> list[str]:
    """Sentences on what is wrong with the repository on `store`; none when all is well.

    Each pack must be there in its size. If `deep`, all are fetched to a
    temporary place, and git checks each object and that none is missing. Where a
    clone's `local` has seen packs, a store without a repository has lost it. Raises
    `BackendError` when the store cannot be asked, and `LocalIOError`.
    """
    try:
        state = store.load()
        if state.manifest is None and local is not None:
            local.check_lost(store.url)
    except CorruptError as error:
        return [error.message]
    if state.manifest is None:
        return []
    wrong = _packs(store, state.manifest)
    if wrong or not deep:
        return wrong
    with tempfile.TemporaryDirectory(prefix="mlvers-") as folder:
        try:
            repo = hydrate(store, state, Local(folder, store.url), state.manifest.object_format)
            repo.git("fsck", "--full", "--no-dangling", "--no-progress")
        except (CorruptError, GitError, KeyMissing) as error:
            return [error.message]
    return []


def _packs(store: Store, manifest: Manifest) -> list[str]:
    there = {entry.key: entry.size for entry in store.backend.list(layout.PACKS)}
    wrong = []
    for pack in manifest.packs:
        size = there.get(layout.pack_key(pack.id))
        if size is None:
            wrong.append(f"the pack {pack.id} is missing in {store.url}")
        elif size != pack.size:
            wrong.append(f"the pack {pack.id} has {size} bytes, and should have {pack.size}")
    return wrong
