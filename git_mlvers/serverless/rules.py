"""Which changes of refs are allowed, by the rules of git and in its words.

git tells reasons apart by their exact text: those in capitals here it knows and
shows as ``[rejected]`` with advice, any other as ``[remote rejected]``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from git_mlvers.git.command import GitError
from git_mlvers.serverless.names import clash, is_ref
from git_mlvers.serverless.packing import REAL_OBJECTS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from git_mlvers.git.repository import Repository

FETCH_FIRST = "fetch first"
NON_FAST_FORWARD = "non-fast forward"
ALREADY_EXISTS = "already exists"
STALE_INFO = "stale info"
ATOMIC = "atomic push failed"
CURRENT_BRANCH = "deletion of the current branch prohibited"


class Change(NamedTuple):
    """A ref that is to become `new` (a hex id, ``None`` to delete it).

    `kind` is the type of that object, `peeled` what a tag is of in the end.
    `forced`: whatever it was. `lease`: only if it is that id, ``""`` for absent,
    ``None`` for no such wish.
    """

    ref: str
    new: str | None
    kind: str = ""
    peeled: str | None = None
    forced: bool = False
    lease: str | None = None
    source: str = ""


class Judge:
    """Says of changes whether they may be made; `listed` are the refs that git was told of."""

    def __init__(self, repo: Repository, listed: Mapping[str, str]) -> None:
        self._repo = repo
        self._listed = listed
        self._newer: dict[tuple[str, str], bool | None] = {}

    def verdicts(
        self, changes: Sequence[Change], refs: Mapping[str, str], head: str | None
    ) -> dict[str, str | None]:
        """For each ref of `changes` ``None``, or why it must stay as it is in `refs`.

        `head` is the default branch.
        """
        found = {change.ref: self._reason(change, refs.get(change.ref), head) for change in changes}
        while others := clash(self._after(changes, refs, found)):
            # What is there is in order by itself.
            ref = next(c.ref for c in changes if c.ref in others and c.ref not in refs)
            other = others[0] if ref == others[1] else others[1]
            found[ref] = f"'{other}' exists; cannot create '{ref}'"
        return found

    def _after(
        self,
        changes: Sequence[Change],
        refs: Mapping[str, str],
        found: Mapping[str, str | None],
    ) -> set[str]:
        """The names of the refs that there are when all that is allowed is done."""
        good = [change for change in changes if found[change.ref] is None]
        gone = {change.ref for change in good if change.new is None}
        return (set(refs) - gone) | {change.ref for change in good if change.new is not None}

    def _reason(self, change: Change, now: str | None, head: str | None) -> str | None:
        if now == change.new:
            return None  # It is so already, perhaps by an attempt of ours whose answer got lost.
        if not is_ref(change.ref):
            return "funny refname"
        if change.lease is not None and change.lease != (now or ""):
            return STALE_INFO
        if change.new is None:
            if change.ref == head:
                return CURRENT_BRANCH
        elif change.ref.startswith("refs/heads/") and change.kind != "commit":
            return "a branch can only name a commit"
        if change.lease is not None:
            return None
        if change.forced or change.new is None:
            return None if now == self._listed.get(change.ref) else FETCH_FIRST
        return None if now is None else self._not_forward(change, now)

    def _not_forward(self, change: Change, now: str) -> str | None:
        """Why the ref may not move from `now` without force."""
        if change.ref.startswith("refs/tags/"):
            return ALREADY_EXISTS
        assert change.new is not None
        newer = self._is_newer(change.new, now)
        if newer is None:
            return FETCH_FIRST
        if newer:
            return None
        return NON_FAST_FORWARD if now == self._listed.get(change.ref) else FETCH_FIRST

    def _is_newer(self, new: str, old: str) -> bool | None:
        """Whether `new` follows `old`; ``None`` when that cannot be seen, for `old` is not here."""
        pair = (new, old)
        if pair not in self._newer:
            try:
                self._repo.git("merge-base", "--is-ancestor", old, new, env=REAL_OBJECTS)
                self._newer[pair] = True
            except GitError as error:
                self._newer[pair] = False if error.returncode == 1 else None
        return self._newer[pair]
