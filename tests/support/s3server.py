"""A server that speaks S3, for tests: one that is running already, or moto in a process of its own.

``MLVERS_TEST_S3_ENDPOINT``, ``MLVERS_TEST_S3_KEY`` and ``MLVERS_TEST_S3_SECRET``
name a running server; without them each test process starts one and stops it at
its end. A ``conftest.py`` that imports `s3` has the fixture.
"""

from __future__ import annotations

import atexit
import functools
import itertools
import os
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

import pytest

from tests.support import servers

if TYPE_CHECKING:
    from collections.abc import Iterable

REGION = "us-east-1"

# Read here, because tests run with an environment from which such names are gone.
_GIVEN = {name: os.environ.get(f"MLVERS_TEST_S3_{name}") for name in ("ENDPOINT", "KEY", "SECRET")}
_MOTO = """
from moto.server import main
main(["-H", "127.0.0.1", "-p", "0"])
"""
_numbers = itertools.count(1)


class S3Server(NamedTuple):
    """Where a server is, and the credentials that it takes."""

    endpoint: str
    key: str
    secret: str

    @property
    def address(self) -> tuple[str, int]:
        """Host and port, for a proxy in front of it."""
        parts = urlsplit(self.endpoint)
        return parts.hostname or "127.0.0.1", parts.port or 80

    def options(self, endpoint: str | None = None) -> dict[str, str]:
        """What a remote on this server is configured with; `endpoint` is that of a proxy."""
        return {
            "endpointurl": endpoint or self.endpoint,
            "accesskeyid": self.key,
            "secretaccesskey": self.secret,
            "region": REGION,
        }

    def environment(self) -> dict[str, str]:
        """The same as the cloud's own variables, for a program that is started."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": self.key,
            "AWS_SECRET_ACCESS_KEY": self.secret,
            "AWS_DEFAULT_REGION": REGION,
        }

    def new_bucket(self) -> str:
        """The name of an empty bucket that was just made."""
        name = f"bucket-{os.getpid()}-{next(_numbers)}-{os.urandom(4).hex()}"
        _client(self).create_bucket(Bucket=name)
        return name

    def objects(self, bucket: str, prefix: str = "") -> dict[str, bytes]:
        """Everything in a bucket by its key, read without the code under test."""
        client = _client(self)
        pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        keys = [item["Key"] for page in pages for item in page.get("Contents", ())]
        return {key: client.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys}

    def put(self, bucket: str, objects: Iterable[tuple[str, bytes]]) -> None:
        """Write objects, without the code under test."""
        for key, data in objects:
            _client(self).put_object(Bucket=bucket, Key=key, Body=data)


@functools.cache
def _client(server: S3Server) -> Any:
    """A client that is not ours; it takes a third of a second to make."""
    import boto3  # type: ignore[import-untyped]

    client = boto3.client(
        "s3",
        endpoint_url=server.endpoint,
        region_name=REGION,
        aws_access_key_id=server.key,
        aws_secret_access_key=server.secret,
    )
    atexit.register(client.close)
    return client


@functools.cache
def shared_server() -> S3Server:
    """The one server of this test process, started at the first call."""
    if _GIVEN["ENDPOINT"]:
        return S3Server(
            _GIVEN["ENDPOINT"], _GIVEN["KEY"] or "testing", _GIVEN["SECRET"] or "testing"
        )
    return S3Server(_start_moto(), "testing", "testing")


@pytest.fixture(scope="session")
def s3() -> S3Server:
    """The S3 server of this test process."""
    return shared_server()


def _start_moto() -> str:
    """Start moto on a free port of loopback; its address."""
    return servers.python(_MOTO, r"Running on (http://127\.0\.0\.1:\d+)")
