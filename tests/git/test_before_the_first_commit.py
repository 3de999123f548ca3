"""Commands about content in a repository that has no commits yet."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.git import Repo


@pytest.mark.parametrize("words", [["push"], ["push", "--all"], ["fetch"], ["fetch", "--all"]])
def test_nothing_to_do(installed: Path, repo: Repo, words: list[str]) -> None:
    assert repo.mlvers(*words) == "There are no commits yet."
    assert json.loads(repo.mlvers(*words, "--json"))["files"] == 0
