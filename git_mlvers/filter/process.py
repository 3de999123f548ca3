"""The long-running filter process: Git's protocol around `clean` and `smudge`.

The protocol is told in gitattributes(5), "Long Running Filter Process". Git
starts one process per command, sends it one file after the other, and waits
for its end.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from blake3 import blake3

from git_mlvers.errors import ContentMissing, CorruptError, MlversError
from git_mlvers.filter.clean import clean, clean_bytes
from git_mlvers.filter.report import say, shown
from git_mlvers.filter.smudge import Request, SmudgeFailed
from git_mlvers.fsutil import disk_errors
from git_mlvers.git.pktline import MAX_DATA, PktLineError, Reader, Writer
from git_mlvers.pointer import MAX_SIZE, Pointer

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import BinaryIO

    from git_mlvers.cache import Cache
    from git_mlvers.filter.session import Session

_CAPABILITIES = (b"clean", b"smudge", b"delay")
# What may be a pointer, or one with conflict markers, is looked at; longer is content.
_PEEK = 4 * MAX_SIZE
# What the cache gives whole and verified; anything larger is sent as it is read. Bytes.
_WHOLE = 1 << 20
_BLOCK = 1 << 20
# What git has of a file without a pointer is kept in memory up to here, then on the disk. Bytes.
_IN_MEMORY = 8 << 20


def serve(stdin: int, stdout: int, session: Session) -> int:
    """Speak the protocol on two file descriptors until Git closes its end; the exit code.

    Git ignores the exit code, so whatever the user must know is on standard error.
    """
    reader, writer = Reader(stdin), Writer(stdout)
    try:
        _shake_hands(reader, writer)
        while (fields := reader.read_fields()) is not None:
            session.step()
            _answer(fields, reader, writer, session)
    except (PktLineError, BrokenPipeError, ConnectionResetError):
        # Git died, or was stopped by the user, who has been told by Git.
        session.finish("the command was stopped")
        return 1
    except KeyboardInterrupt:
        session.finish("the command was stopped")
        return 130
    except BaseException:
        session.finish("git-mlvers failed")
        raise
    session.finish()
    return 0


def _shake_hands(reader: Reader, writer: Writer) -> None:
    welcome = reader.read_lines()
    if welcome is None or welcome[:1] != [b"git-filter-client"] or b"version=2" not in welcome:
        raise MlversError(
            "filter-process was not started by Git",
            "it is the program behind filter.mlvers.process; see git mlvers help install",
        )
    writer.lines(b"git-filter-server", b"version=2")
    offered = reader.read_lines() or []
    writer.lines(*(b"capability=" + c for c in _CAPABILITIES if b"capability=" + c in offered))


def _answer(fields: dict[bytes, bytes], reader: Reader, writer: Writer, session: Session) -> None:
    command = fields.get(b"command")
    if command == b"clean":
        _clean(fields[b"pathname"], reader, writer, session)
    elif command == b"smudge":
        _smudge(fields, reader, writer, session)
    elif command == b"list_available_blobs":
        paths = session.smudger(None).available()
        writer.lines(*(b"pathname=" + path for path in paths))
        writer.lines(b"status=success")
    else:
        raise PktLineError(f"Git sent an unknown command: {command!r}")


def _clean(path: bytes, reader: Reader, writer: Writer, session: Session) -> None:
    data = reader.read_small(MAX_DATA)
    try:
        if data is None:
            pointer = clean(path, reader.content(), session.cache, session.report)
        else:
            pointer = clean_bytes(path, data, session.cache, session.report)
    except MlversError as error:
        _refuse(path, error, reader, writer)
        return
    writer.answer(pointer)


def _smudge(fields: dict[bytes, bytes], reader: Reader, writer: Writer, session: Session) -> None:
    path = fields[b"pathname"]
    blob = fields.get(b"blob")
    request = Request(path, blob.decode() if blob else None, fields.get(b"can-delay") == b"1")
    try:
        data = reader.read_small(_PEEK)
        if data is None:
            content = reader.content()
            head = _head(content)
            if len(head) > _PEEK:
                _pass_through(path, head, content, writer, session)
                return
            data = bytes(head)
        answer = session.smudger(fields.get(b"treeish")).smudge(request, data)
        if answer is None:
            writer.lines(b"status=delayed")
        elif isinstance(answer, Pointer):
            _give_content(path, answer, writer, session)
        else:
            writer.answer(answer)
    except SmudgeFailed:
        writer.lines(b"status=error")
    except MlversError as error:
        _refuse(path, error, reader, writer)


def _give_content(path: bytes, pointer: Pointer, writer: Writer, session: Session) -> None:
    """Send the content of `pointer`; what proves damaged in the cache is fetched anew, once."""
    try:
        _send(path, pointer, writer, session.cache)
    except (ContentMissing, CorruptError) as error:
        instead = session.smudger(None).again(path, pointer, error)
        if instead is not None:
            writer.answer(instead)
        else:
            _send(path, pointer, writer, session.cache)


def _send(path: bytes, pointer: Pointer, writer: Writer, cache: Cache) -> None:
    """Send content, a small file whole, a large one as it is read."""
    if pointer.size <= _WHOLE:
        writer.answer(cache.read(pointer.oid, pointer.size))
        cache.read_ahead()  # Git writes the file meanwhile.
        return
    with cache.open(pointer.oid, pointer.size) as file:
        _stream(path, _verified(file, pointer), writer)


def _stream(path: bytes, blocks: Iterable[bytes], writer: Writer) -> None:
    """Send content as it comes; an error on the way is told at its end."""
    writer.lines(b"status=success")
    try:
        for block in blocks:
            writer.content(block)
    except MlversError as error:
        writer.flush()
        _say(path, error)
        writer.lines(b"status=error")
    else:
        writer.flush()
        writer.flush()


def _verified(file: BinaryIO, pointer: Pointer) -> Iterator[bytes]:
    """The blocks of `file`; raises `CorruptError` at their end if they are not the content."""
    hasher = blake3()
    for block in _blocks(file):
        hasher.update(block)
        yield block
    if hasher.digest() != pointer.oid:
        raise CorruptError(
            f"content {pointer.oid.short} in the cache is damaged",
            "git mlvers fsck moves it away, git mlvers fetch brings it anew",
        )


def _blocks(file: BinaryIO) -> Iterator[bytes]:
    while True:
        with disk_errors(str(file.name), "reading the cache"):
            block = file.read(_BLOCK)
        if not block:
            return
        yield block


def _pass_through(
    path: bytes, kept: bytearray, content: Iterable[memoryview], writer: Writer, session: Session
) -> None:
    """Give back a file that was committed as it is, without the filter; `kept` is its begin.

    Git takes nothing before it has sent everything, so all of it has to be kept.
    """
    for block in content:
        kept += block
        if len(kept) > _IN_MEMORY:
            break
    else:
        writer.answer(memoryview(kept))
        return
    fd, name = session.cache.temp_file()
    os.unlink(name)
    with open(fd, "w+b") as file:
        with disk_errors(name, "keeping a file for git"):
            file.write(kept)
            for block in content:
                file.write(block)
            file.seek(0)
        _stream(path, _blocks(file), writer)


def _head(content: Iterator[memoryview]) -> bytearray:
    """The first blocks, just more than what may be a pointer, or all there is."""
    head = bytearray()
    for block in content:
        head += block
        if len(head) > _PEEK:
            break
    return head


def _refuse(path: bytes, error: MlversError, reader: Reader, writer: Writer) -> None:
    reader.skip()  # Git reads no answer before it has sent everything.
    _say(path, error)
    writer.lines(b"status=error")


def _say(path: bytes, error: MlversError) -> None:
    hint = [f"hint: {error.hint}"] if error.hint else []
    say([f"git-mlvers: {shown(path)}: {error.message}", *hint])
