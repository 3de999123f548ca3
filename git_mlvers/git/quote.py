"""Git's quoting of paths in files and listings: double quotes and escapes as in C."""

from __future__ import annotations

import re

_NAMED = {
    ord("a"): 7,
    ord("b"): 8,
    ord("t"): 9,
    ord("n"): 10,
    ord("v"): 11,
    ord("f"): 12,
    ord("r"): 13,
    ord('"'): ord('"'),
    ord("\\"): ord("\\"),
}
_NAMES = {code: name for name, code in _NAMED.items()}
_ESCAPE = re.compile(rb'\\([0-3][0-7]{2}|[abtnvfr"\\])')
_SPECIAL = re.compile(rb'[\x00-\x1f\x7f"\\]')
_QUOTED = re.compile(rb'"((?:[^"\\]|\\(?:[0-3][0-7]{2}|[abtnvfr"\\]))*)"')


def quote(text: bytes) -> bytes:
    """`text` in double quotes, with control characters, quotes and backslashes escaped."""

    def escape(match: re.Match[bytes]) -> bytes:
        code = match[0][0]
        return b"\\%c" % _NAMES[code] if code in _NAMES else b"\\%03o" % code

    return b'"%b"' % _SPECIAL.sub(escape, text)


def split_quoted(text: bytes) -> tuple[bytes, bytes] | None:
    """The quoted string that `text` begins with, unquoted, and what follows it.

    ``None`` when `text` begins with none, or with one that has no end.
    """
    match = _QUOTED.match(text)
    if match is None:
        return None

    def unescape(found: re.Match[bytes]) -> bytes:
        sign = found[1]
        return bytes([_NAMED[sign[0]] if len(sign) == 1 else int(sign, 8)])

    return _ESCAPE.sub(unescape, match[1]), text[match.end() :]


def unquote(text: bytes) -> bytes | None:
    """The string that `text` quotes; ``None`` when it is no quoted string."""
    found = split_quoted(text)
    return found[0] if found is not None and not found[1] else None
