"""The params and metrics of a commit, or of the working tree.

Which files have them is what the pipelines say; the names that everybody uses
count where no pipeline names them. What cannot be read is told in a sentence, and
the rest is read all the same. Nothing outside of the repository is read, whatever
a pipeline file says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from git_mlvers.errors import MlversError
from git_mlvers.pipeline.model import DEFAULT_PARAMS
from git_mlvers.pointer import Pointer
from git_mlvers.values import formats
from git_mlvers.values.nested import flatten, lookup

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from git_mlvers.pipeline.project import Project
    from git_mlvers.pipeline.source import Source
    from git_mlvers.workspace import Workspace

Values = dict[str, dict[str, object]]
"""Values by their dotted names, by the file's path from the top."""

Keys = tuple[str, ...] | None
"""Dotted names of params, or ``None`` for all of a file."""

PARAMS, METRICS = "params", "metrics"
"""The two kinds of values."""

PARAMS_FILES = (DEFAULT_PARAMS, "params.yml", "dvclive/params.yaml")
METRICS_FILES = (
    "metrics.json",
    "metrics.yaml",
    "metrics.yml",
    "metrics.csv",
    "dvclive/metrics.json",
)
"""Files that have params and metrics though no pipeline names them: those of DVC, of
DagsHub's logger, and of DVCLive."""


class Wanted(NamedTuple):
    """What to read: the keys of params files, and metrics files or directories of them."""

    params: Mapping[str, Keys] = {}
    metrics: Sequence[str] = ()


class Readings(NamedTuple):
    """What was read: flat, and sorted by file. `problems` are sentences for the user."""

    params: Values
    metrics: Values
    problems: list[str]


def read(
    source: Source,
    *,
    project: Project | None = None,
    wanted: Wanted | None = None,
    only: str | None = None,
    content: Callable[[Pointer], bytes | None] | None = None,
) -> Readings:
    """All params and metrics of `source`, or those that are `wanted`, or one kind `only`.

    `project` saves loading the pipelines again; `content` gives what is behind a
    pointer (see `cached`), without it there is a problem instead.
    """
    problems: list[str] = []
    if wanted is None:
        wanted = named(source, project, problems)
    if only is not None:
        wanted = Wanted(**{only: getattr(wanted, only)})
    return _Reader(source, content, problems).read(wanted)


def named(
    source: Source, project: Project | None = None, problems: list[str] | None = None
) -> Wanted:
    """The files of `source` that have params and metrics.

    Pipelines that cannot be loaded add to `problems`, and name nothing; without
    `problems` the error is raised.
    """
    try:
        project = loaded(source) if project is None else project
    except MlversError as error:
        if problems is None:
            raise
        problems.append(error.message)
        return Wanted(dict.fromkeys(PARAMS_FILES), METRICS_FILES)
    params = dependencies(project)
    metrics = [out.path for stage in project.stages for out in stage.outs if out.kind == "metric"]
    for pipeline in project.pipelines.values():
        for path, keys in pipeline.vars:
            params[path] = _both(params.get(path, ()), keys)
        params.update(dict.fromkeys(pipeline.params))
        metrics += pipeline.metrics
    # The default file counts whole, as for DVC, though stages name keys of it.
    params.update(dict.fromkeys(PARAMS_FILES))
    return Wanted(params, [*metrics, *METRICS_FILES])


def dependencies(project: Project) -> dict[str, Keys]:
    """The params that stages depend on."""
    found: dict[str, Keys] = {}
    for stage in project.stages:
        for path, keys in stage.params:
            found[path] = _both(found.get(path, ()), keys)
    return found


def loaded(source: Source) -> Project:
    """The pipelines of `source`."""
    from git_mlvers.pipeline.project import Project

    return Project.load(source)


def cached(workspace: Workspace) -> Callable[[Pointer], bytes | None]:
    """What gives the content of pointers from the cache of `workspace`."""

    def content(pointer: Pointer) -> bytes | None:
        if not workspace.cache.has(pointer.oid, pointer.size):
            return None
        return workspace.cache.read(pointer.oid, pointer.size)

    return content


def files(source: Source, paths: Iterable[str]) -> list[str]:
    """`paths` with every directory replaced by the files below it, each once."""
    found: dict[str, None] = {}
    for path in paths:
        below = source.below(path)
        found.update(dict.fromkeys(below or [path]))
    return list(found)


def content_of(
    source: Source, path: str, content: Callable[[Pointer], bytes | None] | None
) -> bytes | None:
    """The bytes of a file of `source`, ``None`` where it has none.

    Raises `MlversError` where Git has a pointer, and its content is not here.
    """
    data = source.read(path)
    pointer = None if data is None else Pointer.parse(data)
    if pointer is None:
        return data
    found = None if content is None else content(pointer)
    if found is None:
        raise MlversError(f"the content of {path} is not here", "git mlvers fetch")
    return found


class _Reader:
    """Reads one source; what goes wrong goes to `problems`."""

    def __init__(
        self,
        source: Source,
        content: Callable[[Pointer], bytes | None] | None,
        problems: list[str],
    ) -> None:
        self._source = source
        self._content = content
        self._problems = problems

    def read(self, wanted: Wanted) -> Readings:
        params = self._inside(wanted.params)
        metrics = files(self._source, self._inside(wanted.metrics))
        self._source.read_all([*params, *metrics])
        of_params = {path: self._params(path, wanted.params[path]) for path in sorted(params)}
        of_metrics = {path: self._metrics(path) for path in sorted(metrics)}
        return Readings(
            {path: values for path, values in of_params.items() if values is not None},
            {path: values for path, values in of_metrics.items() if values is not None},
            self._problems,
        )

    def _inside(self, paths: Iterable[str]) -> list[str]:
        """Those of `paths` that are in the repository."""
        found = []
        for path in paths:
            if self._source.inside(path):
                found.append(path)
            else:
                self._problems.append(f"{path} is outside of the repository and is not read")
        return found

    def _params(self, path: str, keys: Keys) -> dict[str, object] | None:
        found = self._parsed(path, formats.params)
        if found is None or keys is None:
            return None if found is None else flatten(found)
        flat: dict[str, object] = {}
        for key in keys:
            try:
                flat.update(flatten({key: lookup(found, key)}))
            except KeyError:
                continue  # the runner tells
        return flat

    def _metrics(self, path: str) -> dict[str, object] | None:
        found = self._parsed(path, formats.metrics)
        return None if found is None else flatten(found)

    def _parsed(
        self, path: str, parse: Callable[[str, bytes], dict[str, object]]
    ) -> dict[str, object] | None:
        try:
            data = content_of(self._source, path, self._content)
            return None if data is None else parse(path, data)
        except MlversError as error:
            self._problems.append(error.message)
            return None


def _both(some: Keys, more: Keys) -> Keys:
    return None if some is None or more is None else tuple(dict.fromkeys((*some, *more)))
