"""What the helper costs before it does anything."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.serverless import address, commit
from tests.test_architecture import TOO_HEAVY

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.git import Repo


def imported(repo: Repo, *args: str) -> set[str]:
    """The modules that the Python programs under ``git ARGS`` imported."""
    ran = repo.run(*args, env={"PYTHONPROFILEIMPORTTIME": "1"})
    lines = [line for line in ran.stderr.splitlines() if line.startswith("import time:")]
    names = {line.rsplit("|", 1)[1].strip() for line in lines}
    return names | {name.partition(".")[0] for name in names}


def test_a_directory_needs_no_cloud(pushed: Repo, place: Path, tmp_path: Path) -> None:
    commit(pushed, "three")
    found = imported(pushed, "push", "-q", "store", "main")
    found |= imported(pushed, "clone", "-q", address(place), str(tmp_path / "clone"))
    assert "git_mlvers.serverless.push" in found
    assert not found & (TOO_HEAVY | {"subprocess"})


def test_an_address_alone_loads_nothing_of_a_cloud(pushed: Repo, place: Path) -> None:
    found = imported(pushed, "ls-remote", address(place))
    assert "git_mlvers.serverless.store" in found
    assert not found & (TOO_HEAVY | {"subprocess", "concurrent.futures"})
