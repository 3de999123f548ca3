"""The repository on a backend as a whole: read its state, and replace it on a condition."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, NamedTuple

from git_mlvers.backend.base import BackendError, Conflict, KeyMissing, StoreNotMade
from git_mlvers.errors import RemoteError
from git_mlvers.serverless import layout
from git_mlvers.serverless.manifest import Manifest, digest, parse

if TYPE_CHECKING:
    from git_mlvers.backend.base import Backend


class SingleWriter(RemoteError):
    """The store cannot keep two people who push at the same time apart."""


class Loaded(NamedTuple):
    """A state as it was read.

    `manifest` is ``None`` when the store says that there is no repository yet.
    `data` are its bytes, `token` is for the store to recognise it.
    """

    manifest: Manifest | None
    data: bytes | None
    token: str | None

    @property
    def refs(self) -> dict[str, str]:
        """The ids of all refs by name."""
        return {} if self.manifest is None else self.manifest.refs

    def has(self, mark: str) -> bool:
        """Whether the change with `mark` is part of this state, as far as is remembered."""
        return self.manifest is not None and mark in self.manifest.recent


NOTHING = Loaded(None, None, None)


class Swap(NamedTuple):
    """How an attempt to replace the state ended; when it did not `win`, `now` is what counts."""

    won: bool
    now: Loaded


class Store:
    """The git repository on `backend`.

    Where the backend can replace under a condition there is one manifest; where
    it can only create, each state is a file with the next number; else nothing
    can be pushed.
    """

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self.url = backend.url
        self._replaces = backend.capabilities.replace_if
        self._creates = backend.capabilities.create_only

    def load(self, *, makes: bool = False) -> Loaded:
        """The state now. Only the store's own word that there is none means an empty one.

        A store that is not there is an error too, `StoreNotMade`, unless the caller
        `makes` it: who reads from it has mistyped, or has not mounted it.
        """
        try:
            data, token = self._newest() if not self._replaces else self._one()
        except StoreNotMade:
            if not makes:
                raise
            return NOTHING
        except KeyMissing:
            return NOTHING
        return Loaded(parse(data, self.url), data, token)

    def check_writable(self) -> None:
        """Raise `SingleWriter` when nothing here keeps two pushes at a time apart."""
        if not (self._replaces or self._creates):
            raise SingleWriter(
                f"{self.url} cannot be pushed to: this kind of store has no condition on writes,"
                " so that two who push at the same time would lose work",
                "use a bucket of S3 or a directory; clone and fetch work from any store",
            )

    def swap(self, seen: Loaded, manifest: Manifest) -> Swap:
        """Make `manifest` the state if that is still what was `seen`.

        An answer that leaves it open is settled by reading back: the mark of a
        change stays in the states that follow it. Raises `BackendError` only
        when nothing was changed, or when it cannot be known.
        """
        data = manifest.encode()
        try:
            done = self._write(seen, data, manifest.generation)
        except BackendError as error:
            if not error.transient:
                raise
            now = self.load(makes=True)
            if not now.has(manifest.by):
                raise
            return Swap(True, now)
        if done is not None:
            return Swap(True, Loaded(manifest, data, done))
        now = self.load(makes=True)
        return Swap(now.has(manifest.by), now)

    def keep_history(self, loaded: Loaded) -> None:
        """Keep a copy of a state that is superseded, if that can be done."""
        if loaded.manifest is not None and loaded.data is not None:
            key = layout.history_key(loaded.manifest.generation, digest(loaded.data))
            try:
                self.backend.create(key, loaded.data)
            except BackendError:
                return  # It is for people who look into the past; nothing depends on it.

    def add_pack(self, pack_id: str, data: memoryview) -> bool:
        """Bring a pack to the store; `False` when it was there, and is now written anew.

        Written anew it is young, so that whoever collects old packs that no
        manifest names leaves it alone.
        """
        key = layout.pack_key(pack_id)
        if self.backend.create(key, data):
            return True
        self.backend.put(key, data)
        return False

    def _one(self) -> tuple[bytes, str]:
        return self.backend.get_versioned(layout.MANIFEST)

    def _newest(self) -> tuple[bytes, str]:
        numbers = (layout.number(entry.key) for entry in self.backend.list(layout.NUMBERED))
        newest = max((number for number in numbers if number is not None), default=None)
        if newest is None:
            raise KeyMissing(f"{self.url} has no manifest")
        return self.backend.get(layout.numbered_key(newest)), str(newest)

    def _write(self, seen: Loaded, data: bytes, generation: int) -> str | None:
        """The new token; ``None`` when somebody, perhaps this very write, was there before."""
        if not self._replaces:
            created = self.backend.create(layout.numbered_key(generation), data)
            return str(generation) if created else None
        if seen.token is not None:
            try:
                return self.backend.replace(layout.MANIFEST, data, seen.token)
            except Conflict:
                return None
        if not self._creates:
            self._probe()
        return "" if self.backend.create(layout.MANIFEST, data) else None

    def _probe(self) -> None:
        """See whether the store keeps conditions on writes, which not every server does."""
        key = f"{layout.PROBE}{secrets.token_hex(8)}"
        try:
            self.backend.create(key, b"1")
            kept = not self.backend.create(key, b"2")
            token = self.backend.get_versioned(key)[1]
            self.backend.replace(key, b"3", token)
            try:
                self.backend.replace(key, b"4", token)
                kept = False
            except Conflict:
                pass
        finally:
            self.backend.delete(key)
        if not kept:
            raise SingleWriter(
                f"{self.url} does not keep the conditions on writes that it is given,"
                " so that two who push at the same time would lose work",
                "update the server, or use another store",
            )
