"""Programs without the powers of root, so that tests which root runs see what others see.

Where permissions do not count, a file that nobody may write to, or read, is no
obstacle, and a test with it says nothing.
"""

from __future__ import annotations

import ctypes
import os
import sys
from pathlib import Path

_DROP_FROM_BOUNDING_SET = 24
_MOST = 64
_DAC_OVERRIDE = 1


def plain(*argv: str) -> list[str]:
    """The command that runs `argv` as the same user, bound by permissions though it be root."""
    return [sys.executable, "-E", "-s", os.path.abspath(__file__), *argv]


def permissions_do_not_count() -> bool:
    """Whether this process may read and write whatever the permissions say."""
    status = Path("/proc/self/status").read_text()
    effective = int(status.partition("CapEff:")[2].split()[0], 16)
    return bool(effective & 1 << _DAC_OVERRIDE)


def _give_up_powers() -> None:
    """What is started from here on has no capabilities; nothing changes for who has none."""
    libc = ctypes.CDLL(None, use_errno=True)
    for number in range(_MOST):
        libc.prctl(_DROP_FROM_BOUNDING_SET, number, 0, 0, 0)


if __name__ == "__main__":
    _give_up_powers()
    os.execvp(sys.argv[1], sys.argv[1:])
