"""What a check of a remote finds, and what a repair brings back."""

from __future__ import annotations

from tests.support.stores import Memory, Place, edited, fetched, some_bytes, well


def test_a_sound_remote_has_no_problems(place: Place, source: Memory) -> None:
    old = some_bytes(3 << 20, 1)
    before, after = source.put(old), source.put(edited(old, 2))
    remote = place.remote()
    remote.upload([before, source.put(b"small")], source)
    remote.upload([after], source, bases={after.oid: [before.oid]})
    assert list(remote.fsck()) == []
    assert list(remote.fsck(read_data=True)) == []
    assert list(place.remote("empty").fsck(read_data=True)) == []


def test_missing_and_short_packs_are_found_without_reading(place: Place, source: Memory) -> None:
    first, second = source.put(some_bytes(5000, 1)), source.put(some_bytes(5000, 2))
    place.remote().upload([first], source)
    (gone,) = place.packs
    place.remote().upload([second], source)
    (short,) = [path for path in place.packs if path != gone]
    gone.unlink()
    short.write_bytes(short.read_bytes()[:-1])
    found = {
        (problem.kind, problem.key.rpartition("/")[2]): problem.oids
        for problem in place.remote("two").fsck()
    }
    assert found == {
        ("missing-pack", gone.name): (first.oid,),
        ("wrong-size", short.name): (second.oid,),
    }


def test_flipped_bits_are_found_with_the_files_that_suffer(place: Place, source: Memory) -> None:
    small = [source.put(some_bytes(5000, n)) for n in range(5)]
    large = [source.put(some_bytes(2 << 20, n)) for n in range(10, 12)]
    remote = place.remote()
    remote.upload(small + large, source)
    (pack,) = place.packs
    data = bytearray(pack.read_bytes())
    for item in (small[1], large[0]):
        (stored,) = remote.state.files([item.oid])[item.oid]
        data[stored.terms[0].offset + 10] ^= 1  # in the header
    pack.write_bytes(data)
    assert list(remote.fsck()) == []
    (problem,) = remote.fsck(read_data=True)
    assert problem.kind == "damaged-pack" and pack.name in problem.key
    assert set(problem.oids) == {small[1].oid, large[0].oid}


def test_a_damaged_footer_is_found_and_spares_the_files(
    place: Place, source: Memory, sink: Memory
) -> None:
    items = [source.put(some_bytes(5000, n)) for n in range(5)]
    remote = place.remote()
    remote.upload(items, source)
    (pack,) = place.packs
    data = bytearray(pack.read_bytes())
    data[-60] ^= 1
    pack.write_bytes(data)
    (problem,) = remote.fsck(read_data=True)
    assert problem.kind == "damaged-pack" and problem.oids == ()
    assert well(fetched(place.remote("two"), items, sink).values())


def test_a_damaged_index_file_is_found(place: Place, source: Memory) -> None:
    place.remote().upload([source.put(b"content")], source)
    (index,) = place.indexes
    index.write_bytes(index.read_bytes()[:-3])
    (problem,) = place.remote("two").fsck()
    assert problem.kind == "damaged-index" and index.name in problem.key


def test_an_index_that_lists_the_wrong_chunks_is_found(place: Place, source: Memory) -> None:
    from git_mlvers.remote import index_file
    from git_mlvers.remote.model import StoredFile

    items = [source.put(some_bytes(5000, n)) for n in range(2)]
    items += [source.put(some_bytes(400_000, n)) for n in range(2, 4)]
    remote = place.remote()
    remote.upload(items, source)
    (path,) = place.indexes
    index = index_file.decode(path.read_bytes(), bytes.fromhex(path.name))
    terms = {file.oid: file.terms for file in index.files}
    swapped = dict(
        zip((i.oid for i in items), (items[1], items[0], items[3], items[2]), strict=True)
    )
    files = [StoredFile(f.oid, f.size, terms[swapped[f.oid].oid]) for f in index.files]
    path.unlink()
    name, data = index_file.encode(index._replace(files=files))
    place.counting.put(f"content/index/{name.hex()}", data)
    (problem,) = place.remote("two").fsck(read_data=True)
    assert problem.kind == "damaged-file"
    assert set(problem.oids) == {item.oid for item in items}


def test_the_index_is_rebuilt_from_footers_alone(
    place: Place, source: Memory, sink: Memory
) -> None:
    old = some_bytes(3 << 20, 1)
    items = [source.put(old), source.put(edited(old, 2)), source.put(b"small")]
    items += [source.put(some_bytes(9000, n)) for n in range(5)]
    remote = place.remote()
    for item in items:
        remote.upload([item], source, bases={items[1].oid: [items[0].oid]})
    for path in [*place.indexes, place.root / "mlvers.json"]:
        path.unlink()
    other = place.remote("two")
    assert other.missing([items[0].oid])
    assert other.upload([items[-1]], source).files == 1
    assert other.rebuild_index() == []
    reader = place.remote("three")
    assert well(fetched(reader, items, sink).values())
    # The hooks are back too: an edit of a file under a new name is recognised.
    moved = source.put(edited(old, 3))
    assert reader.upload([moved], source).sent_bytes < len(old) / 3


def test_a_repair_tells_what_it_could_not_save(place: Place, source: Memory) -> None:
    old = some_bytes(3 << 20, 1)
    before, after = source.put(old), source.put(edited(old, 2))
    remote = place.remote()
    remote.upload([before], source)
    (first,) = place.packs
    remote.upload([after], source, bases={after.oid: [before.oid]})
    first.unlink()
    for path in place.indexes:
        path.unlink()
    other = place.remote("two")
    (problem,) = other.rebuild_index()
    assert problem.kind == "missing-pack" and first.name in problem.key
    assert problem.oids == (after.oid,)
    assert other.missing([before.oid, after.oid]) == {before.oid, after.oid}
