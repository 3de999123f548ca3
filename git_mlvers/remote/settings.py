"""``mlvers.json``: what makes a place a remote, and how files are cut there.

It is written once, before the first pack, and never changes. Only a store's
positive word that it is not there means an empty remote.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
from typing import TYPE_CHECKING, Any, NamedTuple

from blake3 import blake3

from git_mlvers.backend.base import KeyMissing, StoreNotMade
from git_mlvers.errors import CorruptError, RemoteError
from git_mlvers.fsutil import make_dirs, write_atomic
from git_mlvers.remote.chunker import NAME, Parameters
from git_mlvers.remote.layout import MARKER
from git_mlvers.remote.sync import list_indexes

if TYPE_CHECKING:
    from git_mlvers.backend.base import Backend

FORMAT = 1
_MAX_SIZE = 64 << 10


class NewerFormat(RemoteError):
    """The remote was made by a newer git-mlvers."""


class MarkerLost(CorruptError):
    """A remote has lost its ``mlvers.json``."""


class Settings(NamedTuple):
    """The id of a remote (32 hex digits), and the parameters by which its files are cut."""

    id: str
    chunker: Parameters

    @classmethod
    def parse(cls, data: bytes, url: str) -> Settings:
        """Read ``mlvers.json`` of the remote at `url`.

        Raises `NewerFormat` for a format that is not known here, and
        `CorruptError` for what is no ``mlvers.json`` at all.
        """
        try:
            value = json.loads(data.decode())
            form = value["format"]
        except (ValueError, KeyError, TypeError) as error:
            raise _damaged(url) from error
        if form != FORMAT:
            raise NewerFormat(
                f"the remote {url} was made by a newer git-mlvers (format {form!r})",
                "pip install --upgrade git-mlvers",
            )
        return cls._from_json(value, url)

    @classmethod
    def _from_json(cls, value: dict[str, Any], url: str) -> Settings:
        try:
            name = value["chunker"]["name"]
            parameters = Parameters(*(value["chunker"][key] for key in Parameters._fields))
            remote_id = value["id"]
        except (KeyError, TypeError) as error:
            raise _damaged(url) from error
        if not _is_id(remote_id) or not all(type(number) is int for number in parameters):
            raise _damaged(url)
        if name != NAME:
            raise NewerFormat(
                f"the remote {url} cuts files in a way that is unknown here: {name!r}",
                "pip install --upgrade git-mlvers",
            )
        parameters.check()
        return cls(remote_id, parameters)

    def encode(self) -> bytes:
        """The text of ``mlvers.json``."""
        value = {
            "format": FORMAT,
            "id": self.id,
            "chunker": {"name": NAME, **self.chunker._asdict()},
        }
        return json.dumps(value, indent=2).encode() + b"\n"


def read(backend: Backend) -> Settings | None:
    """The settings of the remote on `backend`; ``None`` when the store says it has none.

    Raises `StoreNotMade` when there is no store.
    """
    try:
        data = backend.get(MARKER, 0, _MAX_SIZE)
    except StoreNotMade:
        raise
    except KeyMissing:
        return None
    return Settings.parse(data, backend.url)


def check_new(backend: Backend) -> None:
    """Raise `MarkerLost` when the place without ``mlvers.json`` was a remote before."""
    try:
        lost = list_indexes(backend).indexes
    except KeyMissing:
        return
    if lost:
        raise MarkerLost(
            f"the remote {backend.url} has content but no {MARKER}",
            f"restore {MARKER} from a backup, or have it made anew:"
            " git mlvers fsck --remote --repair",
        )


def create(backend: Backend) -> Settings:
    """Make the place a remote, or find that somebody else just did."""
    mine = Settings(secrets.token_hex(16), Parameters())
    created = backend.create(MARKER, mine.encode())
    if created and backend.capabilities.create_only:
        return mine
    # Without create-only, two may both believe that they were first: what is there counts.
    found = read(backend)
    if found is None:
        raise RemoteError(f"{MARKER} was written to {backend.url} but cannot be read there")
    return found


class Cached:
    """The settings of remotes by URL, kept on this machine so that they are read once.

    `shared` is ``core.sharedRepository`` as permission bits.
    """

    def __init__(self, folder: str, shared: int | None = None) -> None:
        self._folder = folder
        self._shared = shared

    def get(self, url: str) -> Settings | None:
        """What was kept for `url`; ``None`` when that is nothing usable."""
        try:
            with open(self.path(url), "rb") as file:
                return Settings.parse(file.read(_MAX_SIZE), url)
        except (OSError, CorruptError, RemoteError):
            return None

    def keep(self, url: str, settings: Settings) -> None:
        """Keep `settings` for `url`; raises `LocalIOError`."""
        make_dirs(self._folder, self._shared)
        write_atomic(self.path(url), settings.encode(), sync=False, shared=self._shared)

    def again(self, backend: Backend) -> Settings:
        """The settings as they are on the remote now, which has been one before."""
        found = None
        with contextlib.suppress(StoreNotMade):
            found = read(backend)
        if found is None:
            raise RemoteError(
                f"there is no {MARKER} any more at {backend.url}, which used to be a remote",
                "is the right disk mounted? if the remote was deleted on purpose,"
                f" delete {self.path(backend.url)} too",
            )
        return found

    def path(self, url: str) -> str:
        """The file in which the settings of `url` are kept."""
        name = blake3(os.fsencode(url)).hexdigest()[:32]
        return os.path.join(self._folder, f"url-{name}.json")


def _is_id(value: object) -> bool:
    return isinstance(value, str) and len(value) == 32 and not value.strip("0123456789abcdef")


def _damaged(url: str) -> CorruptError:
    return CorruptError(
        f"{MARKER} of the remote {url} is damaged",
        "restore it from a backup; it never changes after it was first written",
    )
