"""One value changed in a file of values, where everything else stays as it is written.

Content comes in and goes out; nothing is written here. Each format has ways to do it,
the gentlest first. What counts is the check afterwards: the file must then say just
what was wanted.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from git_mlvers.errors import MlversError
from git_mlvers.values.errors import ValuesError
from git_mlvers.values.formats import parse

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Way = Callable[[bytes, "Change"], bytes | None]


class CannotChange(MlversError):
    """A file of values is written in such a way that we cannot change it in place."""


class Change(NamedTuple):
    """The value at `keys` (texts and other keys of mappings, positions in lists) is to be `value`.

    Mappings that `keys` lead through are made where they are not there. With `drop` the
    entry is removed.
    """

    keys: Sequence[object]
    value: object = None
    drop: bool = False


def changed(path: str, data: bytes, change: Change) -> bytes:
    """The content `data` of the file `path` with `change`.

    Raises `ValuesError` for a file that cannot be read, and `CannotChange`.
    """
    before, wanted = parse(path, data), parse(path, data)
    wanted = {} if wanted is None else wanted
    put(wanted, change)
    if repr(before) == repr(wanted):
        return data
    for way in _ways(path):
        try:
            result = way(data, change)
            # Numbers that are equal may still be of two kinds, and nan is not equal to itself.
            if result is not None and repr(parse(path, result)) == repr(wanted):
                return result
        except (ValuesError, UnicodeError, LookupError):
            pass  # the next way may do, and else the user is told
    raise CannotChange(
        f"{path} cannot be changed at {dotted(change.keys)} without changing more than that",
        "change it with an editor",
    )


def put(content: object, change: Change) -> None:
    """Bring `change` to `content`, which is made of dicts and lists; raises `LookupError`."""
    place = content
    for key in change.keys[:-1]:
        if isinstance(place, dict) and place.get(key) is None and not change.drop:
            place[key] = {}
        place = place[key]  # type: ignore[index]
    last = change.keys[-1]
    if not isinstance(place, dict | list):
        raise LookupError(last)
    if change.drop:
        del place[last]  # type: ignore[arg-type]
    else:
        place[last] = change.value  # type: ignore[call-overload]


def dotted(keys: Sequence[object]) -> str:
    """The name of a param by its keys: ``train.layers[0]``."""
    from git_mlvers.values.nested import key_text

    name = ""
    for key in keys:
        if isinstance(key, int) and name:
            name += f"[{key}]"
        else:
            name += f".{key_text(key)}" if name else key_text(key)
    return name


def _ways(path: str) -> Sequence[Way]:
    """Libraries are imported for the formats that come up."""
    match os.path.splitext(path)[1].lower():
        case ".json":
            from git_mlvers.experiments import edit_json

            return edit_json.WAYS
        case ".toml":
            from git_mlvers.experiments import edit_toml

            return edit_toml.WAYS
        case ".py":
            from git_mlvers.experiments import edit_python

            return edit_python.WAYS
    from git_mlvers.experiments import edit_yaml

    return edit_yaml.WAYS
