"""What goes over the wire to S3, counted by a proxy in front of the server."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from git_mlvers.backend import s3 as module
from git_mlvers.backend.base import Conflict, KeyMissing, StoreMissing
from git_mlvers.backend.s3 import S3Backend
from git_mlvers.backend.s3_client import Answer, S3Client
from git_mlvers.backend.url import parse
from tests.support.chaosproxy import ChaosProxy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.support.s3server import S3Server


@pytest.fixture(scope="module")
def proxy(s3: S3Server) -> Iterator[ChaosProxy]:
    """A proxy in front of the server."""
    with ChaosProxy(*s3.address) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def shared(s3: S3Server, proxy: ChaosProxy) -> Iterator[tuple[S3Backend, str]]:
    """A backend behind the proxy, and its bucket; to make one takes a while."""
    bucket = s3.new_bucket()
    backend = S3Backend(parse(f"s3://{bucket}/prefix/"), s3.options(proxy.url))
    yield backend, bucket
    backend.close()


@pytest.fixture
def backend(shared: tuple[S3Backend, str], proxy: ChaosProxy) -> S3Backend:
    """A backend behind the proxy that has an object ``a/key``, and no ``a/new``."""
    backend, _ = shared
    backend.put("a/key", b"content")
    backend.delete("a/new")
    proxy.heal()
    return backend


@pytest.fixture
def bucket(s3: S3Server) -> str:
    """An empty bucket."""
    return s3.new_bucket()


VERBS: dict[str, tuple[str, Callable[[S3Backend], object]]] = {
    "get": ("GET", lambda store: store.get("a/key")),
    "get a range": ("GET", lambda store: store.get("a/key", 2, 3)),
    "get the end": ("GET", lambda store: store.get("a/key", 2)),
    "get beyond the end": ("GET", lambda store: store.get("a/key", 100, 3)),
    "get versioned": ("GET", lambda store: store.get_versioned("a/key")),
    "put": ("PUT", lambda store: store.put("a/new", b"x")),
    "put a pack": ("PUT", lambda store: store.put("a/pack", bytes(12 << 20))),
    "create": ("PUT", lambda store: store.create("a/new", b"x")),
    "create again": ("PUT", lambda store: store.create("a/key", b"x")),
    "stat": ("HEAD", lambda store: store.stat("a/key")),
    "stat of nothing": ("HEAD", lambda store: store.stat("a/none")),
    "list": ("GET", lambda store: list(store.list("a/"))),
    "delete": ("DELETE", lambda store: store.delete("a/key")),
    "delete nothing": ("DELETE", lambda store: store.delete("a/none")),
}


@pytest.mark.parametrize("verb", VERBS)
def test_a_verb_is_one_request(backend: S3Backend, proxy: ChaosProxy, verb: str) -> None:
    method, act = VERBS[verb]
    act(backend)
    assert proxy.methods() == [method]


def test_replace_is_one_request_and_a_conflict_is_two_at_most(
    backend: S3Backend, proxy: ChaosProxy
) -> None:
    # Whether the server takes tags in quotes is known after the first.
    token = backend.replace("a/key", b"first", backend.get_versioned("a/key")[1])
    proxy.heal()
    backend.replace("a/key", b"new", token)
    assert proxy.methods() == ["PUT"]
    proxy.heal()
    with pytest.raises(Conflict):
        backend.replace("a/key", b"newer", token)
    assert proxy.methods() in (["PUT"], ["PUT", "HEAD"])


def test_a_server_that_wants_tags_without_quotes_is_understood(
    backend: S3Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = S3Client.ask
    tags = []

    def ask(self: S3Client, method: str, read: bool = False, **parameters: Any) -> Answer:
        tag = parameters.pop("IfMatch", None)
        if tag is not None:
            tags.append(tag)
            place = {name: parameters[name] for name in ("Bucket", "Key")}
            if tag != real(self, "head_object", **place).fields["ETag"].strip('"'):
                raise ClientError({"Error": {"Code": "PreconditionFailed"}}, "PutObject")
        return real(self, method, read, **parameters)

    monkeypatch.setattr(S3Client, "ask", ask)
    _, first = backend.get_versioned("a/key")
    second = backend.replace("a/key", b"second", first)
    third = backend.replace("a/key", b"third", second)
    with pytest.raises(Conflict):
        backend.replace("a/key", b"late", second)
    assert backend.get_versioned("a/key") == (b"third", third)
    assert tags == [first, first.strip('"'), second.strip('"'), second.strip('"')]


def test_a_list_is_one_request_for_each_page(
    s3: S3Server,
    shared: tuple[S3Backend, str],
    backend: S3Backend,
    proxy: ChaosProxy,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "PAGE", 4)
    keys = [f"content/{number:02}" for number in range(10)]
    s3.put(shared[1], [(f"prefix/{key}", b"x") for key in keys])
    assert [entry.key for entry in backend.list("content/")] == keys
    assert proxy.methods() == ["GET", "GET", "GET"]


def test_foreign_objects_in_the_bucket_are_not_shown(s3: S3Server, bucket: str) -> None:
    foreign = ["prefix", "prefix2/a", "other", "prefix/../up", "prefix/a b", "prefix/", "prefix/.x"]
    s3.put(bucket, [(key, b"x") for key in [*foreign, "prefix/a/key"]])
    backend = S3Backend(parse(f"s3://{bucket}/prefix"), s3.options())
    assert [entry.key for entry in backend.list("")] == ["a/key"]
    backend.close()


def test_a_whole_bucket_is_a_store_too(s3: S3Server, bucket: str) -> None:
    backend = S3Backend(parse(f"s3://{bucket}"), s3.options())
    backend.put("a/key", b"x")
    assert s3.objects(bucket) == {"a/key": b"x"}
    assert [entry.key for entry in backend.list("")] == ["a/key"]
    backend.close()


def test_nothing_there_yet_needs_one_look_at_the_bucket_at_most(
    s3: S3Server, proxy: ChaosProxy, bucket: str
) -> None:
    proxy.heal()
    backend = S3Backend(parse(f"s3://{bucket}/prefix"), s3.options(proxy.url))
    assert backend.stat("a") is None
    assert backend.stat("b") is None
    assert proxy.methods() == ["HEAD", "HEAD", "HEAD"]
    backend.close()
    proxy.heal()
    backend = S3Backend(parse(f"s3://{bucket}/prefix"), s3.options(proxy.url))
    with pytest.raises(KeyMissing):
        backend.get("a")
    assert backend.stat("b") is None
    assert proxy.methods() == ["GET", "HEAD"]
    backend.close()


VERBS_WITHOUT_BUCKET: dict[str, Callable[[S3Backend], object]] = {
    "get": lambda store: store.get("a/key"),
    "put": lambda store: store.put("a/key", b"x"),
    "create": lambda store: store.create("a/key", b"x"),
    "stat": lambda store: store.stat("a/key"),
    "list": lambda store: list(store.list("")),
    "delete": lambda store: store.delete("a/key"),
}


def test_a_missing_bucket_is_never_taken_for_an_empty_one(s3: S3Server) -> None:
    backend = S3Backend(parse("s3://no-such-bucket/prefix"), s3.options())
    for act in VERBS_WITHOUT_BUCKET.values():
        with pytest.raises(StoreMissing) as caught:
            act(backend)
        assert not isinstance(caught.value, KeyMissing)
        assert "no bucket no-such-bucket" in caught.value.message
        assert caught.value.hint
    backend.close()


def test_a_closed_backend_can_be_used_again(backend: S3Backend) -> None:
    backend.close()
    backend.close()
    assert backend.get("a/key") == b"content"


def test_credentials_come_from_the_clouds_own_chain(
    s3: S3Server, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in s3.environment().items():
        monkeypatch.setenv(name, value)
    backend = S3Backend(parse(f"s3://{bucket}/prefix"), {})
    backend.put("key", b"x")
    assert s3.objects(bucket) == {"prefix/key": b"x"}
    assert backend.capabilities.create_only
    backend.close()


def test_a_profile_names_credentials_and_endpoint(
    s3: S3Server, bucket: str, home: os.PathLike[str]
) -> None:
    folder = os.path.join(home, ".aws")
    os.mkdir(folder)
    with open(os.path.join(folder, "config"), "w", encoding="utf-8") as file:
        file.write(f"[profile lab]\nregion = us-east-1\nendpoint_url = {s3.endpoint}\n")
    with open(os.path.join(folder, "credentials"), "w", encoding="utf-8") as file:
        file.write(f"[lab]\naws_access_key_id = {s3.key}\naws_secret_access_key = {s3.secret}\n")
    backend = S3Backend(parse(f"s3://{bucket}/prefix"), {"profile": "lab"})
    backend.put("key", b"x")
    assert s3.objects(bucket) == {"prefix/key": b"x"}
    backend.close()
