"""Bringing files from a remote in batches, and again what a collection moved meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_mlvers.remote.download import Download
from git_mlvers.remote.fetching import PackGone
from git_mlvers.remote.model import Outcome
from git_mlvers.remote.plan import Target, batches, unusable
from git_mlvers.remote.reuse import Reuse

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from git_mlvers.backend.base import Backend
    from git_mlvers.errors import MlversError
    from git_mlvers.progress import Progress
    from git_mlvers.remote.model import Item, Sink, StoredFile
    from git_mlvers.remote.state import State


class Bringing:
    """Files on their way from the remote whose index is in `state`, if it has one."""

    def __init__(
        self,
        backend: Backend,
        state: State | None,
        connections: int,
        sink: Sink,
        progress: Progress,
    ) -> None:
        self._backend = backend
        self._state = state
        self._connections = connections
        self._sink = sink
        self._progress = progress
        self._damaged: list[MlversError] = []
        self._places: dict[Item, list[StoredFile]] = {}
        self.moved: dict[Item, MlversError] = {}
        """Files that were not where the index said, as a pack is gone, and the error of each."""

    def run(self, items: Sequence[Item], damaged: Iterable[MlversError]) -> Iterator[Outcome]:
        """Bring `items`; yields the outcome of each but those in `moved`.

        `damaged` are the index files that cannot be read: one of them may list what is missing.
        """
        self._damaged = list(damaged)
        by_oid = {item.oid: item for item in items}
        for outcome in self._bring(items):
            if isinstance(outcome.error, PackGone):
                self.moved[by_oid[outcome.oid]] = outcome.error
            else:
                yield outcome
        self._places = self._find(self.moved)

    def run_again(self) -> Iterator[Outcome]:
        """Bring what is `moved` from where the index, read again, says now."""
        now = self._find(self.moved)
        again = [item for item in self.moved if now.get(item) != self._places.get(item)]
        for item in set(self.moved) - set(again):
            yield Outcome(item.oid, self.moved[item])
        yield from self._bring(again)

    def _find(self, items: Iterable[Item]) -> dict[Item, list[StoredFile]]:
        wanted = list(items)
        found = {} if self._state is None else self._state.files(item.oid for item in wanted)
        return {item: found.get(item.oid, []) for item in wanted}

    def _bring(self, items: Sequence[Item]) -> Iterator[Outcome]:
        for batch in batches(self._state, items):
            targets = []
            for item, places in batch:
                usable = [place for place in places if place.terms and place.size == item.size]
                if usable:
                    targets.append(Target(item, usable))
                else:
                    error = unusable(self._backend.url, item, places, self._damaged)
                    yield Outcome(item.oid, error)
            if targets and self._state is not None:
                reuse = Reuse(self._backend, self._state, self._connections)
                job = Download(self._backend, reuse, self._sink, self._progress, self._connections)
                yield from job.run(targets)
