"""Smudge: from the pointer in Git to the file in the working tree.

Each file takes one of three ways. Content that is here and small goes through
the pipe at once. Content that is not here is delayed: Git goes on, a thread
downloads. And large content is populated: Git is given an empty file, whose
place the content takes before Git writes its index and before any hook runs.
The traps behind each step are told in docs/design.md, "Checkout".
"""

from __future__ import annotations

import contextlib
import itertools
import time
from collections import deque
from typing import TYPE_CHECKING, NamedTuple

from git_mlvers.errors import MlversError
from git_mlvers.filter.populate import Placeholder
from git_mlvers.oid import Oid
from git_mlvers.pointer import Pointer, describe_fault

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from git_mlvers.cache import Cache
    from git_mlvers.filter.populate import Populator
    from git_mlvers.filter.report import Report
    from git_mlvers.transfer import Fetcher


class Request(NamedTuple):
    """What Git says about one file to be smudged."""

    path: bytes
    blob: str | None
    """Hex id of the pointer's blob, where Git tells it."""
    can_delay: bool


class Policy(NamedTuple):
    """What the configuration and the state of the repository say about smudging."""

    skip: bool
    """Leave every pointer as it is."""
    wanted: Callable[[bytes], bool]
    """Whether the content of a path is wanted (fetchInclude, fetchExclude)."""
    strict: bool
    """Missing content fails the command instead of leaving a pointer."""
    populate_min: int
    """From this size on, in bytes, content is put straight into the working tree."""


class Piped(NamedTuple):
    """A file that went to Git through the pipe."""

    path: bytes
    blob: str
    """Hex id of the blob in Git that it was made from."""
    oid: Oid
    size: int
    """Of what is now in the working tree, in bytes."""
    when: float
    """Seconds since the epoch."""


class SmudgeFailed(MlversError):
    """A file cannot be smudged, and in strict mode that fails the Git command."""


class _Delayed(NamedTuple):
    pointer: Pointer
    blob: str | None
    populate: bool
    requested: bool


EMPTY = b""
# Only what was written shortly before Git wrote its index is of interest later. Seconds.
_REMEMBERED = 5.0


