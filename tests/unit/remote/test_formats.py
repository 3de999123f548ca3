"""Packs and index files, byte by byte where it matters: what is on remotes is there for ever."""

from __future__ import annotations

import struct

import pytest
from blake3 import blake3

from git_mlvers import frame
from git_mlvers.errors import CorruptError
from git_mlvers.oid import Oid
from git_mlvers.remote import columns, doom, index_file, layout, pack
from git_mlvers.remote.model import StoredFile, Term
from git_mlvers.remote.table import PackTable, Run
from git_mlvers.remote.terms import is_possible
from tests.support.stores import some_bytes, some_text


def packed(*contents: bytes) -> pack.Pack:
    """A pack in which each of `contents` is a file of one chunk."""
    builder = pack.PackBuilder()
    for number, data in enumerate(contents):
        builder.add(data, Oid.of(data), True)
        builder.add_file(Oid.of(data), len(data), [Run(builder.table, number, 1)])
    return builder.close()


def test_a_pack_is_frames_then_footer_then_trailer() -> None:
    contents = [some_bytes(100, 1), some_text(5000, 2)]
    made = packed(*contents)
    data = bytes(made.data)
    assert made.table.name == blake3(data).digest()
    at = 0
    for content in contents:
        header, chunk = frame.decode(data, at)
        assert chunk == content
        at += header.length
    checksum, stored, unpacked, magic = struct.unpack("<32sII8s", data[-48:])
    assert magic == b"MLVPACK1" and at + stored + 48 == len(data)
    footer = data[at:-48]
    assert blake3(footer).digest() == checksum
    body = columns.decompress(footer, unpacked)
    assert struct.unpack_from("<5I", body) == (2, 2, 0, 0, 0)
    assert body[20:84] == Oid.of(contents[0]) + Oid.of(contents[1])


def test_a_footer_tells_what_the_pack_has() -> None:
    made = packed(*(some_bytes(1000 + n, n) for n in range(100)))
    footer = pack.read_tail(made.table.name, len(made.data), made.tail)
    assert footer.files == made.files and footer.hooks == made.hooks
    assert footer.table.ids == made.table.ids
    assert footer.table.offsets == made.table.offsets and footer.table.sums == made.table.sums


def test_a_file_over_two_packs_is_in_the_second_footer() -> None:
    first = packed(some_bytes(1000, 1), some_bytes(1000, 2))
    builder = pack.PackBuilder()
    builder.add(b"x" * 200, Oid.of(b"x" * 200), False)
    runs = [Run(first.table, 0, 2), Run(builder.table, 0, 1)]
    builder.add_file(Oid.of(b"file"), 2200, runs)
    made = builder.close()
    (file,) = pack.read_tail(made.table.name, len(made.data), made.tail).files
    assert [term.pack for term in file.terms] == [first.table.name, made.table.name]
    assert file.terms[0] == Term(first.table.name, 0, 2096, 2, 2000)
    sizes = {first.table.name: len(first.data), made.table.name: len(made.data)}
    assert is_possible(file, sizes)


def test_terms_are_cut_where_a_cell_begins() -> None:
    table = PackTable(b"p" * 32)
    for number in range(300):
        table.append(number.to_bytes(32, "big"), 100_000, 99_952)
    whole, part = table.terms(0, 300), table.terms(50, 200)
    assert len(whole) == 4 and sum(term.chunks for term in whole) == 300
    assert {term.offset for term in part[1:]} <= {term.offset for term in whole}
    assert all(term.length <= (8 << 20) + 100_000 for term in whole)


def test_an_index_file_reads_as_it_was_written() -> None:
    made = packed(*(some_bytes(1000 + n, n) for n in range(200)))
    name = made.table.name
    long = StoredFile(
        Oid.of(b"long"), 3000, (Term(name, 0, 2000, 2, 1900), Term(name, 0, 1500, 1, 1100))
    )
    index = index_file.Index(
        {name: len(made.data), b"q" * 32: 77},
        sorted((hook, name) for hook in made.hooks),
        [*made.files, long],
        [b"s" * 32],
    )
    key, data = index_file.encode(index)
    assert index_file.decode(data, key) == index


