"""The plots of a repository: which there are, and their data in several revisions.

A plot is an output of a stage, a file or directory at the top level of a pipeline
file, or there a name with the columns of files. Where no pipeline names them, the
files that DVCLive and DagsHub's logger write are plots too.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, NamedTuple

from git_mlvers.errors import MlversError
from git_mlvers.pipeline.columns import Columns, needed
from git_mlvers.pipeline.readings import content_of, loaded
from git_mlvers.values import formats
from git_mlvers.view.plots.chart import LINEAR, TEMPLATES, Chart, Image, Picture, Point

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from git_mlvers.pipeline.project import Project
    from git_mlvers.pipeline.source import Source
    from git_mlvers.pointer import Pointer
    from git_mlvers.values.tabular import Row

View = dict[str, Any]
"""How a plot is drawn: x, y, x_label, y_label, title, template, header."""

IMAGES = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".gif": "image/gif",
    ".svg": "image/svg+xml",
}
"""Endings of the names of pictures, and their types."""

DVCLIVE = {"dvclive/plots/metrics": {"x": "step"}, "dvclive/plots/images": {}}
DAGSHUB = "metrics.csv"
DATA = (".csv", ".tsv", ".json", ".yaml", ".yml")


class Revision(NamedTuple):
    """What a revision is called, and its files."""

    label: str
    source: Source


class Plots(NamedTuple):
    """What there is to draw, and sentences about what could not be read."""

    plots: list[Chart | Picture]
    problems: list[str]


def collect(
    revisions: Sequence[Revision],
    *,
    targets: Iterable[str] = (),
    view: Mapping[str, object] | None = None,
    content: Callable[[Pointer], bytes | None] | None = None,
) -> Plots:
    """All plots of `revisions`, or those that `targets` (names, files, directories) mean.

    `view` is stronger than what pipelines say. Where the revisions say different
    things of how to draw a plot, the first counts.
    """
    wanted = list(targets)
    found: dict[str, View] = {}
    problems: list[str] = []
    readers = [_Reader(revision, content, problems) for revision in revisions]
    for reader in readers:
        for name, how in reader.definitions(wanted).items():
            found.setdefault(name, {**how, **(view or {})})
    for reader in readers:
        reader.read_all(found)
    made = [_plot(name, how, readers, problems) for name, how in found.items()]
    return Plots([plot for plot in made if plot is not None], list(dict.fromkeys(problems)))


def definitions(source: Source, project: Project) -> dict[str, View]:
    """The plots that the pipelines of `source` name; directories are unfolded."""
    of_paths: dict[str, View] = {}
    of_names: dict[str, View] = {}
    for stage in project.stages:
        for out in stage.outs:
            if out.kind == "plot":
                of_paths[out.path] = dict(out.view or {})
    for pipeline in project.pipelines.values():
        for plot in pipeline.plots:
            if isinstance(plot.view.get("y"), dict):
                of_names[plot.id] = dict(plot.view)
            else:
                of_paths[plot.id] = {**of_paths.get(plot.id, {}), **plot.view}
    if not any(name.partition("/")[0] == "dvclive" for name in of_paths):
        of_paths.update((path, dict(view)) for path, view in DVCLIVE.items())
    return {**_unfolded(source, of_paths), **of_names}


def _unfolded(source: Source, of_paths: Mapping[str, View]) -> dict[str, View]:
    """Every directory replaced by its files; what is said of the nearest directory counts."""
    found: dict[str, View] = {}
    for path in sorted(of_paths, key=lambda path: path.count("/")):
        below = source.below(path) if source.inside(path) else []
        if below:
            found.update((file, of_paths[path]) for file in below if _drawable(file))
        elif path not in DVCLIVE:
            found[path] = of_paths[path]
    return found


class _Reader:
    """The plots and the data of one revision."""

    def __init__(
        self,
        revision: Revision,
        content: Callable[[Pointer], bytes | None] | None,
        problems: list[str],
    ) -> None:
        self.label = revision.label
        self._source = revision.source
        self._content = content
        self._problems = problems
        self._rows: dict[tuple[str, bool], list[Row]] = {}

    def definitions(self, targets: Sequence[str]) -> dict[str, View]:
        """The plots of this revision that `targets` mean, files that are no plots among them."""
        try:
            found = definitions(self._source, loaded(self._source))
        except MlversError as error:
            self._tell(error.message)
            found = {}
        if DAGSHUB not in found and self._has_series(DAGSHUB):
            found[DAGSHUB] = {}
        if not targets:
            return found
        chosen: dict[str, View] = {}
        for target in targets:
            near = {name: view for name, view in found.items() if _means(target, name)}
            if not near and self._source.inside(target):
                files = self._source.below(target) or [target]
                near = {file: {} for file in files if self._source.read(file) is not None}
            chosen.update(near)
        return chosen

    def read_all(self, found: Mapping[str, View]) -> None:
        """Read the files of all plots at once."""
        files = [file for name, view in found.items() for file in (name, *needed(name, view))]
        self._source.read_all([file for file in files if self._source.inside(file)])

    def image(self, path: str) -> Image | None:
        """The picture at `path`."""
        data = self._data(path)
        suffix = os.path.splitext(path)[1].lower()
        return None if data is None else Image(self.label, IMAGES[suffix], data)

    def points(self, name: str, view: View) -> tuple[Columns, list[Point]] | None:
        """The columns of a plot as they are in this revision, and their points."""
        rows: dict[str, list[Row]] = {}
        for file in needed(name, view):
            found = self._table(file, header=view.get("header") is not False)
            if not found:
                return None
            rows[file] = found
        try:
            columns = Columns.choose(name, view, rows)
            return columns, list(columns.points(rows, self.label))
        except MlversError as error:
            self._tell(error.message)
            return None

    def _table(self, file: str, *, header: bool) -> list[Row]:
        if (file, header) not in self._rows:
            rows: list[Row] = []
            data = self._data(file)
            if data is not None:
                try:
                    rows = formats.series(file, data, header=header)
                    if not rows:
                        self._tell(f"{file} has nothing to plot")
                except MlversError as error:
                    self._tell(error.message)
            self._rows[file, header] = rows
        return self._rows[file, header]

    def _data(self, path: str) -> bytes | None:
        if not self._source.inside(path):
            self._tell(f"{path} is outside of the repository and is not read")
            return None
        try:
            return content_of(self._source, path, self._content)
        except MlversError as error:
            self._tell(error.message)
            return None

    def _has_series(self, path: str) -> bool:
        """Whether `path` is a table of DagsHub's with more than one step."""
        data = self._source.read(path) if self._source.inside(path) else None
        if data is None or not data.startswith(b"Name,Value,Timestamp,Step"):
            return False
        return len(self._table(path, header=True)) > 1

    def _tell(self, problem: str) -> None:
        where = "" if self.label == "workspace" else f"in {self.label}: "
        self._problems.append(where + problem)