class Smudger:
    """The state of one Git command's checkout; a Git process may do several in turn."""

    def __init__(
        self,
        cache: Cache,
        fetcher: Fetcher,
        populator: Populator,
        policy: Policy,
        report: Report,
        in_sequence: Callable[[], bool],
        blob_id: Callable[[bytes], str],
        initial: Callable[[], Iterable[tuple[bytes, Pointer]] | None],
    ) -> None:
        self._cache = cache
        self._fetcher = fetcher
        self._populator = populator
        self._policy = policy
        self._report = report
        self._in_sequence = in_sequence
        self._blob_id = blob_id
        self._initial = initial
        self._following: bool | None = None
        self._delayed: dict[bytes, _Delayed] = {}
        self._offered: dict[bytes, _Delayed] = {}
        self.piped: deque[Piped] = deque()
        """What Git wrote into the working tree in the last seconds, oldest first."""

    def smudge(self, request: Request, data: bytes) -> bytes | Pointer | None:
        """What to answer for a file whose blob is `data`, at most a few KiB.

        Bytes go to Git as they are, a `Pointer` stands for its content in the
        cache, and ``None`` means delayed. Raises `SmudgeFailed` in strict mode.
        """
        retried = None if request.can_delay else self._offered.pop(request.path, None)
        if retried is None:
            answer = self._first(request, data)
        else:
            answer = self._retry(request.path, retried)
        # Git allows a delay for what it writes into the working tree. Else the content
        # may be for an archive or a pipe, and the file at this path is the user's.
        # git am and apply write files too; they allow no delay, and name no blob either.
        may_write = request.can_delay or request.blob is None
        written = may_write if retried is None else answer != EMPTY
        if written and answer is not None:
            self._remember(request, answer)
        return answer

    def _first(self, request: Request, data: bytes) -> bytes | Pointer | None:
        pointer = Pointer.parse(data)
        if pointer is None:
            fault = describe_fault(data)
            if fault is not None:
                self._report.add(request.path, f"is {fault}; left as it is")
            return data
        if self._policy.skip or not self._policy.wanted(request.path):
            return data
        return self._delay(request, pointer) if request.can_delay else self._now(request, pointer)

    def available(self) -> list[bytes]:
        """The delayed paths that Git may ask for now; none when all of them are in place."""
        if not self._delayed:
            self._populator.finish(self._fetcher)
            self._offered.clear()
            return []
        requested = {entry.pointer for entry in self._delayed.values() if entry.requested}
        self._fetcher.release()
        ready = self._failed(requested) if self._policy.strict else []
        ready = ready or self._ready(requested)
        if not ready:
            self._fetcher.wait(requested, every=False)
            ready = self._ready(requested)
        for path in ready:
            self._offered[path] = self._delayed.pop(path)
        return ready

    def _failed(self, requested: set[Pointer]) -> list[bytes]:
        """The paths whose content cannot be had, once that is known of all of them.

        Offered alone, they end the command before it has written any of the others.
        """
        self._fetcher.wait(requested, every=True)
        return [
            path
            for path, entry in self._delayed.items()
            if entry.requested and self._fetcher.error(entry.pointer) is not None
        ]

    def _ready(self, requested: set[Pointer]) -> list[bytes]:
        settled = self._fetcher.settled(requested)
        return [
            path
            for path, entry in self._delayed.items()
            if entry.populate or not entry.requested or entry.pointer in settled
        ]

    def _delay(self, request: Request, pointer: Pointer) -> bytes | Pointer | None:
        large = pointer.size >= self._policy.populate_min
        populate = large and not self._in_sequence() and self._populator.can()
        if not populate and self._fetcher.brought(pointer):
            return pointer
        present = self._has(pointer)
        if present and not populate:
            return pointer
        if not populate and self._is_initial(request.path):
            return self._now(request, pointer)
        if not present:
            self._fetcher.request(pointer)
        self._delayed[request.path] = _Delayed(pointer, request.blob, populate, not present)
        return None

    def _is_initial(self, path: bytes) -> bool:
        """Whether Git will ask for all of a tree in its order, which is then on its way here.

        A delay would cost a second question and answer for each file. `path` is the
        first that Git asks for: if another one would be, only some files are checked out.
        """
        if self._following is None:
            self._following = False
            with contextlib.suppress(MlversError):
                small = self._small(self._initial() or ())
                first = next((entry for entry in small if not self._has(entry[1])), None)
                self._following = first is not None and first[0] == path
            if self._following and first is not None:
                self._follow(itertools.chain([first], small))
        return self._following

    def _small(self, entries: Iterable[tuple[bytes, Pointer]]) -> Iterator[tuple[bytes, Pointer]]:
        """Those of `entries` that go through the pipe."""
        for path, pointer in entries:
            if pointer.size < self._policy.populate_min and self._policy.wanted(path):
                yield path, pointer

    def _follow(self, small: Iterable[tuple[bytes, Pointer]]) -> None:
        if not self._policy.strict:
            self._fetcher.follow(pointer for _, pointer in small)
            return
        # A file that cannot be had ends the command before any other is written.
        paths = {pointer: path for path, pointer in small}
        self._fetcher.follow(paths)
        self._fetcher.wait(paths, every=True)
        for pointer, path in paths.items():
            error = self._fetcher.error(pointer)
            if error is not None:
                self._without_content(path, pointer, error)

    def _has(self, pointer: Pointer) -> bool:
        return self._cache.has(pointer.oid, pointer.size)

    def _now(self, request: Request, pointer: Pointer) -> bytes | Pointer:
        if not self._fetcher.brought(pointer) and not self._has(pointer):
            self._fetcher.request(pointer)
            self._fetcher.wait([pointer], every=True)
            error = self._fetcher.error(pointer)
            if error is not None:
                return self._without_content(request.path, pointer, error)
        return pointer

    def _retry(self, path: bytes, entry: _Delayed) -> bytes | Pointer:
        if entry.requested and self._fetcher.settled([entry.pointer]):
            error = self._fetcher.error(entry.pointer)
            if error is not None:
                return self._without_content(path, entry.pointer, error)
        if entry.populate:
            self._populator.expect(Placeholder(path, entry.pointer, entry.blob))
            return EMPTY
        return entry.pointer

    def again(self, path: bytes, pointer: Pointer, error: MlversError) -> bytes | None:
        """The cache's copy proved damaged (`error`): fetch it anew, or say what to answer instead.

        ``None`` when content is there again.
        """
        self._fetcher.request(pointer, again=True)
        self._fetcher.wait([pointer], every=True)
        if self._fetcher.error(pointer) is None:
            return None
        return self._without_content(path, pointer, error)

    def _without_content(self, path: bytes, pointer: Pointer, error: MlversError) -> bytes:
        if self._policy.strict:
            self._report.add(path, error.message, error.hint)
            raise SmudgeFailed(error.message, error.hint)
        self._report.add(path, f"left as a pointer: {error.message}", error.hint)
        return pointer.encode()

    def _remember(self, request: Request, answer: bytes | Pointer) -> None:
        """Git is about to write `answer` to the working tree."""
        if isinstance(answer, Pointer):
            oid, size = answer
        else:
            oid, size = Oid.of(answer), len(answer)
        blob = request.blob
        if blob is None:
            blob = self._blob_id(answer.encode() if isinstance(answer, Pointer) else answer)
        now = time.time()
        self.piped.append(Piped(request.path, blob, oid, size, now))
        while self.piped[0].when < now - _REMEMBERED:
            self.piped.popleft()
