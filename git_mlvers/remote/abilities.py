"""What this machine has found out about the stores of remotes, kept by the remote's id."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

from git_mlvers.backend.probe import Found, Limited, probe
from git_mlvers.errors import RemoteError
from git_mlvers.fsutil import make_dirs, write_atomic
from git_mlvers.remote.layout import PROBE

if TYPE_CHECKING:
    from git_mlvers.backend.base import Backend

FORMAT = 1
_MAX_SIZE = 64 << 10


class LateListing(RemoteError):
    """A store whose listings cannot be relied on for what is about to be done."""


class Abilities:
    """The records in `folder`; `shared` is ``core.sharedRepository`` as permission bits."""

    def __init__(self, folder: str, shared: int | None = None) -> None:
        self._folder = folder
        self._shared = shared

    def get(self, remote_id: str) -> Found | None:
        """What was found about the remote with this id; ``None`` when nothing usable is kept."""
        try:
            with open(self.path(remote_id), "rb") as file:
                value = json.loads(file.read(_MAX_SIZE))
            fields = [value[name] for name in Found._fields]
            right = value["format"] == FORMAT and all(type(field) is bool for field in fields)
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return Found(*fields) if right else None

    def keep(self, remote_id: str, found: Found) -> None:
        """Keep what was found; raises `LocalIOError`."""
        make_dirs(self._folder, self._shared)
        text = json.dumps({"format": FORMAT, **found._asdict()}, indent=2)
        write_atomic(self.path(remote_id), text.encode() + b"\n", sync=False, shared=self._shared)

    def path(self, remote_id: str) -> str:
        """The file in which the record is."""
        return os.path.join(self._folder, f"{remote_id}.can.json")

    def limited(self, backend: Backend, remote_id: str) -> Backend:
        """`backend`, relied on for no more than what was found about it."""
        whole = backend.inner if isinstance(backend, Limited) else backend
        found = self.get(remote_id)
        return whole if found is None else Limited(whole, found)

    def prove(self, backend: Backend, remote_id: str, *, again: bool = False) -> Found:
        """What the store of the remote with this id can do: looked up, or else found out.

        Raises `UnfitStore` and any other `BackendError`.
        """
        found = None if again else self.get(remote_id)
        if found is None:
            found = probe(backend.inner if isinstance(backend, Limited) else backend, PROBE)
            self.keep(remote_id, found)
        return found

    def check_deleting(self, backend: Backend, remote_id: str) -> None:
        """Raise `LateListing` where a collection might not see what others have just written."""
        found = self.get(remote_id)
        if found is not None and not found.lists:
            raise LateListing(
                f"nothing can safely be deleted at {backend.url}: it lists late what was written",
                "if that was mended: git mlvers remote probe NAME",
            )
