"""What a filter tells the user: one line per cause, at the end, on standard error."""

from __future__ import annotations

import os
import sys

# Git runs a filter for thousands of files: name some, count the rest.
_NAMED = 5


def shown(path: bytes) -> str:
    """`path` as it may be printed: control characters and stray bytes escaped."""
    text = path.decode("utf-8", "backslashreplace")
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in text
    )


class Report:
    """Collects what went wrong, file by file, and says it once."""

    def __init__(self) -> None:
        self._causes: dict[tuple[str, str | None], list[bytes]] = {}

    def add(self, path: bytes, cause: str, hint: str | None = None) -> None:
        """`path` has the fault `cause` (a clause without the path), mended by `hint`."""
        self._causes.setdefault((cause, hint), []).append(path)

    def __bool__(self) -> bool:
        return bool(self._causes)

    def show(self) -> None:
        """Write what was collected to standard error, and forget it."""
        lines = []
        for (cause, hint), paths in self._causes.items():
            lines += [f"git-mlvers: {shown(path)}: {cause}" for path in paths[:_NAMED]]
            if len(paths) > _NAMED:
                lines.append(f"git-mlvers: … and {len(paths) - _NAMED} more files: {cause}")
            if hint:
                lines.append(f"hint: {hint}")
        self._causes.clear()
        say(lines)


def say(lines: list[str]) -> None:
    """Write `lines` to standard error in one piece, so that no other process cuts in."""
    if lines:
        data = "".join(f"{line}\n" for line in lines).encode("utf-8", "backslashreplace")
        try:
            sys.stderr.flush()
            os.write(2, data)
        except OSError:
            pass  # Nobody listens; the exit code still tells.
