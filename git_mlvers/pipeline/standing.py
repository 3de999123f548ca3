"""How a working tree stands with its pipelines: which stages would run, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from git_mlvers.pipeline.source import WorkingTree

if TYPE_CHECKING:
    from collections.abc import Sequence

    from git_mlvers.pipeline.explain import Reason
    from git_mlvers.pipeline.model import Stage
    from git_mlvers.workspace import Workspace


class Standing(NamedTuple):
    """A stage, and why it would run; no reason means that it is up to date."""

    stage: Stage
    reasons: Sequence[Reason]


def standings(workspace: Workspace) -> list[Standing] | None:
    """How all stages stand, in the order they would run; ``None`` without a pipeline file."""
    if workspace.repo.work_tree is None:
        return None
    source = WorkingTree(workspace.repo)
    files = source.pipeline_files()
    if not files:
        return None
    # Most repositories have no pipeline, and pay for none of this.
    from git_mlvers.pipeline.explain import explain
    from git_mlvers.pipeline.graph import Graph
    from git_mlvers.pipeline.project import Project
    from git_mlvers.pipeline.session import Session

    project = Project.load(source, files)
    order = Graph(project.stages).order(project.stages)
    session = Session(workspace, source, project.stages)
    try:
        session.look(order)
        return [Standing(stage, explain(session, stage)) for stage in order]
    finally:
        session.close()
