"""Putting a large new file in the place of another one without waiting for the disk.

ext4 writes a new file out before it lets it replace another by rename (its mount
option auto_da_alloc), which takes half a second for a GiB. Two names that are
exchanged are not waited for, see rename(2), RENAME_EXCHANGE.
"""

from __future__ import annotations

import os

LARGE = 16 << 20
"""Below this the wait is short. Bytes."""

_AT_FDCWD = -100
_RENAME_EXCHANGE = 2


def replace(new: bytes, old: bytes, size: int) -> None:
    """Do what `os.replace` does with a file `new` of `size` bytes, as atomically; `OSError`."""
    if size >= LARGE and _exchanged(new, old):
        os.unlink(new)  # what was at the old name
    else:
        os.replace(new, old)


def _exchanged(one: bytes, other: bytes) -> bool:
    """Whether the two names, both there, were exchanged; not every file system can."""
    import ctypes

    try:
        call = ctypes.CDLL(None).renameat2
    except (AttributeError, OSError):  # glibc has it since 2.28
        return False
    return bool(call(_AT_FDCWD, one, _AT_FDCWD, other, _RENAME_EXCHANGE) == 0)
