"""Reading git's objects: one at a time on demand, or very many in a row.

In a partial clone, git fetches an absent object as soon as it is asked for:
see `promised` for how not to let that happen thousands of times.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from git_mlvers.git.command import GitError, failure, finish, joined
from git_mlvers.git.process import PIPE, anonymous_file

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import BinaryIO

    from git_mlvers.git.process import Process
    from git_mlvers.git.repository import Repository

_LF = 0x0A
_BUFFER = 1 << 18


class Info(NamedTuple):
    """An object without its content; `size` in bytes."""

    oid: str
    type: str
    size: int


class Object(NamedTuple):
    """An object with its whole content."""

    oid: str
    type: str
    data: bytes


class CatFile:
    """Answers questions about single objects, with one git that stays for all of them.

    The content of an object is held in memory whole: look at `info` first where
    it may be large.
    """

    def __init__(self, repo: Repository) -> None:
        self._repo = repo
        self._running: dict[str, tuple[Process, BinaryIO]] = {}

    def read(self, name: str) -> Object | None:
        """The object that `name` (an id, or any revision) names.

        ``None`` if there is none; for git, one that is damaged is none.
        """
        info, stream = self._ask("--batch", name)
        if info is None:
            return None
        data = stream.read(info.size)
        if stream.read(1) != b"\n":
            raise self._died("--batch")
        return Object(info.oid, info.type, data)

    def info(self, name: str) -> Info | None:
        """Id, type and size of what `name` names; ``None`` if there is no such object."""
        return self._ask("--batch-check", name)[0]

    def close(self) -> None:
        """End the git processes."""
        for process, stream in self._running.values():
            process.stop()
            stream.close()
        self._running.clear()

    def __enter__(self) -> CatFile:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _ask(self, mode: str, name: str) -> tuple[Info | None, BinaryIO]:
        if mode not in self._running:
            process = self._repo.start("cat-file", mode, stdin=PIPE)
            self._running[mode] = process, os.fdopen(process.stdout, "rb", _BUFFER, closefd=False)
        process, stream = self._running[mode]
        try:
            _write_all(process.stdin, os.fsencode(self._one_line(name)) + b"\n")
        except BrokenPipeError:
            raise self._died(mode) from None
        line = stream.readline()
        if not line.endswith(b"\n"):
            raise self._died(mode)
        return _info(line), stream

    def _one_line(self, name: str) -> str:
        """`name` itself, or the id of what it names if it would not fit on a line."""
        if "\n" not in name:
            return name
        said = self._repo.git("rev-parse", "--verify", "--quiet", name, check=False)
        return said.decode("ascii").strip() or "no-such-object"

    def _died(self, mode: str) -> GitError:
        process, stream = self._running.pop(mode)
        with process:
            stream.close()
            process.wait()
            return failure(process)


def infos(repo: Repository, oids: Iterable[str]) -> Iterator[Info | None]:
    """For each of the hex ids `oids`, in their order, what it names; ``None`` if it is not here."""
    with _started(repo, "--batch-check", oids) as process:
        with open(process.stdout, "rb", _BUFFER, closefd=False) as stream:
            for line in stream:
                yield _info(line)
        finish(process)


def objects(
    repo: Repository, oids: Iterable[str], *, lazy: bool = False
) -> Iterator[Object | None]:
    """For each of the hex ids `oids`, in their order, the object.

    ``None`` for one that is not here; for git, one that is damaged is not.
    """
    with _started(repo, "--batch", oids) as process:
        with open(process.stdout, "rb", _BUFFER, closefd=False) as stream:
            while line := stream.readline():
                info = _info(line)
                if info is None:
                    yield None
                    continue
                data = stream.read(info.size + 1)
                if len(data) <= info.size or data[-1] != _LF:
                    process.wait()
                    raise failure(process)
                yield Object(info.oid, info.type, data[:-1])
        finish(process)


def _started(repo: Repository, mode: str, oids: Iterable[str]) -> Process:
    source = anonymous_file((joined(oids),))
    try:
        return repo.start("cat-file", mode, "--buffer", stdin=source)
    finally:
        os.close(source)


def _info(line: bytes) -> Info | None:
    """Read "<oid> <type> <size>"; ``None`` for "<name> missing" and the like."""
    words = line.split()
    if len(words) != 3 or not words[2].isdigit():
        return None
    return Info(words[0].decode("ascii"), words[1].decode("ascii"), int(words[2]))


def _write_all(fd: int, data: bytes) -> None:
    while data:
        data = data[os.write(fd, data) :]
