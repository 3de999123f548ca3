"""Files of values by the endings of their names: yaml, json, toml, py, csv and tsv.

Each library is imported when a file of its format comes up.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from git_mlvers.values.errors import ValuesError
from git_mlvers.values.nested import key_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from git_mlvers.values.tabular import Row

SUFFIXES = (".yaml", ".yml", ".json", ".toml", ".py", ".csv", ".tsv")
"""The endings that say what a file is; one with any other is read as YAML."""

_MOST_VALUES = 1_000_000
_TOML_PLACE = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)$")


def parse(path: str, data: bytes) -> object:
    """The values in the file `path` whose content is `data`, as dicts, lists and scalars.

    A table comes as a list of rows. Everything can be written as JSON, but for nan
    and infinity. An empty file has an empty dict. Raises `ValuesError`.
    """
    text = _text(path, data)
    suffix = os.path.splitext(path)[1].lower()
    if suffix in (".csv", ".tsv"):
        from git_mlvers.values import tabular

        return tabular.rows(path, text)
    if not text.strip():
        return {}
    try:
        return _Plain(path).of(_PARSERS.get(suffix, _yaml)(path, text))
    except RecursionError:
        raise ValuesError(f"{path} is nested too deeply") from None


def metrics(path: str, data: bytes) -> dict[str, object]:
    """The metrics in a file: nested dicts of numbers and texts; raises `ValuesError`.

    Of a table it is what the table ends with. Lists and nulls are no metrics. A file
    that is one value has it under the empty name.
    """
    found = parse(path, data)
    if path.lower().endswith((".csv", ".tsv")):
        from git_mlvers.values import tabular

        assert isinstance(found, list)
        return tabular.last(found)
    if isinstance(found, dict):
        return _measures(found)
    return {} if found is None or isinstance(found, list) else {"": found}


def params(path: str, data: bytes) -> dict[str, object]:
    """The params in a file: nested dicts; raises `ValuesError` where the file has no names."""
    found = parse(path, data)
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise ValuesError(f"{path} has no names for its values", "write lines of NAME: VALUE")
    return {key_text(key): value for key, value in found.items()}


def series(path: str, data: bytes, *, header: bool = True) -> list[Row]:
    """The rows of a file that is to be plotted; raises `ValuesError`.

    In JSON and YAML these are the lists of objects, wherever they are nested; of
    several, the rows are joined by their place.
    """
    if path.lower().endswith((".csv", ".tsv")):
        from git_mlvers.values import tabular

        return tabular.wide(tabular.rows(path, _text(path, data), header=header))
    joined: list[Row] = []
    for rows in _tables(parse(path, data)):
        joined.extend({} for _ in range(len(rows) - len(joined)))
        for row, more in zip(joined, rows, strict=False):
            row.update(more)
    return joined


def _text(path: str, data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ValuesError.at(path, line, "this is not text in UTF-8") from error


def _yaml(path: str, text: str) -> object:
    from git_mlvers.values import yaml_memo

    return yaml_memo.load(text.encode("utf-8"), path)


def _json(path: str, text: str) -> object:
    import json

    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise ValuesError.at(path, error.lineno, error.msg) from error
    except ValueError as error:  # a number with thousands of digits
        raise ValuesError(f"{path}: {error}") from error


def _toml(path: str, text: str) -> object:
    import tomllib

    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        said = str(error)
        place = _TOML_PLACE.search(said)
        line = text.count("\n") + 1 if place is None or place[1] is None else int(place[1])
        raise ValuesError.at(path, line, _TOML_PLACE.sub("", said)) from error
    except ValueError as error:
        raise ValuesError(f"{path}: {error}") from error


def _python(path: str, text: str) -> object:
    from git_mlvers.values import python_source

    try:
        return python_source.parse(text)
    except SyntaxError as error:
        raise ValuesError.at(path, error.lineno or 1, error.msg) from error
    except (ValueError, MemoryError) as error:
        raise ValuesError(f"{path}: {error}") from error


_PARSERS: dict[str, Callable[[str, str], object]] = {
    ".json": _json,
    ".toml": _toml,
    ".py": _python,
}


class _Plain:
    """Makes dicts, lists and scalars of what parsers give.

    YAML's aliases can stand for more values than fit in memory: they are counted.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._left = _MOST_VALUES

    def of(self, value: object) -> object:
        self._left -= 1
        if self._left < 0:
            raise ValuesError(f"{self._path} has more than {_MOST_VALUES:,} values")
        match value:
            case dict():
                return {key: self.of(item) for key, item in value.items()}
            case list() | tuple():
                return [self.of(item) for item in value]
            case set() | frozenset():
                return sorted((self.of(item) for item in value), key=repr)
            case None | bool() | int() | float() | str():
                return value
        return _text_of(value)


def _text_of(value: object) -> str:
    """Of what has no form in JSON; only TOML has dates and times."""
    import datetime

    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    return str(value)


def _measures(found: dict[object, object]) -> dict[str, object]:
    kept: dict[str, object] = {}
    for key, value in found.items():
        if isinstance(value, dict):
            value = _measures(value) or None
        if value is not None and not isinstance(value, list):
            kept[key_text(key)] = value
    return kept


def _tables(value: object) -> Iterator[list[Row]]:
    if isinstance(value, dict):
        for item in value.values():
            yield from _tables(item)
    elif isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
        yield [{str(key): cell for key, cell in item.items()} for item in value]
