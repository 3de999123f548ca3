"""The values of the params that stages depend on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_mlvers.errors import MlversError
from git_mlvers.values.formats import parse
from git_mlvers.values.nested import flatten, has, lookup

if TYPE_CHECKING:
    from git_mlvers.pipeline.model import Stage
    from git_mlvers.pipeline.recipe import Values
    from git_mlvers.pipeline.source import Source

WHOLE = ""
"""Stands for the key where a stage depends on all that a file has."""


class MissingParam(MlversError):
    """A params file, or a key of it, that a stage depends on is not there."""


class ParamValues:
    """The params of all stages, as `source` has them; each file is read once."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._files: dict[str, object] = {}

    def of(self, stage: Stage) -> Values:
        """The values by file and key; what is not there is left out. Raises `ValuesError`."""
        found: Values = {}
        for params in stage.params:
            data = self._file(params.path)
            values = found.setdefault(params.path, {})
            if params.keys is None:
                if data is not None:
                    values[WHOLE] = data
                continue
            values.update((key, lookup(data, key)) for key in params.keys if has(data, key))
        return found

    def require(self, stage: Stage) -> None:
        """Raise `MissingParam` unless all params of `stage` are there."""
        for params in stage.params:
            data = self._file(params.path)
            if data is None:
                raise MissingParam(
                    f"stage '{stage.address}' depends on params in {params.path}, which does not"
                    " exist"
                )
            for key in params.keys or ():
                if not has(data, key):
                    raise MissingParam(
                        f"stage '{stage.address}' depends on the param {key},"
                        f" which {params.path} does not have",
                        _near(data, key),
                    )

    def forget(self) -> None:
        """The files may have changed: they are read again."""
        self._files.clear()

    def _file(self, path: str) -> object:
        if path not in self._files:
            data = self._source.read(path)
            self._files[path] = None if data is None else parse(path, data)
        return self._files[path]


def _near(data: object, key: str) -> str | None:
    import difflib

    names = list(flatten(data)) if isinstance(data, dict) else []
    near = difflib.get_close_matches(key, names, n=1)
    return f"did you mean {near[0]}?" if near else None
