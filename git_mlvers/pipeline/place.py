"""A place in a pipeline file: what errors name, and the types that values there must have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from git_mlvers.pipeline.errors import PipelineError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_NAMES: dict[type, str] = {
    str: "a text",
    bool: "true or false",
    int: "a number",
    float: "a number",
    list: "a list",
    dict: "a mapping",
    type(None): "nothing",
}


class Place(NamedTuple):
    """A value in `file` by its `path` of keys; `lines` are those of the whole file."""

    file: str
    lines: Mapping[tuple[str | int, ...], int]
    path: tuple[str | int, ...] = ()
    shown: str | None = None
    """How the path is named where templates made it: ``stages.build@a`` for ``stages.build.do``."""

    def at(self, *keys: str | int) -> Place:
        """The place below this one."""
        shown = None
        if self.shown is not None:
            shown = ".".join([self.shown, *map(str, keys)])
        return Place(self.file, self.lines, self.path + keys, shown)

    @property
    def line(self) -> int:
        """The line of the value or, where that is not known, of what it is in; from 1."""
        path = self.path
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 0)

    def error(self, what: str, hint: str | None = None) -> PipelineError:
        """The error that says `what` is wrong here."""
        where = f"{self.file}, line {self.line}" if self.line else self.file
        name = self.shown or ".".join(map(str, self.path))
        return PipelineError(f"{where}: {name}: {what}" if name else f"{where}: {what}", hint)

    def wrong(self, expected: str, value: object) -> NoReturn:
        """Raise that `expected` should stand here, and what stands there."""
        raise self.error(f"{expected} is needed here, not {_NAMES.get(type(value), 'this')}")

    def text(self, value: object) -> str:
        """`value`, which must be a text."""
        if not isinstance(value, str):
            self.wrong("a text", value)
        return value

    def flag(self, value: object) -> bool:
        """`value`, which must be true or false."""
        if not isinstance(value, bool):
            self.wrong("true or false", value)
        return value

    def items(self, value: object) -> list[Any]:
        """`value`, which must be a list; nothing counts as an empty one."""
        if value is None:
            return []
        if not isinstance(value, list):
            self.wrong("a list", value)
        return value

    def mapping(self, value: object) -> dict[str, Any]:
        """`value`, which must be a mapping with texts as keys; nothing counts as an empty one."""
        if value is None:
            return {}
        if not isinstance(value, dict):
            self.wrong("a mapping", value)
        for key in value:
            if not isinstance(key, str):
                raise self.at(key).error("a key must be a text", "put it in quotes")
        return value

    def check_keys(self, value: Mapping[str, object], known: Iterable[str]) -> None:
        """Raise for a key of `value` that is not `known`, with the nearest one that is."""
        known = tuple(known)
        for key in value:
            if key not in known:
                raise self.at(key).error("there is no such key", hint_near(key, known))


def hint_near(name: str, known: Iterable[str]) -> str | None:
    """The hint that names what of `known` is like `name`; ``None`` when nothing is."""
    import difflib  # for errors alone

    near = difflib.get_close_matches(name, tuple(known), n=1)
    return f"did you mean {near[0]}?" if near else None
