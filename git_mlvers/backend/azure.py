"""A store in a container of Azure Blob Storage.

Only imported when an address says ``az://``: its client takes half a second.
adlfs finds the credentials; the requests themselves go to the cloud's own
client, which is where the conditions on writes are.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from git_mlvers.backend.azure_client import AzureClient
from git_mlvers.backend.base import (
    BackendError,
    Capabilities,
    Conflict,
    Entry,
    KeyMissing,
    StoreMissing,
    Unreachable,
    check_range,
    is_valid_key,
    validate_key,
    validate_prefix,
)
from git_mlvers.backend.cloud_errors import status_of, translate
from git_mlvers.backend.patience import NORMAL
from git_mlvers.backend.storage_options import secrets

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from git_mlvers.backend.patience import Patience
    from git_mlvers.backend.url import Location

CONNECTIONS = 16
"""How many requests at a time are worth it."""

_CHANGED = ("BlobAlreadyExists", "ConditionNotMet", "TargetConditionNotMet")
_NO_CONTAINER = ("ContainerNotFound", "ContainerBeingDeleted", "ContainerDisabled")


class AzureBackend:
    """A `Backend` on the container and prefix of `location`.

    `options`: ``connectionstring``, ``accountname``, ``accountkey``,
    ``sastoken``, ``anon``, ``endpointurl``; what is not given comes from the
    environment and the cloud's own chain. Each verb is one request (a list one
    for every 5000 keys, a read one more for every 4 MiB beyond 32); nothing is
    tried again here.
    """

    capabilities = Capabilities(True, True, True, CONNECTIONS)

    def __init__(
        self, location: Location, options: Mapping[str, str], patience: Patience = NORMAL
    ) -> None:
        self.url = location.url
        self._container = location.host
        self._prefix = f"{location.path}/" if location.path else ""
        self._hide = secrets(location, options)
        self._client = AzureClient(location.host, options, patience)

    def get(self, key: str, start: int = 0, length: int | None = None) -> bytes:
        """See `Backend.get`."""
        check_range(start, length)
        if length == 0:
            return self._nothing_of(key)
        try:
            return self._read(key, start, length)[0]
        except BackendError as error:
            # The range begins at the end of the object or beyond.
            if status_of(error.__cause__) == 416:
                return b""
            raise

    def put(self, key: str, data: bytes | memoryview) -> None:
        """See `Backend.put`."""
        self._write(key, data, overwrite=True)

    def create(self, key: str, data: bytes | memoryview) -> bool:
        """See `Backend.create`."""
        try:
            self._write(key, data, overwrite=False)
        except Conflict:
            return False
        return True

    def get_versioned(self, key: str) -> tuple[bytes, str]:
        """See `Backend.get_versioned`; the token is the ETag of the same answer."""
        return self._read(key, 0, None)

    def replace(self, key: str, data: bytes | memoryview, token: str) -> str:
        """See `Backend.replace`."""
        try:
            return self._write(key, data, overwrite=True, token=token)
        except KeyMissing as error:
            raise Conflict(f"{key} at {self.url} was deleted by somebody else") from error

    def stat(self, key: str) -> Entry | None:
        """See `Backend.stat`."""
        try:
            with self._told("look up", key):
                found = self._client.look(self._path(key))
        except KeyMissing:
            return None
        return Entry(key, int(found.size), found.last_modified.timestamp())

    def list(self, prefix: str) -> Iterator[Entry]:
        """See `Backend.list`."""
        wanted = self._prefix + validate_prefix(prefix)
        pages = self._client.pages(wanted)
        while True:
            with self._told("list", prefix):
                page = next(pages, None)
            if page is None:
                return
            for item in page:
                key = item.name.removeprefix(self._prefix)
                if is_valid_key(key) and item.name.startswith(wanted):
                    yield Entry(key, int(item.size), item.last_modified.timestamp())

    def delete(self, key: str) -> None:
        """See `Backend.delete`."""
        with contextlib.suppress(KeyMissing), self._told("delete", key):
            self._client.delete(self._path(key))

    def close(self) -> None:
        """See `Backend.close`."""
        self._client.close()

    def _read(self, key: str, start: int, length: int | None) -> tuple[bytes, str]:
        with self._told("read", key):
            answer = self._client.read(self._path(key), start, length)
        end = answer.total if length is None else min(answer.total, start + length)
        if len(answer.data) != max(0, end - start):
            raise Unreachable(
                f"{key} at {self.url}: {end - start} bytes were asked for, {len(answer.data)} came"
            )
        return answer.data, answer.tag

    def _write(self, key: str, data: bytes | memoryview, **condition: Any) -> str:
        with self._told("write", key):
            return self._client.write(self._path(key), bytes(data), **condition)

    def _nothing_of(self, key: str) -> bytes:
        if self.stat(key) is None:
            raise KeyMissing(f"cannot read {key} at {self.url}: it is not there")
        return b""

    def _path(self, key: str) -> str:
        return self._prefix + validate_key(key)

    @contextlib.contextmanager
    def _told(self, doing: str, key: str) -> Iterator[None]:
        """Turn what the client raises within into a `BackendError`."""
        try:
            yield
        except BackendError:
            raise
        except Exception as error:
            raise self._translate(error, f"cannot {doing} {key}".rstrip()) from error

    def _translate(self, error: Exception, what: str) -> BackendError:
        code = str(getattr(error, "error_code", None) or "").rpartition(".")[2]
        if _is_one_of(code, _CHANGED) or status_of(error) == 412:
            return Conflict(f"{what} at {self.url}: it was changed by somebody else")
        if _is_one_of(code, _NO_CONTAINER):
            return StoreMissing(
                f"there is no container {self._container} for {self.url}",
                "create it, or correct the address: git mlvers remote modify NAME url URL",
            )
        return translate(error, self.url, f"{what} at {self.url}", self._hide)


def _is_one_of(code: str, names: tuple[str, ...]) -> bool:
    """Whether `code` is among `names`, which the client's enumeration writes in its own case."""
    flat = code.replace("_", "").lower()
    return flat in {name.lower() for name in names}
