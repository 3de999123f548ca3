"""S3 behind a network that fails: what is tried again, what is told, and how soon."""

from __future__ import annotations

import socket
import time
from typing import TYPE_CHECKING

import pytest

from git_mlvers.backend.base import (
    BackendError,
    Forbidden,
    KeyMissing,
    StoreFull,
    StoreMissing,
    Unreachable,
)
from git_mlvers.backend.patience import Patience
from git_mlvers.backend.registry import open_backend
from tests.support.chaosproxy import ChaosProxy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from git_mlvers.backend.base import Backend
    from tests.support.s3server import S3Server

QUICK = Patience(connect=1.0, silence=0.5, unknown=1.0, total=1.5)
HASTY = QUICK._replace(unknown=0.3, total=0.3)
SOON = 20.0
"""Seconds in which every failure must be told with such patience, on a busy machine."""

LARGE = bytes(range(256)) * 4096
HUGE = bytes(24 << 20)
"""More than the buffers of two sockets hold."""


@pytest.fixture(scope="module")
def proxy(s3: S3Server) -> Iterator[ChaosProxy]:
    """A proxy in front of the server."""
    with ChaosProxy(*s3.address) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def place(s3: S3Server) -> str:
    """A place in a bucket of its own."""
    return f"s3://{s3.new_bucket()}/prefix"


@pytest.fixture(scope="module")
def shared(s3: S3Server, proxy: ChaosProxy, place: str) -> Iterator[Backend]:
    """A backend behind the proxy."""
    backend = open_backend(place, s3.options(proxy.url), patience=QUICK)
    yield backend
    backend.close()


@pytest.fixture(scope="module")
def shared_hasty(s3: S3Server, proxy: ChaosProxy, place: str) -> Iterator[Backend]:
    """Another on the same place."""
    backend = open_backend(place, s3.options(proxy.url), patience=HASTY)
    yield backend
    backend.close()


@pytest.fixture
def store(shared: Backend, proxy: ChaosProxy) -> Backend:
    """A backend with one object of 1 MiB, ``a/key``, in a network that is well."""
    proxy.heal()
    shared.put("a/key", LARGE)
    proxy.heal()
    return shared


@pytest.fixture
def hasty(store: Backend, shared_hasty: Backend) -> Backend:
    """The same, and it gives up after an attempt or two."""
    return shared_hasty


VERBS: dict[str, Callable[[Backend], object]] = {
    "get": lambda store: store.get("a/key"),
    "put": lambda store: store.put("a/other", LARGE),
    "create": lambda store: store.create("a/key", b"x"),
    "stat": lambda store: store.stat("a/key"),
    "list": lambda store: list(store.list("")),
    "delete": lambda store: store.delete("a/none"),
}


def fails(act: Callable[[], object]) -> BackendError:
    """The error that `act` ends with, which must come soon."""
    begun = time.monotonic()
    with pytest.raises(BackendError) as caught:
        act()
    assert time.monotonic() - begun < SOON
    assert "\n" not in caught.value.message
    return caught.value


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("kind", ["status", "refuse", "hang"])
def test_trouble_that_passes_is_not_noticed(
    store: Backend, proxy: ChaosProxy, kind: str, verb: str
) -> None:
    proxy.hurt(kind, times=1)  # type: ignore[arg-type]
    VERBS[verb](store)
    assert len(proxy.requests) == 2


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize(
    ("kind", "words"), [("status", "503"), ("refuse", "connection"), ("hang", "no answer in time")]
)
def test_trouble_that_stays_ends_with_a_sentence(
    hasty: Backend, proxy: ChaosProxy, kind: str, words: str, verb: str
) -> None:
    proxy.hurt(kind)  # type: ignore[arg-type]
    error = fails(lambda: VERBS[verb](hasty))
    assert type(error) is Unreachable
    assert words in error.message
    assert hasty.url in error.message
    assert proxy.url in error.message
    assert error.hint


def test_how_often_it_was_tried_is_told(store: Backend, proxy: ChaosProxy) -> None:
    proxy.hurt("status")
    error = fails(lambda: store.get("a/key"))
    assert f"tried {len(proxy.requests)} times in " in error.message


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_server_that_is_busy_is_asked_again(
    store: Backend, proxy: ChaosProxy, status: int
) -> None:
    proxy.hurt("status", times=2, status=status)
    assert store.get("a/key") == LARGE
    assert len(proxy.requests) == 3


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 501])
def test_a_server_that_says_no_is_not_asked_again(
    store: Backend, proxy: ChaosProxy, status: int
) -> None:
    proxy.hurt("status", status=status)
    error = fails(lambda: store.get("a/key"))
    assert not error.transient
    assert type(error) is {401: Forbidden, 403: Forbidden, 404: KeyMissing, 501: Unreachable}.get(
        status, BackendError
    )
    assert len(proxy.requests) == 1


def test_a_full_server_says_so(store: Backend, proxy: ChaosProxy) -> None:
    proxy.hurt("status", status=507)
    error = fails(lambda: store.put("a/other", b"x"))
    assert type(error) is StoreFull


def test_an_answer_that_breaks_off_is_fetched_again(store: Backend, proxy: ChaosProxy) -> None:
    proxy.hurt("cut", times=2, at=100_000)
    assert store.get("a/key") == LARGE
    assert proxy.methods() == ["GET"] * 3


