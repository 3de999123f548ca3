"""What stands at the declared paths now, by names of content.

Git finds that out: paths are added to a copy of its index, which is fast for
what has not changed and leaves what the user has staged alone. The copy is kept
for the next time, so that what is not staged is not read again and again.
"""

from __future__ import annotations

import contextlib
import os
from bisect import bisect_left
from typing import TYPE_CHECKING

from blake3 import blake3

from git_mlvers.fsutil import make_dirs, remove_quietly, temp_path, write_atomic
from git_mlvers.git.scratch import Entry, ScratchIndex
from git_mlvers.pipeline.contents import Contents
from git_mlvers.pipeline.memo import Memo
from git_mlvers.pipeline.outside import outside_name
from git_mlvers.pipeline.remembered import Looked, Remembered

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from git_mlvers.workspace import Workspace

_RETRY = 2


class Snapshot:
    """The names of what stands at declared paths, as of the last `look`.

    Of `stored` paths (outputs whose content is kept) Git has the content
    afterwards, even where ``.gitignore`` hides them.
    """

    def __init__(self, workspace: Workspace, stored: Iterable[str] = ()) -> None:
        self._repo = workspace.repo
        self._top = workspace.repo.top
        self._folder = os.path.join(workspace.repo.git_dir, "mlvers")
        self._stored = sorted(set(stored))
        self._memo = Memo(os.path.join(self._folder, "names.db"))
        self._contents = Contents(workspace.repo, self._memo)
        self._names: dict[str, str | None] = {}
        self._staged: dict[str, str] = {}
        self._entries: dict[str, list[Entry]] = {}
        make_dirs(self._folder, None)
        self._kept = _Kept(workspace, self._folder, self._stored)
        self._remembered = Remembered(os.path.join(self._folder, "pipeline-names"))
        self._index = ScratchIndex(self._repo, temp_path(self._folder, "index-"))

    def look(self, paths: Collection[str]) -> None:
        """Find out anew what stands at `paths` (relative to the top, or absolute)."""
        within = [path for path in dict.fromkeys(paths) if self.is_plain(path)]
        here = [path for path in within if os.path.lexists(self._full(path))]
        with self.index():
            self._add(here)
            state = self._kept.state_of(self._index.path)
            looked = self._remembered.get(state, within)
            entries = self._index.entries(within) if looked is None else []
        if looked is None:
            found = dict(zip(within, _slices(entries, within), strict=True))
            names = self._contents.names({path: some for path, some in found.items() if some})
            looked = Looked(found, names)
            self._remembered.keep(state, within, looked)
        for path in within:
            self._entries[path] = list(looked.entries[path])
            self._staged.pop(path, None)
            if path in looked.names:
                self._staged[path] = looked.names[path]
        for path in paths:
            self._names[path] = self._name(path, path in here)

    @contextlib.contextmanager
    def index(self) -> Iterator[str]:
        """The path of a copy of the index; what is done to it in the block is kept."""
        try:
            self._kept.copy_to(self._index.path)
            yield self._index.path
            self._kept.replace_by(self._index.path)
        finally:
            remove_quietly(self._index.path)

    def name(self, path: str) -> str | None:
        """The name of what stands at `path`; ``None`` if nothing does."""
        return self._names[path]

    def staged_name(self, path: str) -> str | None:
        """The name of what the index has for `path`, which is what is meant where none stands."""
        return self._staged.get(path)

    def entries(self, path: str) -> Sequence[Entry]:
        """What Git has for `path`: one entry, or all those below it; none if it has no part."""
        return self._entries.get(path, ()) if self._names.get(path) is not None else ()

    def staged(self, path: str) -> Sequence[Entry]:
        """What Git has for `path`, also where nothing stands."""
        return self._entries.get(path, ())

    def expect_staging(self) -> None:
        """What changes the index until `confirm_staging` is ours: the copy stays good."""
        self._kept.expect()

    def confirm_staging(self) -> None:
        """The end of what `expect_staging` began."""
        self._kept.confirm()

    def close(self) -> None:
        """Give back what was opened."""
        self._memo.close()

    def _name(self, path: str, here: bool) -> str | None:
        if here and path in self._staged and not os.path.islink(self._full(path)):
            return self._staged[path]
        # Not for Git to see, or with nothing in it that Git would see.
        return outside_name(self._full(path), self._memo)

    def _add(self, here: Sequence[str]) -> None:
        forced = [path for path in here if self._is_stored(path)]
        plain = [path for path in here if path not in set(forced)]
        inside = [path for folder in plain for path in self._stored_below(folder)]
        forced.extend(path for path in inside if os.path.lexists(self._full(path)))
        self._index.add(plain)
        self._index.add(dict.fromkeys(forced), force=True)

    def _is_stored(self, path: str) -> bool:
        """Whether `path` is stored, or is below such a path."""
        while path:
            at = bisect_left(self._stored, path)
            if at < len(self._stored) and self._stored[at] == path:
                return True
            path = path.rpartition("/")[0]
        return False

    def _stored_below(self, folder: str) -> Sequence[str]:
        if folder == ".":
            return [path for path in self._stored if not os.path.isabs(path)]
        start, end = (
            bisect_left(self._stored, folder + "/"),
            bisect_left(self._stored, folder + "0"),
        )
        return self._stored[start:end]

    def is_plain(self, path: str) -> bool:
        """Whether Git can see `path`: it is inside, and no folder on the way is a link."""
        if os.path.isabs(path) or path.startswith("../") or path == "..":
            return False
        folder = os.path.dirname(path)
        while folder:
            if os.path.islink(self._full(folder)):
                return False
            folder = os.path.dirname(folder)
        return True

    def _full(self, path: str) -> str:
        return os.path.join(self._top, path)


