"""Smudging one file for a tool that does not speak the long-running protocol."""

from __future__ import annotations

from typing import TYPE_CHECKING

from blake3 import blake3

from git_mlvers.errors import CorruptError, MlversError
from git_mlvers.filter.report import Report
from git_mlvers.filter.wanted import wanted
from git_mlvers.pointer import MAX_SIZE, Pointer, describe_fault
from git_mlvers.transfer import download

if TYPE_CHECKING:
    from typing import BinaryIO

    from git_mlvers.workspace import Workspace

_PEEK = 4 * MAX_SIZE
_BLOCK = 1 << 20


def smudge(path: bytes, source: BinaryIO, target: BinaryIO, workspace: Workspace) -> None:
    """Write to `target` the content that the pointer in `source` stands for.

    Anything but a pointer is copied as it is. Content that cannot be had leaves
    the pointer, with a line on standard error; in strict mode, and when content
    proves damaged after a part of it was written, the error is raised.
    """
    head = source.read(_PEEK + 1)  # One more tells what is too long to be looked at.
    pointer = Pointer.parse(head)
    report = Report()
    if pointer is None:
        fault = describe_fault(head)
        if fault is not None:
            report.add(path, f"is {fault}; left as it is")
        target.write(head)
        while block := source.read(_BLOCK):
            target.write(block)
    elif workspace.config.skip_smudge or not _wanted(path, workspace):
        target.write(head)
    else:
        error = _fetch(pointer, workspace)
        if error is None:
            _copy(pointer, target, workspace)
        elif workspace.config.strict:
            raise error
        else:
            report.add(path, f"left as a pointer: {error.message}", error.hint)
            target.write(head)
    report.show()


def _wanted(path: bytes, workspace: Workspace) -> bool:
    config = workspace.config
    return wanted(config.fetch_include, config.fetch_exclude)(path)


def _fetch(pointer: Pointer, workspace: Workspace) -> MlversError | None:
    outcomes = download([pointer], workspace.cache, workspace.sources())
    return next(iter(outcomes)).error


def _copy(pointer: Pointer, target: BinaryIO, workspace: Workspace) -> None:
    hasher = blake3()
    with workspace.cache.open(pointer.oid, pointer.size) as file:
        while block := file.read(_BLOCK):
            hasher.update(block)
            target.write(block)
    if hasher.digest() != pointer.oid:
        raise CorruptError(
            f"content {pointer.oid.short} in the cache is damaged",
            "git mlvers fsck moves it away, git mlvers fetch brings it anew",
        )
