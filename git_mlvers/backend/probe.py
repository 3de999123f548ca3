"""What a store can really do, found out with a key that is thrown away afterwards."""

from __future__ import annotations

import contextlib
import secrets
import time
from typing import TYPE_CHECKING, NamedTuple

from git_mlvers.backend.base import BackendError, Conflict, Forbidden, KeyMissing
from git_mlvers.backend.wrapper import Wrapper

if TYPE_CHECKING:
    from git_mlvers.backend.base import Backend, Capabilities

LATEST = 2.0
"""How long after a write a listing may come without it and still be called prompt. Seconds."""

LEFT_BEHIND = 86_400.0
"""Keys of probes that are so much older were left by one that was killed. Seconds."""

_FIRST = bytes(range(200))
_SHORTER = b"another content, which is shorter"


class UnfitStore(BackendError):
    """A store that gives back other bytes than it was given."""


class Found(NamedTuple):
    """What a store was seen to do.

    `create_only` and `replace_if`: conditions on writes are kept. `ranges`: a
    part of an object costs only that part. `lists`: what was written is listed
    at once, and what was deleted is not.
    """

    create_only: bool
    replace_if: bool
    ranges: bool
    lists: bool

    def limit(self, claimed: Capabilities) -> Capabilities:
        """What can be relied on, of a store that said `claimed`."""
        return claimed._replace(
            create_only=self.create_only and (claimed.create_only or claimed.may_create_only),
            replace_if=self.replace_if and claimed.replace_if,
            ranges=self.ranges and claimed.ranges,
        )


class Limited(Wrapper):
    """A backend that is relied on only for what was `Found`."""

    def __init__(self, inner: Backend, found: Found) -> None:
        super().__init__(inner)
        self._found = found

    @property
    def capabilities(self) -> Capabilities:
        """See `Backend.capabilities`."""
        return self._found.limit(self.inner.capabilities)


def probe(backend: Backend, prefix: str) -> Found:
    """Write, read, list and delete one small object under `prefix`: some ten requests.

    Raises `UnfitStore` when the store does not give back what it was given,
    and whatever `BackendError` it fails with; the object is deleted anyway.
    """
    key = f"{prefix}{secrets.token_hex(8)}"
    try:
        found = _probe(backend, key, prefix)
        return found._replace(lists=_goes(backend, key, prefix) and found.lists)
    except BaseException:
        with contextlib.suppress(BackendError):
            backend.delete(key)
        raise


def _probe(backend: Backend, key: str, prefix: str) -> Found:
    claimed = backend.capabilities
    backend.put(key, _FIRST)
    ranges = _gives_ranges(backend, key)
    create_only = False
    if claimed.create_only or claimed.may_create_only:
        create_only = not backend.create(key, _SHORTER) and backend.get(key) == _FIRST
    replace_if = False
    # Some let nobody write a key twice, which no remote needs but one that holds commits too.
    with contextlib.suppress(Forbidden):
        backend.put(key, _SHORTER)
        _expect(backend, key, backend.get(key), _SHORTER, "an object that was written anew")
        replace_if = claimed.replace_if and _keeps_condition(backend, key)
    return Found(create_only, replace_if, ranges, _is_listed(backend, key, prefix))


def _gives_ranges(backend: Backend, key: str) -> bool:
    part = backend.get(key, 50, 20)
    _expect(backend, key, part, _FIRST[50:70], "a part of an object")
    # A backend that was sent the whole object instead has taken its claim back by now.
    return backend.capabilities.ranges


def _keeps_condition(backend: Backend, key: str) -> bool:
    token = backend.get_versioned(key)[1]
    try:
        backend.replace(key, _FIRST, token)
    except Conflict:
        return False
    try:
        backend.replace(key, _SHORTER, token)
    except Conflict:
        return True
    return False


def _is_listed(backend: Backend, key: str, prefix: str) -> bool:
    """Whether the object is listed in good time; those left behind by others are deleted."""
    entries = list(backend.list(prefix))
    mine = next((entry for entry in entries if entry.key == key), None)
    if mine is None:
        time.sleep(LATEST)
        return any(entry.key == key for entry in backend.list(prefix))
    for entry in entries:
        if mine.modified - entry.modified > LEFT_BEHIND:
            with contextlib.suppress(Forbidden):
                backend.delete(entry.key)
    return True


def _goes(backend: Backend, key: str, prefix: str) -> bool:
    """Delete the object; whether it is gone then. Who may not delete does not collect either."""
    try:
        backend.delete(key)
        backend.get(key)
    except Forbidden:
        return True
    except KeyMissing:
        return all(entry.key != key for entry in backend.list(prefix))
    return False


def _expect(backend: Backend, key: str, got: bytes, wanted: bytes, what: str) -> None:
    if got != wanted:
        raise UnfitStore(
            f"{backend.url} cannot be a remote: it gives back {what} with other bytes ({key})",
            "is there a proxy or a cache on the way? else use another store",
        )
