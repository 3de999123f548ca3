"""One value changed in Python source: the text of one literal is replaced, nothing is run."""

from __future__ import annotations

import ast
import warnings
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from git_mlvers.experiments.edit import Change

    Assigned = tuple[str, ast.stmt, ast.expr | None]


def _by_place(data: bytes, change: Change) -> bytes | None:
    if change.drop:
        return _dropped(data, change.keys)
    value = _literal(_value(_parsed(data), change.keys), change.keys)
    if value is None:
        return None
    start, end = _place(data, value)
    return data[:start] + repr(change.value).encode() + data[end:]


def _at_the_end(data: bytes, change: Change) -> bytes | None:
    if change.drop or len(change.keys) != 1 or not str(change.keys[0]).isidentifier():
        return None
    head = data if not data or data.endswith(b"\n") else data + b"\n"
    return head + f"{change.keys[0]} = {change.value!r}\n".encode()


WAYS = (_by_place, _at_the_end)


def _parsed(data: bytes) -> list[ast.stmt]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # odd escapes are for those who run it
        return ast.parse(data).body


def _assigned(body: Sequence[ast.stmt], *, of_self: bool = False) -> Iterator[Assigned]:
    """The names that `body` gives values to, as `values.python_source` reads them."""
    for node in body:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=value) if not of_self:
                yield name, node, value
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value) if not of_self:
                yield name, node, value
            case ast.Assign(
                targets=[ast.Attribute(value=ast.Name(id="self"), attr=name)], value=value
            ) if of_self:
                yield name, node, value
            case ast.FunctionDef(name="__init__", body=inner) if not of_self:
                yield from _assigned(inner, of_self=True)
            case ast.ClassDef(name=name):
                yield name, node, None


def _value(body: Sequence[ast.stmt], keys: Sequence[object]) -> tuple[Assigned, int] | None:
    """What gives the name at the beginning of `keys` its value, and how many keys that are."""
    found = None
    for each in _assigned(body):
        if each[0] == keys[0]:
            found = each  # the last one counts
    if found is None:
        return None
    if found[2] is None and isinstance(found[1], ast.ClassDef):
        below = _value(found[1].body, keys[1:]) if len(keys) > 1 else None
        return None if below is None else (below[0], below[1] + 1)
    return found, 1


def _literal(found: tuple[Assigned, int] | None, keys: Sequence[object]) -> ast.expr | None:
    """The expression of the value at `keys`, inside of dicts and lists."""
    if found is None:
        return None
    value = found[0][2]
    for key in keys[found[1] :]:
        match value:
            case ast.Dict(keys=names, values=values):
                pairs = zip(names, values, strict=True)
                value = next((v for k, v in pairs if _constant(k) == key), None)
            case ast.List(elts=items) | ast.Tuple(elts=items) if isinstance(key, int):
                value = items[key] if key < len(items) else None
            case _:
                return None
    return value


def _constant(node: ast.expr | None) -> object:
    return node.value if isinstance(node, ast.Constant) else None


def _dropped(data: bytes, keys: Sequence[object]) -> bytes | None:
    """`data` without the lines of the assignment."""
    found = _value(_parsed(data), keys)
    if found is None or found[1] != len(keys):
        return None
    node = found[0][1]
    lines = data.splitlines(keepends=True)
    del lines[node.lineno - 1 : node.end_lineno]
    return b"".join(lines)


def _place(data: bytes, node: ast.expr) -> tuple[int, int]:
    """Where `node` begins and ends, in bytes from the start."""
    assert node.end_lineno is not None
    assert node.end_col_offset is not None
    lines = [0]
    for line in data.splitlines(keepends=True):
        lines.append(lines[-1] + len(line))
    start = lines[node.lineno - 1] + node.col_offset
    return start, lines[node.end_lineno - 1] + node.end_col_offset
