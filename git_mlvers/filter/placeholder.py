"""The list of empty placeholders that stand in the working tree for a moment.

Git wants a file written before it goes on, and content comes a little later
(`populate`). A filter that is killed in between leaves empty files behind.
Each is written down first, so that the next filter in this working tree can
put that right: with the pointer's text, which nobody takes for content.
"""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from git_mlvers.pointer import Pointer

if TYPE_CHECKING:
    from collections.abc import Iterator

_FOLDER = "placeholders"


class Journal:
    """The placeholders of one filter process, on disk for as long as they may stand."""

    def __init__(self, git_dir: str) -> None:
        self._folder = os.path.join(git_dir, "mlvers", _FOLDER)
        self._path = os.path.join(self._folder, str(os.getpid()))
        self._fd: int | None = None

    def add(self, path: bytes, pointer: Pointer) -> None:
        """`path` (relative to the working tree's root) is about to be an empty placeholder."""
        if self._fd is None:
            os.makedirs(self._folder, exist_ok=True)
            self._fd = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC)
        os.write(self._fd, pointer.encode() + path + b"\0")

    def clear(self) -> None:
        """None of the placeholders stands any more."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None
            os.unlink(self._path)


def recover(git_dir: str, work_tree: str) -> list[bytes]:
    """Give the placeholders of filters that died their pointer's text; the paths that had one."""
    folder = os.path.join(git_dir, "mlvers", _FOLDER)
    try:
        names = os.listdir(folder)
    except OSError:
        return []
    mended = []
    for name in names:
        if name.isdigit() and not _alive(int(name)):
            journal = os.path.join(folder, name)
            for path, pointer in _entries(journal):
                full = os.path.join(os.fsencode(work_tree), path)
                if stands_at(full) and _inside(work_tree, full):
                    with open(full, "r+b") as file:
                        file.write(pointer.encode())
                    mended.append(path)
            os.unlink(journal)
    return mended


def stands_at(path: bytes | str) -> bool:
    """Whether an empty regular file, and so nothing that could be lost, is at `path`."""
    try:
        found = os.lstat(path)
    except OSError:
        return False
    return stat.S_ISREG(found.st_mode) and found.st_size == 0


def _entries(journal: str) -> Iterator[tuple[bytes, Pointer]]:
    with open(journal, "rb") as file:
        records = file.read().split(b"\0")[:-1]
    for record in records:
        # The pointer's three lines stand before the path, which may hold any byte but NUL.
        *lines, path = record.split(b"\n", 3)
        pointer = Pointer.parse(b"".join(line + b"\n" for line in lines))
        if pointer is not None:
            yield path, pointer


def _inside(work_tree: str, full: bytes) -> bool:
    root = os.path.realpath(os.fsencode(work_tree))
    return (os.path.realpath(os.path.dirname(full)) + b"/").startswith(root + b"/")


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
