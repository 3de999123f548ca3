"""Lines put into a YAML file, or taken out of it, where everything else stays byte for byte.

This works for mappings written in block style, one key a line. The caller has to
check that the file then says what it should: where a place was not what it looked
like, or is written in another style, it does not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import yaml

from git_mlvers.values.yaml12 import nodes

if TYPE_CHECKING:
    from collections.abc import Sequence


class _Lines(NamedTuple):
    """The lines of an entry, counted from 0, `end` excluded."""

    start: int
    end: int


def put(data: bytes, path: Sequence[str], key: str, entry: str) -> bytes | None:
    """`data` with `entry` as the entry `key` of the mapping at `path`.

    `entry` is the key with its value as lines that begin at column 0; they replace
    those of the present entry, or come behind the last one. ``None`` where there is
    no such mapping, it is empty, or in another style.
    """
    text = data.decode("utf-8")
    found = _mapping(data, path)
    if found is None:
        return None
    lines = text.splitlines(keepends=True)
    column = found.value[0][0].start_mark.column
    place = _entry(found, key, lines)
    if place is None:
        after = _end(found.value[-1][1], found.value[-1][0], lines)
        while after < len(lines) and _is_remark(lines[after], column):
            after += 1
        place = _Lines(after, after)
    ending = "\r\n" if "\r\n" in text else "\n"
    new = [" " * column + line + ending for line in entry.splitlines()]
    if place.start and not lines[place.start - 1].endswith("\n"):
        lines[place.start - 1] += ending
    lines[place.start : place.end] = new
    return "".join(lines).encode()


def drop(data: bytes, path: Sequence[str], key: str) -> bytes | None:
    """`data` without the entry `key` of the mapping at `path`, as `put` would replace it."""
    found = _mapping(data, path)
    lines = data.decode("utf-8").splitlines(keepends=True)
    place = None if found is None or len(found.value) == 1 else _entry(found, key, lines)
    if place is None:
        return None
    del lines[place.start : place.end]
    return "".join(lines).encode()


def _mapping(data: bytes, path: Sequence[str]) -> Any:
    """The node of the mapping at `path`, if it is in block style and has an entry."""
    node = nodes(data, "")
    for key in path:
        if not isinstance(node, yaml.MappingNode):
            return None
        node = next((value for name, value in node.value if name.value == key), None)
    if isinstance(node, yaml.MappingNode) and not node.flow_style and node.value:
        return node
    return None


def _entry(mapping: Any, key: str, lines: list[str]) -> _Lines | None:
    for name, value in mapping.value:
        if name.value == key:
            return _Lines(name.start_mark.line, _end(value, name, lines))
    return None


def _end(node: Any, key: Any, lines: list[str]) -> int:
    """The number of the line behind the last one of `node`, which is the value of `key`."""
    while isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        key, node = (last[0], last[1]) if isinstance(last, tuple) else (last, last)
    line = max(int(node.end_mark.line), int(key.end_mark.line))
    if isinstance(node, yaml.ScalarNode) and node.style in ("|", ">"):
        # Such a text ends where the next line that is not its own begins.
        line -= 0 if node.end_mark.column else 1
        while line > key.end_mark.line and not lines[line].strip():
            line -= 1
    return line + 1


def _is_remark(line: str, column: int) -> bool:
    """Whether this is a remark on what begins in `column`, and is indented deeper."""
    text = line.lstrip(" ")
    return text.startswith("#") and len(line) - len(text) > column
