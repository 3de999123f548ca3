"""Every fault of a store beside every operation: what was there stays, and a retry succeeds.

The faults are in `tests.support.faults`. Those of disks, of processes that are
killed and of real networks are in the files beside this one; they start
programs, and this does not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pytest

from git_mlvers.backend import retry
from git_mlvers.backend.directory import Directory
from git_mlvers.backend.retry import Retrying
from git_mlvers.cache import Cache
from git_mlvers.errors import CorruptError, LocalIOError, MlversError
from git_mlvers.oid import Oid
from git_mlvers.remote import Remote, pack
from tests.support.faults import BRIEF, ROWS, Row
from tests.support.stores import Memory, edited, fetched, some_bytes, some_text, well

if TYPE_CHECKING:
    from pathlib import Path

    from git_mlvers.backend.base import Backend
    from git_mlvers.remote import Item
    from tests.faults.conftest import MountDisk

LARGE = some_bytes(1_500_000, 1)
BEFORE = [LARGE, some_text(400_000, 2), *(some_bytes(3_000, 10 + i) for i in range(20))]
NEW = [edited(LARGE, 3), some_bytes(700_000, 4), *(some_bytes(2_000, 50 + i) for i in range(20))]


class Scene(NamedTuple):
    """A store with what was pushed before; somebody who has more, somebody who has nothing."""

    root: Path
    states: Path
    source: Memory
    before: list[Item]
    new: list[Item]

    def remote(self, machine: str, row: Row | None = None) -> Remote:
        """The remote as a new process on `machine` opens it, with or without the fault."""
        honest: Backend = Directory(str(self.root), fsync=False)
        backend = honest if row is None else Retrying(row.wrap(honest), BRIEF)
        return Remote(backend, str(self.states / machine))

    def push(self, row: Row | None = None, machine: str = "pusher") -> None:
        """Push all that is new."""
        remote = self.remote(machine, row)
        try:
            remote.upload(self.new, self.source, bases={self.new[0].oid: [self.before[0].oid]})
        finally:
            remote.close()

    def fetch(
        self, sink: Memory, items: list[Item], row: Row | None = None, machine: str = "reader"
    ) -> list[MlversError]:
        """Fetch `items`; every error, those of single files and that of the whole."""
        remote = self.remote(machine, row)
        try:
            return [error for error in fetched(remote, items, sink).values() if error is not None]
        except MlversError as error:
            return [error]
        finally:
            remote.close()

    def problems(self, machine: str, *, read_data: bool = True) -> list[str]:
        """What a check of the whole remote finds, with all of its bytes read."""
        remote = self.remote(machine)
        try:
            return [problem.kind for problem in remote.fsck(read_data)]
        finally:
            remote.close()


@pytest.fixture
def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scene:
    monkeypatch.setattr(pack, "TARGET", 300_000)
    monkeypatch.setattr(retry, "FIRST_WAIT", 0.05)
    source = Memory(tmp_path / "source")
    before, new = [source.put(d) for d in BEFORE], [source.put(d) for d in NEW]
    scene = Scene(tmp_path / "store", tmp_path / "state", source, before, new)
    remote = scene.remote("first")
    remote.upload(before, source)
    remote.close()
    return scene


def assert_sentence(error: MlversError) -> None:
    """It is one line that names something, and no accident of the program."""
    assert error.message.strip()
    assert "\n" not in error.message
    assert "Traceback" not in str(error)
    assert error.message[-1] not in ".:"


def assert_right(sink: Memory) -> None:
    """No wrong byte has come in, and nothing half is left."""
    assert all(Oid.of(data) == oid for oid, data in sink.content.items())
    assert sink.temps == []


PUSHING = [row for row in ROWS if row.push is not None]
FETCHING = [row for row in ROWS if row.fetch is not None]


@pytest.mark.parametrize("row", PUSHING, ids=[row.name for row in PUSHING])
def test_push(scene: Scene, tmp_path: Path, row: Row) -> None:
    failed: MlversError | None = None
    try:
        scene.push(row)
    except MlversError as error:
        failed = error
        assert_sentence(error)
    assert (failed is not None) == (row.push == "error")
    sink = Memory(tmp_path / "sink")
    if row.push == "later":
        noticed_and_mended(scene, sink)
    else:
        # Whatever is indexed is there, byte for byte.
        assert scene.problems("checker") == []
    scene.push()
    assert scene.problems("checker") == []
    assert scene.fetch(sink, [*scene.before, *scene.new]) == []
    assert_right(sink)
    assert set(sink.content) == {item.oid for item in (*scene.before, *scene.new)}


def noticed_and_mended(scene: Scene, sink: Memory) -> None:
    """A reader gets no wrong byte, a check finds it, a repair makes the next push send it anew."""
    errors = scene.fetch(sink, [*scene.before, *scene.new])
    assert errors
    for error in errors:
        assert_sentence(error)
    assert_right(sink)
    assert scene.problems("checker") != []
    remote = scene.remote("pusher")
    remote.rebuild_index(read_data=True)
    remote.close()


@pytest.mark.parametrize("row", FETCHING, ids=[row.name for row in FETCHING])
def test_fetch(scene: Scene, tmp_path: Path, row: Row) -> None:
    scene.push()
    wanted = [*scene.before, *scene.new]
    sink = Memory(tmp_path / "sink")
    errors = scene.fetch(sink, wanted, row)
    for error in errors:
        assert_sentence(error)
    assert bool(errors) == (row.fetch == "error")
    assert_right(sink)
    assert scene.fetch(sink, [i for i in wanted if i.oid not in sink.content]) == []
    assert_right(sink)
    assert set(sink.content) == {item.oid for item in wanted}
    assert scene.problems("checker") == []


def test_list_that_is_behind(scene: Scene, tmp_path: Path) -> None:
    """Some stores list what was there a while ago: what is new seems missing, and nothing more."""
    from tests.support.faulty import Stale

    stale = Stale(Directory(str(scene.root), fsync=False))
    scene.push()
    row = Row("stale", lambda _: stale, "well", "error")
    sink = Memory(tmp_path / "sink")
    errors = scene.fetch(sink, [*scene.before, *scene.new], row)
    assert len(errors) == len(scene.new)
    assert not any(isinstance(error, CorruptError) for error in errors)
    assert {item.oid for item in scene.before} == set(sink.content)
    # Who pushes what is there unseen sends it twice, and does no harm.
    scene.push(row, "another")
    assert scene.problems("checker") == []
    assert well(scene.fetch(sink, scene.new))
    assert_right(sink)


def test_no_room_for_what_is_known_of_the_remote(
    scene: Scene, tmp_path: Path, small_disk: MountDisk
) -> None:
    """The local copy of the index does not fit on the disk: a sentence, and it goes on later."""
    scene.push()
    wanted, sink = [*scene.before, *scene.new], Memory(tmp_path / "sink")
    for kib in (4, 24, 48):
        small_disk(scene.states / "reader", kib)
        errors = scene.fetch(sink, wanted)
        assert errors
        for error in errors:
            assert_sentence(error)
            assert isinstance(error, LocalIOError)
        assert_right(sink)
    with pytest.raises(LocalIOError) as raised:
        scene.push(machine="reader")
    assert_sentence(raised.value)
    assert scene.problems("checker") == []
    small_disk(scene.states / "reader", 8_000)
    assert scene.fetch(sink, wanted) == []
    assert set(sink.content) == {item.oid for item in wanted}


def test_no_room_in_the_cache(scene: Scene, tmp_path: Path, small_disk: MountDisk) -> None:
    """Files arrive as far as there is room; the others come when there is."""
    scene.push()
    wanted = [*scene.before, *scene.new]
    small_disk(tmp_path / "cache", 500)
    cache = Cache(str(tmp_path / "cache"))
    remote = scene.remote("reader")
    try:
        with pytest.raises(LocalIOError) as raised:
            errors = [outcome.error for outcome in remote.download(wanted, cache)]
            raise next(error for error in errors if error is not None)
    finally:
        remote.close()
        cache.close()
    assert_sentence(raised.value)
    assert "full" in raised.value.message
    small_disk(tmp_path / "cache", 20_000)
    cache, remote = Cache(str(tmp_path / "cache")), scene.remote("reader")
    assert all(outcome.error is None for outcome in remote.download(wanted, cache))
    for item in wanted:
        with cache.open(item.oid, item.size) as stream:
            assert Oid.of(stream.read()) == item.oid
    cache.close()
    remote.close()
