"""``git mlvers dag``: the stages as a graph."""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_mlvers.cli.stage_options import folder_in
from git_mlvers.errors import UsageError

if TYPE_CHECKING:
    import argparse

    from git_mlvers.cli.context import Context
    from git_mlvers.pipeline.graph import Graph
    from git_mlvers.pipeline.model import Stage
    from git_mlvers.pipeline.project import Project
    from git_mlvers.view.graph import Edge

SUMMARY = "Show the stages and what depends on what"
HELP = """
Draws the stages as boxes, each below those whose outputs it reads. With TARGET, which
is a stage or an output, it draws that and what it depends on; with `--full` all that
is joined to it.

`--dot` writes the graph for Graphviz, `--mermaid` for Mermaid, and `--md` a block that
GitHub and GitLab show as a graph in a Markdown page.

## Examples

    git mlvers dag
    git mlvers dag train
    git mlvers dag --outs
    git mlvers dag --dot | dot -Tsvg > dag.svg

## Exit codes

`0` shown; `1` the pipeline is not valid, or there is no such target.
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the target and the forms."""
    forms = parser.add_mutually_exclusive_group()
    forms.add_argument("--dot", action="store_true", help="write it for Graphviz")
    forms.add_argument("--mermaid", action="store_true", help="write it for Mermaid")
    forms.add_argument("--md", action="store_true", help="for Mermaid, in a block of Markdown")
    parser.add_argument("-o", "--outs", action="store_true", help="show outputs, not stages")
    parser.add_argument("--full", action="store_true", help="show all that TARGET is joined to")
    parser.add_argument(
        "--collapse-foreach-matrix",
        dest="collapse",
        action="store_true",
        help="show the stages of a loop as one",
    )
    parser.add_argument("target", nargs="?", metavar="TARGET", help="a stage or an output")


def run(args: argparse.Namespace, context: Context) -> int:
    """Draw."""
    from git_mlvers.cli import setup
    from git_mlvers.git.repository import require_work_tree
    from git_mlvers.pipeline.graph import Graph
    from git_mlvers.pipeline.project import Project
    from git_mlvers.pipeline.source import WorkingTree
    from git_mlvers.view import graph as view

    if args.outs and args.collapse:
        raise UsageError(
            "--outs and --collapse-foreach-matrix exclude each other", "leave out one of them"
        )
    repo = setup.repository(context)
    folder = folder_in(require_work_tree(repo), context.cwd)
    project = Project.load(WorkingTree(repo))
    graph = Graph(project.stages)
    stages = _chosen(args, project, graph, folder)
    names, edges = _outs(graph, stages) if args.outs else _stages(graph, stages, args.collapse)
    if args.dot:
        context.out(view.dot(names, edges))
    elif args.mermaid or args.md:
        context.out(view.mermaid(names, edges, markdown=args.md))
    elif names:
        context.out(view.boxes(names, edges))
    else:
        context.note("there are no stages; git mlvers stage add makes one")
    return 0


def _chosen(args: argparse.Namespace, project: Project, graph: Graph, folder: str) -> list[Stage]:
    """The stages to show, in the order of their files."""
    if args.target is None:
        return project.stages
    queue = project.find([args.target], folder)
    known = {stage.address for stage in queue}
    for stage in queue:
        near = graph.upstream(stage)
        if args.full:
            near += graph.downstream(stage)
        fresh = [other for other in near if other.address not in known]
        known.update(other.address for other in fresh)
        queue += fresh
    return [stage for stage in project.stages if stage.address in known]


def _stages(graph: Graph, stages: list[Stage], collapse: bool) -> tuple[list[str], list[Edge]]:
    def name(stage: Stage) -> str:
        return stage.address.partition("@")[0] if collapse else stage.address

    shown = {stage.address for stage in stages}
    edges = {
        (name(stage), name(other)): None
        for stage in stages
        for other in graph.downstream(stage)
        if other.address in shown and name(stage) != name(other)
    }
    return list(dict.fromkeys(map(name, stages))), list(edges)


def _outs(graph: Graph, stages: list[Stage]) -> tuple[list[str], list[Edge]]:
    """The outputs, each joined to those that its stage reads."""
    names = [out.path for stage in stages for out in stage.outs]
    shown = set(names)
    edges = {
        (read, out.path): None
        for stage in stages
        for read in graph.reads(stage)
        for out in stage.outs
        if read in shown
    }
    return names, list(edges)
