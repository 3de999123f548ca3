"""The small text that Git stores in place of a large file.

One file has exactly one pointer, byte for byte: UTF-8, LF, ``version`` first,
the other keys sorted, at most 1024 bytes, no unknown keys::

    version git-mlvers/1
    oid blake3:0f1e…
    size 1048576

The empty file is its own pointer, so it never becomes one.
"""

from __future__ import annotations

import re
from binascii import hexlify, unhexlify
from typing import NamedTuple

from git_mlvers.oid import Oid

MAX_SIZE = 1024
"""No pointer is longer, so that nothing longer need be looked at. Bytes."""

OF_GIT_LFS = "a git-lfs pointer"
NEWER = "a pointer of a newer format"
"""Two of the faults that `describe_fault` finds."""

VERSION_LINE = b"version git-mlvers/1\n"
_PREFIX = b"version git-mlvers/"
_MAX_CONTENT = (1 << 63) - 1
_CANONICAL = re.compile(
    re.escape(VERSION_LINE) + rb"oid blake3:([0-9a-f]{64})\nsize ([1-9][0-9]{0,18})\n"
)
_CONFLICT_MARKS = (b"<<<<<<<", b"=======", b">>>>>>>")


class Pointer(NamedTuple):
    """What stands for a file in Git: its oid, and its size in bytes."""

    oid: Oid
    size: int

    def encode(self) -> bytes:
        """The one canonical text of this pointer."""
        return b"%boid blake3:%b\nsize %d\n" % (VERSION_LINE, hexlify(self.oid), self.size)

    @classmethod
    def parse(cls, data: bytes) -> Pointer | None:
        """Read a canonical pointer; ``None`` for any other bytes, however similar."""
        found = _CANONICAL.fullmatch(data)
        if found is None or (size := int(found[2])) > _MAX_CONTENT:
            return None
        return cls(Oid(unhexlify(found[1])), size)


def looks_like_pointer(data: bytes) -> bool:
    """Whether `data` was meant as a pointer of ours, though it may be damaged."""
    return len(data) <= MAX_SIZE and data.lstrip().startswith(_PREFIX)


def describe_fault(data: bytes) -> str | None:
    """Why `data` is no usable pointer, in words for the user.

    ``None`` when it is a pointer, or when it never was one (ordinary content).
    """
    if Pointer.parse(data) is not None or len(data) > 4 * MAX_SIZE:
        return None
    if _PREFIX in data and any(mark in data for mark in _CONFLICT_MARKS):
        return "a pointer with conflict markers"
    if data.startswith(b"version https://git-lfs.github.com/spec/"):
        return OF_GIT_LFS
    if not looks_like_pointer(data):
        return None
    if not data.lstrip().startswith(VERSION_LINE.rstrip()):
        return NEWER
    return "a malformed pointer"
