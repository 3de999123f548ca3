"""The push batch of a remote helper: which refs it updates, and with what."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from git_mlvers.git.refs import RefUpdate
from git_mlvers.remote_helper.wrapper_content import verdict

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from git_mlvers.git.repository import Repository
    from git_mlvers.progress import Progress
    from git_mlvers.remote_helper.job import Job
    from git_mlvers.remote_helper.wrapper_content import SendContent

_SHA1 = 40


class _Line(NamedTuple):
    """``push [+]<source>:<target>``; no source where the target is deleted."""

    forced: bool
    source: str
    target: str


class PushBatch:
    """The lines of one batch; `resolve` comes before the questions about what they update."""

    def __init__(self, lines: Sequence[bytes]) -> None:
        self._raw = list(lines)
        self._lines = [_parse(line) for line in lines]
        self._oids: dict[str, str] = {}
        self.updates: list[RefUpdate] = []

    def resolve(self, repo: Repository | None, refs: Mapping[str, str]) -> None:
        """Find out what is pushed; `refs` are those of the git remote, by name."""
        sources = list(dict.fromkeys(line.source for line in self._lines if line.source))
        if repo is not None and sources:
            self._oids = _resolve_all(repo, sources)
        self.updates = []
        for line in self._lines:
            old = refs.get(line.target, "0" * _SHA1)
            new = "0" * len(old)
            if line.source:
                if line.source not in self._oids:
                    continue  # the helper will say that there is no such thing
                new = self._oids[line.source]
            self.updates.append(RefUpdate(line.source or "(delete)", new, line.target, old))

    def refusal(
        self, job: Job, send: SendContent, advertised: Collection[str], progress: Progress
    ) -> bytes:
        """Send the content; empty if all refs may move, else what git is answered."""
        reasons = verdict(send, job, self.updates, frozenset(advertised), progress)
        if not reasons:
            return b""
        said = [
            f"error {line.target} {reasons.get(line.target, 'nothing was pushed')}\n"
            for line in self._lines
        ]
        return os.fsencode("".join(said)) + b"\n"

    def command(self, *, by_id: bool) -> bytes:
        """The batch, without the empty line at its end.

        With `by_id` it names the very objects that were looked at, whatever
        becomes of the local refs meanwhile.
        """
        if not by_id:
            return b"\n".join(self._raw) + b"\n"
        said = [
            f"push {'+' * line.forced}{self._oids.get(line.source, line.source)}:{line.target}\n"
            for line in self._lines
        ]
        return os.fsencode("".join(said))


def _parse(line: bytes) -> _Line:
    words = os.fsdecode(line).removeprefix("push ")
    forced = words.startswith("+")
    # A ref's name has no colon; what it is made from may have one.
    source, _, target = words[forced:].rpartition(":")
    return _Line(forced, source, target)


def _resolve_all(repo: Repository, names: Sequence[str]) -> dict[str, str]:
    """The ids of the objects that `names` mean, without those that mean none."""
    asked = b"".join(os.fsencode(name) + b"\n" for name in names)
    said = repo.git("cat-file", "--batch-check=%(objectname)", input=asked).split(b"\n")
    return {
        name: line.decode("ascii")
        for name, line in zip(names, said, strict=False)
        if len(line) in (40, 64) and not line.strip(b"0123456789abcdef")
    }
