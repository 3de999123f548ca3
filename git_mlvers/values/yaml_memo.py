"""YAML that was read before: values by a hash of the text, so that they are not parsed again.

PyYAML takes longer to import than most commands take for all they do. What is kept
is found by content alone, so it is never out of date, and it does not matter which
repository it was kept for. It may be thrown away at any time, and a fault of it
never is a fault of the command.
"""

from __future__ import annotations

import contextlib
import marshal
import os
from typing import TYPE_CHECKING, Any

from blake3 import blake3

from git_mlvers.errors import LocalIOError
from git_mlvers.fsutil import remove_quietly, write_atomic

if TYPE_CHECKING:
    from git_mlvers.values.yaml12 import Path

# Anything that makes `yaml12` read a text otherwise needs another number.
_FORMAT = b"1"
_SUM = 32  # bytes
_LARGEST = 1 << 20  # bytes of text; with more the parser is not what takes the time
_MOST = 2000  # files that are kept

_folder: str | None = None


def keep_in(folder: str) -> None:
    """Keep what is read from now on in `folder`, which need not exist."""
    global _folder
    _folder = folder


def load(data: bytes, name: str) -> object:
    """As `yaml12.load`."""
    return _remembered(b"value", data, name)


def load_marked(data: bytes, name: str) -> tuple[object, dict[Path, int]]:
    """As `yaml12.load_marked`."""
    value, lines = _remembered(b"lines", data, name)
    return value, lines


def _remembered(kind: bytes, data: bytes, name: str) -> Any:
    path = None
    if _folder is not None and len(data) <= _LARGEST:
        key = blake3(b"\0".join((_FORMAT, kind, data))).hexdigest(length=20)
        path = os.path.join(_folder, key)
        kept = _read(path)
        if kept is not None:
            return kept[0]
    from git_mlvers.values import yaml12

    marked = kind == b"lines"
    value = tuple(yaml12.load_marked(data, name)) if marked else yaml12.load(data, name)
    if path is not None:
        _write(path, value)
    return value


def _read(path: str) -> tuple[object] | None:
    try:
        with open(path, "rb") as file:
            kept = file.read()
        if blake3(kept[_SUM:]).digest() != kept[:_SUM]:
            return None
        return (marshal.loads(memoryview(kept)[_SUM:]),)
    except (OSError, ValueError, EOFError, TypeError):
        return None


def _write(path: str, value: Any) -> None:
    with contextlib.suppress(OSError, ValueError, LocalIOError):
        packed = marshal.dumps(value)
        folder = os.path.dirname(path)
        os.makedirs(folder, exist_ok=True)
        _make_room(folder)
        write_atomic(path, blake3(packed).digest() + packed, sync=False)


def _make_room(folder: str) -> None:
    with os.scandir(folder) as found:
        entries = [(entry.stat().st_mtime_ns, entry.path) for entry in found]
    if len(entries) >= _MOST:
        for _, path in sorted(entries)[: _MOST // 2]:
            remove_quietly(path)
