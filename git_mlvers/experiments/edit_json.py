"""One value changed in a JSON file: by its place in the text, else written in the same layout."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from git_mlvers.experiments import edit
from git_mlvers.experiments.edit_yaml import span

if TYPE_CHECKING:
    from git_mlvers.experiments.edit import Change

_INDENT = re.compile(r"^[\[{][ \t]*\r?\n([ \t]+)")


def _by_place(data: bytes, change: Change) -> bytes | None:
    # JSON is read as YAML here, for the places of its values.
    ascii_only = data.isascii()
    return (
        None
        if change.drop
        else span(data, change.keys, change.value, lambda value: _text(value, ascii_only))
    )


def _written_anew(data: bytes, change: Change) -> bytes:
    text = data.decode("utf-8-sig")
    content = json.loads(text) if text.strip() else {}
    edit.put(content, change)
    found = _INDENT.match(text.lstrip())
    indent = found[1] if found else None if text.strip() else "  "
    result = json.dumps(content, indent=indent, ensure_ascii=data.isascii())
    ending = text[len(text.rstrip()) :] if text.strip() else "\n"
    return (result + ending).encode()


def _text(value: object, ascii_only: bool) -> str:
    return json.dumps(value, ensure_ascii=ascii_only)


WAYS = (_by_place, _written_anew)
