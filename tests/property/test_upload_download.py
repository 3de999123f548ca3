"""What goes up comes down, byte for byte, whatever it is and whatever becomes of the store."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from git_mlvers.errors import MlversError
from git_mlvers.oid import Oid
from git_mlvers.remote import Item
from tests.support.stores import Memory, Place, some_bytes, some_text

WHOLE, LONGEST = 131072, 262144
sizes = st.one_of(
    st.integers(1, 3000),
    st.sampled_from([1, WHOLE - 1, WHOLE, WHOLE + 1, LONGEST, LONGEST + 1, 1 << 20]),
    st.integers(WHOLE, 1_500_000),
)
fresh = st.builds(lambda size, seed: some_bytes(size, seed), sizes, st.integers(0, 5))
text = st.builds(lambda size, seed: some_text(min(size, 400_000), seed), sizes, st.integers(0, 5))
zeros = st.builds(bytes, sizes)


@st.composite
def histories(draw: st.DrawFn) -> list[list[bytes]]:
    """Pushes, each of some files: new ones, copies, and edits of earlier ones."""
    pushes: list[list[bytes]] = []
    earlier: list[bytes] = []
    for _ in range(draw(st.integers(1, 3))):
        files = draw(st.lists(st.one_of(fresh, text, zeros), min_size=1, max_size=4))
        for _ in range(draw(st.integers(0, 3)) if earlier else 0):
            files.append(draw(edits(draw(st.sampled_from(earlier)))))
        earlier += files
        pushes.append(files)
    return pushes


@st.composite
def edits(draw: st.DrawFn, data: bytes) -> bytes:
    at = draw(st.integers(0, len(data)))
    kind = draw(st.sampled_from(["insert", "delete", "replace", "append", "twice", "same"]))
    patch = some_bytes(draw(st.integers(1, 40_000)), draw(st.integers(0, 99)))
    return {
        "insert": data[:at] + patch + data[at:],
        "delete": data[: at // 2] + data[at:] or b"x",
        "replace": data[:at] + patch + data[at + len(patch) :],
        "append": data + patch,
        "twice": data + data,
        "same": data,
    }[kind]


def push(place: Place, source: Memory, pushes: list[list[bytes]]) -> list[Item]:
    """Push as two machines in turn; every other push knows which files are earlier versions."""
    items: dict[Oid, Item] = {}
    for number, files in enumerate(pushes):
        some = [source.put(data) for data in files]
        bases = {item.oid: list(items) for item in some} if number % 2 else {}
        place.remote(f"pusher-{number % 2}").upload(some, source, bases=bases)
        items.update((item.oid, item) for item in some)
    return list(items.values())


relaxed = settings(
    deadline=None, max_examples=30, suppress_health_check=[HealthCheck.too_slow], database=None
)


@given(histories(), st.booleans(), st.data())
@relaxed
def test_all_that_was_pushed_comes_back(
    pushes: list[list[bytes]], ready: bool, data: st.DataObject
) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        place, source = Place(folder), Memory(folder / "source", ready_frames=ready)
        items = push(place, source, pushes)
        sink = Memory(folder / "sink")
        # Some of it is there already, from an earlier download.
        for item in data.draw(st.lists(st.sampled_from(items), unique=True)):
            sink.put(source.content[item.oid])
        wanted = [item for item in items if not sink.has(item.oid, item.size)]
        reader = place.remote("reader")
        for outcome in reader.download(wanted, sink):
            assert outcome.error is None
        assert all(sink.content[item.oid] == source.content[item.oid] for item in items)
        assert sink.temps == [] and list(reader.fsck(read_data=True)) == []
        place.close()


@given(histories(), st.data())
@relaxed
def test_a_damaged_store_never_gives_wrong_bytes(
    pushes: list[list[bytes]], data: st.DataObject
) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        place, source = Place(folder), Memory(folder / "source")
        items = push(place, source, pushes)
        damage(place, data)
        sink = Memory(folder / "sink")
        # Memory checks that whatever it is given is what its oid says.
        try:
            outcomes = list(place.remote("reader").download(items, sink))
        except MlversError:
            outcomes = []
        good = {outcome.oid for outcome in outcomes if outcome.error is None}
        assert set(sink.content) == good and sink.temps == []
        # A push on top of the damage either fails or makes its own files whole.
        more = source.put(source.content[items[0].oid] + b"more")
        pusher = place.remote("another")
        try:
            pusher.upload([more], source, bases={more.oid: [items[0].oid]})
        except MlversError:
            pass
        else:
            (outcome,) = place.remote("last").download([more], sink)
            assert outcome.error is None or _old_bytes_are_damaged(pusher, outcome.oid)
        place.close()


def damage(place: Place, data: st.DataObject) -> None:
    """Change one object: a bit, its length, or that it is there."""
    path = data.draw(st.sampled_from(place.objects("content/")))
    content = bytearray(path.read_bytes())
    kind = data.draw(st.sampled_from(["flip", "cut", "longer", "gone", "swapped"]))
    if kind == "flip":
        content[data.draw(st.integers(0, len(content) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    elif kind == "cut":
        del content[data.draw(st.integers(0, len(content) - 1)) :]
    elif kind == "longer":
        content += b"x"
    elif kind == "swapped":
        content = bytearray(data.draw(st.sampled_from(place.objects("content/"))).read_bytes())
    path.write_bytes(content)
    if kind == "gone":
        path.unlink()


def _old_bytes_are_damaged(remote: object, oid: Oid) -> bool:
    """An upload trusts the frames of packs whose size and footer are right; fsck finds them."""
    return any(oid in problem.oids for problem in remote.fsck(read_data=True))  # type: ignore[attr-defined]
