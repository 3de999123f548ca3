"""What the next index file is to tell, until it is written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_mlvers.errors import CorruptError
from git_mlvers.remote import index_file
from git_mlvers.remote.layout import index_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from git_mlvers.backend.base import Backend
    from git_mlvers.remote.model import StoredFile
    from git_mlvers.remote.state import State

# An index file for so many files at the latest, so that memory stays bounded.
_MAX_FILES = 100_000
_MAX_TERMS = 500_000


class Pending:
    """Packs that are on the remote and in no index, and the files that they complete."""

    def __init__(self, sizes: Mapping[bytes, int] | None = None) -> None:
        """`sizes` are those of packs that the files may share, where no index tells them."""
        self._known = sizes or {}
        self._packs: list[bytes] = []
        self._sizes: dict[bytes, int] = {}
        self._hooks: list[tuple[int, bytes]] = []
        self._files: list[StoredFile] = []
        self._terms = 0
        self.supersedes: list[bytes] = []

    def add(
        self, name: bytes, size: int, hooks: Iterable[int], files: Iterable[StoredFile]
    ) -> None:
        """Tell of a pack of `size` bytes, and of files that it completes."""
        self._packs.append(name)
        self._sizes[name] = size
        self._hooks += [(hook, name) for hook in hooks]
        before = len(self._files)
        self._files += files
        self._terms += sum(len(file.terms) for file in self._files[before:])

    @property
    def empty(self) -> bool:
        """Whether there is nothing to tell."""
        return not (self._packs or self.supersedes)

    @property
    def large(self) -> bool:
        """Whether it is time to write the index file."""
        return len(self._files) >= _MAX_FILES or self._terms >= _MAX_TERMS

    def lasts(self, state: State) -> bool:
        """Whether all packs that are told, or shared, are there and not going to be deleted."""
        others = {term.pack for file in self._files for term in file.terms} - set(self._sizes)
        doomed = state.doomed()
        there = state.pack_sizes(others)
        return doomed.isdisjoint(self._packs) and doomed.isdisjoint(there) and others <= set(there)

    def publish(self, backend: Backend, state: State) -> int:
        """Write the index file, which makes the files exist for others; returns its bytes.

        Every pack must be on the remote. The packs leave the journal of `state`.
        """
        others = {term.pack for file in self._files for term in file.terms} - set(self._sizes)
        known = {name: self._known[name] for name in others if name in self._known}
        sizes = self._sizes | state.pack_sizes(others) | known
        if len(sizes) != len(self._sizes) + len(others):
            raise CorruptError("a pack that is shared with an earlier upload is in no index")
        index = index_file.Index(sizes, self._hooks, self._files, self.supersedes)
        name, data = index_file.encode(index)
        superseded = state.superseded()
        while name in superseded:
            # Just this was pushed before, and lost since: nobody reads a file of that name.
            index.supersedes.append(name)
            name, data = index_file.encode(index)
        backend.put(index_key(name), data)
        state.ingest(name, index, journaled=self._packs)
        return len(data)
