"""A store on whatever fsspec has a file system for."""

from __future__ import annotations

import contextlib
import importlib
import os
import threading
import time
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from git_mlvers.backend.base import (
    BackendError,
    Capabilities,
    Entry,
    Unreachable,
    check_range,
    is_valid_key,
    validate_key,
    validate_prefix,
)
from git_mlvers.backend.cloud_errors import translated
from git_mlvers.backend.schemes import SCHEMES, MissingExtra
from git_mlvers.backend.storage_options import storage_options

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from git_mlvers.backend.url import Location

_TEMP = ".tmp-"


class Traits(NamedTuple):
    """How the file system of one scheme behaves; fsspec itself does not say.

    `atomic`: an object is seen whole or not at all, and needs no folder; else it
    is written under another name and renamed. `creates`: ``pipe_file(mode="create")`` is done by
    the server. `ranges`: ``cat_file`` brings only the range that it is asked for.
    `seeks`: where it does not, a file that is opened can be read from its middle.
    `shared`: one instance serves all threads.
    """

    atomic: bool = True
    creates: bool = False
    ranges: bool = True
    seeks: bool = False
    shared: bool = True
    connections: int = 16


# Seen with a real server: PyDrive2 cannot seek.
_TRAITS = {
    "memory": Traits(connections=4),
    "gs": Traits(),
    "gdrive": Traits(ranges=False, connections=4),
}

_TIMES = ("mtime", "modified", "LastModified", "last_modified", "updated", "created")

_ENVIRONMENT = {"gs": {"GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT": "false"}}
"""What a client reads from the environment when it is imported. gcsfs asks each
bucket for its kind by gRPC, which takes a minute per request where that is not
answered, and we have no use for the answer."""


