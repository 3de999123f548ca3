"""One cache on disk: its small objects in packs, its large ones as files."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, BinaryIO

from git_mlvers.cache.objects import ObjectStore
from git_mlvers.cache.packs import SMALL, LocalPacks
from git_mlvers.errors import CorruptError
from git_mlvers.fsutil import disk_errors
from git_mlvers.oid import Oid

if TYPE_CHECKING:
    from collections.abc import Sequence

    from git_mlvers.pointer import Pointer

_HINT = "git mlvers fetch brings it anew from the remote"


class Store:
    """The cache at `root`. With `writable` off it belongs to another repository."""

    def __init__(
        self, root: str, *, writable: bool = True, shared: int | None = None, sync: bool = True
    ) -> None:
        self.root = root
        self.sync = sync
        self.objects = ObjectStore(root, writable=writable, shared=shared)
        self.packs = LocalPacks(root, writable=writable, shared=shared, sync=sync)

    def has(self, oid: Oid, size: int) -> bool:
        """Whether content of this oid and size (bytes) is here.

        A large file that was touched is hashed for that.
        """
        if size <= SMALL:
            row = self.packs.find(oid)
            return row is not None and row.size == size
        return self.objects.find(oid, size) is not None

    def missing(self, pointers: Sequence[Pointer]) -> list[Pointer]:
        """Those of `pointers` for which `has` says no."""
        small = self.packs.find_many([item.oid for item in pointers if item.size <= SMALL])
        left = []
        for item in pointers:
            if item.size <= SMALL:
                row = small.get(item.oid)
                here = row is not None and row.size == item.size
            else:
                here = self.objects.find(item.oid, item.size) is not None
            if not here:
                left.append(item)
        return left

    def read(self, oid: Oid, size: int) -> bytes | None:
        """All of the content, verified; ``None`` when it is not here. Raises `CorruptError`."""
        if size <= SMALL:
            found = self.read_small(oid)
            return None if found is None or len(found[1]) != size else found[1]
        path = self.find_file(oid, size)
        if path is None:
            return None
        try:
            with disk_errors(path, "reading the cache"), open(path, "rb") as file:
                data = file.read()
        except FileNotFoundError:
            return None
        if Oid.of(data) == oid:
            return data
        if not self.objects.is_intact(oid):
            self.find_file(oid, size)
        return None

    def read_small(self, oid: Oid, look_again: bool = True) -> tuple[bytes, bytes] | None:
        """The frame and the content of a small object; see `LocalPacks.read`."""
        return self.packs.read(oid, look_again)

    def open(self, oid: Oid, size: int) -> BinaryIO | None:
        """The content for reading, not verified when it is large; ``None`` when it is not here."""
        if size <= SMALL:
            data = self.read(oid, size)
            return None if data is None else io.BytesIO(data)
        path = self.find_file(oid, size)
        if path is None:
            return None
        try:
            with disk_errors(path, "reading the cache"):
                return open(path, "rb")
        except FileNotFoundError:
            return None

    def find_file(self, oid: Oid, size: int) -> str | None:
        """The path of a large object; ``None`` when it is not here.

        Raises `CorruptError` when it was here, and this process found it damaged.
        """
        path = self.objects.find(oid, size)
        if path is None and (moved := self.objects.damaged.get(oid)) is not None:
            raise CorruptError(
                f"content {oid.short} in the cache was changed or damaged; it is now at {moved}",
                _HINT,
            )
        return path

    def flush(self) -> None:
        """Make durable what was added."""
        self.objects.flush(self.sync)
        self.packs.flush()

    def close(self) -> None:
        """Flush, and close all files."""
        try:
            self.objects.flush(self.sync)
        finally:
            self.packs.close()
