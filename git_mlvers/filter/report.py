"""What a filter tells the user: one line per cause, at the end, on standard error."""

from __future__ import annotations

import os
import sys


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
            # Git runs a filter for thousands of files, and a remote that is away fails all of them.
            more = f" and {len(paths) - 1} more files" if len(paths) > 1 else ""
            lines.append(f"git-mlvers: {shown(paths[0])}{more}: {cause}")
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
