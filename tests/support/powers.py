"""Programs without the powers of root, so that tests which root runs see what others see.

Where permissions do not count, a file that nobody may write to, or read, is no
obstacle, and a test with it says nothing.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_DROP_FROM_BOUNDING_SET = 24
_MOST = 64
_VERSION = 0x20080522  # of the structures of capget and capset
_DAC_OVERRIDE = 1


def plain(*argv: str) -> list[str]:
    """The command that runs `argv` as the same user, bound by permissions though it be root."""
    return [sys.executable, "-E", "-s", os.path.abspath(__file__), *argv]


@contextlib.contextmanager
def without_powers() -> Iterator[None]:
    """Permissions count for this thread within the ``with``, though it be root's."""
    before = _capabilities()
    _set_effective(0, 0)
    try:
        yield
    finally:
        _set_effective(before[0], before[3])


def permissions_do_not_count() -> bool:
    """Whether this process may read and write whatever the permissions say."""
    return bool(_capabilities()[0] & 1 << _DAC_OVERRIDE)


def _capabilities() -> ctypes.Array[ctypes.c_uint32]:
    """What this thread may do: effective, permitted and inheritable bits, the low words first."""
    found = (ctypes.c_uint32 * 6)()
    _libc().capget((ctypes.c_uint32 * 2)(_VERSION, 0), found)
    return found


def _set_effective(low: int, high: int) -> None:
    wanted = _capabilities()
    wanted[0], wanted[3] = low, high
    if _libc().capset((ctypes.c_uint32 * 2)(_VERSION, 0), wanted) != 0:
        raise OSError(ctypes.get_errno(), "capset")


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _give_up_powers() -> None:
    """What is started from here on has no capabilities; nothing changes for who has none."""
    libc = _libc()
    for number in range(_MOST):
        libc.prctl(_DROP_FROM_BOUNDING_SET, number, 0, 0, 0)


if __name__ == "__main__":
    _give_up_powers()
    os.execvp(sys.argv[1], sys.argv[1:])
