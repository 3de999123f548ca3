"""Params in Python source, read from its syntax tree: nothing is run.

What counts is what DVC reads too: ``NAME = literal`` at the top level and in
classes, and ``self.name = literal`` in their ``__init__``.
"""

from __future__ import annotations

import ast
import warnings


def parse(text: str) -> dict[str, object]:
    """The constants of a module; a class is a dict of its own. Raises `SyntaxError`.

    What is not a literal is left out.
    """
    with warnings.catch_warnings():
        # An odd escape in somebody's docstring is not for our users to read.
        warnings.simplefilter("ignore")
        return _constants(ast.parse(text).body, of_self=False)


def _constants(body: list[ast.stmt], *, of_self: bool) -> dict[str, object]:
    found: dict[str, object] = {}
    for node in body:
        match node:
            case ast.Assign(targets=[target], value=value):
                _assign(found, target, value, of_self)
            case ast.AnnAssign(target=target, value=ast.expr() as value):
                _assign(found, target, value, of_self)
            case ast.ClassDef(name=name, body=inner):
                found[name] = _constants(inner, of_self=False)
            case ast.FunctionDef(name="__init__", body=inner) if not of_self:
                found.update(_constants(inner, of_self=True))
    return found


def _assign(found: dict[str, object], target: ast.expr, value: ast.expr, of_self: bool) -> None:
    match target:
        case ast.Name(id=name) if not of_self:
            pass
        case ast.Attribute(value=ast.Name(id="self"), attr=name) if of_self:
            pass
        case _:
            return
    try:
        found[name] = ast.literal_eval(value)
    except (ValueError, TypeError, SyntaxError):
        return  # computed when the program runs
