"""Pipeline files given as texts, without a repository."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import pytest

from git_mlvers.errors import MlversError
from git_mlvers.pipeline.model import FILES
from git_mlvers.pipeline.project import Project
from git_mlvers.pipeline.source import is_inside

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from git_mlvers.pipeline.model import Stage

TOP = "/home/user/project"


class Texts:
    """A `Source` of files that are given by path."""

    top = TOP

    def __init__(self, files: Mapping[str, str]) -> None:
        self._files = {path: textwrap.dedent(text).encode() for path, text in files.items()}

    def pipeline_files(self) -> Sequence[str]:
        return sorted(path for path in self._files if path.rpartition("/")[2] in FILES)

    def read_all(self, paths: Sequence[str]) -> None:
        pass

    def inside(self, path: str) -> bool:
        return is_inside(path)

    def read(self, path: str) -> bytes | None:
        return self._files.get(path)


def project(text: str = "", **files: str) -> Project:
    """The project of one ``dvc.yaml``; other files by name, with ``__`` for ``/`` and ``_`` for
    the dot before the ending.
    """
    named = {_path(name): content for name, content in files.items()}
    return Project.load(Texts({"dvc.yaml": text, **named} if text else named))


def stages(text: str, **files: str) -> dict[str, Stage]:
    """The stages of one ``dvc.yaml`` by name."""
    return {stage.name: stage for stage in project(text, **files).stages}


def refused(text: str, **files: str) -> MlversError:
    """The error that a ``dvc.yaml`` is refused with."""
    with pytest.raises(MlversError) as caught:
        project(text, **files)
    return caught.value


def _path(name: str) -> str:
    stem, _, ending = name.replace("__", "/").rpartition("_")
    return f"{stem}.{ending}"
