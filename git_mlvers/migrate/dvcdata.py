"""Data that DVC keeps, brought into the working tree, with what it says of itself verified."""

from __future__ import annotations

import os
import posixpath
from typing import TYPE_CHECKING, NamedTuple

from git_mlvers.migrate.dvcfiles import listing, read_listing
from git_mlvers.migrate.dvcstore import md5_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from git_mlvers.migrate.dvcfiles import Data
    from git_mlvers.migrate.dvcstore import Store


class Brought(NamedTuple):
    """How it went: paths that were brought, that differ from what DVC says, that are nowhere."""

    brought: list[str]
    differing: list[str]
    missing: list[str]


class Sums:
    """MD5 sums of the working tree, each file read once."""

    def __init__(self, top: str) -> None:
        self._top = top
        self._files: dict[tuple[str, bool], str] = {}

    def forget(self) -> None:
        """Files have been written."""
        self._files.clear()

    def of(self, path: str, *, plain: bool = True) -> tuple[str, bool] | None:
        """The sum in hex of what is at `path`, and whether that is a folder; ``None``: nothing."""
        full = os.path.join(self._top, path)
        if os.path.isdir(full):
            files = {
                posixpath.relpath(file, path): self._file(file, plain) for file in self._below(path)
            }
            from hashlib import md5

            return md5(listing(files), usedforsecurity=False).hexdigest(), True
        return (self._file(path, plain), False) if os.path.isfile(full) else None

    def agrees(self, data: Data) -> bool:
        """Whether what is at its path is what DVC says of it."""
        return self.of(data.path, plain=data.plain) == (data.md5, data.folder)

    def _below(self, path: str) -> Iterable[str]:
        for folder, _, names in os.walk(os.path.join(self._top, path)):
            for name in names:
                if name != ".gitignore":  # DVC writes some into folders of data
                    yield os.path.relpath(os.path.join(folder, name), self._top)

    def _file(self, path: str, plain: bool) -> str:
        key = path, plain
        if key not in self._files:
            self._files[key] = md5_of(os.path.join(self._top, path), plain)
        return self._files[key]


def bring(data: Iterable[Data], top: str, store: Store, sums: Sums) -> Brought:
    """Bring what of `data` is not in the working tree; what is there is never overwritten."""
    found = Brought([], [], [])
    for each in data:
        if each.folder:
            _folder(each, top, store, sums, found)
        else:
            _file(each, top, store, sums, found)
    return found


def _folder(data: Data, top: str, store: Store, sums: Sums, found: Brought) -> None:
    if sums.agrees(data):
        return
    text = store.read(data.md5, folder=True)
    if text is None:
        here = os.path.isdir(os.path.join(top, data.path))
        (found.differing if here else found.missing).append(data.path)
        return
    files = read_listing(text, data)
    for each in files:
        _file(each, top, store, sums, found)
    known = {each.path for each in files}
    sums.forget()
    more = [path for path in sums._below(data.path) if path not in known]
    found.differing.extend(more)


def _file(data: Data, top: str, store: Store, sums: Sums, found: Brought) -> None:
    full = os.path.join(top, data.path)
    if os.path.islink(full) and os.path.exists(full) and sums.agrees(data):
        # DVC has put a link to its cache there, which Git would store as a link.
        if store.write(data, full):
            found.brought.append(data.path)
    elif os.path.lexists(full):
        if not os.path.exists(full) or not sums.agrees(data):
            found.differing.append(data.path)
    elif store.write(data, full):
        found.brought.append(data.path)
    else:
        found.missing.append(data.path)
