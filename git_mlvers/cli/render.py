"""Answers as text: tables, sizes, and paths that are safe on a terminal. No colour."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_UNITS = ("KiB", "MiB", "GiB", "TiB", "PiB")


def table(rows: Iterable[Sequence[str]], *, indent: str = "", right: Sequence[int] = ()) -> str:
    """`rows` in columns two spaces apart; the columns numbered in `right` flush right."""
    cells = [list(row) for row in rows]
    if not cells:
        return ""
    count = max(len(row) for row in cells)
    widths = [max((len(row[i]) for row in cells if i < len(row)), default=0) for i in range(count)]
    lines = []
    for row in cells:
        padded = [
            cell.rjust(widths[i]) if i in right else cell.ljust(widths[i])
            for i, cell in enumerate(row)
        ]
        lines.append((indent + "  ".join(padded)).rstrip())
    return "\n".join(lines)


def size(count: int) -> str:
    """`count` bytes for a reader: ``999 B``, ``1.5 KiB``, ``20 GiB``."""
    if count < 1024:
        return f"{count} B"
    number = float(count)
    for unit in _UNITS:
        number /= 1024
        if number < 1023.5 or unit == _UNITS[-1]:
            break
    return f"{number:.1f} {unit}" if number < 10 else f"{number:.0f} {unit}"


def count(number: int, noun: str, plural: str | None = None) -> str:
    """``1 file``, ``2 files``."""
    return f"{number} {noun if number == 1 else plural or noun + 's'}"


def path(name: str) -> str:
    """`name` as it is, or in quotes with escapes when it has characters that a terminal obeys."""
    if all(char.isprintable() or "\udc80" <= char <= "\udcff" for char in name):
        return name
    escaped = "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in name
    )
    return f'"{escaped}"'
