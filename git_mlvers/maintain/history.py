"""What commits have in their trees, and what they changed."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from git_mlvers.git import refs
from git_mlvers.git.command import finish, joined, zsplit
from git_mlvers.git.process import anonymous_file

if TYPE_CHECKING:
    from collections.abc import Iterator

    from git_mlvers.git.repository import Repository

ATTRIBUTES_FILE = b".gitattributes"

_REGULAR = ("100644", "100755")
_BUFFER = 1 << 18


class File(NamedTuple):
    """A regular file in a commit: its path, and the hex id of its blob."""

    path: bytes
    blob: str


class Step(NamedTuple):
    """One commit of a range: its id, those of its parents, and what to look at in it.

    `files` are those that differ from every parent, unless `whole`: then the
    attributes differ from those of some parent, so that every file of the
    commit counts, changed or not.
    """

    commit: str
    parents: tuple[str, ...]
    whole: bool
    files: list[File]


def files_of(repo: Repository, commit: str) -> list[File]:
    """The regular files of a commit (hex id), in the order of its tree."""
    found = []
    for record in zsplit(repo.git("ls-tree", "-r", "-z", "--full-tree", commit)):
        words, _, path = record.partition(b"\t")
        mode, _, blob = words.decode("ascii").split(" ")
        if mode in _REGULAR:
            found.append(File(path, blob))
    return found


def steps(repo: Repository, span: str) -> Iterator[Step]:
    """The commits of a range ``A..B``, parents before children.

    Raises `UnknownRevision` for an end that is not here.
    """
    for name in span.replace("...", "..").split("..", 1):
        refs.resolve(repo, name or "HEAD")
    order = ("rev-list", "--reverse", "--topo-order", "--parents")
    listed = repo.git(*order, "--end-of-options", span).decode("ascii")
    parents = {words[0]: tuple(words[1:]) for words in map(str.split, listed.splitlines())}
    changed: dict[str, list[dict[bytes, str | None]]] = {commit: [] for commit in parents}
    for commit, differences in _differences(repo, list(parents)):
        changed[commit].append(differences)
    for commit, groups in changed.items():
        # git says nothing about a parent from which a commit does not differ.
        complete = len(groups) >= max(1, len(parents[commit]))
        common = set(groups[0]).intersection(*groups[1:]) if complete and groups else set()
        yield Step(
            commit,
            parents[commit],
            any(_has_attributes(group) for group in groups),
            [File(path, blob) for path in sorted(common) if (blob := groups[0][path])],
        )


def _has_attributes(paths: dict[bytes, str | None]) -> bool:
    return any(os.path.basename(path) == ATTRIBUTES_FILE for path in paths)


def _differences(
    repo: Repository, commits: list[str]
) -> Iterator[tuple[str, dict[bytes, str | None]]]:
    """For each commit and each parent from which it differs: the changed paths.

    Each with the new blob, ``None`` where that is no regular file.
    """
    source = anonymous_file((joined(commits),))
    try:
        diff = repo.start(
            *("diff-tree", "--stdin", "-r", "-m", "-z", "--root", "--raw", "--no-renames"),
            stdin=source,
        )
    finally:
        os.close(source)
    with diff:
        with os.fdopen(diff.stdout, "rb", _BUFFER, closefd=False) as stream:
            fields = iter(stream.read().split(b"\0"))
        commit, group = "", dict[bytes, str | None]()
        for field in fields:
            if field.startswith(b":"):
                _, new_mode, _, new, _ = field.decode("ascii").split(" ")
                group[next(fields)] = new if new_mode in _REGULAR else None
                continue
            if group:
                yield commit, group
            commit, group = field.decode("ascii").partition(" ")[0], {}
        finish(diff)
