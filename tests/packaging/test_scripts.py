"""The programs of bin/ that a reader of the README starts first, on less work than theirs."""

from __future__ import annotations

import os
import re
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


def test_scale() -> None:
    table = run("scale")
    assert table.returncode == 0, table.stderr
    rows = [line for line in table.stdout.splitlines() if line.startswith("| ")]
    assert len(rows) == 11
    # The numbers of the design are those of the model.
    design = (CHECKOUT / "docs" / "design.md").read_text()
    assert all(row in design for row in rows[2:])
    ran = run("scale", "--files", "120000", "--chunks", "200000")
    assert ran.returncode == 0, ran.stderr
    small, large = ran.stdout.split("200,000 chunks")
    assert small.startswith("120,000 small files: 2 index files")
    for what in ("bytes in the index", "bytes in the local copy"):
        found = re.search(rf"([0-9.]+) {what} for each \(model ([0-9.]+)\)", small)
        assert found is not None
        assert 0.7 < float(found[1]) / float(found[2]) < 1.3
    # A table of all chunks would have at least their names: 32 bytes for each.
    each = re.search(r"([0-9.]+) bytes in the index for each", large)
    assert each is not None
    assert float(each[1]) < 0.5


@pytest.mark.parametrize("name", ["test", "bench", "quickstart", "scale"])
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
