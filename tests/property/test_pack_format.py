"""Whatever is packed is read again; whatever is damaged is noticed."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from git_mlvers import frame
from git_mlvers.errors import CorruptError
from git_mlvers.oid import Oid
from git_mlvers.remote import columns, index_file, pack
from git_mlvers.remote.model import StoredFile, Term
from git_mlvers.remote.table import Run

contents = st.lists(st.binary(min_size=1, max_size=300), min_size=1, max_size=20, unique=True)
names = st.binary(min_size=32, max_size=32)
u32 = st.integers(0, (1 << 32) - 1)


def packed(chunks: list[bytes], cuts: list[tuple[int, int]]) -> pack.Pack:
    """A pack of `chunks`, each of which is a file, and so is each run of them in `cuts`."""
    builder = pack.PackBuilder()
    for number, data in enumerate(chunks):
        builder.add(data, Oid.of(data), number % 2 == 0)
        builder.add_file(Oid.of(data), len(data), [Run(builder.table, number, 1)])
    for first, count in cuts:
        first %= len(chunks)
        run = Run(builder.table, first, max(1, min(count, len(chunks) - first)))
        content = b"".join(chunks[first : first + run.chunks])
        builder.add_file(Oid.of(content), len(content), [run])
    return builder.close()


cut_lists = st.lists(st.tuples(st.integers(0, 19), st.integers(1, 20)), max_size=5)


@given(contents, cut_lists)
@settings(deadline=None)
def test_files_are_where_the_footer_says(chunks: list[bytes], cuts: list[tuple[int, int]]) -> None:
    made = packed(chunks, cuts)
    data = bytes(made.data)
    footer = pack.read_tail(made.table.name, len(data), data)
    assert sorted(footer.files) == sorted(made.files)
    for file in footer.files:
        content = b""
        for term in file.terms:
            at = term.offset
            for _ in range(term.chunks):
                header, chunk = frame.decode(data, at)
                content += chunk
                at += header.length
            assert at == term.offset + term.length
        assert Oid.of(content) == file.oid and len(content) == file.size


@given(contents, st.data())
@settings(deadline=None)
def test_a_damaged_tail_is_never_read_as_another(chunks: list[bytes], data: st.DataObject) -> None:
    made = packed(chunks, [])
    tail = bytearray(made.tail)
    kind = data.draw(st.sampled_from(["flip", "cut", "front"]))
    if kind == "flip":
        tail[data.draw(st.integers(0, len(tail) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    elif kind == "cut":
        del tail[data.draw(st.integers(0, len(tail) - 1)) :]
    else:
        del tail[: data.draw(st.integers(1, len(tail)))]
    try:
        footer = pack.read_tail(made.table.name, len(made.data), bytes(tail))
    except CorruptError:
        return
    assert footer.files == made.files


@given(names, st.binary(max_size=400))
def test_random_bytes_are_no_tail(name: bytes, data: bytes) -> None:
    try:
        pack.read_tail(name, len(data), data)
    except CorruptError:
        return
    raise AssertionError("random bytes were taken for a footer")


@given(
    st.dictionaries(names, st.integers(0, 256 << 20), min_size=1, max_size=5),
    st.lists(
        st.tuples(names, st.lists(st.tuples(u32, u32, u32, u32), min_size=1, max_size=4)),
        max_size=20,
    ),
    st.lists(st.tuples(st.integers(-(1 << 63), (1 << 63) - 1), st.integers(0, 4)), max_size=9),
    st.lists(names, max_size=3),
)
def test_index_files_hold_any_numbers(
    packs: dict[bytes, int],
    rows: list[tuple[bytes, list[tuple[int, int, int, int]]]],
    hooks: list[tuple[int, int]],
    supersedes: list[bytes],
) -> None:
    order = list(packs)
    files = []
    for oid, columns_of in rows:
        terms = [Term(order[row[0] % len(order)], *row) for row in columns_of]
        files.append(StoredFile(Oid(oid), sum(term.size for term in terms), tuple(terms)))
    pairs = {(order.index(order[n % len(order)]), hook) for hook, n in hooks}
    index = index_file.Index(packs, [(h, order[n]) for n, h in sorted(pairs)], files, supersedes)
    name, data = index_file.encode(index)
    assert index_file.decode(data, name) == index


@given(st.binary(max_size=200))
def test_random_tables_end_in_an_error_of_ours(body: bytes) -> None:
    from blake3 import blake3

    data = b"MLVIDX01" + len(body).to_bytes(8, "little") + columns.compress(body)
    try:
        index_file.decode(data, blake3(data).digest())
    except CorruptError:
        pass
