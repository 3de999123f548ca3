"""What pipeline files say, after templates and loops are resolved.

The grammar is that of DVC 3 (``dvc/schema.py``). All paths are relative to the
top of the working tree, normalised, with ``/``; one that leads out of it is
absolute, and a URL stays as it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

Kind = Literal["out", "metric", "plot"]

FILES = ("mlvers.yaml", "dvc.yaml")
"""Names of pipeline files; a folder has one of them at most."""

DEFAULT_PARAMS = "params.yaml"
"""The params file that is meant where none is named, beside the stage's working folder."""


class Params(NamedTuple):
    """Keys of a params file that a stage depends on; ``None`` for all that the file has."""

    path: str
    keys: tuple[str, ...] | None


class Out(NamedTuple):
    """What a stage writes. `view` has how a plot is drawn (x, y, title, template …)."""

    path: str
    kind: Kind = "out"
    cache: bool = True
    """Whether its content may be large, and is kept outside of Git where a pattern says so."""
    persist: bool = False
    """Whether it stays in place when its stage runs again."""
    push: bool = True
    remote: str | None = None
    desc: str | None = None
    type: str | None = None
    labels: tuple[str, ...] = ()
    meta: Mapping[str, object] | None = None
    view: Mapping[str, object] | None = None


class Stage(NamedTuple):
    """One stage: commands with what they read and write. `wdir` is ``.`` for the top."""

    name: str
    file: str
    """The pipeline file that it stands in."""
    line: int
    """Where in `file` it begins, from 1; 0 where that is not known."""
    wdir: str
    cmds: tuple[str, ...]
    """Shell lines; each runs in a shell of its own."""
    deps: tuple[str, ...] = ()
    params: tuple[Params, ...] = ()
    outs: tuple[Out, ...] = ()
    frozen: bool = False
    always_changed: bool = False
    desc: str | None = None
    meta: Mapping[str, object] | None = None

    @property
    def address(self) -> str:
        """Its name for the user: ``train``, or ``models/dvc.yaml:train`` below the top."""
        return self.name if "/" not in self.file else f"{self.file}:{self.name}"

    @property
    def group(self) -> str:
        """What stands before ``@`` in the name of a stage that foreach or matrix made."""
        return self.name.partition("@")[0]


class Plot(NamedTuple):
    """A plot of a pipeline file's top level: `id` is its name or path, `view` how it is drawn."""

    id: str
    view: Mapping[str, object]


class Pipeline(NamedTuple):
    """One pipeline file. `params`, `metrics` and `plots` are those of its top level only."""

    file: str
    stages: Mapping[str, Stage]
    params: tuple[str, ...] = ()
    metrics: tuple[str, ...] = ()
    plots: tuple[Plot, ...] = ()
    artifacts: Mapping[str, Mapping[str, object]] = {}
    vars: tuple[Params, ...] = ()
    """The files that templates took values from, if the file has templates."""
