"""The params and metrics of many commits: what they share is read and understood once.

One git stays for all of them, so that a commit costs some objects and no process.
For a single commit `Commit` is faster.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from git_mlvers.git.catfile import CatFile
from git_mlvers.pipeline import readings
from git_mlvers.pipeline.model import DEFAULT_PARAMS, FILES
from git_mlvers.pipeline.source import FILE_MODE, is_inside

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from git_mlvers.git.repository import Repository
    from git_mlvers.pipeline.readings import Readings, Wanted
    from git_mlvers.pointer import Pointer

_TREE_MODE = b"40000"
_SMALL = 1 << 16
"""Files up to this size are kept, in bytes: params, metrics and pipelines mostly are."""

_MOST_KEPT = 4096


class Entry(NamedTuple):
    """What a tree has under a name."""

    mode: bytes
    oid: str


class History:
    """Reads commits of one repository. Use it as a context, or `close` it."""

    def __init__(self, repo: Repository) -> None:
        self.top = repo.top
        self._cat = CatFile(repo)
        self._trees: dict[str, dict[str, Entry]] = {}
        self._pipelines: dict[str, tuple[str, ...]] = {}
        self._blobs: dict[str, bytes] = {}
        self._named: dict[tuple[object, ...], Wanted] = {}

    def at(self, treeish: str) -> Snapshot:
        """The files of a commit (or of any tree); without any if there is no such thing."""
        found = self._cat.read(f"{treeish}^{{tree}}")
        if found is None:
            return Snapshot(self, None)
        self._trees.setdefault(found.oid, dict(_entries(found.data, len(found.oid) // 2)))
        return Snapshot(self, found.oid)

    def read(
        self,
        treeish: str,
        *,
        wanted: Wanted | None = None,
        only: str | None = None,
        content: Callable[[Pointer], bytes | None] | None = None,
    ) -> Readings:
        """As `readings.read`, of a commit."""
        return self.at(treeish).readings(wanted=wanted, only=only, content=content)

    def tree(self, oid: str) -> dict[str, Entry]:
        """What the tree `oid` has by name."""
        if oid not in self._trees:
            found = self._cat.read(oid)
            data = b"" if found is None else found.data
            self._trees[oid] = dict(_entries(data, len(oid) // 2))
        return self._trees[oid]

    def pipelines(self, oid: str) -> tuple[str, ...]:
        """The pipeline files in the tree `oid` and below it, relative to it."""
        if oid not in self._pipelines:
            found = []
            for name, entry in self.tree(oid).items():
                if entry.mode == _TREE_MODE:
                    found += [f"{name}/{path}" for path in self.pipelines(entry.oid)]
                elif name in FILES and entry.mode.startswith(FILE_MODE):
                    found.append(name)
            self._pipelines[oid] = tuple(found)
        return self._pipelines[oid]

    def blob(self, oid: str) -> bytes | None:
        """The content of a file as Git has it."""
        if oid in self._blobs:
            return self._blobs[oid]
        found = self._cat.read(oid)
        if found is None:
            return None
        if len(found.data) <= _SMALL and len(self._blobs) < _MOST_KEPT:
            self._blobs[oid] = found.data
        return found.data

    def close(self) -> None:
        """End the git that reads."""
        self._cat.close()

    def __enter__(self) -> History:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def named(self, source: Snapshot, problems: list[str]) -> Wanted:
        """As `readings.named`; pipelines that have not changed are loaded once."""
        key = _recipe(source)
        if key is not None and key in self._named:
            return self._named[key]
        wanted = readings.named(source, None, problems)
        if key is not None and not problems:
            self._named[key] = wanted
        return wanted


class Snapshot:
    """The files of one commit: a `Source`."""

    def __init__(self, history: History, root: str | None) -> None:
        self.top = history.top
        self._history = history
        self._root = root

    def pipeline_files(self) -> Sequence[str]:
        """Those of the tree."""
        return sorted(() if self._root is None else self._history.pipelines(self._root))

    def read(self, path: str) -> bytes | None:
        """What Git stores: for a large file that is its pointer."""
        entry = self._entry(path)
        if entry is None or not entry.mode.startswith(FILE_MODE):
            return None
        return self._history.blob(entry.oid)

    def read_all(self, paths: Sequence[str]) -> None:
        """Nothing: one by one is as fast."""

    def below(self, folder: str) -> Sequence[str]:
        """Those of the tree."""
        entry = self._entry(folder)
        if entry is None or entry.mode != _TREE_MODE:
            return []
        return sorted(self._files(entry.oid, f"{folder}/"))

    def inside(self, path: str) -> bool:
        """A tree has nothing else."""
        return is_inside(path)

    def readings(
        self,
        *,
        wanted: Wanted | None = None,
        only: str | None = None,
        content: Callable[[Pointer], bytes | None] | None = None,
    ) -> Readings:
        """As `readings.read`, of these files."""
        problems: list[str] = []
        if wanted is None:
            wanted = self._history.named(self, problems)
        found = readings.read(self, wanted=wanted, only=only, content=content)
        return found._replace(problems=problems + found.problems)

    def _entry(self, path: str) -> Entry | None:
        entry = None if self._root is None else Entry(_TREE_MODE, self._root)
        for name in path.split("/"):
            if entry is None or entry.mode != _TREE_MODE:
                return None
            entry = self._history.tree(entry.oid).get(name)
        return entry

    def _files(self, oid: str, start: str) -> Iterator[str]:
        for name, entry in self._history.tree(oid).items():
            if entry.mode == _TREE_MODE:
                yield from self._files(entry.oid, f"{start}{name}/")
            elif entry.mode.startswith(FILE_MODE):
                yield start + name


def _recipe(source: Snapshot) -> tuple[object, ...] | None:
    """All that decides what the pipelines of `source` say; ``None`` if that is not known.

    Templates take values from the params file beside, and from any that ``vars`` names.
    """
    found: list[object] = []
    for path in source.pipeline_files():
        data = source.read(path) or b""
        if b"vars" in data:
            return None
        found += [path, data]
        if b"${" in data:
            found.append(source.read(os.path.join(os.path.dirname(path), DEFAULT_PARAMS)))
    return tuple(found)


def _entries(data: bytes, oid_size: int) -> Iterator[tuple[str, Entry]]:
    """The entries of a tree object by name."""
    at = 0
    while at < len(data):
        space, end = data.index(b" ", at), data.index(b"\0", at)
        oid = data[end + 1 : end + 1 + oid_size].hex()
        yield os.fsdecode(data[space + 1 : end]), Entry(data[at:space], oid)
        at = end + 1 + oid_size
