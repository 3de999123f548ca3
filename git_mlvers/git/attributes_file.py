"""One file of attributes, read and changed line by line; what is not changed stays as it is."""

from __future__ import annotations

import os
import re
import stat
from typing import TYPE_CHECKING, NamedTuple

from git_mlvers.errors import MlversError
from git_mlvers.fsutil import write_atomic
from git_mlvers.git.quote import quote, split_quoted

if TYPE_CHECKING:
    from collections.abc import Iterable

ATTRIBUTES = ("filter=mlvers", "diff=mlvers", "merge=mlvers", "-text")
"""What a tracked pattern gets."""

_OURS = tuple(word.encode() for word in ATTRIBUTES)
_FILTER = _OURS[0]
_BLANKS = b" \t\r\n"
_MACRO = b"[attr]"
_BOM = b"\xef\xbb\xbf"
_LINE = re.compile(rb"[^\n]*\n|[^\n]+")
_QUOTED_IF = re.compile(rb'[\s\x00-\x1f\x7f]|^["#]')


class BadPattern(MlversError):
    """A pattern that git would not take for one."""


class Line(NamedTuple):
    """One line that says something: a pattern (or the name of a macro) and its attributes."""

    pattern: bytes
    words: tuple[bytes, ...]
    macro: bool


def parse_line(raw: bytes) -> Line | None:
    """Read a line as git does; ``None`` for a blank one, a comment, or one that git ignores."""
    text = raw.removeprefix(_BOM).strip(_BLANKS)
    if not text or text.startswith(b"#"):
        return None
    quoted = split_quoted(text) if text.startswith(b'"') else None
    if quoted is not None:
        pattern, rest = quoted
    else:
        pattern, *more = text.split(None, 1)
        rest = more[0] if more else b""
    words = tuple(rest.split())
    if pattern.startswith(_MACRO) and len(pattern) > len(_MACRO):
        return Line(pattern.removeprefix(_MACRO), words, True)
    return None if pattern.startswith(b"!") else Line(pattern, words, False)


def tracked_patterns(data: bytes, macros: set[bytes]) -> list[bytes]:
    """The patterns in `data` that get our filter, also by way of one of `macros`.

    Macros that `data` defines to that end are added to `macros`.
    """
    found = []
    for line in map(parse_line, data.split(b"\n")):
        if line is None or not any(word == _FILTER or word in macros for word in line.words):
            continue
        if line.macro:
            macros.add(line.pattern)
        else:
            found.append(line.pattern)
    return list(dict.fromkeys(found))


def track(path: str, pattern: str) -> bool:
    """Give files that match `pattern` our attributes, in the file `path`; whether that was new.

    The file is made if it is not there. Raises `BadPattern`.
    """
    wanted = os.fsencode(pattern)
    _check(wanted)
    data = _read(path)
    if _is_tracked(map(parse_line, data.split(b"\n")), wanted):
        return False
    _append(path, data, wanted, _OURS)
    return True


def set_attributes(path: str, pattern: str, attributes: Iterable[str]) -> bool:
    """Give `pattern` other `attributes` in the file `path`, unless it has a line there already.

    Whether that was new. Raises `BadPattern`.
    """
    wanted = os.fsencode(pattern)
    _check(wanted)
    data = _read(path)
    lines = map(parse_line, data.split(b"\n"))
    if any(line is not None and line.pattern == wanted for line in lines):
        return False
    _append(path, data, wanted, map(os.fsencode, attributes))
    return True


def untrack(path: str, pattern: str) -> bool:
    """Take our attributes from `pattern` in the file `path`; whether it had them.

    A line goes when nothing else is left on it, else it keeps its other attributes.
    """
    wanted = os.fsencode(pattern)
    kept, changed = [], False
    for raw in _LINE.findall(_read(path)):
        line = parse_line(raw)
        if line is None or line.macro or line.pattern != wanted or _FILTER not in line.words:
            kept.append(raw)
            continue
        changed = True
        others = [word for word in line.words if word not in _OURS]
        if others:
            kept.append(_without(raw, len(line.words), others))
    if changed:
        _write(path, b"".join(kept))
    return changed


def _append(path: str, data: bytes, pattern: bytes, words: Iterable[bytes]) -> None:
    """Add a line to the file `path`, which has `data`."""
    written = quote(pattern) if _QUOTED_IF.search(pattern) else pattern
    end = b"\r\n" if data.split(b"\n", 1)[0].endswith(b"\r") else b"\n"
    if data and not data.endswith(b"\n"):
        data += end
    _write(path, data + b" ".join((written, *words)) + end)


def _without(raw: bytes, count: int, others: list[bytes]) -> bytes:
    """`raw` with `others` in place of the `count` attributes that it has."""
    body = raw.rstrip(_BLANKS)
    start = body.rsplit(None, count)[0]
    return start + b" " + b" ".join(others) + raw[len(body) :]


def _is_tracked(lines: Iterable[Line | None], pattern: bytes) -> bool:
    """Whether the last word that `lines` say about the filter of just `pattern` is ours."""
    tracked = False
    for line in lines:
        if line is not None and not line.macro and line.pattern == pattern:
            for word in line.words:
                if word.lstrip(b"-!").partition(b"=")[0] == b"filter":
                    tracked = word == _FILTER
    return tracked


def _check(pattern: bytes) -> None:
    shown = repr(os.fsdecode(pattern))
    if not pattern or b"\0" in pattern:
        raise BadPattern(f"not a pattern: {shown}")
    if pattern.startswith(b"!"):
        raise BadPattern(
            f"git ignores patterns that begin with an exclamation mark: {shown}",
            "for a file whose name begins so, write \\! instead",
        )
    if pattern.startswith(_MACRO):
        raise BadPattern(
            f"git takes a pattern that begins with [attr] for something else: {shown}",
            "write the letters in another order",
        )


def _read(path: str) -> bytes:
    # git does not follow a symbolic link here either.
    if os.path.islink(path):
        raise BadPattern(f"git does not read attributes from a symbolic link: {path}")
    try:
        with open(path, "rb") as file:
            return file.read()
    except FileNotFoundError:
        return b""


def _write(path: str, data: bytes) -> None:
    try:
        mode = stat.S_IMODE(os.stat(path).st_mode)
    except FileNotFoundError:
        write_atomic(path, data, sync=False)
        return
    write_atomic(path, data, sync=False)
    os.chmod(path, mode)
