"""A backend around another one: the base of retry, of counting, and of the faults in tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from git_mlvers.backend.base import Backend, Capabilities, Entry


class Wrapper:
    """A `Backend` that hands every request on to `inner`; subclasses change what they mean to."""

    def __init__(self, inner: Backend) -> None:
        self.inner = inner

    @property
    def url(self) -> str:
        """See `Backend.url`."""
        return self.inner.url

    @property
    def capabilities(self) -> Capabilities:
        """See `Backend.capabilities`."""
        return self.inner.capabilities

    def get(self, key: str, start: int = 0, length: int | None = None) -> bytes:
        """See `Backend.get`."""
        return self.inner.get(key, start, length)

    def put(self, key: str, data: bytes | memoryview) -> None:
        """See `Backend.put`."""
        self.inner.put(key, data)

    def create(self, key: str, data: bytes | memoryview) -> bool:
        """See `Backend.create`."""
        return self.inner.create(key, data)

    def get_versioned(self, key: str) -> tuple[bytes, str]:
        """See `Backend.get_versioned`."""
        return self.inner.get_versioned(key)

    def replace(self, key: str, data: bytes | memoryview, token: str) -> str:
        """See `Backend.replace`."""
        return self.inner.replace(key, data, token)

    def stat(self, key: str) -> Entry | None:
        """See `Backend.stat`."""
        return self.inner.stat(key)

    def list(self, prefix: str) -> Iterator[Entry]:
        """See `Backend.list`."""
        return self.inner.list(prefix)

    def delete(self, key: str) -> None:
        """See `Backend.delete`."""
        self.inner.delete(key)

    def close(self) -> None:
        """See `Backend.close`."""
        self.inner.close()
