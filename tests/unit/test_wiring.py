"""How the program is found that git is told to start."""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_mlvers import wiring

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_the_helper_finds_the_program_beside_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "git-mlvers"
    program.touch(0o755)
    monkeypatch.setattr("sys.argv", [str(tmp_path / "git-remote-mlvers"), "origin", "s3://b/x"])
    assert wiring.find_program({"PATH": str(tmp_path)}) == wiring.Program("git-mlvers", None)
    found = wiring.find_program({"PATH": "/nonexistent"})
    assert found == wiring.Program(str(program), str(program))
