"""Bring the objects of a repository on a store into one on this machine."""

from __future__ import annotations

import contextlib
import os
import shutil
from typing import TYPE_CHECKING

from git_mlvers.backend.base import KeyMissing
from git_mlvers.errors import CorruptError
from git_mlvers.fsutil import disk_errors, temp_path
from git_mlvers.git import refs
from git_mlvers.git.command import GitError, joined
from git_mlvers.serverless.download import fetch_packs
from git_mlvers.serverless.indexing import Indexer

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from git_mlvers.git.repository import Repository
    from git_mlvers.serverless.local import Local
    from git_mlvers.serverless.manifest import Manifest, Pack
    from git_mlvers.serverless.store import Loaded, Store


class Fetcher:
    """Brings packs of the repository on `store` into `repo`, where `local` belongs to both.

    `keeps` are the files that keep packs from a collection by git until refs
    name their objects: whoever fetches removes them then. `verbose` lets git
    show its progress. `connected` tells after a fetch that all is known to be
    there, which is only looked for if `connect` asks for it.
    """

    def __init__(
        self,
        store: Store,
        repo: Repository,
        local: Local,
        *,
        verbose: bool = False,
        connect: bool = False,
    ) -> None:
        self._store = store
        self._repo = repo
        self._local = local
        self._connect = connect
        self.connected = False
        self._indexer = Indexer(repo, verbose=verbose)

    @property
    def keeps(self) -> list[str]:
        """Paths of files ``….keep`` that were made."""
        return self._indexer.keeps

    def fetch(self, loaded: Loaded, wanted: Sequence[str]) -> None:
        """Bring whatever the objects `wanted` need, which refs of the state `loaded` name.

        What is believed to be here already is left out at first. When it turns
        out not to be, everything is fetched. Raises `BackendError`,
        `CorruptError`, `GitError` and `LocalIOError`.
        """
        if loaded.manifest is None:
            raise CorruptError(f"the repository at {self._store.url} has no objects to fetch")
        skipped = self._already(loaded.manifest)
        try:
            self._bring(loaded.manifest, skipped)
            if not skipped:
                self.connected &= refs.existing(self._repo, wanted) == set(wanted)
                return
            self.connected = False
            if self._complete(wanted):
                return
        except (GitError, CorruptError):
            if not skipped:
                raise
        self._local.forget()
        self._bring(loaded.manifest, set())
        self.connected = False

    def _already(self, manifest: Manifest) -> set[str]:
        """The ids of the packs whose objects should be here."""
        seen = self._local.seen() & manifest.pack_ids
        rest = [pack for pack in manifest.packs if pack.id not in seen]
        there = refs.existing(self._repo, (tip for pack in rest for tip in pack.tips))
        return seen | {pack.id for pack in rest if pack.tips and there.issuperset(pack.tips)}

    def _bring(self, manifest: Manifest, skipped: set[str]) -> None:
        try:
            self._bring_packs([pack for pack in manifest.packs if pack.id not in skipped])
        except KeyMissing:
            # Others may have put one pack in place of many since we read the manifest.
            fresh = self._store.load().manifest
            if fresh is None or fresh.pack_ids == manifest.pack_ids:
                raise
            manifest = fresh
            self._bring_packs([pack for pack in fresh.packs if pack.id not in skipped])
        self._local.remember(manifest.pack_ids, manifest.pack_ids)

    def _bring_packs(self, packs: Sequence[Pack]) -> None:
        if not packs:
            return
        alone = self._connect and len(packs) == 1 and not packs[0].thin
        with self._folder() as folder:
            for _, path in fetch_packs(self._store.backend, packs, folder):
                self.connected = self._indexer.index(path, alone=alone)
                os.unlink(path)

    def _complete(self, wanted: Sequence[str]) -> bool:
        """Whether everything that `wanted` reach is here, as far as no ref vouches for it."""
        try:
            self._repo.git(
                *("rev-list", "--objects", "--quiet", "--stdin", "--not", "--all"),
                input=joined(wanted),
            )
        except GitError:
            return False
        return True

    @contextlib.contextmanager
    def _folder(self) -> Iterator[str]:
        path = temp_path(self._local.make(), "tmp-")
        with disk_errors(path, "making a directory"):
            os.mkdir(path)
        try:
            yield path
        finally:
            shutil.rmtree(path, ignore_errors=True)
