"""Merging two versions of a tracked file, when Git asks for it.

Git gives the merge driver three pointers. Text is merged line by line as Git
would do it, from the content behind the pointers. Anything else cannot be
merged: the file of our side stays, and the user chooses.

A clean merge ends as a pointer, which Git then checks out as any other. A
conflict ends as the text itself with its markers: Git passes that through the
filter unchanged, so that the user never sees a pointer with markers in it, and
``git add`` of the resolved file makes the pointer.
"""

from __future__ import annotations

import os
import tempfile
from typing import TYPE_CHECKING, NamedTuple

from git_mlvers.errors import ContentMissing, CorruptError, MlversError
from git_mlvers.filter.clean import clean
from git_mlvers.filter.report import Report
from git_mlvers.fsutil import disk_errors
from git_mlvers.git import command
from git_mlvers.git.process import NULL
from git_mlvers.pointer import MAX_SIZE, Pointer, describe_fault
from git_mlvers.transfer import download

if TYPE_CHECKING:
    from collections.abc import Iterator

    from git_mlvers.workspace import Workspace

MAX_TEXT = 10 << 20
"""Larger files are not merged line by line. Bytes."""

_TEXT_PEEK = 8000
"""Git looks at as many bytes for a NUL to tell text from binary."""

_MOST_CONFLICTS = 127
_BLOCK = 1 << 20


class Job(NamedTuple):
    """What Git hands to a merge driver: three files, and how to name and mark things.

    `ours` is read and then overwritten with the result. `path` is relative to
    the top of the working tree; `labels` name ours, the ancestor and theirs.
    """

    ancestor: str
    ours: str
    theirs: str
    marker_size: int
    path: bytes
    labels: tuple[str, str, str] = ("ours", "base", "theirs")


class Merged(NamedTuple):
    """How a merge ended; without `conflict` it is clean.

    `conflict` is a clause for the user that says why the file is not merged;
    `marked` tells that the result is text with conflict markers.
    """

    conflict: str | None = None
    marked: bool = False


class _Unmergeable(MlversError):
    """The versions cannot be merged line by line; the message is the reason."""


def merge(workspace: Workspace, job: Job) -> Merged:
    """Merge `job` and write the result over `job.ours`.

    The content of all that is written is in the cache, flushed. Raises
    `LocalIOError` when the cache or the result cannot be written.
    """
    names = (job.ours, job.ancestor, job.theirs)
    if not any(_starts_like_pointer(name) for name in names):
        return _merge_plain(job)
    sides = [clean(job.path, _blocks(name), workspace.cache, Report()) for name in names]
    workspace.cache.flush()
    ours, ancestor, theirs = sides
    if theirs in (ours, ancestor) or ours == ancestor:
        _write(job, theirs if ours == ancestor else ours)
        return Merged()
    try:
        texts = [_text_behind(workspace, side) for side in sides]
    except _Unmergeable as error:
        _write(job, ours)
        return Merged(error.message)
    result, merged = _merge_texts(job, texts)
    if not merged.marked:
        result = clean(job.path, [result], workspace.cache, Report())
        workspace.cache.flush()
    _write(job, result)
    return merged


def _merge_plain(job: Job) -> Merged:
    """Merge content that never was a pointer: whoever gave it takes it for content.

    So does ``git rerere``, which hands over files of the working tree and puts
    the result there.
    """
    try:
        ours, ancestor, theirs = (_text(name) for name in (job.ours, job.ancestor, job.theirs))
    except _Unmergeable as error:
        return Merged(error.message)
    result, merged = _merge_texts(job, [ours, ancestor, theirs])
    _write(job, result)
    return merged


def _write(job: Job, result: bytes) -> None:
    with disk_errors(job.ours, "writing a merged file"), open(job.ours, "wb") as file:
        file.write(result)


def _starts_like_pointer(name: str) -> bool:
    with open(name, "rb") as file:
        head = file.read(4 * MAX_SIZE + 1)
    return Pointer.parse(head) is not None or describe_fault(head) is not None


def _blocks(name: str) -> Iterator[bytes]:
    with open(name, "rb") as file:
        while block := file.read(_BLOCK):
            yield block


def _text_behind(workspace: Workspace, side: bytes) -> bytes:
    """The content that the pointer `side` stands for, which must be text of a mergeable size."""
    if not side:
        return b""
    pointer = Pointer.parse(side)
    if pointer is None:
        raise _Unmergeable(f"one version is {describe_fault(side) or 'no pointer'}")
    _check_size(pointer.size)
    error = next(iter(download([pointer], workspace.cache, workspace.sources()))).error
    if error is not None:
        raise _Unmergeable(f"both sides changed it, and one version is not here: {error.message}")
    try:
        return _checked(workspace.cache.read(*pointer))
    except (ContentMissing, CorruptError) as damage:
        raise _Unmergeable(f"both sides changed it, and {damage.message}") from damage


def _text(name: str) -> bytes:
    """The content of the file `name`, which must be text of a mergeable size."""
    _check_size(os.path.getsize(name))
    with open(name, "rb") as file:
        return _checked(file.read())


def _check_size(size: int) -> None:
    if size > MAX_TEXT:
        raise _Unmergeable("both sides changed a file that is too large to merge line by line")


def _checked(data: bytes) -> bytes:
    if b"\0" in data[:_TEXT_PEEK]:
        raise _Unmergeable("both sides changed a file that is not text")
    return data


def _merge_texts(job: Job, texts: list[bytes]) -> tuple[bytes, Merged]:
    """Merge ours, the ancestor and theirs as Git itself does; the text, and how it went."""
    with tempfile.TemporaryDirectory(prefix="mlvers-merge-") as folder:
        names = [os.path.join(folder, side) for side in ("ours", "base", "theirs")]
        with disk_errors(folder, "merging"):
            for name, text in zip(names, texts, strict=True):
                with open(name, "wb") as file:
                    file.write(text)
        done = _merge_files(names, job)
        with open(names[0], "rb") as file:
            result = file.read()
    return result, Merged() if done else Merged("both sides changed the same lines", marked=True)


def _merge_files(names: list[str], job: Job) -> bool:
    """Merge the files `names` (ours, base, theirs) into the first; whether without conflict."""
    labels = [word for label in job.labels for word in ("-L", label)]
    size = f"--marker-size={job.marker_size}"
    with command.start("merge-file", "-q", size, *labels, *names, stdout=NULL) as process:
        # The exit code counts the conflicts, up to 127; larger ones are failures.
        if not 0 <= process.wait() <= _MOST_CONFLICTS:
            raise command.failure(process)
        return process.returncode == 0
