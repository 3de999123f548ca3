"""Which files the words of a command line mean, for `pull`, `fetch` and `checkout`.

A path that is named means what git has there, and nothing else; one that means
nothing is an error. What is named by hand is wanted, whatever the configuration says.
"""

from __future__ import annotations

import os
from bisect import bisect_left
from typing import TYPE_CHECKING

from git_mlvers.errors import MlversError, UsageError
from git_mlvers.git import refs
from git_mlvers.git.command import zsplit
from git_mlvers.git.repository import require_work_tree

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterable, Sequence

    from git_mlvers.workspace import Workspace


class NoSuchFile(MlversError):
    """No file in Git is what was named."""


class Selection:
    """The paths `words`, typed in the directory `cwd`; all files when there are none.

    Raises `NoSuchFile` for one that matches nothing in the index nor in the trees
    of `revisions`, and `UsageError` for one that is empty.
    """

    def __init__(
        self, workspace: Workspace, cwd: str, words: Sequence[str], revisions: Sequence[str] = ()
    ) -> None:
        self._workspace = workspace
        top = os.path.realpath(require_work_tree(workspace.repo))
        self._paths = {word: _from_top(top, cwd, word) for word in words}
        self.pathspecs = [
            ":(top,literal)" + os.fsdecode(path)
            for path in self._paths.values()
            if path is not None
        ]
        self._revisions = revisions
        self._names = self.names() if self.pathspecs else []
        for word, path in self._paths.items():
            if path is None or not self._below(path):
                raise no_such_file(word)

    def test(self, args: argparse.Namespace) -> Callable[[bytes], bool]:
        """What of it ``-I`` and ``-X`` in `args`, or else the configuration, want.

        A path of which the configuration wants nothing was named in spite of it.
        """
        wanted = chosen(args, self._workspace)
        if args.include is not None or args.exclude is not None:
            return wanted
        named = {
            path
            for path in self._paths.values()
            if path is not None and not any(wanted(name) for name in self._below(path))
        }
        if not named:
            return wanted
        return lambda path: wanted(path) or any(part in named for part in _prefixes(path))

    def names(self) -> list[bytes]:
        """The files in Git that it means, sorted."""
        repo = self._workspace.repo
        names = set(zsplit(repo.git("ls-files", "-z", "--", *self.pathspecs)))
        for revision in self._revisions:
            tree = refs.resolve(repo, revision, "tree")
            words = ("ls-tree", "-r", "-z", "--name-only", "--full-tree", tree)
            names.update(zsplit(repo.git(*words, "--", *self.pathspecs)))
        return sorted(names)

    def _below(self, path: bytes) -> list[bytes]:
        """The files in Git that are `path` or below it."""
        if path == b".":
            return self._names
        found = []
        for key, end in ((path, path + b"\0"), (path + b"/", path + b"0")):
            found += self._names[bisect_left(self._names, key) : bisect_left(self._names, end)]
        return found


def chosen(args: argparse.Namespace, workspace: Workspace) -> Callable[[bytes], bool]:
    """The test for paths that ``-I`` and ``-X``, or else the configuration, ask for.

    What ``-I`` names is wanted, though it be in ``mlvers.fetchExclude``.
    """
    from git_mlvers.filter.wanted import wanted

    include, exclude = args.include, args.exclude
    if include is None:
        include = workspace.config.fetch_include
        exclude = workspace.config.fetch_exclude if exclude is None else exclude
    return wanted(include, exclude or ())


def require_match(args: argparse.Namespace, found: Iterable[object]) -> None:
    """Raise `NoSuchFile` when ``-I`` was given and nothing was `found` for it."""
    if args.include and next(iter(found), None) is None:
        raise no_such_file(", ".join(args.include))


def split_refs(
    args: argparse.Namespace, workspace: Workspace, cwd: str
) -> tuple[list[str], list[str]]:
    """The revisions and the paths among ``args.words``.

    What follows ``--`` is a path, and so is what exists; else a revision that there
    is; else a path, which may be that of a file that was removed.
    """
    first = len(args.words) - len(args.literal)
    revisions, paths = [], []
    for word in args.words[:first]:
        if os.path.lexists(os.path.join(cwd, word)) or not _is_revision(workspace, word):
            paths.append(word)
        else:
            revisions.append(word)
    return revisions, [*paths, *args.words[first:]]


def no_such_file(word: str) -> NoSuchFile:
    """The error for `word`, which matches nothing."""
    return NoSuchFile(f"no tracked file matches {word!r}", "git mlvers ls-files lists them")


def _is_revision(workspace: Workspace, word: str) -> bool:
    try:
        refs.resolve(workspace.repo, word, "tree")
    except refs.UnknownRevision:
        return False
    return True


def _from_top(top: str, cwd: str, word: str) -> bytes | None:
    """`word`, typed in `cwd`, from the top of the working tree; ``None`` if it is outside.

    Only the directory is resolved: a symbolic link is looked at, never followed.
    """
    if not word:
        raise UsageError("an empty path names no file", "leave it out to mean all files")
    full = os.path.normpath(os.path.join(cwd, word))
    real = os.path.join(os.path.realpath(os.path.dirname(full)), os.path.basename(full))
    path = os.path.relpath(real, top)
    if path == os.pardir or path.startswith(os.pardir + os.sep):
        return None
    return os.fsencode(path)


def _prefixes(path: bytes) -> list[bytes]:
    """`path` and the directories around it, the top included."""
    found = [b".", path]
    while (at := path.rfind(b"/")) > 0:
        path = path[:at]
        found.append(path)
    return found
