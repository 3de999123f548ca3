"""Which tracked files there are, and where their content is."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, NamedTuple

from git_mlvers.git import refs, scan
from git_mlvers.pointer import MAX_SIZE, Pointer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from git_mlvers.config import RemoteSettings
    from git_mlvers.git.repository import Repository
    from git_mlvers.oid import Oid
    from git_mlvers.workspace import Workspace


class Listed(NamedTuple):
    """One tracked file, and whether its content is here.

    `in_tree` is about the working tree and ``None`` where that is not asked
    for: in history, in another commit, in a bare repository. `on_remote` is
    ``None`` unless the remote was asked.
    """

    path: bytes
    pointer: Pointer
    cached: bool
    in_tree: bool | None
    on_remote: bool | None = None

    @property
    def here(self) -> bool:
        """Whether the content is wherever it can be on this machine."""
        return self.cached and self.in_tree is not False


def current(workspace: Workspace, wanted: Callable[[bytes], bool]) -> list[Listed]:
    """The tracked files in the index; in a bare repository those of its HEAD."""
    repo = workspace.repo
    root = repo.work_tree
    if root is None:
        tip = refs.head(repo)
        return [] if tip is None else of_tree(workspace, tip, wanted)
    top = os.fsencode(root)
    return [
        Listed(
            entry.path,
            entry.pointer,
            workspace.cache.has(*entry.pointer),
            has_content(os.path.join(top, entry.path)),
        )
        for entry in scan.index_pointers(repo)
        if wanted(entry.path)
    ]


def of_tree(workspace: Workspace, revision: str, wanted: Callable[[bytes], bool]) -> list[Listed]:
    """The tracked files of a commit or tree; raises `UnknownRevision`."""
    entries = scan.tree_pointers(workspace.repo, revision)
    return _listed(workspace, ((entry.path, entry.pointer) for entry in entries), wanted)


def of_history(
    workspace: Workspace,
    include: Sequence[str],
    exclude: Sequence[str],
    wanted: Callable[[bytes], bool],
) -> list[Listed]:
    """Every version that the commits `include` reach and `exclude` do not, sorted by path.

    Commits are ids. A version that stands at several paths is listed at one of them.
    """
    found = scan.pointers(workspace.repo, include, exclude)
    pairs = sorted({(item.path, item.pointer) for item in found})
    return _listed(workspace, pairs, wanted)


def ends_of(repo: Repository, span: str) -> tuple[str, str]:
    """The ids of the two ends of ``A..B``, HEAD where one is left out.

    Raises `UnknownRevision`.
    """
    first, _, last = span.partition("..")
    return refs.resolve(repo, first or "HEAD"), refs.resolve(repo, last or "HEAD")


def ask_remote(
    workspace: Workspace, settings: RemoteSettings, files: Sequence[Listed]
) -> list[Listed]:
    """`files` with `on_remote` filled in; raises `RemoteError`."""
    absent = absent_from(workspace, settings, (item.pointer.oid for item in files))
    return [item._replace(on_remote=item.pointer.oid not in absent) for item in files]


def absent_from(workspace: Workspace, settings: RemoteSettings, oids: Iterable[Oid]) -> set[Oid]:
    """Those of `oids` that the remote does not have; raises `RemoteError`."""
    return workspace.remote(settings).missing(oids)


def has_content(path: bytes) -> bool:
    """Whether a regular file is at `path` that is not a pointer."""
    try:
        found = os.lstat(path)
        if not stat.S_ISREG(found.st_mode):
            return False
        return found.st_size > MAX_SIZE or pointer_at(path) is None
    except OSError:
        return False


def pointer_at(path: bytes) -> Pointer | None:
    """The pointer that the file at `path` is; raises `OSError`."""
    fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    with open(fd, "rb") as file:
        return Pointer.parse(file.read(MAX_SIZE + 1))


def _listed(
    workspace: Workspace,
    pairs: Iterable[tuple[bytes, Pointer]],
    wanted: Callable[[bytes], bool],
) -> list[Listed]:
    def make() -> Iterator[Listed]:
        for path, pointer in pairs:
            if wanted(path):
                yield Listed(path, pointer, workspace.cache.has(*pointer), None)

    return list(make())
