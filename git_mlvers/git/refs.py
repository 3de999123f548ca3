"""Refs: here, on a git remote, and on their way to one."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from git_mlvers.errors import MlversError
from git_mlvers.git import promised
from git_mlvers.git.catfile import infos
from git_mlvers.git.command import GitError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from git_mlvers.git.repository import Repository

DELETED = "(delete)"


class BadUpdate(MlversError):
    """What should be the input of a pre-push hook is something else."""


class UnknownRevision(MlversError):
    """A name for a commit, a tree or another object stands for none."""


class RefUpdate(NamedTuple):
    """One ref that is about to be pushed; ids are hex, all zeros for "none"."""

    local_ref: str
    """The name as the user gave it, such as ``refs/heads/main`` or ``HEAD~1``."""
    local_oid: str
    remote_ref: str
    remote_oid: str

    @property
    def deletes(self) -> bool:
        """Whether the ref is removed from the git remote."""
        return not self.local_oid.strip("0")

    @property
    def creates(self) -> bool:
        """Whether the git remote does not have the ref yet."""
        return not self.remote_oid.strip("0")


class Ref(NamedTuple):
    """A ref's full name and the hex id of the object that it names."""

    name: str
    oid: str


def parse_updates(text: bytes) -> list[RefUpdate]:
    """Read what git gives to a pre-push hook on its stdin; raises `BadUpdate`."""
    updates = []
    for line in text.splitlines():
        # Only the first word is free text: "HEAD^{/fix it}" has a space.
        words = os.fsdecode(line).rsplit(" ", 3)
        if len(words) != 4 or not all(_is_hex(word) for word in (words[1], words[3])):
            raise BadUpdate(f"not a line of a pre-push hook's input: {line[:200]!r}")
        updates.append(RefUpdate(*words))
    return updates


def for_each_ref(repo: Repository, *patterns: str) -> list[Ref]:
    """The refs that match `patterns` (as in ``git for-each-ref``), all if there are none."""
    output = repo.git("for-each-ref", "--format=%(objectname) %(refname)", *patterns)
    refs = (os.fsdecode(line).split(" ", 1) for line in output.split(b"\n") if line)
    return [Ref(name, oid) for oid, name in refs]


def tracking(repo: Repository, git_remote: str) -> list[Ref]:
    """The remote-tracking refs of `git_remote`: what it had when it was last talked to."""
    return for_each_ref(repo, f"refs/remotes/{git_remote}/")


def resolve(repo: Repository, revision: str, kind: str = "commit") -> str:
    """The hex id of the `kind` of object (``commit``, ``tree``, ``object``) that `revision` means.

    Raises `UnknownRevision`.
    """
    # A path or an option is not taken for a revision; some versions print the option again.
    said = repo.git(
        *("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{{kind}}}"),
        check=False,
    ).split()
    if not said or not _is_hex(found := said[-1].decode("ascii", "replace")):
        raise UnknownRevision(
            f"there is no {kind} named {revision!r} here", "git fetch, git branch"
        )
    return found


def resolve_ref(repo: Repository, ref: str) -> str | None:
    """The hex id that the ref with this full name holds; ``None`` if there is no such ref."""
    said = repo.git("rev-parse", "--verify", "--quiet", "--end-of-options", ref, check=False)
    return said.strip().decode("ascii", "replace").rpartition("\n")[2] or None


def head(repo: Repository) -> str | None:
    """The hex id of the commit that is checked out; ``None`` before the first one."""
    said = repo.git("rev-parse", "--verify", "--quiet", "HEAD", check=False).strip()
    return said.decode("ascii") or None


def all_tips(repo: Repository) -> list[str]:
    """The ids that all refs of the repository name, HEAD included; each once."""
    tips = dict.fromkeys(ref.oid for ref in for_each_ref(repo))
    current = head(repo)
    if current is not None:
        tips[current] = None
    return list(tips)


def existing(repo: Repository, oids: Iterable[str]) -> set[str]:
    """Those of the full hex ids `oids` whose objects are here; none is fetched for that."""
    wanted = list(dict.fromkeys(oids))
    if not wanted:
        return set()
    if repo.partial:
        return promised.present(repo, wanted)
    return {info.oid for info in infos(repo, wanted) if info is not None}


def ls_remote(repo: Repository, git_remote: str) -> dict[str, str] | None:
    """All refs of a git remote, named or given by its URL, and their ids.

    Annotated tags appear a second time, with ``^{}``, for what they point to.
    ``None`` when the git remote could not be asked, which is not "no refs".
    """
    try:
        output = repo.git("ls-remote", "--quiet", "--", git_remote)
    except GitError:
        return None
    pairs = (os.fsdecode(line).split("\t", 1) for line in output.split(b"\n") if line)
    return {name: oid for oid, name in pairs}


def _is_hex(word: str) -> bool:
    return len(word) in (40, 64) and not word.strip("0123456789abcdef")
