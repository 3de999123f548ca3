"""Repositories on a store without a server, as git and as the helper alone see them."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

from git_mlvers.backend.base import Capabilities
from git_mlvers.backend.counting import Counting
from git_mlvers.backend.directory import Directory
from git_mlvers.backend.wrapper import Wrapper
from git_mlvers.config.address import Address, Kind
from git_mlvers.git.repository import Repository
from git_mlvers.remote_helper.job import Job
from git_mlvers.remote_helper.serverless import Dialogue
from git_mlvers.serverless.store import Store
from tests.support.git import Repo

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from git_mlvers.backend.base import Backend
    from git_mlvers.git.refs import RefUpdate


def address(place: Path | str) -> str:
    """What git is given for a store at `place`."""
    return f"mlvers::{place}"


def commit(repo: Repo, name: str, text: str | None = None) -> str:
    """Commit a file `name` of its own; the id."""
    repo.write(name, text or f"{name}\n")
    return repo.commit(name)


def whole(place: Path | str, target: Path, *options: str) -> Repo:
    """A fresh clone of `place`, in which git finds nothing wrong."""
    made = Repo(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    Repo(target.parent).git("clone", "-q", *options, address(place), str(target))
    made.git("fsck", "--full")
    return made


def refs_at(repo: Repo, place: Path | str) -> dict[str, str]:
    """The refs at `place`, as git lists them, without what tags are of."""
    listed = (line.split("\t") for line in repo.git("ls-remote", address(place)).splitlines())
    return {name: oid for oid, name in listed if not name.endswith("^{}")}


def packs(place: Path) -> list[Path]:
    """The files of packs in the store at `place`."""
    return sorted((place / "git/packs").glob("*"))


class Able(Wrapper):
    """A store with fewer abilities than it has."""

    def __init__(self, inner: Backend, *, create_only: bool, replace_if: bool) -> None:
        super().__init__(inner)
        self._able = Capabilities(create_only, replace_if, True, 4)

    @property
    def capabilities(self) -> Capabilities:
        """See `Backend.capabilities`."""
        return self._able


class Helper:
    """The helper's dialogue in this process, with a backend of the test's choice."""

    def __init__(self, repo: Repo, backend: Backend) -> None:
        self.counting = Counting(backend)
        self._repo = Repository.discover(str(repo.path))
        self.sent: list[Sequence[RefUpdate]] = []
        self.refusal: str | None = None

    def say(self, *lines: str) -> list[str]:
        """What the helper answers to `lines`, to the end of its output; counts afresh."""
        self.counting.reset()
        ours, stdin = _filled("".join(f"{line}\n" for line in lines))
        out, stdout = os.pipe()
        job = Job("store", Address(Kind.STORE, self.counting.url), self._repo, {}, stdin, stdout)
        dialogue = Dialogue(job, {}, self._send)
        dialogue._opened = Store(self.counting)
        answer: list[bytes] = []
        reader = threading.Thread(target=lambda: answer.append(_all_of(out)))
        reader.start()
        try:
            assert dialogue.run() == 0
        finally:
            dialogue.close()
            os.close(stdout)
            reader.join()
            os.close(ours)
            os.close(out)
        return answer[0].decode().splitlines()

    def push(self, *refspecs: str, options: Sequence[str] = ()) -> list[str]:
        """The answers ``ok …`` and ``error …`` to a push of `refspecs`."""
        lines = [f"option {option}" for option in options]
        said = self.say(*lines, "list for-push", *(f"push {spec}" for spec in refspecs), "")
        return [line for line in said if line.startswith(("ok ", "error "))]

    @property
    def requests(self) -> dict[str, int]:
        """The requests of the last dialogue, by verb."""
        return self.counting.counts.requests

    def _send(self, updates: Sequence[RefUpdate], advertised: object) -> str | None:
        self.sent.append(updates)
        return self.refusal


def helper(repo: Repo, place: Path) -> Helper:
    """A helper for the directory `place`."""
    return Helper(repo, Directory(str(place), fsync=False))


def _filled(text: str) -> tuple[int, int]:
    stdin, ours = os.pipe()
    os.write(ours, text.encode())
    # Our end stays open elsewhere: the end of the input is what ends a dialogue.
    os.close(ours)
    return os.dup(stdin), stdin


def _all_of(fd: int) -> bytes:
    found = b""
    while block := os.read(fd, 65536):
        found += block
    return found
