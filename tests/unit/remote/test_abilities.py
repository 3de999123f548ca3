"""What a store can do is found out once, and a store that lies is found out, too."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from git_mlvers.backend.base import Capabilities, Forbidden
from git_mlvers.backend.patience import Patience
from git_mlvers.backend.probe import Found, UnfitStore
from git_mlvers.backend.registry import open_backend
from git_mlvers.errors import RemoteError
from git_mlvers.remote import Remote
from git_mlvers.remote.plan import Limits
from tests.support.chaosproxy import ChaosProxy
from tests.support.faulty import FailForever, Meddler, Stale
from tests.support.s3server import shared_server
from tests.support.stores import fetched, some_bytes, well

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.chaosproxy import Kind
    from tests.support.stores import Memory, Place

ALL = Found(create_only=True, replace_if=True, ranges=True, lists=True)
PATIENCE = Patience(connect=5, silence=5, unknown=20, total=20)


class Overwrites(Meddler):
    """Does not know that something is only to be created."""

    def create(self, key: str, data: bytes | memoryview) -> bool:
        self.inner.put(key, data)
        return True


class Replaces(Meddler):
    """Does not know the condition of a replacement."""

    def replace(self, key: str, data: bytes | memoryview, token: str) -> str:
        self.inner.put(key, data)
        return "token"


class Whole(Meddler):
    """Gives the whole object where a part of it is wanted."""

    def get(self, key: str, start: int = 0, length: int | None = None) -> bytes:
        return self.inner.get(key)


class Sticky(Meddler):
    """Goes on giving what was there first, as a cache on the way does."""

    def __init__(self, inner: Place | object) -> None:
        super().__init__(inner)  # type: ignore[arg-type]
        self._seen: dict[str, bytes] = {}

    def get(self, key: str, start: int = 0, length: int | None = None) -> bytes:
        data = self._seen.setdefault(key, self.inner.get(key))
        return data[start : None if length is None else start + length]


class Plain(Meddler):
    """Claims nothing."""

    capabilities = Capabilities(False, False, True, 4)  # type: ignore[assignment]


def left_over(place: Place) -> list[Path]:
    return place.objects("content/probe/")


@pytest.mark.parametrize(
    ("wrap", "found"),
    [
        (Meddler, ALL),
        (Overwrites, ALL._replace(create_only=False)),
        (Replaces, ALL._replace(replace_if=False)),
        (Stale, ALL._replace(lists=False)),
        (Plain, ALL._replace(create_only=False, replace_if=False)),
    ],
)
def test_what_is_found(
    place: Place,
    wrap: Callable[..., Meddler],
    found: Found,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("git_mlvers.backend.probe.LATEST", 0.01)
    place.remote("maker").prove()
    remote = place.remote("one", wrap)
    assert remote.prove() == found
    assert left_over(place) == []
    allowed = remote.backend.capabilities
    assert allowed.create_only == found.create_only
    assert allowed.replace_if == found.replace_if
    # The next process knows it, without a word to the store.
    before = place.counting.counts.sent
    again = place.remote("one", wrap)
    assert again.prove() == found
    assert place.counting.counts.sent == before
    assert again.backend.capabilities == allowed


@pytest.mark.parametrize("wrap", [Whole, Sticky])
def test_a_store_with_other_bytes_is_refused(place: Place, wrap: Callable[..., Meddler]) -> None:
    with pytest.raises(UnfitStore, match="cannot be a remote"):
        place.remote("one", wrap).prove()
    assert left_over(place) == []
    # Nothing is remembered, so it is tried again.
    assert place.remote("one").prove() == ALL


def test_nothing_is_deleted_where_listings_are_late(
    place: Place, source: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("git_mlvers.backend.probe.LATEST", 0.01)
    place.remote("maker").upload([source.put(b"some content")], source)
    late = place.remote("one", Stale)
    late.prove()
    with pytest.raises(RemoteError, match="lists late") as raised:
        late.collector()
    assert "remote probe" in (raised.value.hint or "")
    mended = place.remote("one")
    mended.prove(again=True)
    assert mended.collector() is not None


def test_who_may_not_delete_can_push(place: Place, source: Memory, sink: Memory) -> None:
    def append_only(inner: object) -> Meddler:
        return FailForever(inner, "delete", "", Forbidden("no"))  # type: ignore[arg-type]

    remote = place.remote("one", append_only)  # type: ignore[arg-type]
    assert remote.prove() == ALL
    item = source.put(some_bytes(5000, 1))
    remote.upload([item], source)
    assert well(fetched(place.remote("two"), [item], sink).values())


def test_what_is_kept_but_damaged_is_found_out_anew(place: Place) -> None:
    remote = place.remote("one")
    assert remote.prove() == ALL
    (path,) = (place.folder / "state" / "one").glob("*.can.json")
    assert path.name == f"{remote.id}.can.json"
    for text in ("", "{}", '{"format": 2}', path.read_text().replace("true", "1")):
        path.write_text(text)
        assert place.remote("one").prove() == ALL


@pytest.mark.s3
@pytest.mark.parametrize(
    ("kind", "found"),
    [
        ("delay", ALL),
        ("no_ranges", ALL._replace(ranges=False)),
        ("no_conditions", ALL._replace(create_only=False, replace_if=False)),
    ],
)
def test_server_that_lies(
    kind: Kind, found: Found, source: Memory, sink: Memory, tmp_path: Path
) -> None:
    server = shared_server()
    url = f"s3://{server.new_bucket()}/at"
    with ChaosProxy(*server.address) as proxy:
        backend = open_backend(url, server.options(proxy.url), patience=PATIENCE)
        remote = Remote(backend, str(tmp_path / "state"))
        proxy.hurt(kind)
        assert remote.prove() == found
        assert not any("probe" in key for key in server.objects(url.split("/")[2]))
        # What it can do shapes what is asked of it: whole packs, where it knows no ranges.
        limits = Limits.of(remote.backend.capabilities)
        assert (limits.range > 40 << 20) == (not found.ranges)
        items = [source.put(some_bytes(300_000, 1)), source.put(b"small")]
        remote.upload(items, source)
        assert well(fetched(remote, items, sink).values())
        remote.close()