class FsspecBackend:
    """A `Backend` on the fsspec file system of `location`'s scheme.

    `options` are those of the remote that `schemes` lists for the scheme.
    Raises `MissingExtra` when the client is not installed. Replacing under a
    condition is not something that fsspec can say, so there is none.
    """

    def __init__(
        self, location: Location, options: Mapping[str, str], traits: Traits | None = None
    ) -> None:
        self.url = location.url
        self._location = location
        self._traits = traits or _TRAITS[location.scheme]
        self._options = storage_options(location, options)
        self._root = _root(location)
        self._local = threading.local()
        self._lock = threading.Lock()
        self._one: Any = None
        self._made: set[str] = set()
        self.capabilities = Capabilities(
            create_only=self._traits.creates,
            replace_if=False,
            ranges=self._traits.ranges or self._traits.seeks,
            connections=self._traits.connections,
        )

    def get(self, key: str, start: int = 0, length: int | None = None) -> bytes:
        """See `Backend.get`."""
        check_range(start, length)
        path = self._path(key)
        with translated(self.url, "read", key):
            if start == 0 and length is None:
                return bytes(self._fs.cat_file(path))
            return self._range(path, key, start, length)

    def put(self, key: str, data: bytes | memoryview) -> None:
        """See `Backend.put`."""
        path = self._path(key)
        with translated(self.url, "write", key):
            if self._traits.atomic:
                self._fs.pipe_file(path, bytes(data))
            else:
                self._put_beside(path, bytes(data))

    def create(self, key: str, data: bytes | memoryview) -> bool:
        """See `Backend.create`. Without the capability, two at once may both hear `True`."""
        path = self._path(key)
        with translated(self.url, "write", key):
            if self._traits.creates:
                try:
                    self._fs.pipe_file(path, bytes(data), mode="create")
                except FileExistsError:
                    return False
            elif self._fs.exists(path):
                return False
            else:
                self.put(key, data)
            return True

    def get_versioned(self, key: str) -> tuple[bytes, str]:
        """Not possible here: raises `BackendError`."""
        raise self._no_replace(key)

    def replace(self, key: str, data: bytes | memoryview, token: str) -> str:
        """Not possible here: raises `BackendError`."""
        raise self._no_replace(key)

    def stat(self, key: str) -> Entry | None:
        """See `Backend.stat`."""
        path = self._path(key)
        with translated(self.url, "look up", key):
            try:
                info = self._fs.info(path)
            except FileNotFoundError:
                return None
            return _entry(key, info) if info["type"] == "file" else None

    def list(self, prefix: str) -> Iterator[Entry]:
        """See `Backend.list`."""
        folder = validate_prefix(prefix).rpartition("/")[0]
        top = f"{self._root}/{folder}".rstrip("/")
        with translated(self.url, "list", prefix):
            try:
                found = self._fs.find(top, detail=True)
            except FileNotFoundError:
                return
            entries = [
                _entry(key, info)
                for path, info in found.items()
                if (key := self._key(path)).startswith(prefix) and is_valid_key(key)
            ]
        yield from sorted(entries)

    def delete(self, key: str) -> None:
        """See `Backend.delete`."""
        path = self._path(key)
        with translated(self.url, "delete", key):
            try:
                self._fs.rm_file(path)
            except FileNotFoundError:
                pass

    def close(self) -> None:
        """See `Backend.close`. fsspec closes its connections when nothing refers to them."""
        self._one = None
        self._local = threading.local()

    @property
    def _fs(self) -> Any:
        """The file system: one for all threads, or one for each, as its client can bear."""
        if not self._traits.shared:
            if not hasattr(self._local, "fs"):
                self._local.fs = self._connect()
            return self._local.fs
        with self._lock:
            if self._one is None:
                self._one = self._connect()
            return self._one

    def _connect(self) -> Any:
        scheme = self._location.scheme
        os.environ.update(_ENVIRONMENT.get(scheme, {}))
        module = SCHEMES[scheme].module
        try:
            if module:
                importlib.import_module(module)
            import fsspec

            return fsspec.filesystem(
                scheme, skip_instance_cache=True, use_listings_cache=False, **self._options
            )
        except ImportError as error:
            raise MissingExtra(scheme) from error

    def _path(self, key: str) -> str:
        return f"{self._root}/{validate_key(key)}"

    def _key(self, path: str) -> str:
        """The key of a path that a listing gave, whether it begins with a slash or not."""
        return path.lstrip("/").removeprefix(self._root.lstrip("/")).lstrip("/")

    def _range(self, path: str, key: str, start: int, length: int | None) -> bytes:
        size = int(self._fs.info(path)["size"])
        end = size if length is None else min(size, start + length)
        if start >= end:
            return b""
        if self._traits.seeks:
            with self._fs.open(path, "rb", cache_type="none") as file:
                file.seek(start)
                data = file.read(end - start)
        else:
            data = self._fs.cat_file(path, start=start, end=end)
            if not self._traits.ranges and len(data) == size:
                data = data[start:end]
        if len(data) != end - start:
            raise Unreachable(
                f"{key} at {self.url}: {end - start} bytes were asked for, {len(data)} came"
            )
        return bytes(data)

    def _put_beside(self, path: str, data: bytes) -> None:
        folder, _, _ = path.rpartition("/")
        temp = f"{folder}/{_TEMP}{os.urandom(8).hex()}"
        if folder not in self._made:
            # Only such stores have folders; elsewhere this would try to make the bucket.
            self._fs.makedirs(folder, exist_ok=True)
            self._made.add(folder)
        try:
            self._fs.pipe_file(temp, data)
            self._fs.mv(temp, path)
        except BaseException:
            if self._fs.exists(temp):
                self._fs.rm_file(temp)
            raise

    def _no_replace(self, key: str) -> BackendError:
        return BackendError(
            f"{key} at {self.url} cannot be replaced safely: this kind of store has no condition"
            " on a write"
        )


def _root(location: Location) -> str:
    return f"{location.host}/{location.path}".rstrip("/")


def _entry(key: str, info: Mapping[str, Any]) -> Entry:
    for name in _TIMES:
        value = info.get(name)
        if isinstance(value, str):
            with contextlib.suppress(ValueError):
                value = datetime.fromisoformat(value)
        if isinstance(value, datetime):
            return Entry(key, int(info["size"]), value.timestamp())
        if isinstance(value, (int, float)):
            return Entry(key, int(info["size"]), float(value))
    # Not known: new, so that nobody takes it for old enough to be collected.
    return Entry(key, int(info["size"]), time.time())
