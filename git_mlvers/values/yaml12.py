"""YAML 1.2 as its core schema reads it, on PyYAML's parser.

PyYAML itself reads YAML 1.1, where ``1e-3`` is a text, ``yes`` is true, ``010``
is eight and ``12:30:45`` a number. Here ``1e-3`` is a number, ``yes`` a text,
``010`` is ten; times and dates are texts. Digits may be grouped with ``_``,
which ruamel.yaml and PyYAML both allow. A key that stands twice is an error,
as is a tag that is not of the core schema.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

import yaml

from git_mlvers.values.errors import ValuesError

if TYPE_CHECKING:
    from collections.abc import Callable

try:
    from yaml import CSafeLoader as _Base
except ImportError:  # PyYAML was built without libyaml
    from yaml import SafeLoader as _Base  # type: ignore[assignment]

Path = tuple[str | int, ...]
"""Keys and positions that lead from the top of a file to a value."""

# Deeper than any file that a human wrote, and far from where Python itself gives up.
_DEEPEST = 100
# What a nested value can begin with. libyaml before 0.2.6 builds values by recursion
# without an end, so that a file with very many of these could crash the program.
_OPENERS = (b"[", b"{", b"-", b"?")
_FEW_OPENERS = 1000

_WORDS: dict[str, object] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_NUMBER = re.compile(
    r"""(?P<int>[-+]?[0-9]+(?:_[0-9]+)*)
    | 0o(?P<oct>[0-7]+)
    | 0x(?P<hex>[0-9a-fA-F]+)
    | (?P<float>[-+]?(?:\.[0-9]+|[0-9]+(?:_[0-9]+)*(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?)
    | (?P<inf>[-+]?)\.(?:inf|Inf|INF)
    | (?P<nan>\.(?:nan|NaN|NAN))""",
    re.VERBOSE,
)
_STARTS = frozenset("-+.0123456789")
_PREFIX = "tag:yaml.org,2002:"
_PLAIN, _TEXT, _SEQ, _MAP = (_PREFIX + name for name in ("plain", "str", "seq", "map"))
_MERGE = "<<"


class Marked(NamedTuple):
    """A value with the lines, from 1, of everything in it by path; of a key, where the key is."""

    value: object
    lines: dict[Path, int]


class _Loader(_Base):
    """The parser alone: what a plain word means is decided in `_scalar`."""

    def resolve(self, kind: Any, value: Any, implicit: Any) -> str:
        if kind is yaml.ScalarNode:
            return _PLAIN if implicit[0] else _TEXT
        return _SEQ if kind is yaml.SequenceNode else _MAP

    def descend_resolver(self, *_: Any) -> None:
        """There are no resolvers that depend on the path."""

    ascend_resolver = descend_resolver


def load(data: bytes, name: str) -> object:
    """The value that `data` holds, ``None`` for nothing; `name` is the file's, for errors.

    Raises `ValuesError`.
    """
    return _Reader(name, None).read(data)


def load_marked(data: bytes, name: str) -> Marked:
    """As `load`, with the lines."""
    lines: dict[Path, int] = {}
    return Marked(_Reader(name, lines).read(data), lines)


def nodes(data: bytes, name: str) -> Any:
    """The nodes of PyYAML for what `data` holds, with their places; ``None`` for nothing.

    For those who change a file at a place. Raises `ValuesError`.
    """
    return _Reader(name, None).compose(data)


def scalar(text: str) -> object:
    """What the plain (not quoted) word `text` means: a number, a boolean, null, or a text.

    Raises `ValueError` for a number with more digits than Python reads.
    """
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in _STARTS:
        return text
    found = _NUMBER.fullmatch(text)
    if found is None:
        return text
    return _READERS[str(found.lastgroup)](str(found[str(found.lastgroup)]))


_READERS: dict[str, Callable[[str], object]] = {
    "int": int,
    "oct": lambda text: int(text, 8),
    "hex": lambda text: int(text, 16),
    "float": float,
    "inf": lambda sign: float(sign + "inf"),
    "nan": lambda _: float("nan"),
}


class _Reader:
    """One reading of one file."""

    def __init__(self, name: str, lines: dict[Path, int] | None) -> None:
        self._name = name
        self._lines = lines
        self._built: dict[int, object] = {}
        self._open: set[int] = set()

    def read(self, data: bytes) -> object:
        """The value of the only document of `data`."""
        node = self.compose(data)
        return None if node is None else self._value(node, ())

    def compose(self, data: bytes) -> Any:
        """The node of the only document of `data`."""
        try:
            return self._compose(data)
        except yaml.YAMLError as error:
            raise self._syntax(error) from None
        except RecursionError:
            raise self._too_deep(None) from None

    def _compose(self, data: bytes) -> Any:
        if sum(map(data.count, _OPENERS)) > _FEW_OPENERS:
            self._check_depth(data)
        loader = _Loader(data)
        try:
            return loader.get_single_node()
        finally:
            loader.dispose()

    def _check_depth(self, data: bytes) -> None:
        depth = 0
        for event in yaml.parse(data, Loader=_Loader):
            if isinstance(event, yaml.CollectionStartEvent):
                depth += 1
                if depth > _DEEPEST:
                    raise self._too_deep(event)
            elif isinstance(event, yaml.CollectionEndEvent):
                depth -= 1

    def _value(self, node: Any, path: Path) -> object:
        if self._lines is not None:
            self._lines.setdefault(path, node.start_mark.line + 1)
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node)
        known = id(node)
        if known in self._built:
            return self._built[known]
        if known in self._open:
            raise self._error(node, "a value contains itself")
        if len(path) >= _DEEPEST:
            raise self._too_deep(node)
        self._open.add(known)
        value: object
        if isinstance(node, yaml.SequenceNode):
            self._check_tag(node, _SEQ)
            value = [self._value(item, (*path, at)) for at, item in enumerate(node.value)]
        else:
            self._check_tag(node, _MAP)
            value = self._mapping(node, path)
        self._open.discard(known)
        self._built[known] = value
        return value

    def _mapping(self, node: Any, path: Path) -> dict[Any, object]:
        own: dict[Any, object] = {}
        merged: list[dict[Any, object]] = []
        for key_node, value_node in node.value:
            if key_node.tag == _PLAIN and key_node.value == _MERGE:
                merged += self._merged(value_node, path)
                continue
            key = self._key(key_node)
            if key in own:
                raise self._error(key_node, f"the key {key!r} stands twice")
            below = (*path, key)
            if self._lines is not None:
                self._lines[below] = key_node.start_mark.line + 1
            own[key] = self._value(value_node, below)
        if not merged:
            return own
        result: dict[Any, object] = {}
        for item in reversed(merged):
            result.update(item)
        return result | own

    def _key(self, node: Any) -> Any:
        if not isinstance(node, yaml.ScalarNode):
            raise self._error(node, "a list or a mapping cannot be a key")
        return self._scalar(node)

    def _merged(self, node: Any, path: Path) -> list[dict[Any, object]]:
        nodes = node.value if isinstance(node, yaml.SequenceNode) else [node]
        values = [self._value(item, path) for item in nodes]
        found = [value for value in values if isinstance(value, dict)]
        if len(found) != len(values):
            raise self._error(node, "<< takes a mapping or a list of mappings")
        return found

    def _scalar(self, node: Any) -> object:
        tag, text = node.tag, node.value
        if tag == _TEXT:
            return text
        try:
            value = scalar(text)
        except ValueError:
            raise self._error(node, "a number has too many digits") from None
        if tag == _PLAIN:
            return value
        return self._tagged(node, value)

    def _tagged(self, node: Any, value: object) -> object:
        match node.tag.removeprefix(_PREFIX), value:
            case "null", None:
                return None
            case ("bool", bool()) | ("int" | "float", int() | float()):
                return float(value) if node.tag == f"{_PREFIX}float" else value
        raise self._error(node, f"{node.value!r} cannot be read as {_shown(node.tag)}")

    def _check_tag(self, node: Any, expected: str) -> None:
        if node.tag != expected:
            raise self._error(node, f"the tag {_shown(node.tag)} is not known")

    def _error(self, node: Any, what: str) -> ValuesError:
        return ValuesError.at(self._name, node.start_mark.line + 1, what)

    def _too_deep(self, node: Any) -> ValuesError:
        line = None if node is None else node.start_mark.line + 1
        return ValuesError.at(self._name, line, "values are nested too deeply")

    def _syntax(self, error: yaml.YAMLError) -> ValuesError:
        if isinstance(error, yaml.MarkedYAMLError):
            mark = error.problem_mark or error.context_mark
            problem = error.problem or error.context or "this is not YAML"
            line = None if mark is None else mark.line + 1
            if problem.startswith("but found another document"):
                problem = "a second document begins, and only one can be read"
            return ValuesError.at(self._name, line, f"not valid YAML: {problem}")
        reason = str(error).split("\n", 1)[0]
        return ValuesError.at(self._name, None, f"not valid YAML: {reason}")


def _shown(tag: str) -> str:
    return f"!!{tag.removeprefix(_PREFIX)}" if tag.startswith(_PREFIX) else tag
