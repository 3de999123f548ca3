"""From an address to a backend."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from git_mlvers.backend.base import BackendError
from git_mlvers.backend.directory import Directory
from git_mlvers.backend.fsspec_adapter import FsspecBackend
from git_mlvers.backend.registry import open_backend
from git_mlvers.backend.retry import Retrying
from git_mlvers.backend.s3 import S3Backend
from git_mlvers.backend.schemes import SCHEMES, MissingExtra
from git_mlvers.backend.url import BadAddress
from git_mlvers.errors import RemoteError, UsageError

if TYPE_CHECKING:
    from pathlib import Path


def test_a_directory_is_used_as_it_is(tmp_path: Path) -> None:
    backend = open_backend(f"file://{tmp_path}")
    assert type(backend) is Directory
    assert backend.url == str(tmp_path)
    assert type(open_backend(str(tmp_path))) is Directory


def test_a_cloud_is_tried_again() -> None:
    backend = open_backend("s3://bucket/prefix/", {"region": "eu-west-1"})
    assert type(backend) is Retrying
    assert type(backend.inner) is S3Backend
    assert backend.url == "s3://bucket/prefix"
    memory = open_backend("memory://name")
    assert type(memory) is Retrying
    assert type(memory.inner) is FsspecBackend


def test_an_address_that_is_none_is_refused() -> None:
    with pytest.raises(BadAddress):
        open_backend("ftp://host/a")


def test_an_option_that_means_nothing_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="a directory has no option region"):
        open_backend(str(tmp_path), {"region": "x"})
    with pytest.raises(UsageError, match="s3:// has no option keyfile") as caught:
        open_backend("s3://bucket", {"keyfile": "x"})
    assert "endpointurl" in (caught.value.hint or "")


@pytest.mark.parametrize("scheme", [s.name for s in SCHEMES.values() if s.module])
def test_a_missing_package_is_told_with_the_command(
    scheme: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingExtra) as caught:
        open_backend(f"{scheme}://place/prefix")
    assert isinstance(caught.value, RemoteError)
    assert caught.value.hint == f"pip install 'git-mlvers[{SCHEMES[scheme].extra}]'"
    assert f"{scheme}://" in caught.value.message


def test_every_extra_is_one_of_the_package(request: pytest.FixtureRequest) -> None:
    import tomllib

    pyproject = tomllib.loads((request.config.rootpath / "pyproject.toml").read_text())
    extras = pyproject["project"]["optional-dependencies"]
    assert {s.extra for s in SCHEMES.values() if s.extra} <= set(extras)


def test_a_directory_costs_no_cloud_to_import(tmp_path: Path) -> None:
    code = (
        "import json, sys\n"
        "from git_mlvers.backend.registry import open_backend\n"
        "open_backend(sys.argv[1]).put('key', b'x')\n"
        "print(json.dumps(sorted(sys.modules)))\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "store")],
        capture_output=True,
        text=True,
        check=True,
    )
    heavy = {"fsspec", "s3fs", "asyncio", "aiohttp", "botocore", "tenacity", "dataclasses"}
    heavy |= {"pathlib", "subprocess", "logging"}
    assert not heavy & set(json.loads(ran.stdout))


def test_all_errors_of_a_backend_are_errors_of_a_remote() -> None:
    assert issubclass(BackendError, RemoteError)
