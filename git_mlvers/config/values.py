"""Single configuration values: where one comes from, and how its text is read."""

from __future__ import annotations

from typing import NamedTuple

from git_mlvers.errors import UsageError

_TRUE = ("true", "yes", "on", "1")
_FALSE = ("false", "no", "off", "0", "")
_SPANS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
_UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}


class ConfigError(UsageError):
    """A value in the configuration is not usable, or not allowed where it stands."""


class Value(NamedTuple):
    """One configured value.

    `text` is ``None`` for a key without ``=`` (git reads that as true); `scope`
    is git's word (``system global local worktree command``) or ``.mlversconfig``,
    ``environment``, ``default``; `origin` names the file or the variable.
    """

    text: str | None
    scope: str
    origin: str

    @property
    def place(self) -> str:
        """Where to look for this value, in words."""
        if self.scope == "environment":
            return f"the environment variable {self.origin}"
        return self.origin.removeprefix("file:") or self.scope


def read_bool(key: str, value: Value) -> bool:
    """`value` as a truth value in git's spelling; raises `ConfigError`."""
    text = "true" if value.text is None else value.text.strip().lower()
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    try:
        return int(text) != 0
    except ValueError:
        raise ConfigError(
            f"{key} is {value.text!r} in {value.place}, which is neither true nor false"
        ) from None


def read_size(key: str, value: Value) -> int:
    """`value` as a number, ``k``, ``m`` and ``g`` counting by 1024; raises `ConfigError`."""
    text = (value.text or "").strip().lower()
    unit = text[-1:] if text[-1:].isalpha() else ""
    number = text[: len(text) - len(unit)]
    if unit not in _UNITS or not (number.isascii() and number.isdigit()):
        raise ConfigError(
            f"{key} is {value.text!r} in {value.place}, which is no number",
            "write a whole number, with k, m or g for multiples of 1024",
        )
    return int(number) * _UNITS[unit]


def read_span(text: str) -> float | None:
    """A span of time in seconds: a number of days, or one with s, m, h, d or w; else ``None``."""
    text = text.strip().lower()
    unit = _SPANS.get(text[-1:])
    number = text if unit is None else text[:-1]
    if not (number.isascii() and number.isdigit()):
        return None
    return float(int(number) * (_SPANS["d"] if unit is None else unit))


def read_choice(key: str, value: Value, choices: tuple[str, ...]) -> str:
    """`value` as one of `choices`; raises `ConfigError`."""
    text = (value.text or "").strip().lower()
    if text not in choices:
        raise ConfigError(
            f"{key} is {value.text!r} in {value.place}", f"it can be {', '.join(choices)}"
        )
    return text


def read_list(values: list[Value]) -> tuple[str, ...]:
    """All patterns of all `values`, each of which may hold several, separated by commas."""
    parts = (part.strip() for value in values for part in (value.text or "").split(","))
    return tuple(part for part in parts if part)