def _slices(entries: Sequence[Entry], paths: Sequence[str]) -> list[list[Entry]]:
    """For each of `paths` those of `entries` (in Git's order) that are at it or below it."""
    names = [os.fsencode(entry.path) for entry in entries]
    found = []
    for path in paths:
        if path == ".":
            found.append(list(entries))
            continue
        raw = os.fsencode(path)
        at = bisect_left(names, raw)
        if at < len(names) and names[at] == raw:
            found.append([entries[at]])
            continue
        start, end = bisect_left(names, raw + b"/"), bisect_left(names, raw + b"0")
        found.append(list(entries[start:end]))
    return found


class _Kept:
    """The copy of the index that is kept, and of which state of the index it is a copy."""

    def __init__(self, workspace: Workspace, folder: str, stored: Sequence[str]) -> None:
        self._source = workspace.repo.index_path
        self._copy = os.path.join(folder, "pipeline-index")
        self._note = os.path.join(folder, "pipeline-index.of")
        self._before: str | None = None
        self._seen = self._copied = self._origin = ""
        # What was a stored path may be one that is ignored now, and the copy has it.
        self._stored = blake3(os.fsencode("\0".join(stored))).hexdigest()

    def copy_to(self, path: str) -> None:
        """Put a copy at `path`, of the kept index if that is still good, else of the index."""
        self._seen = _mark(self._source)
        kept = self._state(self._seen)
        source = self._copy if self._noted() == kept else self._source
        _copy(source, path)
        self._copied, self._origin = _mark(path), _mark(source)

    def state_of(self, path: str) -> str:
        """What tells one state of the index at `path` from another, now and the next time."""
        # An index that git has not written again is still the one that it was copied from.
        mark = _mark(path)
        return self._origin if mark == self._copied else mark

    def replace_by(self, path: str) -> None:
        """Keep the index at `path` from now on; that file is gone afterwards."""
        # Git writes an index anew if it has anything to change.
        if _mark(path) != self._copied and os.path.exists(path):
            os.replace(path, self._copy)
            self._write(self._seen)

    def expect(self) -> None:
        """See `Snapshot.expect_staging`."""
        self._before = _mark(self._source)

    def confirm(self) -> None:
        """See `Snapshot.confirm_staging`."""
        if self._noted() == self._state(self._before or ""):
            self._write(_mark(self._source))

    def _state(self, source: str) -> str:
        """What is noted of the copy, if it is good for the index with the mark `source`."""
        return f"{source} {_mark(self._copy)} {self._stored}"

    def _noted(self) -> str:
        try:
            with open(self._note, encoding="ascii") as file:
                return file.read()
        except (OSError, ValueError):
            return ""

    def _write(self, source: str) -> None:
        write_atomic(self._note, self._state(source).encode("ascii"), sync=False)


def _mark(path: str) -> str:
    """What tells one state of the file `path` from another."""
    try:
        found = os.stat(path)
    except OSError:
        return "-"
    return f"{found.st_ino},{found.st_size},{found.st_mtime_ns}"


def _copy(source: str, target: str) -> None:
    """Copy a file with its time, by which Git knows what was too fresh to be trusted."""
    try:
        with open(source, "rb") as file:
            data, found = file.read(), os.fstat(file.fileno())
    except FileNotFoundError:
        return
    with open(target, "xb") as out:
        out.write(data)
    os.utime(target, ns=(found.st_mtime_ns, found.st_mtime_ns))
