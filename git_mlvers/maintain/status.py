"""What a user should know: what is changed, not pushed, without content, or no pointer."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, NamedTuple

from git_mlvers.git import refs, scan
from git_mlvers.git.index import IndexUnsupported, read_entries
from git_mlvers.git.repository import require_work_tree
from git_mlvers.maintain.changes import look
from git_mlvers.maintain.history import File
from git_mlvers.maintain.listing import absent_from, pointer_at
from git_mlvers.maintain.pointers import errors_of_commit
from git_mlvers.pointer import MAX_SIZE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from git_mlvers.config import RemoteSettings
    from git_mlvers.git.index import Entry
    from git_mlvers.git.repository import Repository
    from git_mlvers.git.scan import Found
    from git_mlvers.maintain.changes import Change
    from git_mlvers.maintain.pointers import Fault
    from git_mlvers.oid import Oid
    from git_mlvers.workspace import Workspace

_LONGEST_POINTER = 160
"""Bytes: a pointer of ours with the largest size is shorter."""


class Status(NamedTuple):
    """All there is to tell; every list may be empty.

    `commits` are not on any git remote, and `not_pushed` are the versions that
    they brought. `absent` are the oids of those and of the files of HEAD that the
    remote lacks, ``None`` when it was not asked; `not_sent` are the files of HEAD
    among them whose commits a git remote has. `without_content` are paths whose file is a pointer.
    """

    branch: str | None
    born: bool
    changes: list[Change]
    commits: int
    not_pushed: list[Found]
    absent: set[Oid] | None
    not_sent: list[scan.Entry]
    without_content: list[bytes]
    not_pointers: list[Fault]


def status(workspace: Workspace, ask: RemoteSettings | None = None) -> Status:
    """Look at HEAD, the index and the working tree; the remote is asked only if given.

    Raises `NotARepository` in a bare repository, and `RemoteError`.
    """
    repo = workspace.repo
    root = require_work_tree(repo)
    head, staged, changed = look(repo)
    commits, not_pushed = (0, []) if head is None else _not_pushed(workspace, head)
    absent = None
    not_sent: list[scan.Entry] = []
    if ask is not None:
        new = {item.pointer.oid for item in not_pushed}
        # Not by what git remotes have: "git push --no-verify" moves refs without content.
        there = [] if head is None else list(scan.tree_pointers(repo, head))
        absent = absent_from(workspace, ask, new | {entry.pointer.oid for entry in there})
        not_sent = [e for e in there if e.pointer.oid in absent and e.pointer.oid not in new]
    entries = _index_entries(repo)
    return Status(
        repo.head_branch(),
        head is not None,
        changed,
        commits,
        not_pushed,
        absent,
        not_sent,
        list(_without_content(workspace, os.fsencode(root), entries)),
        [] if head is None else _not_pointers(repo, head, None if staged else entries),
    )


def _index_entries(repo: Repository) -> list[Entry] | None:
    """The entries of the index; ``None`` when only Git can read it."""
    try:
        return list(read_entries(repo.index_path, repo.object_format))
    except IndexUnsupported:
        return None


def _not_pointers(repo: Repository, head: str, entries: list[Entry] | None) -> list[Fault]:
    """The errors in the tree of `head`, to which `entries` belong if they are given."""
    if entries is None or any(stat.S_ISDIR(entry.mode) for entry in entries):
        return errors_of_commit(repo, head)
    files = [File(entry.path, entry.oid) for entry in entries if stat.S_ISREG(entry.mode)]
    return errors_of_commit(repo, head, files)


def _not_pushed(workspace: Workspace, head: str) -> tuple[int, list[Found]]:
    repo = workspace.repo
    commits = int(repo.git("rev-list", "--count", head, "--not", "--remotes"))
    if not commits:
        return 0, []
    known = [ref.oid for ref in refs.for_each_ref(repo, "refs/remotes/")]
    return commits, sorted(scan.pointers(repo, [head], known), key=lambda item: item.path)


def _without_content(
    workspace: Workspace, root: bytes, entries: list[Entry] | None
) -> Iterator[bytes]:
    """Paths whose file in the working tree is a pointer and ought to be content."""
    if entries is None:
        # Not above: it takes as long to import as all of the rest.
        from git_mlvers.filter.checkout import standing_pointers

        yield from (entry.path for entry in standing_pointers(workspace))
        return
    for entry in entries:
        if _may_be_pointer(entry) and _is_pointer(os.path.join(root, entry.path)):
            yield entry.path


def _may_be_pointer(entry: Entry) -> bool:
    """By what the index recorded of the file; size 0 stands for "look at it"."""
    return (
        stat.S_ISREG(entry.mode)
        and entry.stage == 0
        and not entry.skip_worktree
        and (entry.size == 0 or len("version") < entry.size <= _LONGEST_POINTER)
    )


def _is_pointer(path: bytes) -> bool:
    try:
        found = os.lstat(path)
        if not stat.S_ISREG(found.st_mode) or not 0 < found.st_size <= MAX_SIZE:
            return False
        return pointer_at(path) is not None
    except OSError:
        return False
