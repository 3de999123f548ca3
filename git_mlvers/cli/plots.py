"""``git mlvers plots``: curves, bars and pictures of one or several revisions in one page."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from git_mlvers.cli.options import add_json
from git_mlvers.cli.revisions import WORKSPACE
from git_mlvers.errors import UsageError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from git_mlvers.cli.context import Context
    from git_mlvers.pipeline.plots import Plots
    from git_mlvers.view.plots.chart import Chart, Picture
    from git_mlvers.workspace import Workspace

SUMMARY = "Draw plots of one or several revisions"
HELP = """
## Synopsis

    git mlvers plots show [OPTIONS] [TARGET…]
    git mlvers plots diff [OPTIONS] [--targets TARGET…] [REV…]
    git mlvers plots templates

## Description

Plots are the outputs that stages have under `plots`, and the files, directories and
names under `plots` at the top level of a pipeline file. Tables (CSV, TSV), and JSON and
YAML with lists of objects in them, are drawn; pictures (PNG, JPEG, GIF, SVG) are shown
as they are. Where no pipeline names them, `dvclive/plots` and a `metrics.csv` of
DagsHub's logger are plots too.

`plots show` draws the working tree. `plots diff` draws several revisions in one plot,
each in its own colour: those that are named, and the working tree beside a single one;
`HEAD` and the working tree if none is.

The answer is one page, `mlvers_plots/index.html`, that needs no network and runs no
script; its path is printed. Each plot on it can be saved as a Vega-Lite specification.
With `--json` these specifications are printed and no page is written.

## Templates

`linear` and `simple` draw lines, `smooth` a curve through noise, `scatter` and
`scatter_jitter` points, `bar_horizontal` and `bar_horizontal_sorted` bars (x is how long
they are, y what they stand for), `confusion` and `confusion_normalized` how often which
class was taken for which.

## Examples

    git mlvers plots show
    git mlvers plots show -x epoch -y loss logs/train.csv
    git mlvers plots diff main HEAD workspace --open
    git mlvers plots show --show-vega roc.json
"""

_PAGE = "index.html"
_VIEW = ("x", "y", "title", "x_label", "y_label", "template")


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the sub-commands."""
    commands = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    shown = commands.add_parser("show", add_help=False, help="draw the working tree")
    shown.add_argument("targets", nargs="*", metavar="TARGET", help="only these plots or files")
    diff = commands.add_parser("diff", add_help=False, help="draw several revisions")
    diff.add_argument("revisions", nargs="*", metavar="REV", help="whose plots to draw")
    diff.add_argument("--targets", nargs="+", metavar="TARGET", help="only these plots or files")
    for command in (shown, diff):
        _add_options(command)
    commands.add_parser("templates", add_help=False, help="list the templates")


def run(args: argparse.Namespace, context: Context) -> int:
    """Draw."""
    from git_mlvers.view.plots.chart import TEMPLATES
    from git_mlvers.workspace import Workspace

    if args.action == "templates":
        context.out("\n".join(TEMPLATES))
        return 0
    if args.template is not None and args.template not in TEMPLATES:
        known = "git mlvers plots templates"
        raise UsageError(f"there is no template {args.template!r}", f"{known} lists them")
    with Workspace.open(context.cwd, context.env) as workspace:
        found = _collect(args, context, workspace)
    for problem in found.problems:
        context.warn(problem)
    if args.show_vega:
        context.out_json(_only_specification(found.plots))
    elif context.json:
        context.out_json({"data": {plot.id: _as_json(plot) for plot in found.plots}})
    elif not found.plots:
        context.note("there is nothing to plot, and no page is written")
    else:
        _write(args, context, found.plots)
    return 0


