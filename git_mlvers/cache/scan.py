"""Finding the frames in a pack of the cache without any index.

A pack grows at its end only, so what a crash can leave is one torn frame there.
Damage by a failing disk may be anywhere; the frames behind it are found again
by their magic, and believed only when their content matches their id.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from git_mlvers import frame
from git_mlvers.errors import CorruptError

if TYPE_CHECKING:
    from git_mlvers.oid import Oid

_WINDOW = 1 << 20


class Located(NamedTuple):
    """One frame in a pack: the content's oid, the frame's place, the content's size in bytes."""

    oid: Oid
    offset: int
    length: int
    size: int


class Scanned(NamedTuple):
    """What a scan found.

    `end` is the offset behind the last good frame. `torn` tells that what
    follows it is one frame that was cut short, which an appender may cut off.
    """

    frames: list[Located]
    end: int
    torn: bool


def scan(fd: int, start: int, stop: int, verify: bool) -> Scanned:
    """List the frames of the pack `fd` from offset `start`, a frame's begin, up to `stop`.

    With `verify` only frames whose content matches are listed; without, their
    content is not read. Raises `OSError`.
    """
    frames: list[Located] = []
    position = end = start
    torn = False
    while position < stop:
        header = _header(fd, position)
        if header is not None and position + header.length <= stop:
            found = Located(header.id, position, header.length, header.size)
            if not verify or _is_good(fd, found):
                frames.append(found)
                position = end = position + header.length
                continue
        elif frames and not _is_good(fd, frames[-1]):
            # The frame before led here, and its length was wrong.
            position = end = frames.pop().offset
        torn = _is_torn(fd, position, stop)
        following = _resync(fd, position + 1, stop)
        if following is None:
            break
        position, torn = following, False
    return Scanned(frames, end, torn and end < stop)


def content_of(data: bytes, oid: bytes) -> bytes | None:
    """The content of the frame `data`; ``None`` unless that is `oid`, undamaged and whole."""
    try:
        header, content = frame.decode(data)
    except CorruptError:
        return None
    return content if header.id == oid and header.length == len(data) else None


def _header(fd: int, offset: int) -> frame.FrameHeader | None:
    try:
        return frame.read_header(os.pread(fd, frame.HEADER.size, offset))
    except CorruptError:
        return None


def _is_torn(fd: int, offset: int, stop: int) -> bool:
    """Whether from `offset` on there is the begin of one frame, or room never written to."""
    if stop - offset > frame.MAX_CHUNK + frame.HEADER.size:
        return False
    rest = os.pread(fd, stop - offset, offset)
    if len(rest) < frame.HEADER.size:
        return frame.MAGIC.startswith(rest[:4]) or not rest.strip(b"\0")
    header = _header(fd, offset)
    if header is None:
        return not rest.strip(b"\0")
    return header.length > len(rest)


def _resync(fd: int, offset: int, stop: int) -> int | None:
    """The offset of the next frame from `offset` on whose content is right."""
    while offset < stop:
        window = os.pread(fd, min(_WINDOW, stop - offset), offset)
        at = window.find(frame.MAGIC)
        while at >= 0:
            if _begins_good(fd, offset + at, stop):
                return offset + at
            at = window.find(frame.MAGIC, at + 1)
        if len(window) < len(frame.MAGIC):
            break
        offset += len(window) - len(frame.MAGIC) + 1
    return None


def _begins_good(fd: int, offset: int, stop: int) -> bool:
    header = _header(fd, offset)
    if header is None or offset + header.length > stop:
        return False
    return _is_good(fd, Located(header.id, offset, header.length, header.size))


def _is_good(fd: int, place: Located) -> bool:
    return content_of(os.pread(fd, place.length, place.offset), place.oid) is not None
