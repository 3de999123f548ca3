"""One filter process: the parts it opens, and what it owes the user at its end."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from git_mlvers.errors import MlversError
from git_mlvers.filter import placeholder, recover
from git_mlvers.filter.populate import Populator
from git_mlvers.filter.report import Report
from git_mlvers.filter.smudge import Policy, Smudger
from git_mlvers.filter.stat import refresh_index
from git_mlvers.filter.wanted import wanted
from git_mlvers.git import objects, scan
from git_mlvers.git.process import this_program
from git_mlvers.transfer import Fetcher, download

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator

    from git_mlvers.cache import Cache
    from git_mlvers.filter.populate import Populated
    from git_mlvers.pointer import Pointer
    from git_mlvers.transfer import Outcome
    from git_mlvers.transfer.apart import Apart
    from git_mlvers.workspace import Workspace


class Session:
    """What the filter process keeps from one file to the next.

    Nothing is opened before it is needed: a `git add` never reads the
    configuration of a remote, and a checkout from the cache never opens one.
    """

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._smudger: Smudger | None = None
        self._populator: Populator | None = None
        self._fetcher: Fetcher | None = None
        self.report = Report()
        self._left = recover.mend(workspace.repo)
        for left in self._left:
            if left.mended:
                self.report.add(
                    left.path,
                    "was left empty by a checkout that was killed; it is a pointer now",
                    "git mlvers pull",
                )

    @property
    def cache(self) -> Cache:
        """The cache of the repository."""
        return self._workspace.cache

    def smudger(self, treeish: bytes | None) -> Smudger:
        """The smudging side; `treeish` names the tree whose ``.mlversconfig`` counts."""
        if self._smudger is None:
            if treeish is not None:
                self._workspace.treeish = treeish.decode()
            repo = self._workspace.repo
            self._fetcher = Fetcher(self._download, self._prepare, self._start_apart)
            journal = placeholder.Journal(repo.git_dir, self._workspace.config.shared)
            self._populator = Populator(self.cache, journal)
            self._smudger = Smudger(
                self.cache,
                self._fetcher,
                self._populator,
                self._policy(),
                self.report,
                repo.in_sequence,
                lambda data: objects.blob_id(data, repo.object_format),
                self._initial,
            )
        return self._smudger

    def step(self) -> None:
        """Git sends its next request."""
        if self._populator is not None:
            self._populator.step()

    def finish(self, why: str = "git ended before its checkout did") -> None:
        """Git is done: make things durable, put the index right, and say what went wrong.

        `why` is what is said of files that still wait for their content.
        """
        if self._fetcher is not None:
            self._fetcher.cancel()
        if self._populator is not None:
            self._populator.abandon(MlversError(why))
            self._populator.stop()
            self._report_populated(self._populator.done)
        try:
            self._workspace.close()
            if self._populator is not None and self._smudger is not None:
                refresh_index(self._workspace.repo, self._populator.done, self._smudger.piped)
            recover.note(self._workspace.repo, self._left)
        except MlversError as error:
            self.report.add(b".", error.message, error.hint)
        self.report.show()

    def _report_populated(self, results: Iterable[Populated]) -> None:
        for result in results:
            if result.error is not None:
                cause = f"left as a pointer: {result.error.message}"
                self.report.add(result.placeholder.path, cause, result.error.hint)

    def _policy(self) -> Policy:
        config = self._workspace.config
        return Policy(
            skip=config.skip_smudge,
            wanted=wanted(config.fetch_include, config.fetch_exclude),
            strict=config.strict,
            populate_min=config.populate_min,
        )

    def _initial(self) -> Iterator[tuple[bytes, Pointer]] | None:
        """All pointers that Git is about to check out, in its order, where that can be told."""
        repo, treeish = self._workspace.repo, self._workspace.treeish
        if treeish is None or os.path.exists(repo.index_path) or self._workspace.config.sparse:
            return None
        return ((each.path, each.pointer) for each in scan.tree_pointers(repo, treeish))

    def _download(self, pointers: list[Pointer]) -> Generator[Outcome, None, None]:
        return download(pointers, self.cache, self._workspace.sources())

    def _start_apart(self) -> Apart:
        """What downloads many files."""
        from git_mlvers.transfer.apart import Apart

        workspace = self._workspace
        words = [workspace.treeish] if workspace.treeish else []
        argv = this_program("fetch-process", *words)
        return Apart(argv, workspace.env, self.cache, self._download)

    def _prepare(self) -> None:
        for open_remote in self._workspace.sources()[:1]:
            open_remote().sync()