def _plot(
    name: str, view: View, readers: Sequence[_Reader], problems: list[str]
) -> Chart | Picture | None:
    """One plot with the data of all revisions; ``None`` if none has any."""
    title = str(view.get("title") or name)
    if os.path.splitext(name)[1].lower() in IMAGES and not isinstance(view.get("y"), dict):
        images = [image for image in (reader.image(name) for reader in readers) if image]
        return Picture(name, title, images) if images else None
    points: list[Point] = []
    chosen: Columns | None = None
    for reader in readers:
        found = reader.points(name, view)
        if found is not None:
            chosen = chosen or found[0]
            points += found[1]
    if chosen is None:
        return None
    template = str(view.get("template") or LINEAR)
    if template not in TEMPLATES:
        problems.append(f"there is no template {template!r} (of {name}); it is drawn as {LINEAR}")
        template = LINEAR
    x_label = str(view.get("x_label") or chosen.x_label)
    y_label = str(view.get("y_label") or chosen.y_label)
    return Chart(name, title, template, x_label, y_label, points)


def _drawable(path: str) -> bool:
    suffix = os.path.splitext(path)[1].lower()
    return suffix in IMAGES or suffix in DATA


def _means(target: str, name: str) -> bool:
    return name == target or name.startswith(f"{target.rstrip('/')}/")
