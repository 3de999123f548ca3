"""What every cloud that is reached by HTTP does when the network does not do its part."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

import pytest

from git_mlvers.backend.base import Unreachable
from git_mlvers.backend.patience import Patience
from git_mlvers.backend.registry import open_backend
from tests.support.azureserver import azure_server
from tests.support.chaosproxy import ChaosProxy
from tests.support.webdavserver import webdav_server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from git_mlvers.backend.base import Backend

QUICK = Patience(connect=1.0, silence=1.0, unknown=3.0, total=3.0)


class Reached(NamedTuple):
    """A store, through a proxy."""

    backend: Backend
    proxy: ChaosProxy


def _azure() -> tuple[tuple[str, int], Callable[[str], Backend]]:
    server = azure_server()
    url = f"az://{server.new_container()}/p"
    return server.address, lambda to: open_backend(url, server.options(to), patience=QUICK)


def _webdav() -> tuple[tuple[str, int], Callable[[str], Backend]]:
    server = webdav_server()
    path = server.new_path()

    def opener(to: str) -> Backend:
        return open_backend(server.url(path, to), server.options(), patience=QUICK)

    return server.address, opener


CLOUDS = {"azure": _azure, "webdav": _webdav}


@pytest.fixture(params=CLOUDS)
def reached(request: pytest.FixtureRequest) -> Iterator[Reached]:
    """Each cloud in turn, with one object that is there."""
    address, opener = CLOUDS[request.param]()
    with ChaosProxy(*address) as proxy:
        backend = opener(proxy.url)
        backend.put("content/key", b"0123456789" * 1000)
        yield Reached(backend, proxy)
        backend.close()


def test_what_passes_is_tried_again(reached: Reached) -> None:
    backend, proxy = reached
    proxy.hurt("status", times=1, status=503)
    backend.put("content/new", b"x")
    proxy.hurt("refuse", times=1)
    assert backend.get("content/key", 10, 10) == b"0123456789"
    proxy.hurt("cut", times=1, at=500)
    assert backend.get("content/key") == b"0123456789" * 1000


def test_what_does_not_pass_is_told_in_time(reached: Reached) -> None:
    backend, proxy = reached
    for kind in ("status", "refuse", "hang"):
        proxy.hurt(kind)  # type: ignore[arg-type]
        with pytest.raises(Unreachable, match="content/key") as caught:
            backend.get("content/key")
        assert "tried" in caught.value.message
        assert caught.value.message.isprintable()
        proxy.heal()
    assert len(backend.get("content/key")) == 10_000


def test_an_answer_that_stops_is_given_up(reached: Reached) -> None:
    backend, proxy = reached
    proxy.hurt("stall", times=1, at=100)
    assert len(backend.get("content/key")) == 10_000


def test_a_server_that_stops_reading_is_given_up(reached: Reached) -> None:
    backend, proxy = reached
    data = os.urandom(16 << 20)
    proxy.hurt("hang_upload", times=1)
    backend.put("content/large", data)
    assert backend.get("content/large") == data
