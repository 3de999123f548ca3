"""Azure beyond what every store does: what it answers, what it costs, what it does not show."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from git_mlvers.backend.base import Forbidden, KeyMissing, StoreMissing
from git_mlvers.backend.registry import open_backend
from git_mlvers.backend.url import parse
from git_mlvers.errors import UsageError
from tests.support.azureserver import ACCOUNT, KEY, AzureServer, azure_server
from tests.support.chaosproxy import ChaosProxy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from git_mlvers.backend.base import Backend


@pytest.fixture
def server() -> AzureServer:
    """Azurite."""
    return azure_server()


@pytest.fixture
def proxy(server: AzureServer) -> Iterator[ChaosProxy]:
    """What counts the requests to it."""
    with ChaosProxy(*server.address) as proxy:
        yield proxy


@pytest.fixture
def backend(server: AzureServer, proxy: ChaosProxy) -> Iterator[Backend]:
    """A new container, through the proxy."""
    backend = open_backend(f"az://{server.new_container()}", server.options(proxy.url))
    yield backend
    backend.close()


def test_each_verb_is_one_request(backend: Backend, proxy: ChaosProxy) -> None:
    backend.put("refs", b"0123456789")
    token = backend.get_versioned("refs")[1]
    verbs: list[Callable[[], object]] = [
        lambda: backend.get("refs"),
        lambda: backend.get("refs", 2, 3),
        lambda: backend.put("other", b"x" * (6 << 20)),
        lambda: backend.create("new", b"x"),
        lambda: backend.create("new", b"x"),
        lambda: backend.replace("refs", b"next", token),
        lambda: backend.stat("refs"),
        lambda: backend.stat("none"),
        lambda: list(backend.list("")),
        lambda: backend.delete("other"),
        lambda: backend.delete("other"),
    ]
    for number, verb in enumerate(verbs):
        before = len(proxy.requests)
        verb()
        assert len(proxy.requests) - before == 1, number


def test_a_container_that_is_not_there_is_told(server: AzureServer) -> None:
    backend = open_backend("az://no-such-container/p", server.options())
    for verb in (backend.stat, backend.get, lambda key: backend.put(key, b"x")):
        with pytest.raises(StoreMissing, match="there is no container no-such-container"):
            verb("key")
    with pytest.raises(StoreMissing):
        list(backend.list(""))
    backend.close()


def test_a_wrong_key_is_told_and_not_shown(server: AzureServer) -> None:
    wrong = "c2VjcmV0LXRoYXQtaXMtd3Jvbmc="
    options = server.options() | {"accountkey": wrong}
    backend = open_backend(f"az://{server.new_container()}", options)
    with pytest.raises(Forbidden, match="access is denied") as caught:
        backend.get("key")
    assert wrong not in str(caught.value) + str(caught.value.hint)
    backend.close()


def test_without_any_account_it_is_said_what_to_set() -> None:
    backend = open_backend("az://container")
    with pytest.raises(Forbidden, match="names no account") as caught:
        backend.get("key")
    assert "accountname" in (caught.value.hint or "")


def test_credentials_of_the_cloud_go_over_https_only() -> None:
    with pytest.raises(UsageError, match="https only"):
        open_backend("az://c", {"accountname": "n", "endpointurl": "http://127.0.0.1:1"})


def test_a_signed_address_gives_access(server: AzureServer) -> None:
    from datetime import UTC, datetime, timedelta

    from azure.storage.blob import ContainerSasPermissions, generate_container_sas

    container = server.new_container()
    full = open_backend(f"az://{container}", server.options())
    full.put("key", b"content")
    token = generate_container_sas(
        ACCOUNT,
        container,
        account_key=KEY,
        permission=ContainerSasPermissions(read=True, list=True),
        expiry=datetime.now(UTC) + timedelta(hours=1),
    )
    options = server.options() | {"sastoken": token}
    del options["accountkey"]
    reader = open_backend(f"az://{container}", options)
    assert reader.get("key") == b"content"
    with pytest.raises(Forbidden) as caught:
        reader.put("other", b"x")
    signature = token.rpartition("sig=")[2]
    assert signature not in str(caught.value) + str(caught.value.hint)
    with pytest.raises(KeyMissing):
        reader.get("other")
    for backend in (full, reader):
        backend.close()


def test_what_a_client_says_is_shown_without_secrets() -> None:
    from git_mlvers.backend.cloud_errors import words
    from git_mlvers.backend.storage_options import secrets

    options = {"connectionstring": "AccountName=a;AccountKey=c2VjcmV0;BlobEndpoint=https://x"}
    hidden = secrets(parse("az://c"), options)
    assert "c2VjcmV0" in hidden
    said = words(
        RuntimeError(
            "no c2VjcmV0 at https://me:pass@host/b?sv=1&sig=abcdefgh12345&se=2"
            " with Authorization: Bearer ya29.abcdefghijkl and 'password': 'hunter2hunter2'"
        ),
        hidden,
    )
    for secret in ("c2VjcmV0", "me:pass", "abcdefgh12345", "ya29.abcdefghijkl", "hunter2hunter2"):
        assert secret not in said
    assert "https://***@host/b?sv=1&sig=***&se=2" in said
