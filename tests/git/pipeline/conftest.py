"""What scenarios with pipelines start from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.pipelines import Pipelines, chain

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def repo(installed: Path, tmp_path: Path) -> Pipelines:
    """Three stages in a row, run and committed."""
    made = chain(tmp_path / "work")
    made.repro()
    made.commit("ran")
    made.ran()
    return made