@pytest.mark.parametrize("change", ["flip", "cut", "longer", "empty"])
def test_a_changed_index_file_is_refused(change: str) -> None:
    key, data = index_file.encode(index_file.Index({b"p" * 32: 5}, [], [], []))
    changed = {
        "flip": data[:-1] + bytes([data[-1] ^ 1]),
        "cut": data[:-1],
        "longer": data + b"x",
        "empty": b"",
    }[change]
    with pytest.raises(CorruptError):
        index_file.decode(changed, key)


def test_an_index_file_cannot_ask_for_memory() -> None:
    # Names that fit: whoever writes to the remote can make them so.
    bodies = [
        struct.pack("<5I", 1 << 31, 0, 0, 0, 0),
        struct.pack("<5I", 1 << 22, 0, 0, 0, 0),
        struct.pack("<5I", 0, 0, 1 << 21, 1 << 22, 0),
        struct.pack("<5I", 0, 0, 1, 0, 0),
        b"",
    ]
    forged = [b"MLVIDX01" + struct.pack("<Q", len(b)) + columns.compress(b) for b in bodies]
    forged.append(b"MLVIDX01" + struct.pack("<Q", 1 << 40) + columns.compress(b""))
    forged.append(b"MLVIDX01" + struct.pack("<Q", 8) + columns.compress(bytes(60 << 20)))
    forged.append(b"MLVIDX99" + struct.pack("<Q", 0) + columns.compress(b""))
    for data in forged:
        with pytest.raises(CorruptError):
            index_file.decode(data, blake3(data).digest())


def forged_index(files: list[StoredFile], packs: dict[bytes, int]) -> index_file.Index:
    name, data = index_file.encode(index_file.Index(packs, [], files, []))
    return index_file.decode(data, name)


@pytest.mark.parametrize(
    "terms",
    [
        (Term(b"p" * 32, 900, 200, 1, 100),),  # beyond the end of the pack
        (Term(b"p" * 32, 0xFFFFFFF0, 200, 1, 100),),
        (Term(b"p" * 32, 0, 200, 5, 100),),  # more frames than fit
        (Term(b"p" * 32, 0, 0, 0, 100),),
        (Term(b"p" * 32, 0, 200, 2, 150), Term(b"p" * 32, 200, 200, 1, 300)),  # another sum
        (Term(b"p" * 32, 0, 200, 200, 100),),
    ],
)
def test_an_impossible_place_spoils_that_file_only(terms: tuple[Term, ...]) -> None:
    packs = {b"p" * 32: 1000}
    good = StoredFile(Oid.of(b"good"), 50, (Term(b"p" * 32, 0, 98, 1, 50),))
    index = forged_index([StoredFile(Oid.of(b"bad"), 100, terms), good], packs)
    assert [is_possible(file, packs) for file in index.files] == [False, True]


def test_keys_of_other_forms_are_nobody() -> None:
    digits = "ab" * 32
    assert layout.pack_name(f"content/packs/ab/{digits}") == bytes.fromhex(digits)
    assert layout.index_name(f"content/index/{digits}") == bytes.fromhex(digits)
    for key in (
        f"content/packs/cd/{digits}",
        f"content/packs/ab/{digits.upper()}",
        f"content/packs/ab/../{digits}",
        "content/packs/ab/",
        f"content/index/x/{digits}",
    ):
        assert layout.pack_name(key) is None and layout.index_name(key) is None


def test_ten_thousand_files_take_few_bytes() -> None:
    name = b"p" * 32
    files = [
        StoredFile(
            Oid.of(b"%d" % n),
            10_000 + n % 500,
            (Term(name, n * 10_600, 10_048 + n % 500, 1, 10_000 + n % 500),),
        )
        for n in range(10_000)
    ]
    index = index_file.Index({name: 200 << 20}, [], files, [])
    key, data = index_file.encode(index)
    assert index_file.decode(data, key) == index
    assert len(data) < 60 * len(files)


def test_a_list_of_doomed_packs_is_read_as_it_was_written() -> None:
    packs = [blake3(b"%d" % n).digest() for n in range(5)]
    name, data = doom.encode(packs, 1.7e9)
    assert doom.decode(data, name) == sorted(packs)
    assert doom.encode(packs, 1.8e9)[0] != name
    for wrong in (b"", data[:-1], data + b"x", data[:20], b"MLVDOOM2" + data[8:]):
        with pytest.raises(CorruptError):
            doom.decode(wrong, name)
        with pytest.raises(CorruptError):
            doom.decode(wrong, blake3(wrong).digest())
