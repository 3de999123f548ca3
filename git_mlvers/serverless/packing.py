"""New packs for the store: what some objects reach and others do not."""

from __future__ import annotations

import contextlib
import mmap
import os
from typing import TYPE_CHECKING, NamedTuple

from git_mlvers.fsutil import disk_errors, remove_quietly
from git_mlvers.git.command import failure, joined
from git_mlvers.git.process import CAPTURE, anonymous_file
from git_mlvers.serverless.download import file_digest

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from git_mlvers.git.repository import Repository
    from git_mlvers.serverless.local import Local
    from git_mlvers.serverless.store import Store

LARGEST = 128 << 20
"""A pack that would be larger is made as several: one is sent in one request. Bytes."""

_HEADER = 12
REAL_OBJECTS = {"GIT_NO_REPLACE_OBJECTS": "1", "GIT_GRAFT_FILE": os.devnull}
"""For each git that decides what goes to the store: what is replaced or has other parents here
is not so there."""


class Built(NamedTuple):
    """A pack in the file `path`, for a store: `id` is the BLAKE3 hash of its `size` bytes."""

    id: str
    size: int
    path: str
    thin: bool


@contextlib.contextmanager
def build(
    repo: Repository,
    local: Local,
    tips: Collection[str],
    without: Collection[str],
    *,
    verbose: bool = False,
    largest: int | None = None,
) -> Iterator[list[Built]]:
    """Packs with all that `tips` reach and `without` do not, which must be here; may be none.

    One that would have more than `largest` bytes (`LARGEST` if not given) is made
    as several. The files are gone afterwards. Raises `GitError` when objects are
    not here, and `LocalIOError`.
    """
    wanted = joined([*sorted(tips), *(f"^{oid}" for oid in sorted(without))])
    with local.temp() as path:
        thin = _write_one(repo, path, wanted, verbose)
        size = os.path.getsize(path)
        limit = LARGEST if largest is None else largest
        if size <= limit:
            yield _described([path] if _count(path) else [], thin)
            return
        remove_quietly(path)
        pieces = _write_many(repo, path, wanted, limit)
        try:
            yield _described(pieces, thin=False)
        finally:
            for piece in pieces:
                remove_quietly(piece)


def upload(store: Store, built: Sequence[Built]) -> list[Built]:
    """Bring `built` to the store; those that had been there, from an earlier attempt."""
    there = []
    for pack in built:
        with _mapped(pack.path) as data:
            if not store.add_pack(pack.id, data):
                there.append(pack)
    return there


def _write_one(repo: Repository, path: str, wanted: bytes, verbose: bool) -> bool:
    """Write one pack to `path`; whether it may need objects that are in earlier ones."""
    args = ["pack-objects", "--revs", "--thin", "--stdout", "--delta-base-offset"]
    args += ["--progress"] if verbose else ["-q"]
    with disk_errors(path, "writing a pack"):
        target = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
    try:
        _run(repo, args, wanted, target, None if verbose else CAPTURE)
    finally:
        os.close(target)
    return b"\n^" in wanted


def _write_many(repo: Repository, path: str, wanted: bytes, largest: int) -> list[str]:
    """Write packs of up to `largest` bytes to `path` and a hash; their paths."""
    folder, name = os.path.split(path)
    args = ["pack-objects", "--revs", "-q", "--delta-base-offset"]
    said = _run(repo, [*args, f"--max-pack-size={largest}", path], wanted, -1, CAPTURE)
    found = []
    for digest in said.decode("ascii").split():
        for ending in ("idx", "rev", "mtimes"):
            remove_quietly(os.path.join(folder, f"{name}-{digest}.{ending}"))
        found.append(os.path.join(folder, f"{name}-{digest}.pack"))
    return found


def _run(repo: Repository, args: list[str], wanted: bytes, out: int, err: int | None) -> bytes:
    source = anonymous_file((wanted,))
    try:
        with repo.start(*args, stdin=source, stdout=out, stderr=err, env=REAL_OBJECTS) as process:
            said = b"".join(process.blocks()) if out < 0 else b""
            if process.wait() != 0:
                raise failure(process)
            return said
    finally:
        os.close(source)


def _described(paths: list[str], thin: bool) -> list[Built]:
    return [Built(file_digest(path), os.path.getsize(path), path, thin) for path in paths]


def _count(path: str) -> int:
    """The number of objects in a pack, which its header tells."""
    with open(path, "rb") as file:
        return int.from_bytes(file.read(_HEADER)[8:], "big")


@contextlib.contextmanager
def _mapped(path: str) -> Iterator[memoryview]:
    with (
        disk_errors(path, "reading a pack"),
        open(path, "rb") as file,
        mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped,
        memoryview(mapped) as view,
    ):
        yield view
