"""All pipelines of a repository, as the working tree or a commit has them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_mlvers.pipeline.errors import PipelineError
from git_mlvers.pipeline.model import FILES
from git_mlvers.pipeline.parsing import PipelineFile
from git_mlvers.pipeline.paths import folder_of
from git_mlvers.pipeline.targets import Targets
from git_mlvers.pipeline.vars import Absent, Reader

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from git_mlvers.pipeline.model import Pipeline, Stage
    from git_mlvers.pipeline.source import Source


class Project:
    """The pipelines by file, and their stages in the order in which the files have them."""

    def __init__(
        self, top: str, pipelines: Mapping[str, Pipeline], warnings: Sequence[str]
    ) -> None:
        self.top = top
        self.pipelines = pipelines
        self.warnings = tuple(warnings)
        self.stages: list[Stage] = [
            stage for pipeline in pipelines.values() for stage in pipeline.stages.values()
        ]

    @classmethod
    def load(cls, source: Source, files: Sequence[str] | None = None) -> Project:
        """Read the pipeline files of `source`: all, or `files`, whose paths start at the top.

        Raises `PipelineError` and `ValuesError` for the first that cannot be used.
        """
        paths = source.pipeline_files() if files is None else list(files)
        _check_one_a_folder(paths)
        source.read_all(paths)
        reader = Reader(source.top, lambda path: _values(source, path))
        pipelines: dict[str, Pipeline] = {}
        warnings: list[str] = []
        for path in paths:
            data = source.read(path)
            if data is None:
                raise PipelineError(f"there is no pipeline file {path}")
            reading = PipelineFile(path, data, reader)
            pipelines[path] = reading.pipeline()
            warnings += reading.warnings
        return cls(source.top, pipelines, warnings)

    def find(self, targets: Sequence[str], cwd: str = ".") -> list[Stage]:
        """The stages that `targets` name, each once, in the order of the targets.

        A target is, looked for in this order: a stage of the pipeline file in
        `cwd` (relative to the top), or all of a foreach or matrix; ``FILE:NAME``;
        a pipeline file; an output, or a file below one; a stage of any other
        file if only one has that name. Raises `TargetError`.
        """
        finder = Targets(self, cwd)
        return list(
            {stage.address: stage for word in targets for stage in finder.find(word)}.values()
        )


def _check_one_a_folder(paths: Sequence[str]) -> None:
    seen: dict[str, str] = {}
    for path in paths:
        folder = folder_of(path)
        if folder in seen:
            first, second = sorted((seen[folder], path))
            raise PipelineError(
                f"{first} and {second} are in one folder, which can have one pipeline file",
                f"move the stages into one of {' and '.join(FILES)}, and remove the other",
            )
        seen[folder] = path


def _values(source: Source, path: str) -> object:
    """What a file of values holds, for templates."""
    from git_mlvers.values.formats import parse

    if not source.inside(path):
        raise PipelineError(
            f"{path} is outside of the repository, and no values are taken from there",
            "keep what the vars name in the repository",
        )
    data = source.read(path)
    return Absent() if data is None else parse(path, data)
