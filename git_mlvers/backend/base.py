"""What a store can do, what it can say no with, and which keys it takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from git_mlvers.errors import RemoteError

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_KEY = 512
"""No key is longer. Bytes."""

_KEY_CHARACTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-")


class BackendError(RemoteError):
    """A store refused, failed, or answered with what it must not.

    `transient` tells whether the same request may succeed when sent again.
    """

    transient = False

    def __init__(
        self, message: str, hint: str | None = None, *, transient: bool | None = None
    ) -> None:
        super().__init__(message, hint)
        if transient is not None:
            self.transient = transient


class InvalidKey(BackendError):
    """A key that no store of ours takes."""


class KeyMissing(BackendError):
    """The store answered, and there is nothing under the key."""


class Forbidden(BackendError):
    """The store answered, and does not let this user do that."""


class Unreachable(BackendError):
    """The store did not answer, or the answer did not arrive whole."""

    transient = True


class Conflict(BackendError):
    """The object is not the one that the writer had read."""


class StoreMissing(BackendError):
    """The bucket or the directory itself is not there."""


class StoreNotMade(StoreMissing, KeyMissing):
    """The store is not there, but the first write would make it: so far it is empty."""


class StoreFull(BackendError):
    """There is no room, or the quota is used up."""


class Capabilities(NamedTuple):
    """What a store can be relied on for.

    `create_only`: `Backend.create` never overwrites, whoever else writes.
    `replace_if`: `Backend.get_versioned` and `Backend.replace` work.
    `ranges`: a part of an object costs only that part.
    `connections`: how many requests at a time are worth it.
    `may_create_only`: the condition of `Backend.create` is sent along, and
    only a probe tells whether this server keeps it.
    """

    create_only: bool
    replace_if: bool
    ranges: bool
    connections: int
    may_create_only: bool = False


class Entry(NamedTuple):
    """One object: its key, its size in bytes, and when it was written, in seconds since 1970."""

    key: str
    size: int
    modified: float


class Backend(Protocol):
    """A store of bytes under keys. Every method may be called from many threads at once.

    Keys are relative, as `validate_key` wants them. All methods raise
    `BackendError` or a kind of it, and nothing else.
    """

    @property
    def url(self) -> str:
        """Where the store is, for messages; holds no secret."""

    @property
    def capabilities(self) -> Capabilities:
        """What the store can be relied on for."""

    def get(self, key: str, start: int = 0, length: int | None = None) -> bytes:
        """The `length` bytes of an object from byte `start` on; without `length`, up to its end.

        Shorter than `length` only where the object itself ends, and empty when
        `start` is at its end or beyond: an answer that was cut short on its way
        is an error. The content is not verified. Raises `KeyMissing`.
        """

    def put(self, key: str, data: bytes | memoryview) -> None:
        """Write an object, whole or not at all; one that is there is overwritten."""

    def create(self, key: str, data: bytes | memoryview) -> bool:
        """Write an object unless there is one; `False` when there is, and it is untouched.

        When an answer got lost on the way and the request was sent again,
        `False` may speak of this very write: whoever needs to know puts a
        random mark into the data and reads it back.
        """

    def get_versioned(self, key: str) -> tuple[bytes, str]:
        """A whole object, and a token for `replace`, both of one moment. Raises `KeyMissing`."""

    def replace(self, key: str, data: bytes | memoryview, token: str) -> str:
        """Overwrite the object if it still is the one of `token`; return the new token.

        Raises `Conflict` when it has changed or is gone. As with `create`, a
        conflict may be with this very write, if its answer got lost.
        """

    def stat(self, key: str) -> Entry | None:
        """What is known of an object; `None` when the store says that there is none."""

    def list(self, prefix: str) -> Iterator[Entry]:
        """All objects whose key starts with `prefix`, in the order of their keys.

        Complete, and only keys that are valid; what else lies there is not shown.
        """

    def delete(self, key: str) -> None:
        """Remove an object; that there is none is fine."""

    def close(self) -> None:
        """Give back connections; the backend is not used afterwards."""


def is_valid_key(key: str) -> bool:
    """Whether `key` is one that `validate_key` lets pass."""
    return (
        0 < len(key) <= MAX_KEY
        and all(part and part[0] not in ".-" for part in key.split("/"))
        and _KEY_CHARACTERS.issuperset(key.replace("/", ""))
    )


def validate_key(key: str) -> str:
    """Return `key`; raise `InvalidKey` unless every store can take it as it is.

    Parts between slashes are ASCII letters, digits, ``.``, ``_`` and ``-``,
    none is empty, and none starts with a dot (so none is ``..``) or a dash.
    """
    if not is_valid_key(key):
        raise InvalidKey(f"not a key of a store: {key[:MAX_KEY]!r}")
    return key


def validate_prefix(prefix: str) -> str:
    """Return `prefix`; raise `InvalidKey` unless it is the beginning of a valid key, or empty."""
    if prefix and not is_valid_key(prefix.removesuffix("/")):
        raise InvalidKey(f"not a beginning of keys: {prefix[:MAX_KEY]!r}")
    return prefix


def check_range(start: int, length: int | None) -> None:
    """Raise `ValueError` for a range that starts or ends before the object does."""
    if start < 0 or (length is not None and length < 0):
        raise ValueError(f"no range of bytes: {start}, {length}")
