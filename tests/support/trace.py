"""What git starts, by its own account."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


class Trace:
    """Counts the programs that git starts, by its own account of them."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._packets = path.with_name(f"{path.name}-packets")
        self.env = {"GIT_TRACE2_EVENT": str(path), "GIT_TRACE_PACKET": str(self._packets)}

    def __enter__(self) -> Trace:
        self._forget()
        return self

    def __exit__(self, *_: object) -> None:
        self._forget()

    def started(self) -> list[list[str]]:
        """The command lines of all programs that git, and git below it, started."""
        if not self.path.exists():
            return []
        with self.path.open(encoding="utf-8", errors="replace") as lines:
            events = [json.loads(line) for line in lines]
        return [event["argv"] for event in events if event["event"] == "child_start"]

    def filters(self) -> int:
        """How many of them were a clean or smudge filter of git-mlvers."""
        words = ("filter-process", "mlvers clean", "mlvers smudge")
        return sum(any(word in " ".join(argv) for word in words) for argv in self.started())

    def filtered(self) -> list[str]:
        """The paths that were given to a filter, as git's trace shows them."""
        if not self._packets.exists():
            return []
        text = self._packets.read_text(encoding="utf-8", errors="replace")
        return [
            line.partition("pathname=")[2] for line in text.splitlines() if "> pathname=" in line
        ]

    def _forget(self) -> None:
        for path in (self.path, self._packets):
            path.unlink(missing_ok=True)
