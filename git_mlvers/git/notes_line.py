"""One line of a note: what was measured at a commit, as JSON that any merge of texts keeps whole.

A note is a set of such lines. Git's own merge ``cat_sort_uniq`` joins two notes
by sorting their lines, so a line stands for itself, begins with its time, and is
never edited: a later line with the same id takes its place.
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

VERSION = 1
"""Of the format. A reader passes over lines of a later one, and keeps them."""


class Line(NamedTuple):
    """What one line says; only `time`, `id` and `commit` are always there."""

    time: str
    """When it was so, UTC: ``2026-11-21T02:47:15Z``. Lines sort by it."""
    id: str
    """Names the run or the recording. Of several lines with one id the last counts."""
    commit: str
    """Hex id of the commit that it was written for, wherever the line is found later."""
    tree: str = ""
    inputs: str = ""
    """Hash of what determined the result, by which a rewritten commit is found again."""
    source: str = ""
    """Who wrote it: ``hook``, ``ci``, ``repro``, ``import`` …"""
    params: Mapping[str, object] = {}
    metrics: Mapping[str, object] = {}
    stages: Mapping[str, object] = {}
    dirty: int = 0
    """Files of the working tree that differed from the commit."""
    dead: bool = False
    """A tombstone: the id is taken back."""
    more: Mapping[str, object] = {}
    """Fields that this version does not know."""

    def text(self) -> str:
        """The line without its end; one text for each value, so that equal lines are one."""
        fields = {
            **{key: _plain(value) for key, value in self.more.items()},
            "commit": self.commit,
            "tree": self.tree,
            "in": self.inputs,
            "src": self.source,
            "params": _plain(self.params),
            "metrics": _plain(self.metrics),
            "stages": _plain(self.stages),
            "dirty": self.dirty,
            "dead": self.dead,
        }
        said = {"t": self.time, "id": self.id, "v": VERSION}
        said |= {key: fields[key] for key in sorted(fields) if fields[key] not in ("", {}, False)}
        return json.dumps(said, separators=(",", ":"))


def parse(text: str | bytes) -> Line | None:
    """Read one line; ``None`` for one that is empty, damaged, or of a later version."""
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(fields, dict) or fields.get("v") != VERSION:
        return None
    time, name, commit = (fields.get(key) for key in ("t", "id", "commit"))
    if not (isinstance(time, str) and isinstance(name, str) and isinstance(commit, str)):
        return None
    dirty = fields.get("dirty", 0)
    return Line(
        time=time,
        id=name,
        commit=commit,
        tree=_text(fields.get("tree")),
        inputs=_text(fields.get("in")),
        source=_text(fields.get("src")),
        params=_mapping(fields.get("params")),
        metrics=_mapping(fields.get("metrics")),
        stages=_mapping(fields.get("stages")),
        dirty=dirty if isinstance(dirty, int) else 0,
        dead=fields.get("dead") is True,
        more={key: value for key, value in fields.items() if key not in _KNOWN},
    )


def lines_of(note: bytes) -> list[Line]:
    """What a note says now: of each id the last line, those taken back left out, oldest first."""
    last: dict[str, Line] = {}
    for text in sorted(_texts(note)):
        line = parse(text)
        if line is not None:
            last[line.id] = line
    living = (line for line in last.values() if not line.dead)
    return sorted(living, key=lambda line: (line.time, line.id))


def join(*notes: bytes) -> bytes:
    """One note with all lines of `notes`, each once, sorted as ``cat_sort_uniq`` does."""
    return _note({text for note in notes for text in _texts(note)})


def add(note: bytes, lines: Iterable[Line]) -> bytes:
    """`note` with `lines`."""
    return _note({*_texts(note), *(line.text().encode() for line in lines)})


def merge(base: bytes, ours: bytes, theirs: bytes) -> bytes:
    """The lines of both sides, without those of `base` that one of them has removed."""
    old, mine, other = (set(_texts(note)) for note in (base, ours, theirs))
    return _note((mine | other) - (old - mine) - (old - other))


def compact(note: bytes) -> bytes:
    """`note` without the lines that a later one with their id has replaced or taken back.

    Tombstones stay, since the line may come again from another clone; so do lines that
    this version does not understand.
    """
    keep, last = set(), dict[str, bytes]()
    for text in sorted(_texts(note)):
        line = parse(text)
        if line is None:
            keep.add(text)
        else:
            last[line.id] = text
    return _note({*keep, *last.values()})


def _texts(note: bytes) -> list[bytes]:
    return [text for text in (each.rstrip(b"\r") for each in note.split(b"\n")) if text.strip()]


def _note(texts: Iterable[bytes]) -> bytes:
    return b"".join(text + b"\n" for text in sorted(texts))


def _plain(value: object) -> object:
    """`value` as JSON has it: what it has no word for becomes text, keys are sorted."""
    if isinstance(value, bool | int | str) or value is None:
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, dict):
        named = {str(key): _plain(part) for key, part in value.items()}
        return {key: named[key] for key in sorted(named)}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    return str(value)


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}


_KNOWN = {"t", "id", "v", "commit", "tree", "in", "src", "params", "metrics", "stages"}
_KNOWN |= {"dirty", "dead"}
