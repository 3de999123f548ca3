"""``mlvers.lock``: the facts that go with a commit, one a line, ``stage K O``.

A fact stays true whatever is merged, so that two versions of the file are
merged by taking all lines of both (``merge=union``), and marks of a conflict are
passed over. There is one beside each pipeline file, as DVC has it: so a commit of one
project of many touches, and a merge sees, the facts of that project alone.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from git_mlvers.fsutil import write_atomic
from git_mlvers.git.attributes import FILE_NAME as ATTRIBUTES
from git_mlvers.git.attributes_file import set_attributes
from git_mlvers.pipeline.recipe import DIGITS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from git_mlvers.pipeline.model import Stage
    from git_mlvers.pipeline.source import Source

FILE_NAME = "mlvers.lock"

Facts = dict[str, list[tuple[str, str]]]
"""By the name of a stage, the (K, O) that are known of it, in the file's order."""

_LINE = re.compile(rf"(.+) ([0-9a-f]{{{DIGITS}}}) ([0-9a-f]{{{DIGITS}}})")


def parse(data: bytes) -> Facts:
    """The facts in a lock file; what is no fact (a mark of a conflict, a remark) is passed over."""
    facts: Facts = {}
    for line in data.decode("utf-8", "surrogateescape").splitlines():
        found = _LINE.fullmatch(line.strip())
        if found is not None:
            known = facts.setdefault(found[1], [])
            if (found[2], found[3]) not in known:
                known.append((found[2], found[3]))
    return facts


def render(facts: Facts) -> bytes:
    """The text of a lock file, sorted."""
    lines = sorted(f"{name} {key} {result}\n" for name in facts for key, result in facts[name])
    return "".join(lines).encode("utf-8", "surrogateescape")


def path_of(stage: Stage) -> str:
    """Where the facts of `stage` stand, relative to the top."""
    return os.path.join(os.path.dirname(stage.file), FILE_NAME)


class Lock:
    """All lock files of one working tree (or of a commit), each read at its first use."""

    def __init__(self, source: Source, top: str | None = None) -> None:
        self._source = source
        self._top = top
        self._files: dict[str, Facts] = {}

    def facts(self, stage: Stage) -> Sequence[tuple[str, str]]:
        """The (K, O) of `stage`."""
        return self._file(path_of(stage)).get(stage.name, ())

    def has(self, stage: Stage, key: str, result: str) -> bool:
        """Whether it is a fact that `stage` made `result` of `key`."""
        return (key, result) in self.facts(stage)

    def record(self, stage: Stage, key: str, result: str) -> tuple[str, bool]:
        """Write the fact in place of all others of `stage`; the file, and whether it is new.

        Only for the working tree. Raises `LocalIOError`.
        """
        assert self._top is not None
        path = path_of(stage)
        full = os.path.join(self._top, path)
        new = not os.path.exists(full)
        # Another process may have written it meanwhile.
        facts = parse(self._source.read(path) or b"")
        facts[stage.name] = [(key, result)]
        write_atomic(full, render(facts))
        self._files[path] = facts
        return path, new

    def _file(self, path: str) -> Facts:
        if path not in self._files:
            self._files[path] = parse(self._source.read(path) or b"")
        return self._files[path]


def merge_by_union(top: str) -> bool:
    """See to it that lock files are merged by taking all lines; whether that was to be written."""
    return set_attributes(os.path.join(top, ATTRIBUTES), FILE_NAME, ("merge=union",))
