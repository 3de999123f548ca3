"""Writing a changed pipeline file, once it is sure that the repository can be used with it."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from git_mlvers.fsutil import write_atomic
from git_mlvers.pipeline.graph import Graph
from git_mlvers.pipeline.project import Project
from git_mlvers.pipeline.source import WorkingTree

if TYPE_CHECKING:
    from collections.abc import Sequence

    from git_mlvers.git.repository import Repository


class Changes(WorkingTree):
    """The working tree with some files that are different, not written yet."""

    def __init__(self, repo: Repository) -> None:
        super().__init__(repo)
        self._changed: dict[str, bytes] = {}

    def put(self, path: str, data: bytes) -> None:
        """Let the file `path` have the content `data`."""
        self._changed[path] = data

    def pipeline_files(self) -> Sequence[str]:
        """Those of the working tree, and those that were put."""
        return sorted({*super().pipeline_files(), *self._changed})

    def read(self, path: str) -> bytes | None:
        """What was put, or the file of the working tree."""
        return self._changed[path] if path in self._changed else super().read(path)

    def check(self) -> None:
        """Raise what is wrong with the pipelines as they would be."""
        Graph(Project.load(self).stages)

    def write(self) -> None:
        """Write what was put, each file whole or not at all; raises `LocalIOError`."""
        for path, data in self._changed.items():
            target = os.path.realpath(os.path.join(self.top, path))
            try:
                mode = stat.S_IMODE(os.stat(target).st_mode)
            except FileNotFoundError:
                mode = 0o666
            write_atomic(target, data, mode)
