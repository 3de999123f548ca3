"""Finding pointers: in history, in one tree, in an index."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from git_mlvers.errors import CorruptError
from git_mlvers.git import promised, refs
from git_mlvers.git.catfile import infos, objects
from git_mlvers.git.command import failure, finish, joined, zsplit
from git_mlvers.git.process import anonymous_file
from git_mlvers.git.roots import Roots, all_roots
from git_mlvers.git.versions import previous_versions
from git_mlvers.pointer import MAX_SIZE, Pointer

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from git_mlvers.git.process import Process
    from git_mlvers.git.repository import Repository

__all__ = [
    "Entry",
    "Found",
    "Roots",
    "all_roots",
    "index_pointers",
    "pointers",
    "previous_versions",
    "tree_pointers",
]

_LIST = (
    *("rev-list", "--objects", "--stdin"),
    # Only blobs short enough to be pointers; one that a tag or the caller names is no exception.
    *("--filter=object:type=blob", f"--filter=blob:limit={MAX_SIZE + 1}"),
    "--filter-provided-objects",
)
# A push sends the objects that there are, not those that "git replace" shows instead.
_AS_STORED = {"GIT_NO_REPLACE_OBJECTS": "1"}
_FORMAT = "--batch=%(objectname) %(objecttype) %(objectsize) %(rest)"
_REGULAR = (b"100644", b"100755")
_BUFFER = 1 << 18
# So many files of a tree are looked at together; the first few soon. Two processes each time.
_FIRST_WINDOW, _WINDOW = 500, 10_000


class Found(NamedTuple):
    """A pointer in history, once for each blob.

    `path` is one of its paths, empty if it has none (a tag may name a blob). git
    gives it without leading blanks and cut off at a newline: it is there to be
    shown and sorted by, not to be opened.
    """

    pointer: Pointer
    path: bytes
    blob: str


class Entry(NamedTuple):
    """A pointer at its place in a tree or an index: full path, git's mode, the blob's hex id."""

    path: bytes
    mode: int
    blob: str
    pointer: Pointer


def pointers(
    repo: Repository, include: Sequence[str], exclude: Sequence[str] = ()
) -> Iterator[Found]:
    """The pointers that the revisions `include` reach and `exclude` do not.

    Revisions are whatever ``git rev-list`` understands: commits, tags, trees and
    blobs; `GitError` is raised for one that is not here. `exclude` leaves out
    what its tips have; a pointer that only their older commits have may still
    come. In a partial clone, what is not here is left out and not fetched.
    """
    if not include:
        return
    for name in (*include, *exclude):
        if name.startswith("-"):  # git 2.42 and newer would take it for an option
            raise refs.UnknownRevision(f"not a revision: {name!r}", "git branch, git tag")
    missing = ("--missing=allow-any",) if repo.partial else ()
    source = anonymous_file((joined(include), joined("^" + name for name in exclude)))
    try:
        listing = repo.start(*_LIST, *missing, stdin=source, env=_AS_STORED)
    finally:
        os.close(source)
    with listing:
        reading = repo.start(
            *("cat-file", "--buffer", _FORMAT), stdin=listing.stdout, env=_AS_STORED
        )
        with reading:
            yield from _read_found(reading)
            # The listing first: when it fails, the reader knows of nothing.
            finish(listing)
            finish(reading)


def tree_pointers(repo: Repository, treeish: str, pathspecs: Sequence[str] = ()) -> Iterator[Entry]:
    """The pointers in the tree of `treeish`, in its order.

    `pathspecs` are paths from the top, also as ``:(top,literal)…``. In a partial
    clone the small blobs of the tree that are absent are fetched in one go.
    Raises `UnknownRevision` when there is no such tree, and `GitError` when
    blobs are absent and cannot be fetched.
    """
    tree = refs.resolve(repo, treeish, "tree")
    listing = ("-r", "-z", "--full-tree", tree, "--", *pathspecs)
    if not repo.partial:
        return _streamed(repo, ("ls-tree", "-l", *listing))
    entries = _regular(zsplit(repo.git("ls-tree", *listing)))
    blobs = {blob: path for path, _, blob in entries}
    if len(promised.present(repo, blobs)) < len(blobs):
        promised.require_small(repo, tree)
    return _of_entries(repo, entries, blobs)


def _streamed(repo: Repository, listing: Sequence[str]) -> Iterator[Entry]:
    """The pointers that ``git ls-tree -l`` lists, while it does: a tree may have millions of files.

    It tells the sizes of blobs too, so that only what may be a pointer is read.
    """
    with repo.start(*listing) as process:
        for records in _windows(process.blocks()):
            entries = _sized(records)
            yield from _of_entries(repo, entries, {blob: path for path, _, blob in entries}, True)
        finish(process)


def _windows(blocks: Iterator[bytes]) -> Iterator[list[bytes]]:
    """The NUL-terminated records in `blocks`, many at a time, few at first."""
    records: list[bytes] = []
    rest = b""
    size = _FIRST_WINDOW
    for block in blocks:
        *whole, rest = (rest + block).split(b"\0")
        records += whole
        while len(records) >= size:
            yield records[:size]
            del records[:size]
            size = _WINDOW
    yield records


def _sized(records: Iterable[bytes]) -> list[tuple[bytes, bytes, str]]:
    """What `_regular` gives for lines of ``git ls-tree -l``, without what is no pointer."""
    entries = []
    for record in records:
        words, _, path = record.partition(b"\t")
        mode, _, oid, size = words.split()
        if mode in _REGULAR:
            blob = oid.decode("ascii")
            if not size.isdigit():
                raise _damaged(blob, path)
            if int(size) <= MAX_SIZE:
                entries.append((path, mode, blob))
    return entries


def _regular(records: Iterable[bytes]) -> list[tuple[bytes, bytes, str]]:
    """Path, mode and blob of the regular files among lines of ``git ls-tree``."""
    entries = []
    for record in records:
        words, _, path = record.partition(b"\t")
        mode, _, blob = words.split(b" ")
        if mode in _REGULAR:
            entries.append((path, mode, blob.decode("ascii")))
    return entries


def index_pointers(
    repo: Repository,
    pathspecs: Sequence[str] = (),
    *,
    index_path: str | None = None,
    unmerged: bool = False,
) -> Iterator[Entry]:
    """The pointers in the index, in its order; those of conflicts only when `unmerged`.

    `pathspecs` start at the top of the working tree. `index_path` is the index of
    another worktree of the repository. In a partial clone, absent blobs of the
    commit that is checked out are fetched in one go if that can be done, but not
    for what a sparse checkout leaves out; other absent ones are passed over.
    """
    listed = repo.git("ls-files", "-s", "-t", "-z", "--", *pathspecs, env=_for_index(index_path))
    entries = []
    checked_out = set()
    for record in zsplit(listed):
        words, _, path = record.partition(b"\t")
        tag, mode, blob, stage = words.split(b" ")
        if mode in _REGULAR and (unmerged or stage == b"0"):
            entries.append((path, mode, blob.decode("ascii")))
            if tag != b"S":
                checked_out.add(entries[-1][2])
    if repo.partial and len(promised.present(repo, checked_out)) < len(checked_out):
        _bring_head(repo)
    return _of_entries(repo, entries, {blob: path for path, _, blob in entries})


def _for_index(index_path: str | None) -> dict[str, str]:
    if index_path is None:
        return {}
    env = {"GIT_INDEX_FILE": index_path}
    git_dir = os.path.dirname(index_path)
    if os.path.exists(os.path.join(git_dir, "HEAD")):
        # The other part of a split index lies beside it.
        env["GIT_DIR"] = git_dir
    return env


def _bring_head(repo: Repository) -> None:
    try:
        promised.bring_small(repo, refs.resolve(repo, "HEAD", "tree"))
    except refs.UnknownRevision:
        pass  # no commit yet


def _of_entries(
    repo: Repository,
    entries: Sequence[tuple[bytes, bytes, str]],
    blobs: Mapping[str, bytes],
    small: bool = False,
) -> Iterator[Entry]:
    """Those of `entries` that are pointers; with `small`, all `blobs` are short enough to be."""
    found: dict[str, Pointer | None] = {}
    reading = _read_small(repo, blobs, blobs) if small else _read_pointers(repo, blobs)
    for path, mode, blob in entries:
        # They are read in the order in which they first stand in `entries`.
        while blob not in found:
            found.update([next(reading)])
        pointer = found[blob]
        if pointer is not None:
            yield Entry(path, int(mode, 8), blob, pointer)


def _read_pointers(
    repo: Repository, paths: Mapping[str, bytes]
) -> Iterator[tuple[str, Pointer | None]]:
    """Each of the blobs `paths` (with one of its paths), and the pointer that it is, if it is one.

    A blob that a partial clone has not is none.
    """
    wanted: Collection[str] = paths
    if repo.partial:
        here = promised.present(repo, paths)
        wanted = [blob for blob in paths if blob in here]
    small = set()
    for blob, info in zip(wanted, infos(repo, wanted), strict=True):
        if info is None:
            raise _damaged(blob, paths[blob])
        if info.size <= MAX_SIZE:
            small.add(blob)
    return _read_small(repo, paths, small)


def _read_small(
    repo: Repository, paths: Mapping[str, bytes], small: Collection[str]
) -> Iterator[tuple[str, Pointer | None]]:
    """What `_read_pointers` gives, when only `small` of the blobs may be pointers."""
    contents = objects(repo, [blob for blob in paths if blob in small])
    for blob, path in paths.items():
        pointer = None
        if blob in small:
            content = next(contents)
            if content is None:
                raise _damaged(blob, path)
            pointer = Pointer.parse(content.data)
        yield blob, pointer
    # To its end, where git tells whether it failed.
    for _ in contents:
        raise AssertionError("git told of more objects than it was asked for")


def _damaged(blob: str, path: bytes) -> CorruptError:
    where = f" of {os.fsdecode(path)!r}" if path else ""
    return CorruptError(f"git cannot read the object {blob}{where}: missing or damaged", "git fsck")


def _read_found(reading: Process) -> Iterator[Found]:
    with os.fdopen(reading.stdout, "rb", _BUFFER, closefd=False) as stream:
        while line := stream.readline():
            words = line[:-1].split(b" ", 3)
            if len(words) < 4:
                raise _damaged(words[0].decode("ascii"), b"")
            blob, _, size, path = words
            data = stream.read(int(size))
            if stream.read(1) != b"\n":
                reading.wait()
                raise failure(reading)
            pointer = Pointer.parse(data)
            if pointer is not None:
                yield Found(pointer, path, blob.decode("ascii"))
