"""Repositories that several users of a machine share, and those that are closed to some of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.git import Repo, noise
from tests.support.powers import plain

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FILES = {"small.bin": noise(2_000), "large.bin": noise(300_000)}


@pytest.fixture
def work(installed: Path, tmp_path: Path) -> Repo:
    """Committed content, and a git remote on this machine to which nothing is pushed yet."""
    repo = Repo.init(tmp_path / "work")
    repo.attributes("*.bin")
    repo.write_all(FILES)
    repo.commit("content")
    Repo.init(tmp_path / "srv.git", "--bare")
    repo.git("remote", "add", "origin", str(tmp_path / "srv.git"))
    return repo


class TestCacheOfANeighbour:
    """The repository that was cloned has an ``mlvers`` that this user may not look into."""

    @pytest.fixture
    def closed(self, work: Repo, tmp_path: Path) -> Iterator[Path]:
        folder = tmp_path / "srv.git" / "mlvers"
        folder.mkdir(exist_ok=True)
        folder.chmod(0)
        yield folder
        folder.chmod(0o755)

    def clone(self, tmp_path: Path) -> tuple[Repo, str]:
        argv = plain("git", "clone", "-q", str(tmp_path / "srv.git"), "made")
        ran = Repo(tmp_path).program(*argv)
        return Repo(tmp_path / "made"), ran.stderr

    @pytest.fixture
    def stored_elsewhere(self, work: Repo, tmp_path: Path) -> None:
        work.mlvers("remote", "add", "-d", "storage", str(tmp_path / "store"))
        work.commit("storage")

    @pytest.mark.usefixtures("stored_elsewhere")
    def test_content_comes_from_the_remote(self, work: Repo, tmp_path: Path, closed: Path) -> None:
        work.git("push", "-q", "origin", "main")
        made, said = self.clone(tmp_path)
        assert said == ""
        made.assert_contents(FILES)
        made.assert_whole()

    def test_without_another_place_pointers_are_left(
        self, work: Repo, tmp_path: Path, closed: Path
    ) -> None:
        closed.chmod(0o755)
        work.git("push", "-q", "origin", "main")
        closed.chmod(0)
        made, said = self.clone(tmp_path)
        assert made.pointers_on_disk() == sorted(FILES)
        assert "permission denied" in said
        assert "Traceback" not in said
        closed.chmod(0o755)
        made.mlvers("pull")
        made.assert_contents(FILES)
