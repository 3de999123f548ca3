"""The programs of bin/ that a reader of the README starts first, on less work than theirs."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.support.environment import CHECKOUT

if TYPE_CHECKING:
    from pathlib import Path


def run(name: str, *args: str) -> subprocess.CompletedProcess[str]:
    """Run a script of bin/ in the environment that the tests run in."""
    env = {**os.environ, "MLVERS_VENV": sys.prefix, "MLVERS_ENTERED_VENV": sys.prefix}
    return subprocess.run(
        [sys.executable, str(CHECKOUT / "bin" / name), *args],
        env=env,
        capture_output=True,
        text=True,
        timeout=300,
    )


def test_quickstart() -> None:
    ran = run("quickstart", "--images", "32", "--model-size", "3000000")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert ran.stdout.count("byte for byte: all the same") == 2
    assert "## main...origin/main\n" in ran.stdout
    assert max(len(line) for line in ran.stdout.splitlines()) <= 100


@pytest.mark.s3
def test_bench() -> None:
    ran = run("bench", "--scale", "0.001", "--runs", "1", "--tools", "cp,git,git-mlvers")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    rows = [line for line in ran.stdout.splitlines() if line.startswith("| ")]
    assert len(rows) == 31
    assert all(line.count(" | ") == 6 for line in rows)


@pytest.mark.parametrize("name", ["test", "bench", "quickstart"])
def test_help_makes_no_environment(name: str, tmp_path: Path) -> None:
    env = {**os.environ, "MLVERS_VENV": str(tmp_path / "venv")}
    env.pop("MLVERS_ENTERED_VENV", None)
    ran = subprocess.run(
        [sys.executable, str(CHECKOUT / "bin" / name), "--help"],
        env=env,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ran.returncode == 0
    assert f"bin/{name}" in ran.stdout
    assert ran.stderr == ""
    assert not (tmp_path / "venv").exists()


def test_environment_is_not_made_twice() -> None:
    ran = run("bench", "--help")
    assert ran.returncode == 0
    assert "setting up" not in ran.stderr
