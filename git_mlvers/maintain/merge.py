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

from git_mlvers.errors import MlversError
from git_mlvers.filter.clean import clean
from git_mlvers.filter.report import Report
from git_mlvers.git import command
from git_mlvers.git.process import NULL
from git_mlvers.pointer import Pointer, describe_fault
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
    sides = [_clean(workspace, job.path, name) for name in (job.ours, job.ancestor, job.theirs)]
    ours, ancestor, theirs = sides
    if theirs in (ours, ancestor):
        return _settle(workspace, job, ours)
    if ours == ancestor:
        return _settle(workspace, job, theirs)
    try:
        texts = [_text(workspace, side) for side in sides]
        return _merge_texts(workspace, job, texts)
    except _Unmergeable as error:
        _settle(workspace, job, ours)
        return Merged(error.message)


def _settle(workspace: Workspace, job: Job, result: bytes) -> Merged:
    workspace.cache.flush()
    with open(job.ours, "wb") as file:
        file.write(result)
    return Merged()


def _clean(workspace: Workspace, path: bytes, name: str) -> bytes:
    """What Git would store for the file `name`, so that raw content compares with pointers."""
    return clean(path, _blocks(name), workspace.cache, Report())


def _blocks(name: str) -> Iterator[bytes]:
    with open(name, "rb") as file:
        while block := file.read(_BLOCK):
            yield block


def _text(workspace: Workspace, side: bytes) -> bytes:
    """The content of one side, which must be text of a mergeable size."""
    if not side:
        return b""
    pointer = Pointer.parse(side)
    if pointer is None:
        raise _Unmergeable(f"one version is {describe_fault(side) or 'no pointer'}")
    if pointer.size > MAX_TEXT:
        raise _Unmergeable("both sides changed a file that is too large to merge line by line")
    error = next(iter(download([pointer], workspace.cache, workspace.sources()))).error
    if error is not None:
        raise _Unmergeable(f"both sides changed it, and one version is not here: {error.message}")
    data = workspace.cache.read(*pointer)
    if b"\0" in data[:_TEXT_PEEK]:
        raise _Unmergeable("both sides changed a file that is not text")
    return data


def _merge_texts(workspace: Workspace, job: Job, texts: list[bytes]) -> Merged:
    """Merge line by line as Git itself does, the user's conflict style included."""
    with tempfile.TemporaryDirectory(prefix="mlvers-merge-") as folder:
        names = [os.path.join(folder, side) for side in ("ours", "base", "theirs")]
        for name, text in zip(names, texts, strict=True):
            with open(name, "wb") as file:
                file.write(text)
        if _merge_files(names, job):
            return _settle(workspace, job, _clean(workspace, job.path, names[0]))
        with open(names[0], "rb") as file:
            _settle(workspace, job, file.read())
        return Merged("both sides changed the same lines", marked=True)


def _merge_files(names: list[str], job: Job) -> bool:
    """Merge the files `names` (ours, base, theirs) into the first; whether without conflict."""
    labels = [word for label in job.labels for word in ("-L", label)]
    size = f"--marker-size={job.marker_size}"
    with command.start("merge-file", "-q", size, *labels, *names, stdout=NULL) as process:
        # The exit code counts the conflicts, up to 127; larger ones are failures.
        if not 0 <= process.wait() <= _MOST_CONFLICTS:
            raise command.failure(process)
        return process.returncode == 0
