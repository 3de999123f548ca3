"""Planning a download: which ranges of which packs, so that few requests bring much."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from git_mlvers.errors import ContentMissing, CorruptError
from git_mlvers.frame import MAX_CHUNK
from git_mlvers.remote.model import SMALL
from git_mlvers.remote.table import CELL

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from git_mlvers.backend.base import Capabilities
    from git_mlvers.errors import MlversError
    from git_mlvers.remote.model import Item, StoredFile, Term
    from git_mlvers.remote.state import State


# Files are planned for download in batches, so that memory does not grow with the job.
_BATCH_FILES = 20_000
_BATCH_TERMS = 200_000
_STEP = 1000


class Limits(NamedTuple):
    """Neighbouring pieces are fetched together up to `range` bytes, over gaps of `gap` bytes."""

    # A cell, with the end of the last chunk that starts in it.
    range: int = CELL + MAX_CHUNK
    gap: int = 64 << 10

    @classmethod
    def of(cls, capabilities: Capabilities) -> Limits:
        """What suits a store: one that cannot give parts is asked for whole packs."""
        return cls() if capabilities.ranges else cls(48 << 20, 48 << 20)


class Target:
    """A wanted file while it is being downloaded."""

    __slots__ = ("done", "error", "item", "left", "parts", "path", "places")

    def __init__(self, item: Item, places: list[StoredFile]) -> None:
        self.item = item
        self.places = places
        """Where the file may be had from; the first one is tried now."""
        self.left = 0
        """Pieces that have not arrived."""
        self.path: str | None = None
        """The temporary file that a large file is written to."""
        self.parts: dict[int, bytes] = {}
        """What has arrived of a small file that has several chunks, by offset."""
        self.error: MlversError | None = None
        """Why the place that is tried is no good."""
        self.done = False

    def begin(self) -> None:
        """Try the first of the places from the start."""
        self.left = 0
        self.path = None
        self.parts = {}
        self.error = None

    @property
    def small(self) -> bool:
        """Whether the file goes to the sink as one frame."""
        return self.item.size <= SMALL

    @property
    def over(self) -> bool:
        """Whether nothing more need be done for it."""
        return self.done or self.error is not None


class Piece(NamedTuple):
    """A run of chunks that is to be fetched for a file: where it goes, and where it is."""

    target: Target
    at: int
    term: Term


class Range(NamedTuple):
    """One request: bytes `start` to `end` of a pack, and the pieces within."""

    pack: bytes
    start: int
    end: int
    pieces: list[Piece]

    @property
    def size(self) -> int:
        """Bytes that are fetched."""
        return self.end - self.start


def batches(
    state: State | None, items: Sequence[Item]
) -> Iterator[list[tuple[Item, list[StoredFile]]]]:
    """`items` with the places that the index gives them, in batches of bounded size."""
    batch: list[tuple[Item, list[StoredFile]]] = []
    terms = 0
    for start in range(0, len(items), _STEP):
        some = items[start : start + _STEP]
        places = {} if state is None else state.files(item.oid for item in some)
        batch += [(item, places.get(item.oid, [])) for item in some]
        terms += sum(len(place.terms) for found in places.values() for place in found)
        if len(batch) >= _BATCH_FILES or terms >= _BATCH_TERMS:
            yield batch
            batch, terms = [], 0
    if batch:
        yield batch


def pieces_of(target: Target) -> Iterator[Piece]:
    """The pieces of a file at the first of its places."""
    at = 0
    for term in target.places[0].terms:
        yield Piece(target, at, term)
        at += term.size


def ranges_of(pieces: Iterable[Piece], limits: Limits) -> list[Range]:
    """Join pieces that are neighbours in a pack, or nearly so."""
    ranges: list[Range] = []
    end = 0
    for piece in sorted(pieces, key=_place):
        term = piece.term
        term_end = term.offset + term.length
        last = ranges[-1] if ranges else None
        if (
            last is not None
            and last.pack == term.pack
            and term.offset <= end + limits.gap
            and max(end, term_end) - last.start <= limits.range
        ):
            end = max(end, term_end)
            last.pieces.append(piece)
            ranges[-1] = last._replace(end=end)
        else:
            end = term_end
            ranges.append(Range(term.pack, term.offset, end, [piece]))
    return ranges


def _place(piece: Piece) -> tuple[bytes, int]:
    return piece.term.pack, piece.term.offset


def unusable(
    url: str, item: Item, places: Sequence[StoredFile], damaged: Iterable[MlversError]
) -> MlversError:
    """Why a file cannot be had from the remote at `url`, whose index gives it no usable place.

    `damaged` are the index files that could not be read: one of them may list it.
    """
    if any(not place.terms for place in places):
        return CorruptError(f"the index of {url} contradicts itself about {item.oid.short}")
    if places:
        return CorruptError(
            f"{item.oid.short} has {places[0].size} bytes on {url},"
            f" and not {item.size} as its pointer says"
        )
    for error in damaged:
        return error
    return ContentMissing(f"the remote {url} does not have the content {item.oid.short}")