def test_an_answer_that_always_breaks_off_is_never_short_data(
    hasty: Backend, proxy: ChaosProxy
) -> None:
    proxy.hurt("cut", at=len(LARGE) - 1)
    assert type(fails(lambda: hasty.get("a/key"))) is Unreachable
    proxy.hurt("cut", at=499_999)
    assert type(fails(lambda: hasty.get("a/key", 1000, 500_000))) is Unreachable


def test_an_answer_that_stops_in_its_middle_is_given_up(
    store: Backend, hasty: Backend, proxy: ChaosProxy
) -> None:
    proxy.hurt("stall", times=1, at=100_000)
    assert store.get("a/key") == LARGE
    proxy.hurt("stall", at=100_000)
    assert "no answer in time" in fails(lambda: hasty.get("a/key")).message


def test_a_server_that_stops_reading_is_given_up(
    hasty: Backend, s3: S3Server, place: str, proxy: ChaosProxy
) -> None:
    proxy.hurt("hang_upload")
    assert type(fails(lambda: hasty.put("a/huge", HUGE))) is Unreachable
    # Where others work too, the server takes its time for so many bytes.
    patience = QUICK._replace(silence=3.0, unknown=60.0, total=60.0)
    patient = open_backend(place, s3.options(proxy.url), patience=patience)
    proxy.hurt("hang_upload", times=1)
    patient.put("a/huge", HUGE)
    assert patient.get("a/huge") == HUGE
    patient.close()


def test_an_upload_longer_than_the_silence_is_not_given_up(
    store: Backend, proxy: ChaosProxy
) -> None:
    proxy.hurt("delay", times=1, seconds=QUICK.silence * 0.6)
    store.put("a/other", LARGE)
    assert proxy.methods() == ["PUT"]


def test_a_list_that_breaks_off_is_complete_and_has_nothing_twice(
    store: Backend, proxy: ChaosProxy
) -> None:
    for number in range(5):
        store.put(f"many/{number}", b"x")
    proxy.hurt("cut", times=1, at=300)
    assert [entry.key for entry in store.list("many/")] == [f"many/{n}" for n in range(5)]


def test_other_bytes_of_the_right_length_are_not_ours_to_notice(
    store: Backend, proxy: ChaosProxy
) -> None:
    proxy.hurt("flip", at=10)
    data = store.get("a/key")
    assert len(data) == len(LARGE)
    assert data != LARGE


def test_a_create_whose_answer_got_lost_may_say_that_it_was_there(
    store: Backend, proxy: ChaosProxy
) -> None:
    proxy.hurt("lose_answer", times=1)
    assert not store.create("a/created", b"mine")
    assert store.get("a/created") == b"mine"
    store.delete("a/created")


def test_a_put_whose_answer_got_lost_is_done(store: Backend, proxy: ChaosProxy) -> None:
    proxy.hurt("lose_answer", times=1)
    store.put("a/other", b"mine")
    assert store.get("a/other") == b"mine"


def test_nobody_listening_is_told_soon(s3: S3Server) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    backend = open_backend(
        "s3://bucket/prefix", s3.options(f"http://127.0.0.1:{port}"), patience=HASTY
    )
    error = fails(lambda: backend.get("key"))
    assert type(error) is Unreachable
    assert "no connection" in error.message
    assert f"127.0.0.1:{port}" in error.message
    backend.close()


def test_a_host_that_does_not_exist_is_told_at_once(s3: S3Server) -> None:
    backend = open_backend("s3://bucket/prefix", s3.options("http://no-such-host.invalid"))
    error = fails(lambda: backend.get("key"))
    assert type(error) is Unreachable
    assert "no-such-host.invalid" in error.message
    backend.close()


def test_a_bucket_that_does_not_exist_is_told_at_once(s3: S3Server) -> None:
    backend = open_backend("s3://no-such-bucket/prefix", s3.options())
    error = fails(lambda: backend.put("key", b"x"))
    assert type(error) is StoreMissing
    backend.close()


def test_without_credentials_the_way_to_give_them_is_told(
    s3: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    backend = open_backend("s3://bucket/prefix", {"endpointurl": s3.endpoint})
    error = fails(lambda: backend.get("key"))
    assert type(error) is Forbidden
    assert "no credentials" in error.message
    assert "accesskeyid" in (error.hint or "")
    backend.close()


def test_a_profile_that_does_not_exist_is_told(s3: S3Server) -> None:
    backend = open_backend(
        "s3://bucket/prefix", {"endpointurl": s3.endpoint, "profile": "no-such-profile"}
    )
    error = fails(lambda: backend.get("key"))
    assert "no-such-profile" in error.message
    backend.close()


@pytest.mark.parametrize("endpoint", ["nonsense", "http://", "http://127.0.0.1:99999"])
def test_an_endpoint_that_is_none_is_told(s3: S3Server, endpoint: str) -> None:
    backend = open_backend("s3://bucket/prefix", s3.options(endpoint), patience=HASTY)
    error = fails(lambda: backend.get("key"))
    assert endpoint in error.message
    assert error.hint
    backend.close()


def test_messages_hold_no_secret(s3: S3Server, proxy: ChaosProxy) -> None:
    options = s3.options(proxy.url.replace("://", "://name:hidden-word@"))
    options["secretaccesskey"] = "hidden-word"
    proxy.heal()
    proxy.hurt("status", status=403)
    backend = open_backend("s3://bucket/prefix", options, patience=HASTY)
    error = fails(lambda: backend.get("key"))
    assert "hidden-word" not in str(error)
    proxy.hurt("refuse")
    assert "hidden-word" not in str(fails(lambda: backend.get("key")))
    backend.close()
