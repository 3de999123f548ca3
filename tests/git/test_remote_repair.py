"""A directory remote that lost something, or is not mounted: what is said, and the way out."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from tests.support.git import Repo, clone, noise, oid_of

if TYPE_CHECKING:
    from pathlib import Path

FILES = {"large.bin": noise(200_000, "large"), "small.bin": noise(3000, "small")}
LATER = noise(210_000, "later")


@pytest.fixture
def storage(tmp_path: Path) -> Path:
    """The directory that content goes to."""
    return tmp_path / "mount" / "storage"


@pytest.fixture
def project(installed: Path, repo: Repo, tmp_path: Path, storage: Path) -> Repo:
    """Two pushes, each with a pack of its own."""
    storage.parent.mkdir()
    bare = Repo.init(tmp_path / "origin.git", "--bare")
    repo.git("remote", "add", "origin", str(bare.path))
    repo.mlvers("remote", "add", "-d", "storage", str(storage))
    repo.attributes("*.bin")
    repo.write_all(FILES)
    repo.commit("first")
    repo.git("push", "-q", "-u", "origin", "main")
    repo.write("later.bin", LATER)
    repo.commit("second")
    repo.git("push", "-q")
    return repo


def fresh(project: Repo, tmp_path: Path) -> Repo:
    """A clone that finds nothing on this disk but the remote."""
    return clone((tmp_path / "origin.git").as_uri(), tmp_path / "fresh")


def test_lost_pack_is_pushed_again(project: Repo, tmp_path: Path, storage: Path) -> None:
    packs = sorted((storage / "content/packs").glob("*/*"), key=lambda path: path.stat().st_size)
    packs[0].unlink()  # the one with the files of the first push
    project.drop_cache()
    ran = project.fails("mlvers", "fsck", "--remote", "--repair")
    assert ran.returncode == 6
    lines = ran.stdout.splitlines()
    for line, (path, data) in zip(lines, FILES.items(), strict=True):
        assert line.startswith(f"{path}: its content is lost on the remote")
        assert oid_of(data) in line
    assert "git mlvers push --all" in ran.stderr
    assert "--repair" not in ran.stderr
    project.git("add", "--renormalize", ".")
    assert "2 files" in project.mlvers("push", "--all")
    assert "No problem" in project.mlvers("fsck", "--remote", "--read-data")
    made = fresh(project, tmp_path)
    for path, data in {**FILES, "later.bin": LATER}.items():
        made.assert_content(path, data)


def test_damaged_pack_is_pushed_again(project: Repo, tmp_path: Path, storage: Path) -> None:
    for pack in (storage / "content/packs").glob("*/*"):
        pack.chmod(0o644)
        data = bytearray(pack.read_bytes())
        data[100_000] ^= 1
        pack.write_bytes(data)
    ran = project.fails("mlvers", "fsck", "--remote", "--read-data")
    assert ran.returncode == 6 and "--repair" in ran.stderr
    said = project.mlvers("fsck", "--remote", "--repair", "--read-data")
    assert said.splitlines() == [
        "2 files lost on the remote and sent again from the cache, 400 KiB.",
        "No problem found.",
    ]
    assert "No problem" in project.mlvers("fsck", "--remote", "--read-data")
    assert "No problem" in project.mlvers("fsck", "--remote", "--repair")
    made = fresh(project, tmp_path)
    for path, content in {**FILES, "later.bin": LATER}.items():
        made.assert_content(path, content)


def test_lost_index(project: Repo, storage: Path) -> None:
    shutil.rmtree(storage / "content/index")
    ran = project.fails("mlvers", "fsck", "--remote")
    assert ran.returncode == 6
    assert "there is no index file, but 2 packs" in ran.stdout
    assert "--repair" in ran.stderr
    assert "No problem" in project.mlvers("fsck", "--remote", "--repair")
    assert "No problem" in project.mlvers("fsck", "--remote", "--read-data")
    assert "Everything is on the remote" in project.mlvers("push", "--all")


def test_unmounted_directory(project: Repo, tmp_path: Path, storage: Path) -> None:
    away = storage.rename(tmp_path / "unmounted")
    origin = (tmp_path / "origin.git").as_uri()
    said = Repo(tmp_path).run("clone", origin, "fresh").stderr
    assert f"the directory {storage} is not there" in said
    assert "is it mounted?" in said
    assert "whoever committed it" not in said
    made = Repo(tmp_path / "fresh")
    for words in (["pull"], ["fetch"], ["fsck", "--remote"], ["ls-files", "--remote"]):
        ran = made.fails("mlvers", *words)
        assert ran.returncode == 5, words
        assert "is it mounted?" in ran.stderr
    assert not storage.exists()
    away.rename(storage)
    made.mlvers("pull")
    made.assert_content("large.bin", FILES["large.bin"])


def test_first_push_by_hand_makes_the_directory(project: Repo, storage: Path) -> None:
    project.mlvers("remote", "add", "other", str(storage.parent / "other"))
    assert "3 files" in project.mlvers("push", "--all", "--remote", "other")
    assert (storage.parent / "other" / "mlvers.json").exists()


def test_lost_pack_is_sent_again_as_far_as_the_cache_has_it(
    project: Repo, tmp_path: Path, storage: Path
) -> None:
    for pack in (storage / "content/packs").glob("*/*"):
        pack.unlink()
    large = project.cache_dir() / "objects" / oid_of(LATER)[:2] / oid_of(LATER)[2:4]
    shutil.rmtree(large)
    ran = project.fails("mlvers", "fsck", "--remote", "--repair")
    assert ran.returncode == 6
    said = ran.stdout.splitlines()
    assert said[0] == "2 files lost on the remote and sent again from the cache, 198 KiB."
    assert len(said) == 2 and said[1].startswith("later.bin: its content is lost on the remote")
    assert "No problem" in project.mlvers("fsck", "--remote", "--read-data")
    made = fresh(project, tmp_path)
    made.assert_contents(FILES)


def test_a_share_is_read(project: Repo, storage: Path) -> None:
    """Chance says which packs; in the end a damaged one is among them."""
    for pack in (storage / "content/packs").glob("*/*"):
        pack.chmod(0o644)
        data = bytearray(pack.read_bytes())
        data[1000] ^= 1
        pack.write_bytes(data)
    ran = project.fails("mlvers", "fsck", "--remote", "--read-data=50%")
    assert ran.returncode == 6
    assert ran.stderr.startswith("git-mlvers: 1 problem found")
    for share in ("half", "0%", "101%", "5"):
        ran = project.fails("mlvers", "fsck", "--remote", f"--read-data={share}")
        assert ran.returncode == 2 and "no share from 1% to 100%" in ran.stderr
    ran = project.fails("mlvers", "fsck", "--remote", "--repair", "--read-data=50%")
    assert ran.returncode == 2 and "all or nothing" in ran.stderr
