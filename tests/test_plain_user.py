"""What matters most, once more without the powers of root: tests are often run by root."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.support.environment import CHECKOUT
from tests.support.powers import plain

if TYPE_CHECKING:
    from pathlib import Path

OPTIONS = ["-q", "-x", "-p", "no:cacheprovider", "-p", "no:xdist"]


@pytest.mark.slow
@pytest.mark.parametrize("tests", ["tests/unit/cache", "tests/git/test_happy_path.py"])
def test_passes_where_permissions_count(tests: str, tmp_path: Path) -> None:
    ran = subprocess.run(
        plain(sys.executable, "-m", "pytest", *OPTIONS, "--basetemp", str(tmp_path / "t"), tests),
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout[-5000:] + ran.stderr[-1000:]
    assert " passed" in ran.stdout
