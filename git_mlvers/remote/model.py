"""The values and protocols that a remote deals in."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from git_mlvers.errors import CorruptError, MlversError
    from git_mlvers.oid import Oid

SMALL = 131072
"""Files of at most this size travel as one ready frame and never touch a temporary file. Bytes."""


class Item(NamedTuple):
    """A file that is to be uploaded or downloaded: its oid, and its size in bytes."""

    oid: Oid
    size: int


class Term(NamedTuple):
    """A run of neighbouring chunks in a pack; a file is a list of them.

    `pack` is the raw 32-byte name of the pack, `offset` and `length` are the
    bytes that the frames take there, `chunks` is their number, and `size` the
    bytes of content that they hold.
    """

    pack: bytes
    offset: int
    length: int
    chunks: int
    size: int


class StoredFile(NamedTuple):
    """Where a file is on the remote: its oid, its size in bytes, its terms in order."""

    oid: Oid
    size: int
    terms: tuple[Term, ...]


class Tail(NamedTuple):
    """A pack's footer and trailer as they are on the remote, and the size of the pack."""

    pack_size: int
    tail: bytes


class Outcome(NamedTuple):
    """How the download of one file ended; no error means that the sink has it."""

    oid: Oid
    error: MlversError | None


class UploadReport(NamedTuple):
    """What an upload did: files and bytes now on the remote, bytes sent, packs written."""

    files: int
    bytes: int
    sent_bytes: int
    packs: int


class Problem(NamedTuple):
    """What a check found: a sentence, the object of the remote, and the files that suffer."""

    kind: str
    """``missing-pack``, ``wrong-size``, ``damaged-pack``, ``missing-index``, ``damaged-index``
    or ``damaged-file``."""
    key: str
    message: str
    oids: tuple[Oid, ...]


class Source(Protocol):
    """Where an upload takes content from; called from one thread."""

    def open(self, oid: Oid, size: int) -> BinaryIO:
        """The content of a file, from its start."""

    def frame(self, oid: Oid, size: int) -> bytes | None:
        """The whole content as one ready frame, or ``None`` when there is none to be had."""


class Sink(Protocol):
    """Where a download puts content; called from the thread that downloads."""

    def has(self, oid: Oid, size: int) -> bool:
        """Whether the content is here already."""

    def open(self, oid: Oid, size: int) -> BinaryIO:
        """Content that is here, for the chunks that a wanted file shares with it."""

    def add_frame(self, frame: bytes) -> None:
        """Take a file of at most `SMALL` bytes; raises `CorruptError` when it is not its id."""

    def add_frames(self, framed: Sequence[bytes]) -> list[CorruptError | None]:
        """Take many such files at once; for each, in their order, what is wrong with it."""

    def new_file(self, size: int) -> tuple[int, str]:
        """A new empty temporary file that is to be `size` bytes long: descriptor and path."""

    def adopt(self, path: str, oid: Oid, size: int) -> None:
        """Take a complete and verified temporary file; `path` is the sink's from now on."""
