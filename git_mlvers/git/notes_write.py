"""Writing notes so that nobody's line is lost, however many write at once.

``git notes add`` and ``append`` take the state that they read for the state that
they replace: of 40 at once, 3 lines are there afterwards. Here a change is made
by ``git fast-import``, which moves the ref only when its new commit contains the
one that the ref has by then; else everything is read and made again. A lock
spares those who wait most of that.
"""

from __future__ import annotations

import fcntl
import os
import random
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from git_mlvers.errors import MlversError
from git_mlvers.git import notes, notes_line
from git_mlvers.git.command import GitError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from git_mlvers.git.notes_line import Line
    from git_mlvers.git.repository import Repository

# How long the lock is waited for before it is done without it. Seconds.
_PATIENCE = 60.0
_TRIES = 60
_PAUSE = 0.25


class NotesBusy(MlversError):
    """Others changed the notes again and again, or hold the ref."""


class Change:
    """Notes to be written: for each commit the paths to remove, and its new text or blob id.

    With `parent` it is a merge with that commit, recorded even where it changes nothing.
    `flat` keeps them in a single tree, which Git reads fastest while they are few.
    """

    __slots__ = ("blobs", "flat", "parent", "removed", "texts")

    def __init__(self, *, flat: bool = False) -> None:
        self.flat = flat
        self.parent: str | None = None
        self.removed: list[str] = []
        self.texts: dict[str, bytes] = {}
        self.blobs: dict[str, str] = {}

    def put(self, commit: str, at: Sequence[str], text: bytes) -> None:
        """Let the note of `commit`, now at the paths `at`, be `text`; without one if empty."""
        self._leave(commit, at, bool(text))
        if text:
            self.texts[commit] = text

    def put_blob(self, commit: str, at: Sequence[str], oid: str) -> None:
        """The same with a blob that is here already."""
        self._leave(commit, at, True)
        self.blobs[commit] = oid

    def path(self, commit: str) -> str:
        """Where the note of `commit` is put."""
        return commit if self.flat else notes.path_of(commit)

    def _leave(self, commit: str, at: Sequence[str], stays: bool) -> None:
        own = self.path(commit)
        self.removed += [path for path in at if not (stays and path == own)]

    def __bool__(self) -> bool:
        return bool(self.parent or self.removed or self.texts or self.blobs)


def append(repo: Repository, lines: Mapping[str, Sequence[Line]], *, why: str) -> dict[str, bytes]:
    """Add `lines` to the notes of commits (full hex ids); the new texts of those that changed.

    Lines that are there already change nothing. `why` is the message of the commit
    under the ref. Raises `NotesBusy` or `GitError`.
    """

    def make(tip: str | None) -> Change:
        found = notes.read_with_paths(repo, lines, tip) if tip else {}
        change = Change()
        for commit, more in lines.items():
            at, old = found.get(commit, ((), b""))
            new = notes_line.add(old, more)
            if new != old:
                change.put(commit, at, new)
        return change

    return update(repo, notes.REF, make, why=why).texts


def replace(repo: Repository, ref: str, texts: Mapping[str, bytes], *, why: str) -> None:
    """Let the notes under `ref`, where there are few, be `texts` for these commits; empty ones
    are removed.
    """

    def make(tip: str | None) -> Change:
        found = notes.read_with_paths(repo, texts, tip) if tip else {}
        change = Change(flat=True)
        for commit, text in texts.items():
            at, old = found.get(commit, ((), b""))
            if text != old:
                change.put(commit, at, text)
        return change

    update(repo, ref, make, why=why)


def update(
    repo: Repository,
    ref: str,
    make: Callable[[str | None], Change],
    *,
    why: str,
) -> Change:
    """Bring a change of notes under `ref`; what was changed.

    `make` is given the commit under the ref, or ``None``, and called again whenever that
    is another one by the time of the change.
    """
    with _lock(repo):
        for attempt in range(_TRIES):
            tip = notes.tip(repo, ref)
            change = make(tip)
            if not change:
                return change
            stream = _stream(ref, tip, change, _who(repo), why)
            try:
                repo.git("fast-import", "--quiet", "--date-format=raw", input=stream)
            except GitError as error:
                last = error
                if not _somebody_was_faster(repo, ref, tip, error):
                    raise
            else:
                return change
            time.sleep(random.random() * _PAUSE * min(attempt + 1, 4))
    raise NotesBusy(
        f"{ref} cannot be changed: {last.message}",
        f"if no git is running, remove {os.path.join(repo.common_dir, ref)}.lock",
    )


def move(repo: Repository, ref: str, new: str, old: str | None) -> bool:
    """Let `ref` name `new` if it is still at `old`; whether it does."""
    before = old or "0" * len(new)
    try:
        repo.git("update-ref", "-m", "mlvers: notes", ref, new, before)
    except GitError:
        return notes.tip(repo, ref) == new
    return True


def _somebody_was_faster(repo: Repository, ref: str, tip: str | None, error: GitError) -> bool:
    said = error.stderr
    return ".lock'" in said or "cannot lock ref" in said or notes.tip(repo, ref) != tip


def _stream(ref: str, tip: str | None, change: Change, who: bytes, why: str) -> bytes:
    """The change in the language of ``git fast-import``."""
    message = f"{why}\n".encode()
    out = [b"commit %b\ncommitter %b\ndata %d\n%b\n" % (ref.encode(), who, len(message), message)]
    out += [b"from %b\n" % tip.encode()] if tip else []
    out += [b"merge %b\n" % change.parent.encode()] if change.parent else []
    out += [b"D %b\n" % path.encode() for path in change.removed]
    for commit, oid in sorted(change.blobs.items()):
        out.append(b"M 100644 %b %b\n" % (oid.encode(), change.path(commit).encode()))
    for commit, text in sorted(change.texts.items()):
        at = change.path(commit).encode()
        out.append(b"M 100644 inline %b\ndata %d\n%b\n" % (at, len(text), text))
    out.append(b"\n")
    return b"".join(out)


def _who(repo: Repository) -> bytes:
    """The committer and now, as git has it; a name of our own where the user has given none."""
    said = repo.git("var", "GIT_COMMITTER_IDENT", check=False).strip()
    return said or b"git-mlvers <git-mlvers@localhost> %d +0000" % int(time.time())


@contextmanager
def _lock(repo: Repository) -> Iterator[None]:
    """Wait for those who are writing; where no lock can be had, the ref itself guards."""
    # A directory can be locked as well, and nothing is left behind.
    try:
        fd = os.open(repo.common_dir, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        yield
        return
    try:
        _acquire(fd)
        yield
    finally:
        os.close(fd)


def _acquire(fd: int) -> None:
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(0.005 + random.random() * 0.02)
        except OSError:
            return  # a file system without locks
        else:
            return
