"""Names of content that do not depend on how Git keeps it.

A file's name is the hash of its content, whether Git has the content or a
pointer that stands for it; a folder's name is a hash over the names of what is in
it. So a stage does not become stale because a file is tracked now, or because
the format of pointers changes.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from blake3 import blake3

from git_mlvers.git.catfile import infos, objects
from git_mlvers.git.command import finish
from git_mlvers.pointer import MAX_SIZE, Pointer

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from git_mlvers.git.repository import Repository
    from git_mlvers.git.scratch import Entry
    from git_mlvers.pipeline.memo import Memo

_IN_MEMORY = 8 << 20
"""Blobs up to so many bytes are read many at a time; larger ones as a stream each."""

FILE, LINK, COMMIT = b"f", b"l", b"c"
_KINDS = {b"120000": LINK, b"160000": COMMIT}


class Contents:
    """Finds the names of what the entries of an index stand for; each blob is read once, ever."""

    def __init__(self, repo: Repository, memo: Memo) -> None:
        self._repo = repo
        self._memo = memo
        self._known: dict[str, bytes] = {}

    def names(self, wanted: Mapping[str, Sequence[Entry]]) -> dict[str, str]:
        """The name of each path in `wanted`, whose entries are given: its own, or those in it."""
        names: dict[str, str] = {}
        folders: dict[str, bytes] = {}
        files = {}
        for path, entries in wanted.items():
            if len(entries) == 1 and entries[0].path == path:
                files[path] = entries[0]
            else:
                folders[path] = _key(path, entries)
        before = self._memo.get(folders.values()) if folders else {}
        unknown = [path for path, key in folders.items() if key not in before]
        self._learn([*files.values(), *(entry for path in unknown for entry in wanted[path])])
        for path, entry in files.items():
            names[path] = self._name(entry)
        for path in unknown:
            inside = ((_kind(e), self._name(e), e.path[len(path) + 1 :]) for e in wanted[path])
            before[folders[path]] = folder_name(inside)
        self._memo.put({folders[path]: before[folders[path]] for path in unknown})
        names.update((path, before[key].hex()) for path, key in folders.items())
        return names

    def _name(self, entry: Entry) -> str:
        kind = _kind(entry)
        if kind == COMMIT:
            return f"commit {entry.oid}"
        found = self._known[entry.oid].hex()
        return found if kind == FILE else f"link {found}"

    def _learn(self, entries: Iterable[Entry]) -> None:
        """Find out the content behind all blobs of `entries`."""
        oids = {e.oid for e in entries if e.oid not in self._known and _kind(e) != COMMIT}
        keys = {_blob_key(oid): oid for oid in sorted(oids)}
        for key, name in self._memo.get(keys).items():
            self._known[keys[key]] = name
        unknown = [oid for oid in keys.values() if oid not in self._known]
        if not unknown:
            return
        sizes = {info.oid: info.size for info in infos(self._repo, unknown) if info is not None}
        small = [oid for oid in unknown if sizes.get(oid, 0) <= _IN_MEMORY]
        for oid, blob in zip(small, objects(self._repo, small), strict=True):
            self._known[oid] = _name_of(b"" if blob is None else blob.data)
        for oid in unknown:
            if oid not in self._known:
                self._known[oid] = self._streamed(oid)
        self._memo.put({_blob_key(oid): self._known[oid] for oid in unknown})

    def _streamed(self, oid: str) -> bytes:
        hasher = blake3()
        with self._repo.start("cat-file", "blob", oid) as process:
            for block in process.blocks():
                hasher.update(block)
            finish(process)
        return hasher.digest()


def folder_name(inside: Iterable[tuple[bytes, str, str]]) -> bytes:
    """The name of a folder with (kind, name, path below it) `inside`, in any order."""
    hasher = blake3(b"folder\0")
    for kind, name, path in sorted(inside, key=lambda item: item[2]):
        hasher.update(b"%b %b %b\0" % (kind, name.encode("ascii"), os.fsencode(path)))
    return hasher.digest()


def _name_of(data: bytes) -> bytes:
    pointer = Pointer.parse(data) if len(data) <= MAX_SIZE else None
    return blake3(data).digest() if pointer is None else bytes(pointer.oid)


def _kind(entry: Entry) -> bytes:
    return _KINDS.get(entry.mode, FILE)


def _key(path: str, entries: Sequence[Entry]) -> bytes:
    start = len(path) + 1
    listed = "\0".join([f"{e.mode.decode()} {e.oid} {e.path[start:]}" for e in entries])
    return blake3(b"listing\0" + os.fsencode(listed)).digest()


def _blob_key(oid: str) -> bytes:
    return blake3(b"blob\0" + oid.encode("ascii")).digest()
