"""One value changed in a YAML file: by its place in the text, by lines, or by ruamel.yaml."""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING, Any

import yaml

from git_mlvers.experiments import edit
from git_mlvers.pipeline import splice
from git_mlvers.pipeline.edit import rewritten
from git_mlvers.values.nested import key_text
from git_mlvers.values.yaml12 import nodes, scalar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from git_mlvers.experiments.edit import Change

_PLAIN = re.compile(r"[A-Za-z_/][\w./+-]*(?: [\w./+-]+)*", re.ASCII)
# The scripts that read it may be on YAML 1.1, where these are no texts.
_OLD_WORDS = re.compile(r"yes|no|on|off|true|false|null", re.IGNORECASE)
# What YAML does not take as it is, or for the end of a line.
_ODD = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")


def render(value: object) -> str:
    """A value on one line, such that readers of YAML 1.1 and 1.2 take it for the same."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case float():
            return _number(value)
        case list():
            return f"[{', '.join(map(render, value))}]"
        case dict():
            items = (f"{render(key)}: {render(item)}" for key, item in value.items())
            return f"{{{', '.join(items)}}}"
    text = str(value)
    if _PLAIN.fullmatch(text) and not _OLD_WORDS.fullmatch(text) and scalar(text) == text:
        return text
    return _ODD.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(text, ensure_ascii=False))


def span(
    data: bytes, keys: Sequence[object], value: object, write: Callable[[object], str]
) -> bytes | None:
    """`data` with the text of the value at `keys` replaced; ``None`` where that cannot be done.

    That is, where it is written in several lines by indentation, or is not there.
    """
    node = _node(nodes(data, ""), keys)
    if node is None:
        return None
    block = isinstance(node, yaml.CollectionNode) and not node.flow_style
    if block or (isinstance(node, yaml.ScalarNode) and node.style in ("|", ">")):
        return None
    text = data.decode("utf-8")
    start, end = node.start_mark.index, node.end_mark.index
    gap = " " if start == end and text[start - 1 : start] == ":" else ""
    return (text[:start] + gap + write(value) + text[end:]).encode()


def _number(value: float) -> str:
    if math.isnan(value):
        return ".nan"
    if math.isinf(value):
        return ".inf" if value > 0 else "-.inf"
    digits, e, exponent = repr(value).partition("e")
    # Without a dot and a sign, 1e5 is a text for YAML 1.1.
    return f"{digits if '.' in digits or not e else digits + '.0'}{e}" + (
        exponent if not e or exponent[0] in "+-" else f"+{exponent}"
    )


def _by_place(data: bytes, change: Change) -> bytes | None:
    return None if change.drop else span(data, change.keys, change.value, render)


def _by_lines(data: bytes, change: Change) -> bytes | None:
    if any(isinstance(key, int) for key in change.keys):
        return None  # a position in a list, or a key that we would look for as text
    names = [key_text(key) for key in change.keys]
    if change.drop:
        return splice.drop(data, names[:-1], names[-1])
    top = nodes(data, "")
    if top is None:
        head = data if not data or data.endswith(b"\n") else data + b"\n"
        return head + f"{_nested(change.keys, change.value)}\n".encode()
    depth = len(names) - 1
    while depth and not _is_mapping(_node(top, change.keys[:depth])):
        depth -= 1
    above = _node(top, change.keys[:depth])
    if above is not None and above.flow_style:
        return _into_flow(data, above, _nested(change.keys[depth:], change.value))
    return splice.put(data, names[:depth], names[depth], _nested(change.keys[depth:], change.value))


def _by_ruamel(data: bytes, change: Change) -> bytes | None:
    return rewritten(data, lambda content: edit.put(content, change))


WAYS = (_by_place, _by_lines, _by_ruamel)


def _nested(keys: Sequence[object], value: object) -> str:
    """``a: {b: 1}``: the entry of the first key."""
    for key in reversed(keys[1:]):
        value = {key: value}
    return f"{render(keys[0])}: {render(value)}"


def _into_flow(data: bytes, mapping: Any, entry: str) -> bytes:
    """`data` with one more entry in a mapping that is written in braces."""
    text = data.decode("utf-8")
    end = mapping.end_mark.index - 1
    before = text[:end].rstrip()
    comma = ", " if mapping.value and not before.endswith(",") else ""
    return (before + comma + entry + text[len(before) : end] + text[end:]).encode()


def _is_mapping(node: Any) -> bool:
    return isinstance(node, yaml.MappingNode) and bool(node.value or node.flow_style)


def _node(node: Any, keys: Sequence[object]) -> Any:
    """The node at `keys` below `node`; ``None`` if there is none."""
    for key in keys:
        if isinstance(node, yaml.MappingNode):
            name = key_text(key)
            node = next((value for own, value in node.value if own.value == name), None)
        elif isinstance(node, yaml.SequenceNode) and isinstance(key, int):
            node = node.value[key] if key < len(node.value) else None
        else:
            return None
    return node
