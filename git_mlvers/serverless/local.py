"""What a clone remembers of a repository on a store, and where it keeps files for a while."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from typing import TYPE_CHECKING

from blake3 import blake3

from git_mlvers.errors import CorruptError
from git_mlvers.fsutil import disk_errors, make_dirs, remove_quietly, temp_path, write_atomic

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_TEMP = "tmp-"
_STALE = 24 * 3600.0
"""A temporary file that nobody wrote to for so long is left over. Seconds."""


class Local:
    """The folder in a clone, under its `common_dir`, for the repository at `url`."""

    def __init__(self, common_dir: str, url: str) -> None:
        name = blake3(os.fsencode(url)).hexdigest()[:32]
        self.folder = os.path.join(common_dir, "mlvers", "serverless", name)
        self._seen = os.path.join(self.folder, "seen")

    def seen(self) -> set[str]:
        """The ids of packs whose objects were brought here, or came from here."""
        try:
            with open(self._seen, encoding="ascii", errors="replace") as file:
                return set(file.read().split())
        except OSError:
            return set()  # It only saves work.

    def remember(self, ids: Iterable[str], still: Iterable[str]) -> None:
        """Add `ids` to what was seen; of the rest keep what is in `still`."""
        kept = (self.seen() & set(still)) | set(ids)
        self.make()
        write_atomic(self._seen, "".join(f"{name}\n" for name in sorted(kept)).encode(), sync=False)

    def forget(self) -> None:
        """Take nothing as seen any more."""
        remove_quietly(self._seen)

    def check_lost(self, url: str) -> None:
        """Raise `CorruptError` when there was a repository at `url`, where there is none now."""
        if self.seen():
            raise CorruptError(
                f"the repository that was at {url} is gone: the store has no manifest of it",
                f"if it was deleted on purpose, delete {self.folder} too; else see to the store",
            )

    def make(self) -> str:
        """The folder, which is made if needed."""
        make_dirs(self.folder)
        return self.folder

    @contextlib.contextmanager
    def temp(self) -> Iterator[str]:
        """The path of a file to write to, which is gone afterwards."""
        self._sweep(self.make())
        path = temp_path(self.folder, _TEMP)
        try:
            yield path
        finally:
            remove_quietly(path)

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Only one process at a time is in here; waits for another one."""
        path = os.path.join(self.make(), "lock")
        with disk_errors(path, "locking"):
            fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
            try:
                fcntl.flock(fd, fcntl.LOCK_EX)
                yield
            finally:
                os.close(fd)

    def _sweep(self, folder: str) -> None:
        """Remove what others that were killed have left."""
        oldest = time.time() - _STALE
        for entry in os.scandir(folder):
            if entry.name.startswith(_TEMP):
                with contextlib.suppress(FileNotFoundError):
                    if entry.stat().st_mtime < oldest:
                        remove_quietly(entry.path)
