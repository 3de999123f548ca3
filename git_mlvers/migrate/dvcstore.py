"""Content as DVC keeps it: in its cache and on its remotes, under names of MD5."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING, NamedTuple

from git_mlvers.backend.base import BackendError, KeyMissing
from git_mlvers.errors import MlversError
from git_mlvers.fsutil import disk_errors, make_dirs, remove_quietly, temp_path

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from git_mlvers.backend.base import Backend
    from git_mlvers.migrate.dvcfiles import Data

_BLOCK = 8 << 20
_TEXT_PROBE = 512
_DOS, _UNIX = b"\r\n", b"\n"
_TEXT = bytes(range(32, 127)) + b"\n\r\t\f\b"


class Found(NamedTuple):
    """Where an object is: a file of the cache, or a key of a remote."""

    path: str | None
    backend: Backend | None = None
    key: str = ""


class Store:
    """All places of one repository's objects: the caches, then the remotes.

    `remotes` are opened at the first object that no cache has; one that cannot be
    reached is told to `trouble`, once.
    """

    def __init__(
        self,
        caches: Sequence[str],
        remotes: Sequence[Callable[[], Backend]],
        trouble: Callable[[MlversError], None],
    ) -> None:
        self._caches = caches
        self._openers = list(remotes)
        self._remotes: list[Backend] = []
        self._trouble = trouble

    def read(self, md5: str, *, folder: bool = False) -> bytes | None:
        """A small object, verified; ``None`` if it is nowhere."""
        name = f"{md5}.dir" if folder else md5
        for found in self._places(name):
            data = b"".join(_blocks(found))
            if hashlib.md5(data, usedforsecurity=False).hexdigest() == md5:
                return data
        return None

    def write(self, data: Data, target: str) -> bool:
        """Put the content of the file `data` at the new path `target`; false if it is nowhere.

        It is verified before it takes its name. Raises `LocalIOError`.
        """
        make_dirs(os.path.dirname(target))
        temp = temp_path(os.path.dirname(target))
        for found in self._places(data.md5):
            try:
                with disk_errors(target, "taking over content"):
                    if _copy(found, temp) and md5_of(temp, data.plain) == data.md5:
                        os.chmod(temp, mode_of(data.executable))
                        os.rename(temp, target)
                        return True
            finally:
                remove_quietly(temp)
        return False

    def _places(self, name: str) -> Iterator[Found]:
        keys = [f"files/md5/{name[:2]}/{name[2:]}", f"{name[:2]}/{name[2:]}"]
        for cache in self._caches:
            for key in keys:
                path = os.path.join(cache, key)
                if os.path.isfile(path):
                    yield Found(path)
        for backend in self._opened():
            for key in keys:
                if self._has(backend, key):
                    yield Found(None, backend, key)

    def _has(self, backend: Backend, key: str) -> bool:
        try:
            return backend.stat(key) is not None
        except MlversError as error:
            self._lose(backend, error)
            return False

    def _opened(self) -> list[Backend]:
        while self._openers:
            try:
                self._remotes.append(self._openers.pop(0)())
            except MlversError as error:
                self._trouble(error)
        return list(self._remotes)

    def _lose(self, backend: Backend, error: MlversError) -> None:
        if backend in self._remotes:
            self._remotes.remove(backend)
            self._trouble(error)


def md5_of(path: str, plain: bool) -> str:
    """The MD5 of a file in hex, as DVC 3 computes it, or, not `plain`, as DVC before it."""
    hasher = hashlib.md5(usedforsecurity=False)
    with open(path, "rb") as file:
        as_text = not plain and _is_text(file.read(_TEXT_PROBE))
        file.seek(0)
        while block := file.read(_BLOCK):
            if as_text:
                # Two bytes that go together may stand across two blocks.
                while block.endswith(b"\r") and (more := file.read(1)):
                    block += more
                block = block.replace(_DOS, _UNIX)
            hasher.update(block)
    return hasher.hexdigest()


def _is_text(block: bytes) -> bool:
    """Whether DVC takes a file that begins with `block` for a text (``istextfile.py``)."""
    if b"\0" in block:
        return False
    return len(block.translate(None, _TEXT)) <= 0.3 * len(block)


def _copy(found: Found, temp: str) -> bool:
    with open(temp, "xb") as file:
        try:
            for block in _blocks(found):
                file.write(block)
        except (KeyMissing, BackendError):
            return False
    return True


def _blocks(found: Found) -> Iterator[bytes]:
    if found.path is not None:
        with open(found.path, "rb") as file:
            while block := file.read(_BLOCK):
                yield block
        return
    assert found.backend is not None
    at = 0
    while block := found.backend.get(found.key, at, _BLOCK):
        yield block
        at += len(block)
        if len(block) < _BLOCK:
            return


def mode_of(executable: bool) -> int:
    """The permission bits that this user's new files have."""
    mask = os.umask(0)
    os.umask(mask)
    return (0o777 if executable else 0o666) & ~mask
