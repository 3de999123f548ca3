"""Repositories that several users of a machine share, and those that are closed to some of them."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

import pytest

from git_mlvers.hooks import NAMES
from tests.support.git import Repo, clone, noise
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


def test_env_tells_what_it_can_of_a_cache_that_cannot_be_read(work: Repo) -> None:
    packs = work.cache_dir() / "packs"
    packs.chmod(0)
    ran = work.program(*plain("git", "mlvers", "env", "--offline"))
    packs.chmod(0o755)
    assert "Versions:" in ran.stdout
    assert "permission denied while looking into the cache" in ran.stdout.partition("Cache:")[2]
    assert ran.stderr == ""


def test_checkout_from_a_cache_that_may_not_be_written(work: Repo) -> None:
    work.git("config", "mlvers.populateMin", "100000")
    work.mlvers("init")
    for name in FILES:
        work.remove(name)
    for folder in [work.cache_dir(), *work.cache_dir().rglob("*")]:
        folder.chmod(folder.stat().st_mode & ~0o222)
    ran = work.program(*plain("git", "checkout", *FILES))
    assert ran.stderr == f"Updated {len(FILES)} paths from the index\n"
    work.assert_contents(FILES)
    assert not (work.cache_dir() / "placeholders").exists()


class TestSharedRepository:
    """``core.sharedRepository``: what one user makes is of use to the others, whatever the umask.

    What the others may is tried by giving the owner the rights of the group.
    """

    @pytest.fixture
    def careful(self) -> Iterator[None]:
        before = os.umask(0o077)
        yield
        os.umask(before)

    @pytest.fixture
    def shared(self, installed: Path, tmp_path: Path, careful: None) -> Repo:
        """What the first user has committed, checked out and pushed."""
        Repo.init(tmp_path / "srv.git", "--bare", "--shared=group")
        repo = Repo.init(tmp_path / "shared", "--shared=group")
        repo.mlvers("init")
        repo.git("remote", "add", "origin", str(tmp_path / "srv.git"))
        repo.attributes("*.bin")
        repo.write_all(FILES)
        repo.commit("content")
        repo.git("config", "mlvers.populateMin", "100000")
        repo.remove("large.bin")
        repo.git("checkout", "large.bin")
        repo.git("push", "-q", "-u", "origin", "main")
        return repo

    def test_the_group_has_its_rights(self, shared: Repo) -> None:
        hooks = [shared.git_path("hooks") / name for name in NAMES]
        for path in [*(shared.path / ".git" / "mlvers").rglob("*"), *hooks]:
            mode = path.stat().st_mode
            if path.is_dir():
                wanted = 0o2070
            elif "objects" in path.parts:
                wanted = 0o040
            else:
                wanted = 0o070 if path in hooks else 0o060
            assert mode & wanted == wanted, f"{path}: {mode:o}"

    def test_another_member_pushes(self, shared: Repo, tmp_path: Path) -> None:
        for folder in (shared.path / ".git", tmp_path / "srv.git"):
            be_another_member(folder)
        shared.git_path("COMMIT_EDITMSG").unlink()  # git itself leaves it to its owner
        shared.write("more.bin", noise(250_000, "more"))
        for argv in (
            ("mlvers", "status"),
            ("add", "more.bin"),
            ("commit", "-q", "-m", "more"),
            ("push", "-q", "origin", "main"),
        ):
            ran = shared.program(*plain("git", *argv))
            assert ran.stderr == ""
        assert not list(shared.git_path("hooks").glob("*.before-mlvers"))
        made = clone(str(tmp_path / "srv.git"), tmp_path / "made")
        made.assert_contents({**FILES, "more.bin": noise(250_000, "more")})

    @pytest.mark.parametrize(("how", "bits"), [("group", 0o060), ("all", 0o064)])
    def test_the_place_beside_a_git_remote(
        self, work: Repo, tmp_path: Path, careful: None, how: str, bits: int
    ) -> None:
        Repo.init(tmp_path / "other.git", "--bare", f"--shared={how}")
        work.git("push", "-q", str(tmp_path / "other.git"), "main")
        place = tmp_path / "other.git" / "mlvers"
        for path in [place, *place.rglob("*")]:
            wanted = bits | (bits & 0o044) >> 2 if path.is_dir() else bits
            assert path.stat().st_mode & 0o077 == wanted, path

    def test_without_it_the_umask_counts(self, work: Repo, careful: None) -> None:
        work.git("push", "-q", "origin", "main")
        for path in (work.path / ".git" / "mlvers" / "remotes").rglob("*"):
            assert path.stat().st_mode & 0o022 == 0


def be_another_member(folder: Path) -> None:
    """Let the owner of all that is in `folder` have the rights of the group, and no more."""
    for path in [folder, *folder.rglob("*")]:
        mode = stat.S_IMODE(path.stat().st_mode)
        path.chmod(mode & ~0o700 | (mode & 0o070) << 3)
