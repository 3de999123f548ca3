"""Params set in the files of a working tree: all that is asked for, or nothing."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, NamedTuple

from git_mlvers.errors import MlversError
from git_mlvers.experiments import edit
from git_mlvers.experiments.setparam import ADD, DROP, SET
from git_mlvers.fsutil import write_atomic
from git_mlvers.pipeline.model import DEFAULT_PARAMS
from git_mlvers.pipeline.paths import normal
from git_mlvers.values.formats import parse
from git_mlvers.values.nested import flatten, has, keys_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from git_mlvers.experiments.setparam import Setting
    from git_mlvers.pipeline.source import Source


class UnknownParam(MlversError):
    """There is no such param, or no such file of params."""

    exit_code = 2


class Changed(NamedTuple):
    """A file of params, by its path from the top: what it said, and what it is to say."""

    path: str
    before: bytes
    after: bytes


def plan(source: Source, settings: Sequence[Setting], folder: str = ".") -> list[Changed]:
    """What `settings` make of the files of `source`; those that stay the same are left out.

    Files are looked for from `folder` (relative to the top). Raises `UnknownParam`,
    `CannotChange` and `ValuesError`; nothing is written here.
    """
    before: dict[str, bytes] = {}
    after: dict[str, bytes] = {}
    for setting in settings:
        path = _file(source, setting, folder)
        if path not in before:
            before[path] = after[path] = _read(source, path, setting)
        after[path] = edit.changed(path, after[path], _change(source, path, after[path], setting))
    return [
        Changed(path, data, after[path]) for path, data in before.items() if data != after[path]
    ]


def write(top: str, changes: Iterable[Changed]) -> None:
    """Write what `plan` gave; raises `LocalIOError`."""
    for change in changes:
        _replace(top, change.path, change.after)


def restore(top: str, changes: Iterable[Changed]) -> list[str]:
    """Take back what `write` wrote; the paths of files that were changed meanwhile, and stay."""
    left = []
    for change in changes:
        try:
            with open(os.path.join(top, change.path), "rb") as file:
                untouched = file.read() == change.after
        except OSError:
            untouched = False
        if untouched:
            _replace(top, change.path, change.before)
        else:
            left.append(change.path)
    return left


def _replace(top: str, path: str, data: bytes) -> None:
    full = os.path.realpath(os.path.join(top, path))
    mode = stat.S_IMODE(os.stat(full).st_mode)
    write_atomic(full, data, mode)


def _file(source: Source, setting: Setting, folder: str) -> str:
    if setting.file is not None:
        return normal(source.top, folder, setting.file)
    here = normal(source.top, folder, DEFAULT_PARAMS)
    return here if source.read(here) is not None else DEFAULT_PARAMS


def _read(source: Source, path: str, setting: Setting) -> bytes:
    if not source.inside(path):
        raise UnknownParam(f"{path} is outside of the repository, and is not changed")
    data = source.read(path)
    if data is None:
        others = [name for name in _known(source) if source.read(name) is not None]
        hint = f"-S FILE:{setting.key}=…, with FILE one of {', '.join(others)}" if others else None
        raise UnknownParam(f"there is no params file {path}", hint)
    return data


def _change(source: Source, path: str, data: bytes, setting: Setting) -> edit.Change:
    content = parse(path, data)
    if has(content, setting.key):
        if setting.op == ADD:
            raise UnknownParam(
                f"{path} has a param {setting.key} already", f"-S {setting.key}=… changes it"
            )
        keys = keys_of(content, setting.key)
        return edit.Change(keys, setting.value, setting.op == DROP)
    if setting.op in (SET, DROP):
        raise UnknownParam(
            f"{path} has no param {setting.key}", _hint(source, path, content, setting)
        )
    return edit.Change(_new_keys(path, content, setting.key), setting.value)


def _new_keys(path: str, content: object, key: str) -> Sequence[object]:
    """Keys for one that is not there: as much of it as there is, and a mapping for each dot."""
    words = key.split(".")
    for end in range(len(words) - 1, 0, -1):
        above = ".".join(words[:end])
        if not has(content, above):
            continue
        keys = keys_of(content, above)
        value = content
        for each in keys:
            value = value[each]  # type: ignore[index]
        if not isinstance(value, dict) and value is not None:
            raise UnknownParam(f"{path}: {above} is a value, and {key} cannot be put below it")
        return [*keys, *words[end:]]
    return words


def _hint(source: Source, path: str, content: object, setting: Setting) -> str:
    import difflib

    names = _names(content)
    near = difflib.get_close_matches(setting.key, names, n=1)
    if near:
        return f"did you mean {near[0]}? -S +{setting.key}=… adds a new one"
    for other in _known(source):
        data = None if other == path else source.read(other)
        if data is not None and has(parse(other, data), setting.key):
            return f"did you mean {other}:{setting.key}?"
    return f"-S +{setting.key}=… adds it"


def _names(content: object) -> list[str]:
    names = dict.fromkeys(flatten(content) if isinstance(content, dict) else ())
    for name in list(names):
        words = name.split(".")
        names.update(dict.fromkeys(".".join(words[:end]) for end in range(1, len(words))))
    return list(names)


def _known(source: Source) -> list[str]:
    """The params files that pipelines name, for a hint."""
    from git_mlvers.pipeline.readings import named

    return sorted(named(source, problems=[]).params)
