"""Bringing content into the cache from whichever remote has it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from git_mlvers.errors import ContentMissing, MlversError
from git_mlvers.progress import Silent

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator, Sequence

    from git_mlvers.cache import Cache
    from git_mlvers.oid import Oid
    from git_mlvers.pointer import Pointer
    from git_mlvers.progress import Progress
    from git_mlvers.remote import Remote


class Outcome(NamedTuple):
    """How the download of one pointer's content ended; no error means it is in the cache."""

    pointer: Pointer
    error: MlversError | None


def download(
    pointers: Iterable[Pointer],
    cache: Cache,
    remotes: Sequence[Callable[[], Remote]],
    progress: Progress | None = None,
) -> Generator[Outcome, None, None]:
    """Bring the content of `pointers` into the cache, one `Outcome` for each distinct pointer.

    `remotes` are asked in turn, each opened only when something is still
    missing; what one of them lacks or fails at goes on to the next. The error
    of an outcome is that of the first remote that had more to say than that
    it does not have the content.
    """
    distinct = list(dict.fromkeys(pointers))
    left = cache.missing(distinct)
    absent = set(left)
    for pointer in distinct:
        if pointer not in absent:
            yield Outcome(pointer, None)
    while left:
        wanted = {pointer.oid: pointer for pointer in left}
        # A pointer that lies about the size must not stand in the way of one that does not.
        left = [pointer for pointer in left if wanted[pointer.oid] != pointer]
        yield from _distinct(wanted, cache, remotes, progress or Silent())


def _distinct(
    wanted: dict[Oid, Pointer],
    cache: Cache,
    remotes: Sequence[Callable[[], Remote]],
    progress: Progress,
) -> Iterator[Outcome]:
    progress.start("Downloading", len(wanted), sum(pointer.size for pointer in wanted.values()))
    errors: dict[Oid, MlversError] = {}
    try:
        for open_remote in remotes:
            if not wanted:
                break
            for oid in _from_one(open_remote, wanted, cache, progress, errors):
                yield Outcome(wanted.pop(oid), None)
    finally:
        progress.finish()
    for oid, pointer in wanted.items():
        yield Outcome(pointer, errors.get(oid) or _nowhere(pointer, bool(remotes)))


def _from_one(
    open_remote: Callable[[], Remote],
    wanted: dict[Oid, Pointer],
    cache: Cache,
    progress: Progress,
    errors: dict[Oid, MlversError],
) -> Iterator[Oid]:
    """The oids that this remote brought; why it did not bring the others goes into `errors`."""
    from git_mlvers.remote import Item

    try:
        remote = open_remote()
        items = [Item(pointer.oid, pointer.size) for pointer in wanted.values()]
        for outcome in remote.download(items, cache, progress):
            if outcome.error is None:
                yield outcome.oid
            elif not isinstance(outcome.error, ContentMissing):
                errors.setdefault(outcome.oid, outcome.error)
    except MlversError as error:
        for oid in wanted:
            errors.setdefault(oid, error)


def _nowhere(pointer: Pointer, any_remote: bool) -> ContentMissing:
    if any_remote:
        return ContentMissing(
            f"content {pointer.oid.short} is not on the remote",
            "whoever committed it has to push it: git mlvers push --all",
        )
    return ContentMissing(
        "no remote is configured for content",
        "git mlvers remote add -d NAME URL",
    )
