r"""``${}`` in pipeline files: values of params files and of ``vars`` put in their place.

``${train.layers[0]}`` names a value. A text that is nothing else becomes the
value with its type; inside a text, it is written out. ``\${`` is ``${`` itself.
"""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING, Any

from git_mlvers.pipeline.errors import PipelineError

if TYPE_CHECKING:
    from collections.abc import Mapping

_EXPRESSION = re.compile(r"(?<!\\)\$\{([^}\n]*)\}")
_WORDS = re.compile(r"([^.\[\]]+)(?:\.([^.\[\]]+)|\[([^.\[\]]+)\])*")
_SEPARATORS = re.compile(r"[.\[\]]+")


class TemplateError(PipelineError):
    """An expression cannot be read, or names nothing; without file and line, which are added."""


def is_template(value: object) -> bool:
    """Whether `value` is a text with an expression in it."""
    return isinstance(value, str) and _EXPRESSION.search(value) is not None


def resolve(
    value: object, scope: Mapping[str, Any], *, free: bool = False, cmd: bool = False
) -> Any:
    """`value` with every expression in it, keys included, replaced from `scope`.

    A mapping or list may be put in only with `free`; with `cmd` a mapping may, and
    becomes options of a command line. Raises `TemplateError`.
    """
    if isinstance(value, str):
        return resolve_text(value, scope, free=free, cmd=cmd)
    if isinstance(value, dict):
        return {
            resolve(key, scope): resolve(item, scope, free=free, cmd=cmd)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [resolve(item, scope, free=free, cmd=cmd) for item in value]
    return value


def resolve_text(
    text: str, scope: Mapping[str, Any], *, free: bool = False, cmd: bool = False
) -> Any:
    """As `resolve`, for one text."""
    if "${" not in text:
        return text
    whole = _EXPRESSION.fullmatch(text)
    if whole is not None:
        found = lookup(whole[1], scope)
        if isinstance(found, dict) and cmd:
            return as_options(found)
        if isinstance(found, (dict, list)) and not free:
            raise _not_plain(whole[1], found)
        return found

    def put_in(match: re.Match[str]) -> str:
        found = lookup(match[1], scope)
        if isinstance(found, dict) and cmd:
            return as_options(found)
        if isinstance(found, (dict, list)):
            raise _not_plain(match[1], found)
        return as_text(found)

    return _EXPRESSION.sub(put_in, text).replace("\\${", "${")


def lookup(expression: str, scope: Mapping[str, Any]) -> Any:
    """The value that `expression` (``a.b[0]``) names; raises `TemplateError`."""
    if _WORDS.fullmatch(expression) is None:
        raise TemplateError(
            f"${{{expression}}} cannot be read",
            "write ${name}, ${section.name} or ${list[0]}",
        )
    value: Any = scope
    for word in _SEPARATORS.split(expression.removesuffix("]")):
        value = _step(value, word.strip(), expression)
    return value


def as_text(value: object) -> str:
    """How a plain value is written inside a text or a stage's name."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def as_options(values: Mapping[str, Any]) -> str:
    """A mapping as options: ``--name value``, ``--list a b``, ``--on`` for true, none for false.

    Names of nested mappings are joined with dots. Raises `TemplateError`.
    """
    words: list[str] = []
    for name, value in _flat(values, ""):
        match value:
            case bool():
                words += [f"--{name}"] if value else []
            case list():
                if any(isinstance(item, (list, dict)) for item in value):
                    raise TemplateError(f"{name!r} has a list or a mapping in its list")
                words += [f"--{name}", *(_quoted(item) for item in value)] if value else []
            case _:
                words += [f"--{name}", _quoted(value)]
    return " ".join(words)


def _flat(values: Mapping[str, Any], above: str) -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for key, value in values.items():
        name = f"{above}{key}"
        found += _flat(value, f"{name}.") if isinstance(value, dict) else [(name, value)]
    return found


def _quoted(value: object) -> str:
    return shlex.quote(value) if isinstance(value, str) else str(value)


def _step(value: Any, word: str, expression: str) -> Any:
    if isinstance(value, dict):
        if word in value:
            return value[word]
        from git_mlvers.pipeline.place import hint_near

        names = [key for key in value if isinstance(key, str)]
        raise TemplateError(f"${{{expression}}}: there is no {word!r}", hint_near(word, names))
    if isinstance(value, list):
        try:
            return value[int(word)]
        except (ValueError, IndexError):
            raise TemplateError(
                f"${{{expression}}}: there is no position {word!r} in a list of {len(value)}"
            ) from None
    raise TemplateError(f"${{{expression}}}: there is nothing below a plain value to be {word!r}")


def _not_plain(expression: str, value: object) -> TemplateError:
    kind = "a mapping" if isinstance(value, dict) else "a list"
    return TemplateError(f"${{{expression}}} is {kind}, and only a plain value can stand here")
