"""Taking out of the index of a remote what cannot be had any more.

Index files never change. One that lists a file in a pack that is lost, or
where it is damaged, is superseded by another that lists the rest: so whoever
has a copy of the old one notices, too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_mlvers.backend.base import KeyMissing
from git_mlvers.errors import CorruptError
from git_mlvers.remote import index_file
from git_mlvers.remote.layout import index_key
from git_mlvers.remote.sync import fetch_index
from git_mlvers.remote.table import SET_ASIDE
from git_mlvers.remote.terms import is_possible
from git_mlvers.remote.workers import in_parallel

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from git_mlvers.backend.base import Backend, Entry
    from git_mlvers.remote.fsck import Check, Fault
    from git_mlvers.remote.model import StoredFile
    from git_mlvers.remote.state import State


def strike(
    backend: Backend,
    state: State,
    connections: int,
    listing: Mapping[bytes, Entry],
    damaged: set[bytes],
    check: Check,
) -> Iterator[StoredFile]:
    """Replace the index files of `listing` that list what `check` found lost; yields that.

    Costs one request for each index file. One that cannot be read any more
    joins those that are `damaged`. Packs that are damaged are set aside.
    """
    superseded = state.superseded()
    names = sorted(name for name in listing if name not in superseded and name not in damaged)

    def sound(index: index_file.Index) -> index_file.Index:
        return _sound(index, check)

    yield from replace_indexes(backend, state, connections, names, listing, sound, damaged)


def replace_indexes(
    backend: Backend,
    state: State,
    connections: int,
    names: Iterable[bytes],
    listing: Mapping[bytes, Entry],
    rest: Callable[[index_file.Index], index_file.Index],
    damaged: set[bytes] | None = None,
) -> Iterator[StoredFile]:
    """Supersede those index files `names` of which `rest` leaves something out; yields those files.

    One that cannot be read joins those that are `damaged`, or raises `CorruptError` if
    that is not given; one that is gone was superseded by another and is passed over.
    """
    superseded = state.superseded()
    replaced = set()
    for done in in_parallel(
        connections, lambda name: fetch_index(backend, name, listing[name].size), names
    ):
        if isinstance(done.error, CorruptError) and damaged is not None:
            damaged.add(done.tag)
            replaced.add(done.tag)
            continue
        if isinstance(done.error, KeyMissing) and damaged is None:
            continue
        if done.result is None:
            raise done.error or RuntimeError("a task without an end")
        index = index_file.decode(done.result, done.tag)
        kept = rest(index)
        if kept != index:
            earlier = {old for old, by in superseded.items() if done.tag in by and old in listing}
            _replace(backend, state, kept._replace(supersedes=sorted({done.tag, *earlier})))
            replaced.add(done.tag)
            left = set(kept.files)
            yield from (file for file in index.files if file not in left)
    if replaced:
        state.drop_indexes(replaced)


def _replace(backend: Backend, state: State, index: index_file.Index) -> None:
    name, data = index_file.encode(index)
    backend.put(index_key(name), data)
    state.ingest(name, index)


def _sound(index: index_file.Index, check: Check) -> index_file.Index:
    """What of `index` can be had."""
    files = [
        file
        for file in index.files
        if is_possible(file, index.packs)
        and check.blamed(file) is None
        and not check.is_wrong(file)
    ]
    packs = {name: size for name, size in index.packs.items() if not _is_gone(name, check.faults)}
    hooks = [(hook, pack) for hook, pack in index.hooks if pack not in check.faults]
    aside = {pack for _, pack in index.hooks if pack in check.faults and pack in packs}
    marks = {(SET_ASIDE, pack) for pack in aside}
    if marks <= set(index.hooks) and len(hooks) + len(marks) == len(index.hooks):
        hooks = index.hooks
    else:
        hooks += sorted(marks)
    return index_file.Index(packs, hooks, files, index.supersedes)


def _is_gone(pack: bytes, faults: Mapping[bytes, Fault]) -> bool:
    """Whether nothing at all can be had from `pack`, so that the index need not know it."""
    fault = faults.get(pack)
    return fault is not None and fault.kind != "damaged-pack"
