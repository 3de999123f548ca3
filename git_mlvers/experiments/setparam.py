"""Params as they are given on the command line: ``[FILE:]KEY=VALUE``, ``+KEY=VALUE``, ``~KEY``.

Values are those of YAML 1.2. Several of them, between commas or by ``range(…)`` and
``choice(…)``, are a sweep: an experiment for each, and for each combination of several
such params.
"""

from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING, NamedTuple

from git_mlvers.errors import UsageError
from git_mlvers.values.errors import ValuesError
from git_mlvers.values.yaml12 import load, scalar

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

SET, ADD, PUT, DROP = "", "+", "++", "~"
"""What may be done to a param: change one that is there, add one that is not, either, remove."""

_WORD = re.compile(
    r"(?P<op>\+\+|\+|~|)(?:(?P<file>[^:=]+):)?(?P<key>[^=]+)(?:=(?P<value>.*))?", re.S
)
_CALL = re.compile(r"(?P<name>range|choice)\((?P<args>.*)\)", re.S)
_PAIRS = {"[": "]", "{": "}", "(": ")"}
_MOST = 100_000


class Setting(NamedTuple):
    """One param and what is to become of it; `file` is ``None`` where none was named."""

    file: str | None
    op: str
    key: str
    value: object = None

    @property
    def text(self) -> str:
        """It as a word of the command line, for people."""
        where = "" if self.file is None else f"{self.file}:"
        value = "" if self.op == DROP else f"={shown(self.value)}"
        return f"{self.op}{where}{self.key}{value}"

    def as_json(self) -> list[object]:
        """It as a list, for a file of JSON."""
        return list(self)

    @classmethod
    def from_json(cls, fields: Sequence[object]) -> Setting:
        """What `as_json` gave; raises `ValueError` for anything else."""
        file, op, key, value = fields
        if not isinstance(op, str) or not isinstance(key, str):
            raise ValueError("not a param")
        return cls(file if isinstance(file, str) else None, op, key, value)


def combinations(words: Sequence[str]) -> list[tuple[Setting, ...]]:
    """What each experiment sets: one tuple without a sweep, else all combinations, the last
    param changing fastest. Raises `UsageError`.
    """
    return list(_bounded(itertools.product(*(_parse(word) for word in words))))


def shown(value: object) -> str:
    """A value in few words, as YAML would have it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return "null"
    if isinstance(value, list):
        return f"[{', '.join(map(shown, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key}: {shown(item)}' for key, item in value.items())}}}"
    return str(value)


def changed(settings: Sequence[Setting]) -> Mapping[str, object]:
    """What `settings` set by ``[FILE:]KEY``; ``None`` for what they remove."""
    return {
        item.key if item.file is None else f"{item.file}:{item.key}": item.value
        for item in settings
    }


def _parse(word: str) -> list[Setting]:
    found = _WORD.fullmatch(word)
    if found is None or not found["key"].strip():
        raise _wrong(word, "a param has a name")
    op, key, given = found["op"], found["key"].strip(), found["value"]
    if op == DROP:
        if given is not None:
            raise _wrong(word, "what is removed takes no value")
        return [Setting(found["file"], op, key)]
    if given is None:
        raise _wrong(word, "a param takes a value")
    return [Setting(found["file"], op, key, value) for value in _values(word, given)]


def _values(word: str, text: str) -> Iterator[object]:
    parts = list(_split(text))
    for part in parts:
        called = _CALL.fullmatch(part)
        if called is not None and called["name"] == "range":
            yield from _range(word, [_value(word, arg) for arg in _split(called["args"])])
        elif called is not None:
            yield from (_value(word, arg) for arg in _split(called["args"]))
        elif not part and len(parts) > 1:
            raise _wrong(word, "a value is missing beside a comma", "put a text in quotes: 'a, b'")
        else:
            yield _value(word, part)


def _value(word: str, text: str) -> object:
    """What `text` means: a list, a mapping and a quoted text as YAML writes them, else one word."""
    if not text:
        return ""
    if text[0] not in "[{'\"":
        try:
            return scalar(text)
        except ValueError as error:
            raise _wrong(word, str(error)) from error
    try:
        return load(text.encode("utf-8", "surrogateescape"), "it")
    except (ValuesError, UnicodeEncodeError) as error:
        raise _wrong(word, str(error).removeprefix("it, line 1: ")) from error


def _range(word: str, args: Sequence[object]) -> Iterator[object]:
    """The numbers of ``range([FROM,] TO [, STEP])``; as in Python, TO is not among them."""
    numbers = [arg for arg in args if isinstance(arg, int | float) and not isinstance(arg, bool)]
    if len(numbers) != len(args) or not 1 <= len(args) <= 3:
        raise _wrong(word, "range takes one to three numbers: range(0, 10, 2)")
    start, stop = (0, numbers[0]) if len(numbers) == 1 else (numbers[0], numbers[1])
    step = numbers[2] if len(numbers) == 3 else 1
    if not step or (stop - start) * step <= 0:
        raise _wrong(word, "this range has no numbers")
    whole = all(isinstance(number, int) for number in (start, stop, step))
    # A hair less, so that 0.3 is not taken for one before the end of range(0, 0.3, 0.1).
    count = -int(-((stop - start) / step - (0 if whole else 1e-9)) // 1)
    if count > _MOST:
        raise _wrong(word, f"this range has {count} numbers, and {_MOST} are the most")
    for place in range(count):
        value = start + place * step
        yield value if whole else float(f"{value:.12g}")


def _split(text: str) -> Iterator[str]:
    """The parts of `text` between commas that stand in no bracket and no quotes."""
    part, closing, quote = "", list[str](), ""
    for char in text:
        if quote:
            quote = "" if char == quote else quote
        elif char in "'\"" and (closing or not part.strip()):
            quote = char
        elif char in _PAIRS:
            closing.append(_PAIRS[char])
        elif closing and char == closing[-1]:
            closing.pop()
        elif char == "," and not closing:
            yield part.strip()
            part = ""
            continue
        part += char
    yield part.strip()


def _bounded(
    found: Iterator[tuple[Setting, ...]],
) -> Iterator[tuple[Setting, ...]]:
    for number, each in enumerate(found):
        if number >= _MOST:
            raise UsageError(
                f"these params make more than {_MOST} experiments", "name fewer values"
            )
        yield each


def _wrong(word: str, what: str, hint: str | None = None) -> UsageError:
    return UsageError(
        f"-S {word}: {what}",
        hint or "-S KEY=VALUE, -S FILE:KEY=VALUE, -S +NEW=VALUE, -S ~KEY",
    )
