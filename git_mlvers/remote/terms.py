"""Files and their terms as columns, the form that footers and index files share.

The offset of a term is written as its distance from the end of the term before
it, and the size of a file's last term is not written at all: it is what the
terms before it leave of the file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_mlvers.errors import CorruptError
from git_mlvers.frame import HEADER, MAX_CHUNK
from git_mlvers.oid import Oid
from git_mlvers.remote.columns import deltas, undeltas
from git_mlvers.remote.layout import MAX_TERM
from git_mlvers.remote.model import StoredFile, Term

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from git_mlvers.remote.columns import ColumnReader, ColumnWriter


_U32 = (1 << 32) - 1


def write_files(
    writer: ColumnWriter, files: Sequence[StoredFile], numbers: Mapping[bytes, int]
) -> None:
    """Write `files`; `numbers` gives the number that stands for each pack's name."""
    terms = [term for file in files for term in file.terms]
    writer.raw(file.oid for file in files)
    writer.u64([file.size for file in files])
    writer.u32([len(file.terms) for file in files])
    lengths = [term.length for term in terms]
    writer.u32([numbers[term.pack] for term in terms])
    writer.u32(deltas([term.offset for term in terms], lengths))
    writer.u32(lengths)
    writer.u32([term.chunks for term in terms])
    writer.u32([term.size for file in files for term in file.terms[:-1]])


def read_files(
    reader: ColumnReader, count: int, term_count: int, packs: Sequence[bytes]
) -> list[StoredFile]:
    """Read `count` files with `term_count` terms in all, whose packs are numbers into `packs`.

    Raises `CorruptError` when the columns contradict each other. Whether a
    term fits into its pack is for `is_possible` to say, file by file.
    """
    oids = reader.raw(count)
    sizes = reader.u64(count)
    counts = reader.u32(count)
    if term_count < count or 0 in counts or sum(counts) != term_count:
        raise CorruptError("a table of files has other terms than it says")
    if sizes and max(sizes) >= 1 << 63:
        raise CorruptError("a table of files lists one of impossible size")
    numbers = reader.u32(term_count)
    distances = reader.u32(term_count)
    lengths = reader.u32(term_count)
    chunks = reader.u32(term_count)
    partial = iter(reader.u32(term_count - count))
    if term_count and max(numbers) >= len(packs):
        raise CorruptError("a term is in a pack that is not listed")
    offsets = undeltas(distances, lengths)
    files, at = [], 0
    for oid, size, number_of_terms in zip(oids, sizes, counts, strict=True):
        left, terms = size, []
        last = at + number_of_terms - 1
        for i in range(at, last):
            held = next(partial)
            left -= held
            terms.append(Term(packs[numbers[i]], offsets[i], lengths[i], chunks[i], held))
        terms.append(Term(packs[numbers[last]], offsets[last], lengths[last], chunks[last], left))
        at = last + 1
        files.append(StoredFile(Oid(oid), size, tuple(terms)))
    return files


def is_possible(file: StoredFile, pack_sizes: Mapping[bytes, int]) -> bool:
    """Whether every term of `file` can be in its pack, and they add up to the file's size."""
    total = 0
    for pack, offset, length, chunks, size in file.terms:
        if not 0 < length <= MAX_TERM or offset + length > pack_sizes.get(pack, 0):
            return False
        # A frame takes at least its header, and holds at least one byte.
        if not 0 < chunks * (HEADER.size + 1) <= length:
            return False
        if not chunks <= size <= min(chunks * MAX_CHUNK, _U32):
            return False
        total += size
    return total == file.size