def _add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-x", metavar="COLUMN", help="the column from left to right")
    parser.add_argument("-y", metavar="COLUMN", help="the column upwards")
    parser.add_argument("-t", "--template", metavar="NAME", help="how to draw")
    parser.add_argument("--title", metavar="TEXT", help="what stands above")
    parser.add_argument("--x-label", metavar="TEXT", help="what the axis of x is called")
    parser.add_argument("--y-label", metavar="TEXT", help="what the axis of y is called")
    parser.add_argument(
        "--no-header", action="store_true", help="tables begin with data; columns are 0, 1 …"
    )
    parser.add_argument(
        "-o", "--out", metavar="DIR", default="mlvers_plots", help="where to write the page"
    )
    parser.add_argument("--open", action="store_true", help="open the page in the browser")
    parser.add_argument("--show-vega", action="store_true", help="print one specification")
    add_json(parser)


def _collect(args: argparse.Namespace, context: Context, workspace: Workspace) -> Plots:
    from git_mlvers.cli.revisions import revision
    from git_mlvers.pipeline.plots import Revision, collect
    from git_mlvers.pipeline.readings import cached

    view = {name: value for name in _VIEW if (value := getattr(args, name)) is not None}
    if args.no_header:
        view["header"] = False
    items = [revision(workspace.repo, name) for name in _revisions(args)]
    found = collect(
        [Revision(item.label, item.source) for item in items if item.source is not None],
        targets=_targets(args, context, workspace),
        view=view,
        content=cached(workspace),
    )
    if args.targets and not found.plots and not found.problems:
        raise UsageError(f"there is no plot and no file {args.targets[0]}")
    return found


def _revisions(args: argparse.Namespace) -> list[str]:
    if args.action == "show":
        return [WORKSPACE]
    named = list(dict.fromkeys(args.revisions or ["HEAD"]))
    return named if len(named) > 1 else [*named, WORKSPACE]


def _targets(args: argparse.Namespace, context: Context, workspace: Workspace) -> list[str]:
    """Targets as they are, and those that are paths as they are called from the top."""
    repo = workspace.repo
    here = os.path.relpath(os.path.realpath(context.cwd), os.path.realpath(repo.top))
    named = args.targets or []
    moved = [os.path.normpath(os.path.join(here, target)) for target in named]
    return list(dict.fromkeys([*moved, *named]))


def _only_specification(plots: Sequence[Chart | Picture]) -> dict[str, object]:
    from git_mlvers.view.plots.chart import Chart
    from git_mlvers.view.plots.vega import specification

    charts = [plot for plot in plots if isinstance(plot, Chart)]
    if len(charts) != 1:
        raise UsageError(
            f"--show-vega needs one plot, and there are {len(charts)}", "name the one to show"
        )
    return specification(charts[0])


def _as_json(plot: Chart | Picture) -> list[dict[str, object]]:
    """As DVC writes it: one specification for all revisions, but a picture for each."""
    from git_mlvers.view.plots.chart import Chart
    from git_mlvers.view.plots.page import data_url
    from git_mlvers.view.plots.vega import specification

    if isinstance(plot, Chart):
        spec = specification(plot)
        return [{"type": "vega", "revisions": plot.revisions, "content": spec}]
    return [
        {"type": "image", "revisions": [image.rev], "url": data_url(image.mime, image.data)}
        for image in plot.images
    ]


def _write(args: argparse.Namespace, context: Context, plots: Sequence[Chart | Picture]) -> None:
    from pathlib import Path

    from git_mlvers.fsutil import write_atomic
    from git_mlvers.view.plots.page import page

    directory = os.path.join(context.cwd, args.out)
    title = "Plots: " + ", ".join(_revisions(args))
    if not os.path.isdir(directory):
        os.makedirs(directory)
        # It is made anew at will: no git add shall take it along.
        write_atomic(os.path.join(directory, ".gitignore"), b"*\n")
    path = os.path.join(directory, _PAGE)
    write_atomic(path, page(plots, title).encode("utf-8", "replace"))
    uri = Path(path).resolve().as_uri()
    context.out(uri)
    if args.open:
        import webbrowser

        if not webbrowser.open(uri):
            context.warn("no browser could be opened", f"open {path}")
