"""Clean: what Git stores in place of a file that is being added."""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_mlvers.pointer import MAX_SIZE, Pointer, describe_fault

if TYPE_CHECKING:
    from collections.abc import Iterable

    from git_mlvers.cache import Cache
    from git_mlvers.filter.report import Report

# A pointer with conflict markers holds up to three pointers and the markers.
_PEEK = 4 * MAX_SIZE


def clean(path: bytes, blocks: Iterable[bytes | memoryview], cache: Cache, report: Report) -> bytes:
    """Put the content of `blocks` into `cache` and give the pointer's text.

    A pointer, a damaged pointer and the empty file come out as they went in,
    a damaged one with a word in `report`. `path` is relative to the working
    tree's root. Raises `LocalIOError` when the cache cannot be written.
    """
    head = bytearray()
    rest = iter(blocks)
    for block in rest:
        head += block
        if len(head) > _PEEK:
            break
    else:
        return clean_bytes(path, bytes(head), cache, report)
    writer = cache.writer(source_path=path)
    try:
        writer.write(head)
        for block in rest:
            writer.write(block)
    except BaseException:
        writer.abort()
        raise
    return writer.finish().encode()


def clean_bytes(path: bytes, data: bytes, cache: Cache, report: Report) -> bytes:
    """Do what `clean` does for content that is in memory."""
    if len(data) <= _PEEK:
        if not data or Pointer.parse(data) is not None:
            return data
        fault = describe_fault(data)
        if fault is not None:
            hint = "restore the file, or resolve the conflict"
            report.add(path, f"is {fault}; added as it is", hint)
            return data
    return cache.add_bytes(data).encode()
