"""What git was asked for, where it does not tell those whom it starts."""

from __future__ import annotations

import os

_ABOVE = 6  # processes: a shim, a manager of hooks, and what that needs


def is_dry_push() -> bool:
    """Whether the ``git push`` that runs this hook is one with ``--dry-run``.

    Git runs ``pre-push`` for it all the same. Found out where the system tells of
    other processes (Linux); false elsewhere.
    """
    process = os.getppid()
    for _ in range(_ABOVE):
        words = _words_of(process)
        if words and os.path.basename(words[0]) == "git" and "push" in words:
            options = words[words.index("push") + 1 :]
            return any(word in ("-n", "--dry-run") for word in options)
        process = _parent_of(process)
        if process <= 1:
            break
    return False


def _words_of(process: int) -> list[str]:
    data = _read(f"/proc/{process}/cmdline")
    return [os.fsdecode(word) for word in data.split(b"\0")[:-1]]


def _parent_of(process: int) -> int:
    # The name before it, in brackets, may hold anything.
    fields = _read(f"/proc/{process}/stat").rpartition(b")")[2].split()
    return int(fields[1]) if len(fields) > 1 else 0


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return b""
