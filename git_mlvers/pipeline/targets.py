"""What a user names on the command line: stages, groups, pipeline files and outputs."""

from __future__ import annotations

import posixpath
from functools import cached_property
from typing import TYPE_CHECKING

from git_mlvers.pipeline.errors import TargetError
from git_mlvers.pipeline.model import FILES
from git_mlvers.pipeline.paths import normal
from git_mlvers.pipeline.place import hint_near

if TYPE_CHECKING:
    from collections.abc import Sequence

    from git_mlvers.pipeline.model import Pipeline, Stage
    from git_mlvers.pipeline.project import Project


class Targets:
    """Finds what words mean for someone in the folder `cwd`, which is relative to the top."""

    def __init__(self, project: Project, cwd: str) -> None:
        self._project = project
        self._cwd = cwd

    def find(self, word: str) -> Sequence[Stage]:
        """The stages that `word` names; raises `TargetError` when there are none."""
        found = (
            self._here(word)
            or self._by_address(word)
            or self._by_output(word)
            or self._elsewhere(word)
        )
        if not found:
            raise self._unknown(word)
        return found

    def _here(self, name: str) -> list[Stage]:
        for file in FILES:
            pipeline = self._project.pipelines.get(self._path(file))
            if pipeline is not None:
                return _named(pipeline, name)
        return []

    def _by_address(self, word: str) -> list[Stage]:
        # What stands behind "@" may be any text.
        head, at, tail = word.partition("@")
        file, colon, name = head.rpartition(":")
        if not colon:
            file, name, at, tail = word, "", "", ""
        if posixpath.basename(file) not in FILES:
            return []
        pipeline = self._project.pipelines.get(self._path(file))
        if pipeline is None:
            known = hint_near(self._path(file), self._project.pipelines)
            raise TargetError(f"there is no pipeline file {file}", known)
        if not name:
            return list(pipeline.stages.values())
        found = _named(pipeline, name + at + tail)
        if not found:
            hint = hint_near(name + at + tail, pipeline.stages)
            raise TargetError(f"there is no stage {name + at + tail!r} in {file}", hint)
        return found

    def _by_output(self, word: str) -> list[Stage]:
        path = self._path(word)
        while path not in self._owners:
            above = posixpath.dirname(path)
            if above in ("", path):
                return []
            path = above
        return [self._owners[path]]

    def _elsewhere(self, name: str) -> list[Stage]:
        found = [
            named for each in self._project.pipelines.values() if (named := _named(each, name))
        ]
        if len(found) > 1:
            choices = ", ".join(f"{stages[0].file}:{name}" for stages in found)
            raise TargetError(
                f"several pipeline files have a stage {name!r}", f"say which: {choices}"
            )
        return found[0] if found else []

    def _unknown(self, word: str) -> TargetError:
        if not self._project.stages:
            return TargetError(
                f"there is no stage or output {word!r}: this repository has no pipeline",
                "git mlvers stage add makes one",
            )
        names = {stage.address for stage in self._project.stages}
        names |= {stage.name for stage in self._project.stages}
        names |= {stage.group for stage in self._project.stages}
        names |= {out.path for stage in self._project.stages for out in stage.outs}
        return TargetError(f"there is no stage or output {word!r}", hint_near(word, names))

    @cached_property
    def _owners(self) -> dict[str, Stage]:
        return {out.path: stage for stage in self._project.stages for out in stage.outs}

    def _path(self, word: str) -> str:
        return normal(self._project.top, self._cwd, word) if word else ""


def _named(pipeline: Pipeline, name: str) -> list[Stage]:
    """The stage called `name`, or those that the loop `name` made."""
    if name in pipeline.stages:
        return [pipeline.stages[name]]
    prefix = name + "@"
    return [stage for key, stage in pipeline.stages.items() if key.startswith(prefix)]
