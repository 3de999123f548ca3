"""The values that templates can name: ``params.yaml``, and what ``vars`` add to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from git_mlvers.pipeline.model import DEFAULT_PARAMS, Params
from git_mlvers.pipeline.paths import folder_of, normal
from git_mlvers.pipeline.template import TemplateError, is_template

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from git_mlvers.pipeline.place import Place

Path = tuple[str, ...]


class Reader:
    """Reads files of values, each once. `top` is that of the working tree."""

    def __init__(self, top: str, parse: Callable[[str], object]) -> None:
        self.top = top
        self._parse = parse
        self._found: dict[str, object] = {}

    def read(self, path: str) -> object:
        """What the file `path` holds; `Absent` when there is no such file."""
        if path not in self._found:
            self._found[path] = self._parse(path)
        return self._found[path]


class Absent(NamedTuple):
    """What stands for a file that is not there."""


class Scope:
    """Values by name, with where each came from. What was put in first cannot be redefined."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self.values: dict[str, Any] = {}
        self._sources: dict[Path, str] = {}
        self._loaded: dict[str, set[str] | None] = {}

    def copy(self) -> Scope:
        """One that can be added to on its own."""
        other = Scope(self._reader)
        other.values = dict(self.values)
        other._sources = dict(self._sources)
        other._loaded = {
            path: None if keys is None else set(keys) for path, keys in self._loaded.items()
        }
        return other

    @property
    def loaded(self) -> list[Params]:
        """The files that were loaded, and which keys of each."""
        return [
            Params(path, None if keys is None else tuple(sorted(keys)))
            for path, keys in self._loaded.items()
        ]

    def load_default(self, file: str) -> None:
        """Put in the ``params.yaml`` beside the pipeline file `file`, if there is one."""
        path = normal(self._reader.top, folder_of(file), DEFAULT_PARAMS)
        found = self._reader.read(path)
        if isinstance(found, dict):
            self._loaded[path] = None
            self._merge(found, path)

    def load(
        self, items: object, place: Place, folder: str, reserved: tuple[str, ...] = ()
    ) -> None:
        """Put in a list of ``vars``: mappings, files (relative to `folder`), ``file:key,key``.

        Raises `PipelineError` for what is redefined, loaded twice, or not there.
        """
        for at, item in enumerate(place.items(items)):
            here = place.at(at)
            if isinstance(item, str):
                if is_template(item):
                    raise here.error("vars cannot have templates in them")
                source, values = self._from_file(item, here, folder)
            else:
                if any(is_template(text) for text in _texts(item)):
                    raise here.error("vars cannot have templates in them")
                source = f"{place.file}, {'.'.join(map(str, here.path))}"
                values = here.mapping(item)
            for name in reserved:
                if name in values:
                    raise here.error(f"{name!r} is what the loop itself sets")
            try:
                self._merge(values, source)
            except TemplateError as error:
                raise here.error(error.message) from None

    def _from_file(self, item: str, place: Place, folder: str) -> tuple[str, dict[str, Any]]:
        name, _, words = item.partition(":")
        keys = {word for word in words.split(",") if word} or None
        path = normal(self._reader.top, folder, name)
        if path in self._loaded:
            known = self._loaded[path]
            if keys is None and known is None:
                return path, {}
            if keys is None or known is None or keys & known:
                raise place.error(f"{item!r} is loaded already, in whole or in part")
        found = self._reader.read(path)
        if isinstance(found, Absent):
            raise place.error(f"there is no file {path}")
        if found is not None and not isinstance(found, dict):
            raise place.error(f"{path} does not hold a mapping")
        values = found or {}
        if keys is not None:
            for key in sorted(keys - values.keys()):
                raise place.error(f"there is no {key!r} in {path}")
            values = {key: values[key] for key in values if key in keys}
        before = self._loaded.get(path) or set()
        self._loaded[path] = None if keys is None else before | keys
        return path, values

    def _merge(self, values: dict[str, Any], source: str) -> None:
        self.values = self._merged(self.values, values, (), source)

    def _merged(
        self, into: dict[str, Any], values: dict[str, Any], path: Path, source: str
    ) -> dict[str, Any]:
        """`into` with `values`, as a new mapping: what was read from files is never changed."""
        result = dict(into)
        for key, value in values.items():
            here = (*path, key)
            if key not in result:
                result[key] = value
                self._sources[here] = source
            elif isinstance(result[key], dict) and isinstance(value, dict):
                result[key] = self._merged(result[key], value, here, source)
            else:
                name = ".".join(map(str, here))
                raise TemplateError(f"{name!r} is already defined by {self._source(here)}")
        return result

    def _source(self, path: Path) -> str:
        while path and path not in self._sources:
            path = path[:-1]
        return self._sources.get(path, "another file")


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _texts(key)
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
