"""Data that DVC keeps, brought into the working tree, with what it says of itself verified."""

from __future__ import annotations

import os
import posixpath
import stat
from typing import TYPE_CHECKING, NamedTuple

from git_mlvers.migrate.dvcfiles import Data, listing, read_listing
from git_mlvers.migrate.dvcstore import md5_of, mode_of

if TYPE_CHECKING:
    from collections.abc import Iterable

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
                posixpath.relpath(file, path): self.file(file, plain=plain)
                for file in self.below(path)
            }
            from hashlib import md5

            return md5(listing(files), usedforsecurity=False).hexdigest(), True
        return (self.file(path, plain=plain), False) if os.path.isfile(full) else None

    def agrees(self, data: Data) -> bool:
        """Whether what is at its path is what DVC says of it."""
        return self.of(data.path, plain=data.plain) == (data.md5, data.folder)

    def below(self, path: str) -> Iterable[str]:
        """The paths of the files in a folder of data."""
        for folder, _, names in os.walk(os.path.join(self._top, path)):
            for name in names:
                if name != ".gitignore":  # DVC writes some into folders of data
                    yield os.path.relpath(os.path.join(folder, name), self._top)

    def file(self, path: str, *, plain: bool) -> str:
        """The sum in hex of the file at `path`."""
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
        for path in sums.below(data.path):
            if _leads_out(top, path):
                continue
            md5 = sums.file(path, plain=data.plain)
            _own(Data(path, md5, False, data.plain), top, store, found)
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
    more = [path for path in sums.below(data.path) if path not in known]
    found.differing.extend(more)


def _file(data: Data, top: str, store: Store, sums: Sums, found: Brought) -> None:
    full = os.path.join(top, data.path)
    if _leads_out(top, data.path):
        found.differing.append(data.path)
    elif os.path.lexists(full):
        if os.path.exists(full) and sums.agrees(data):
            _own(data, top, store, found)
        else:
            found.differing.append(data.path)
    elif store.write(data, full):
        found.brought.append(data.path)
    else:
        found.missing.append(data.path)


def _leads_out(top: str, path: str) -> bool:
    """Whether the folder of `path` is outside of the repository, where a link leads to.

    Links are committed, and so are the paths that DVC names.
    """
    folder = os.path.realpath(os.path.dirname(os.path.join(top, path)))
    return not os.path.join(folder, "").startswith(os.path.join(os.path.realpath(top), ""))


def _own(data: Data, top: str, store: Store, found: Brought) -> None:
    """Put a file of its own where DVC has put a link to its cache.

    Git would store a symbolic link as a link; and through a hard link, which DVC has made
    read-only, an edit would reach into the cache.
    """
    full = os.path.join(top, data.path)
    is_link = os.path.islink(full)
    if not is_link:
        status = os.stat(full)
        if status.st_mode & stat.S_IWUSR:
            return
        if status.st_nlink == 1:
            os.chmod(full, status.st_mode | mode_of(status.st_mode & stat.S_IXUSR != 0))
            return
    if store.write(data, full):
        found.brought.append(data.path)
    elif is_link:
        found.differing.append(data.path)
