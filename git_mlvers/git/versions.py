"""Earlier versions of files: where chunks of a new version are likely to be known."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from git_mlvers.git import promised
from git_mlvers.git.catfile import infos, objects
from git_mlvers.git.command import finish, joined
from git_mlvers.git.process import anonymous_file
from git_mlvers.pointer import MAX_SIZE, Pointer

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from git_mlvers.git.repository import Repository
    from git_mlvers.oid import Oid

# These are hints: the newest commits and versions give nearly all that can be gained.
_COMMITS = 2000
_VERSIONS = 32
_BUFFER = 1 << 18


def previous_versions(
    repo: Repository, include: Sequence[str], exclude: Sequence[str], paths: Collection[bytes]
) -> dict[Oid, set[Oid]]:
    """For pointers that the commits `include` but not `exclude` brought: older ones of their path.

    Only changes of `paths` count, and of those the newest 2000 commits and 32
    versions of a file; what the commits of `exclude` had just before is among them.
    """
    changes: dict[bytes, list[tuple[str, str]]] = {}
    for path, old, new in _changes(repo, include, exclude):
        if path in paths:
            changes.setdefault(path, []).append((old, new))
    blobs = {blob for pairs in changes.values() for pair in pairs for blob in pair}
    oids = _oids(repo, blobs)
    found: dict[Oid, set[Oid]] = {}
    for pairs in changes.values():
        older = [oids[old] for old, _ in pairs if old in oids]
        for at, (_, new) in enumerate(pairs):
            if new in oids:
                known = found.setdefault(oids[new], set())
                known.update(older[at : at + _VERSIONS])
                known.discard(oids[new])
    return {oid: known for oid, known in found.items() if known}


def _changes(
    repo: Repository, include: Sequence[str], exclude: Sequence[str]
) -> Iterator[tuple[bytes, str, str]]:
    """(path, old blob, new blob) of every changed regular file, newest commit first."""
    source = anonymous_file((joined(include), joined("^" + name for name in exclude)))
    try:
        commits = repo.start(
            *("rev-list", "--stdin", "--no-merges", f"--max-count={_COMMITS}"), stdin=source
        )
    finally:
        os.close(source)
    with commits:
        diff = repo.start(
            *("diff-tree", "--stdin", "-r", "-z", "--raw", "--no-commit-id"),
            *("--no-renames", "--diff-filter=M"),
            stdin=commits.stdout,
        )
        with diff:
            with os.fdopen(diff.stdout, "rb", _BUFFER, closefd=False) as stream:
                fields = iter(stream.read().split(b"\0"))
            for change, path in zip(fields, fields, strict=False):
                old_mode, new_mode, old, new, _ = change.split(b" ")
                if old_mode.startswith(b":100") and new_mode.startswith(b"100"):
                    yield path, old.decode("ascii"), new.decode("ascii")
            finish(commits)
            finish(diff)


def _oids(repo: Repository, blobs: Collection[str]) -> dict[str, Oid]:
    """What the pointers among `blobs` stand for."""
    here = promised.present(repo, blobs) if repo.partial else blobs
    small = [info.oid for info in infos(repo, here) if info and info.size <= MAX_SIZE]
    found = {}
    for blob in objects(repo, small):
        pointer = Pointer.parse(blob.data) if blob else None
        if blob and pointer:
            found[blob.oid] = pointer.oid
    return found
