"""Whether all that the index of a remote promises is there, and is right."""

from __future__ import annotations

import math
import random
from itertools import chain, groupby
from typing import TYPE_CHECKING, NamedTuple

from git_mlvers.backend.base import KeyMissing
from git_mlvers.remote.layout import (
    INDEXES,
    PACKS,
    doom_key,
    index_key,
    named_packs,
    pack_key,
)
from git_mlvers.remote.model import Problem
from git_mlvers.remote.scan import Scan, file_matches, scan_pack
from git_mlvers.remote.sync import NOTHING
from git_mlvers.remote.workers import in_order, in_parallel

if TYPE_CHECKING:
    from collections.abc import Iterator

    from git_mlvers.backend.base import Backend
    from git_mlvers.oid import Oid
    from git_mlvers.progress import Progress
    from git_mlvers.remote.model import StoredFile, Term
    from git_mlvers.remote.state import State
    from git_mlvers.remote.sync import Listing

_ENTRY = INDEXES.rstrip("/")


class Fault(NamedTuple):
    """What is wrong with a pack, and the spans of it that can be read nevertheless. Bytes."""

    kind: str
    message: str
    right: list[tuple[int, int]]


class Check:
    """One check of a remote whose index is in `state`."""

    def __init__(
        self, backend: Backend, state: State, connections: int, progress: Progress
    ) -> None:
        self._backend = backend
        self._state = state
        self._connections = connections
        self._progress = progress
        self.sizes: dict[bytes, int] = {}
        """Bytes of each pack that is on the remote."""
        self.faults: dict[bytes, Fault] = {}
        """What is wrong with packs."""
        self._wrong: set[StoredFile] = set()
        self._read: set[bytes] = set()

    def run(
        self, read_data: float, listing: Listing = NOTHING, everything: bool = False
    ) -> Iterator[Problem]:
        """Check packs against the index; with `read_data`, read every byte too.

        `read_data` is the share of the packs that are read, up to 1; which ones is left to chance.

        What the last sync, which gave `listing`, could not read is told. Packs
        that no index file lists are read only if `everything` is asked for.
        """
        damaged = listing.damaged
        for name, error in damaged.items():
            yield Problem("damaged-index", index_key(name), error.message, ())
        for name, error in listing.bad_dooms.items():
            yield Problem("damaged-index", doom_key(name), error.message, ())
        self._compare()
        if self.sizes and not damaged and not self._state.indexes():
            yield missing_index(len(self.sizes))
        if read_data:
            self._read_packs(everything, read_data)
        affected = self._affected()
        aside, doomed = self._state.set_aside(), self._state.doomed()
        for pack, fault in self.faults.items():
            key = pack_key(pack)
            suffer = tuple(affected.pop(key, ()))
            if fault.kind == "missing-pack" and pack in doomed:
                continue  # A collection has deleted it, and nothing needed it.
            # What a repair has set aside stays where it is, and harms nobody.
            if suffer or pack not in aside:
                yield Problem(fault.kind, key, fault.message, suffer)
        for key, oids in affected.items():
            message = "the index lists places at which these files are not"
            yield Problem("damaged-file", key, message, tuple(oids))

    def blamed(self, file: StoredFile) -> bytes | None:
        """The first pack to blame for that `file` cannot be read at this place, after `run`."""
        return next((term.pack for term in file.terms if not self._readable(term)), None)

    def is_wrong(self, file: StoredFile) -> bool:
        """Whether `run` found other content than that of `file` at this place."""
        return file in self._wrong

    def _compare(self) -> None:
        """Find packs that are missing or of another size."""
        self.sizes = pack_sizes(self._backend)
        for name, size in self._state.pack_sizes().items():
            found = self.sizes.get(name)
            if found is None:
                self.faults[name] = Fault("missing-pack", "it is not on the remote", [])
            elif found != size:
                message = f"it has {found} bytes, and not {size}"
                self.faults[name] = Fault("wrong-size", message, [])

    def _read_packs(self, everything: bool, share: float) -> None:
        """Verify every frame, and the files that are one chunk, of a share of the packs."""
        self._read = set(self.sizes)
        if share < 1:
            number = math.ceil(share * len(self._read))
            self._read = set(random.SystemRandom().sample(sorted(self._read), number))
        others: list[tuple[bytes, int, list[StoredFile]]] = []
        if everything:
            listed = self._state.pack_sizes()
            others = [(pack, size, []) for pack, size in self.sizes.items() if pack not in listed]

        def scan(pack: tuple[bytes, int, list[StoredFile]]) -> Scan:
            return scan_pack(self._backend, pack[0], pack[1])

        packs = chain(self._state.packs_with_singles(), others)
        present = (p for p in packs if p[0] in self._read and p[0] not in self.faults)
        for (name, size, singles), found in in_order(min(4, self._connections), scan, present):
            if found.fault is not None:
                right = _spans(found)
                self.faults[name] = Fault("damaged-pack", found.fault, right)
            for file in singles:
                term = file.terms[0]
                expected = (term.length, file.size, file.oid)
                if found.chunks.get(term.offset) not in (expected, None):
                    self._wrong.add(file)
            self._progress.advance(0, size)

    def _affected(self) -> dict[str, list[Oid]]:
        """Files that cannot be had from any of their places, by what is to blame."""
        affected: dict[str, list[Oid]] = {}
        groups = (list(g) for _, g in groupby(self._state.all_files(), key=lambda f: f.oid))
        for done in in_parallel(self._connections, self._blame, groups):
            if done.error is not None:
                raise done.error
            if done.result is not None:
                affected.setdefault(done.result, []).append(done.tag[0].oid)
        return affected

    def _blame(self, places: list[StoredFile]) -> str | None:
        """The key of what keeps a file from being had; ``None`` when one of its places is right."""
        first: str | None = None
        for file in places:
            pack = self.blamed(file)
            fault = None if pack is None else pack_key(pack)
            if fault is None:
                wrong = not file.terms or file in self._wrong
                several = len(file.terms) > 1 or any(term.chunks > 1 for term in file.terms)
                if not wrong and several and self._read.issuperset(t.pack for t in file.terms):
                    wrong = not file_matches(self._backend, file)
                if not wrong:
                    return None
                self._wrong.add(file)
                fault = _ENTRY
            first = first or fault
        return first

    def _readable(self, term: Term) -> bool:
        fault = self.faults.get(term.pack)
        end = term.offset + term.length
        return fault is None or any(low <= term.offset and end <= high for low, high in fault.right)


def pack_sizes(backend: Backend) -> dict[bytes, int]:
    """Bytes of each pack that is on the remote."""
    try:
        return {name: entry.size for name, entry in named_packs(backend.list(PACKS))}
    except KeyMissing:
        return {}


def missing_index(packs: int) -> Problem:
    """The problem that there are so many packs, and nothing that says what is in them."""
    message = f"there is no index file, but {packs} pack{'s' if packs > 1 else ''}"
    return Problem("missing-index", _ENTRY, message, ())


def _spans(found: Scan) -> list[tuple[int, int]]:
    """The spans of a pack that consist of right frames."""
    spans: list[tuple[int, int]] = []
    for offset, (length, _, _) in sorted(found.chunks.items()):
        if spans and spans[-1][1] == offset:
            spans[-1] = (spans[-1][0], offset + length)
        else:
            spans.append((offset, offset + length))
    return spans
