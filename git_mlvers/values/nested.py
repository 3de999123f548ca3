"""Nested values by dotted names: ``{"train": {"C": 1}}`` and ``train.C``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_INDEX = re.compile(r"\[(\d+)\]")
_INDICES = re.compile(r"(.*?)((?:\[\d+\])+)", re.DOTALL)

_Found = tuple[tuple[object, ...], object]
"""A value, and the keys that lead to it."""


def key_text(key: object) -> str:
    """A key as part of a dotted name: text as it is, others as YAML writes them."""
    if key is None:
        return "null"
    if isinstance(key, bool):
        return "true" if key else "false"
    return str(key)


def flatten(value: Mapping[object, object] | Mapping[str, object]) -> dict[str, object]:
    """All that is in `value`, in its order, by dotted name.

    A list is one value, and so is an empty dict: only keys have names.
    """
    return dict(_leaves("", value))


def unflatten(flat: Mapping[str, object]) -> dict[str, object]:
    """Nested dicts from dotted names; one that begins with another name stays dotted."""
    tree: dict[str, object] = {}
    for name, value in flat.items():
        words = name.split(".")
        parents = [".".join(words[:end]) for end in range(1, len(words))]
        if any(parent in flat for parent in parents):
            tree[name] = value
            continue
        place = tree
        for word in words[:-1]:
            inner = place.setdefault(word, {})
            assert isinstance(inner, dict)
            place = inner
        place[words[-1]] = value
    return tree


def lookup(value: object, path: str) -> object:
    """What `path` (``train.C``, ``layers[0].size``) names in `value`; raises `KeyError`.

    A key that has dots itself is found too, unless a nested one has the same name.
    """
    for _, found in _find(value, path):
        return found
    raise KeyError(path)


def keys_of(value: object, path: str) -> tuple[object, ...]:
    """The keys, and positions in lists, that lead to what `path` names; raises `KeyError`."""
    for keys, _ in _find(value, path):
        return keys
    raise KeyError(path)


def has(value: object, path: str) -> bool:
    """Whether `path` names anything in `value`."""
    return any(True for _ in _find(value, path))


def _leaves(prefix: str, value: object) -> Iterator[tuple[str, object]]:
    assert isinstance(value, dict)
    for key, item in value.items():
        name = prefix + key_text(key)
        if isinstance(item, dict) and item:
            yield from _leaves(f"{name}.", item)
        else:
            yield name, item


def _find(value: object, path: str) -> Iterator[_Found]:
    """All readings of `path`, those with the shortest keys first."""
    if not isinstance(value, dict):
        return
    ends = [place for place, char in enumerate(path) if char == "."]
    for end in [*ends, len(path)]:
        for keys, item in _step(value, path[:end]):
            if end == len(path):
                yield keys, item
            else:
                yield from ((keys + more, found) for more, found in _find(item, path[end + 1 :]))


def _step(value: dict[object, object], word: str) -> Iterator[_Found]:
    """What `word`, a key or a key with indices, names in `value`."""
    if word in value:
        yield (word,), value[word]
    else:
        yield from (((key,), item) for key, item in value.items() if key_text(key) == word)
    indexed = _INDICES.fullmatch(word)
    if indexed is None:
        return
    for keys, item in _step(value, indexed[1]):
        numbers = [int(number) for number in _INDEX.findall(indexed[2])]
        for number in numbers:
            if not isinstance(item, list) or number >= len(item):
                break
            item = item[number]
        else:
            yield (*keys, *numbers), item
