"""Content as DVC keeps it: in its cache and on its remotes, under names of MD5."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING, Protocol

from git_mlvers.backend.base import BackendError, KeyMissing
from git_mlvers.errors import LocalIOError, MlversError
from git_mlvers.fsutil import disk_errors, make_dirs, remove_quietly, temp_path

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from git_mlvers.backend.base import Backend
    from git_mlvers.migrate.dvcfiles import Data

_BLOCK = 8 << 20
_TEXT_PROBE = 512
_TEXT_BLOCK = 1 << 20
_DOS, _UNIX = b"\r\n", b"\n"
_TEXT = bytes(range(32, 127)) + b"\n\r\t\f\b"


class Source(Protocol):
    """A remote of DVC, to be read."""

    def blocks(self, key: str) -> Iterator[bytes]:
        """The content under `key` in blocks. Raises `KeyMissing` and other `BackendError`s."""


class OfBackend:
    """Objects on a backend."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    def blocks(self, key: str) -> Iterator[bytes]:
        """See `Source`."""
        at = 0
        while block := self._backend.get(key, at, _BLOCK):
            yield block
            at += len(block)
            if len(block) < _BLOCK:
                return


class _OfCache:
    """Objects in a folder of this machine."""

    def __init__(self, folder: str) -> None:
        self._folder = folder

    def blocks(self, key: str) -> Iterator[bytes]:
        """See `Source`."""
        path = os.path.join(self._folder, key)
        try:
            with open(path, "rb") as file:
                while block := file.read(_BLOCK):
                    yield block
        except (FileNotFoundError, NotADirectoryError) as error:
            raise KeyMissing(f"there is no {path}") from error
        except OSError as error:
            raise LocalIOError(f"{path} cannot be read: {error.strerror}") from error


class Store:
    """All places of one repository's objects: the caches, then the remotes.

    `remotes` are opened at the first object that no cache has; one that cannot be
    reached is told to `trouble`, once.
    """

    def __init__(
        self,
        caches: Sequence[str],
        remotes: Sequence[Callable[[], Source]],
        trouble: Callable[[MlversError], None],
    ) -> None:
        self._openers = list(remotes)
        self._sources: list[Source] = [_OfCache(cache) for cache in caches]
        self._trouble = trouble

    def read(self, md5: str, *, folder: bool = False) -> bytes | None:
        """A small object, verified; ``None`` if it is nowhere."""
        name = f"{md5}.dir" if folder else md5
        for blocks in self._found(name):
            try:
                data = b"".join(blocks)
            except KeyMissing:
                continue
            if hashlib.md5(data, usedforsecurity=False).hexdigest() == md5:
                return data
        return None

    def write(self, data: Data, target: str) -> bool:
        """Put the content of the file `data` at the new path `target`; false if it is nowhere.

        It is verified before it takes its name. Raises `LocalIOError`.
        """
        make_dirs(os.path.dirname(target))
        temp = temp_path(os.path.dirname(target))
        for blocks in self._found(data.md5):
            try:
                with disk_errors(target, "taking over content"):
                    if _copy(blocks, temp) and md5_of(temp, data.plain) == data.md5:
                        os.chmod(temp, mode_of(data.executable))
                        os.rename(temp, target)
                        return True
            finally:
                remove_quietly(temp)
        return False

    def _found(self, name: str) -> Iterator[Iterator[bytes]]:
        """The content of an object at each place that may have it; missing there: `KeyMissing`."""
        keys = [f"files/md5/{name[:2]}/{name[2:]}", f"{name[:2]}/{name[2:]}"]
        tried = 0
        while tried < len(self._sources) or self._open_next():
            source = self._sources[tried]
            for key in keys:
                if source in self._sources:
                    yield self._blocks(source, key)
            tried += source in self._sources

    def _blocks(self, source: Source, key: str) -> Iterator[bytes]:
        try:
            yield from source.blocks(key)
        except KeyMissing:
            raise
        except BackendError as error:
            self._sources.remove(source)
            self._trouble(error)
            raise KeyMissing(error.message) from error

    def _open_next(self) -> bool:
        while self._openers:
            try:
                self._sources.append(self._openers.pop(0)())
                return True
            except MlversError as error:
                self._trouble(error)
        return False


def md5_of(path: str, plain: bool) -> str:
    """The MD5 of a file in hex, as DVC 3 computes it, or, not `plain`, as DVC before it."""
    hasher = hashlib.md5(usedforsecurity=False)
    with open(path, "rb") as file:
        while block := file.read(_BLOCK if plain else _TEXT_BLOCK):
            # Block for block as DVC does it: a line end across two of them stays as it is.
            as_text = not plain and _is_text(block[:_TEXT_PROBE])
            hasher.update(block.replace(_DOS, _UNIX) if as_text else block)
    return hasher.hexdigest()


def _is_text(block: bytes) -> bool:
    """Whether DVC takes a file that begins with `block` for a text (``istextfile.py``)."""
    if b"\0" in block:
        return False
    return len(block.translate(None, _TEXT)) <= 0.3 * len(block)


def _copy(blocks: Iterator[bytes], temp: str) -> bool:
    with open(temp, "xb") as file:
        try:
            for block in blocks:
                file.write(block)
        except KeyMissing:
            return False
    return True


def mode_of(executable: bool) -> int:
    """The permission bits that this user's new files have."""
    mask = os.umask(0)
    os.umask(mask)
    return (0o777 if executable else 0o666) & ~mask
