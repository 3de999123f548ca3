"""Downloading in a process of its own, so that this one can answer Git meanwhile.

Python runs one thread at a time: while one verifies and stores thousands of small
files, Git's questions wait for turns of 5 ms each. The other process is this very
program, started anew (not forked, so whatever threads run here do not matter). It
writes to the same cache, as any other command may at the same time, and tells what
is where, so that here nothing is looked for.

It is sent a line for each file of a batch, ``<oid in hex> <size>``, and an empty line.
It answers with a line for each, in any order, by its number in the batch: ``<number>
<pack> <offset> <length>`` when the content is in a pack of the cache, ``<number>`` when it
is here in another way, and ``<number> ! <JSON [message, hint]>`` when it cannot be had.
The end of its input means that there is nothing more to do.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from typing import TYPE_CHECKING

from git_mlvers.cache.index import Row
from git_mlvers.errors import MlversError, RemoteError
from git_mlvers.fsutil import write_all
from git_mlvers.git.process import PIPE, Process, Streams
from git_mlvers.oid import Oid
from git_mlvers.pointer import Pointer
from git_mlvers.transfer.download import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
    from typing import BinaryIO

    from git_mlvers.cache import Cache

    Download = Callable[[list[Pointer]], Generator[Outcome, None, None]]

_BLOCK = 1 << 16


class Apart:
    """The other process, as seen from here: `argv`, started at the first batch.

    What it cannot do, because it does not start or does not live, is left to `instead`.
    `download` is for one thread, and everything else for another.
    """

    def __init__(
        self, argv: Sequence[str], env: Mapping[str, str], cache: Cache, instead: Download
    ) -> None:
        self._argv = argv
        self._env = env
        self._cache = cache
        self._instead = instead
        self._mutex = threading.Lock()
        self._process: Process | None = None
        self._busy = False
        self._stopped = False

    def download(self, pointers: list[Pointer]) -> Iterator[Outcome]:
        """What `transfer.download` does, in the other process."""
        left = dict(enumerate(dict.fromkeys(pointers)))
        # If it ended, and could say why, it has done so on standard error.
        with contextlib.suppress(OSError, ValueError, LookupError, MlversError):
            process = self._begin()
            if process is not None:
                yield from self._ask(process, left)
        self._busy = False
        if left and not self._stopped:
            yield from self._instead(list(left.values()))

    def end(self) -> None:
        """Nothing more is asked for: it makes durable what it brought, and ends."""
        with self._mutex:
            if self._process is not None:
                self._process.close_stdin()

    def stop(self) -> None:
        """Have it end where it is, if it is busy; what it has brought is kept."""
        with self._mutex:
            self._stopped = True
            if self._process is not None and self._busy:
                self._process.terminate()

    def close(self) -> None:
        """Wait until it has made durable what it brought."""
        process = self._process
        # One that does not even end when it is told to does so when our pipes close.
        if process is not None and not self._busy:
            process.wait()

    def _begin(self) -> Process | None:
        """The process, which is busy from now on; ``None`` when all is to stop."""
        with self._mutex:
            if self._stopped:
                return None
            if self._process is None:
                streams = Streams(stdin=PIPE, stdout=PIPE, stderr=None)
                self._process = Process(self._argv, self._env, streams)
            self._busy = True
            return self._process

    def _ask(self, process: Process, left: dict[int, Pointer]) -> Iterator[Outcome]:
        """Have `left` downloaded, and take from it what is told."""
        lines = [f"{pointer.oid.hex()} {pointer.size}\n" for pointer in left.values()]
        # It reads a whole batch before it answers, so neither waits for the other.
        write_all(process.stdin, "".join([*lines, "\n"]).encode())
        rest = b""
        for block in process.blocks(_BLOCK):
            *told, rest = (rest + block).split(b"\n")
            yield from self._outcomes(told, left)
            if not left:
                return

    def _outcomes(self, lines: Iterable[bytes], left: dict[int, Pointer]) -> list[Outcome]:
        """Take what is told out of `left`, all of it or nothing."""
        found: dict[int, Outcome] = {}
        rows: dict[Oid, Row] = {}
        now = int(time.time())
        for line in lines:
            first, _, words = line.partition(b" ")
            number = int(first)
            pointer = left[number]
            error = None
            if words.startswith(b"! "):
                error = _error(words[2:])
            elif words:
                pack, offset, length = words.split(b" ")
                place = int(offset), int(length)
                rows[pointer.oid] = Row(os.fsdecode(pack), *place, pointer.size, now)
            found[number] = Outcome(pointer, error)
        for number in found:
            del left[number]
        self._cache.learn(rows)
        return list(found.values())


def serve(source: BinaryIO, target: int, cache: Cache, download: Download) -> None:
    """Be the other process: answer what is asked on `source` on the descriptor `target`."""
    teller = _Teller(target)
    while pointers := _batch(source):
        numbers = {pointer: number for number, pointer in enumerate(pointers)}
        try:
            with contextlib.closing(download(pointers)) as outcomes:
                for pointer, error in outcomes:
                    teller.tell(_line(numbers.pop(pointer), pointer, error, cache))
        except MlversError as error:
            for pointer, number in numbers.items():
                teller.tell(_line(number, pointer, error, cache))
    teller.finish()


def _batch(source: BinaryIO) -> list[Pointer]:
    """The next batch; none at the end."""
    found: list[Pointer] = []
    for line in source:
        words = line.split()
        if not words:
            return found
        found.append(Pointer(Oid(bytes.fromhex(words[0].decode("ascii"))), int(words[1])))
    return []


def _line(number: int, pointer: Pointer, error: MlversError | None, cache: Cache) -> str:
    if error is not None:
        import json

        return f"{number} ! {json.dumps([error.message, error.hint])}\n"
    row = cache.place(pointer.oid, pointer.size)
    if row is None:
        return f"{number}\n"
    return f"{number} {row.pack} {row.offset} {row.length}\n"


def _error(told: bytes) -> MlversError:
    import json

    message, hint = json.loads(told)
    return RemoteError(message, hint)


class _Teller:
    """Writes lines in a thread, together what comes while it writes: no line waits for others.

    A reader that is gone is no matter here: whoever calls `serve` looks out for that.
    """

    def __init__(self, target: int) -> None:
        import queue

        self._target = target
        self._lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def tell(self, line: str) -> None:
        """Write `line` soon."""
        self._lines.put(line)

    def finish(self) -> None:
        """Wait until all is written."""
        self._lines.put("")
        self._thread.join()

    def _run(self) -> None:
        last = False
        with contextlib.suppress(OSError):
            while not last:
                lines = [self._lines.get()]
                lines += [self._lines.get() for _ in range(self._lines.qsize())]
                last = not lines[-1]
                write_all(self._target, "".join(lines).encode())
