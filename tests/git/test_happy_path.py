"""The main job, from nothing to a clone with content, on a directory and on S3."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.git import Repo, clone, noise

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.s3server import S3Server

FILES = {
    "model.bin": noise(4_000_000, "model"),
    "data/table.csv": b"a,b\n" * 5000,
    "data/deep/image.png": noise(20_000, "image"),
    "data/empty": b"",
}


def start(path: Path, origin: Path) -> Repo:
    """A repository set up as the README says, without a place for content yet."""
    Repo.init(origin, "--bare")
    repo = Repo.init(path)
    repo.git("mlvers", "install")
    repo.mlvers("init")
    repo.mlvers("track", "*.bin", "data/**")
    repo.git("remote", "add", "origin", str(origin))
    return repo


def add_commit_push(repo: Repo) -> None:
    repo.write_all({**FILES, "code.py": b"print('hello')\n"})
    repo.git("add", ".")
    repo.git("commit", "-q", "-m", "data")
    repo.git("push", "-q", "-u", "origin", "main")
    repo.assert_status()
    for path, data in FILES.items():
        if data:
            repo.assert_pointer(path, data)


def check_clone(repo: Repo) -> None:
    repo.assert_contents(FILES)
    repo.assert_content("code.py", b"print('hello')\n")
    repo.assert_whole()


def test_directory(tmp_path: Path, remote_dir: Path) -> None:
    repo = start(tmp_path / "work", tmp_path / "origin.git")
    repo.mlvers("remote", "add", "-d", "storage", str(remote_dir))
    add_commit_push(repo)
    assert (remote_dir / "mlvers.json").exists()
    assert not (tmp_path / "origin.git" / "mlvers").exists()
    check_clone(clone((tmp_path / "origin.git").as_uri(), tmp_path / "clone"))


def test_nothing_configured_beside_a_local_git_remote(tmp_path: Path) -> None:
    repo = start(tmp_path / "work", tmp_path / "origin.git")
    add_commit_push(repo)
    check_clone(clone(str(tmp_path / "origin.git"), tmp_path / "clone"))


@pytest.mark.s3
def test_s3(tmp_path: Path, s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in s3.environment().items():
        monkeypatch.setenv(name, value)
    bucket = s3.new_bucket()
    repo = start(tmp_path / "work", tmp_path / "origin.git")
    repo.mlvers("remote", "add", "-d", "storage", f"s3://{bucket}/some/prefix")
    add_commit_push(repo)
    keys = set(s3.objects(bucket))
    assert "some/prefix/mlvers.json" in keys
    assert len(keys) <= 4
    made = clone((tmp_path / "origin.git").as_uri(), tmp_path / "clone")
    check_clone(made)
    made.write("model.bin", noise(400_000, "trained"))
    made.commit("trained")
    made.git("push", "-q")
    repo.settle()
    repo.git("pull", "-q")
    repo.assert_content("model.bin", noise(400_000, "trained"))
    repo.assert_whole()


@pytest.mark.s3
def test_s3_named_by_its_endpoint(tmp_path: Path, s3: S3Server) -> None:
    bucket = s3.new_bucket()
    repo = start(tmp_path / "work", tmp_path / "origin.git")
    repo.mlvers("remote", "add", "-d", "storage", f"s3://{bucket}")
    repo.mlvers("remote", "modify", "storage", "endpointurl", s3.endpoint)
    for key in ("accesskeyid", "secretaccesskey"):
        repo.mlvers("remote", "modify", "--local", "storage", key, s3.options()[key])
    add_commit_push(repo)
    # The host is one that a committed file names: it is asked only after the user's word.
    made = clone((tmp_path / "origin.git").as_uri(), tmp_path / "clone")
    assert len(made.pointers_on_disk()) == 3
    for key in ("accesskeyid", "secretaccesskey"):
        made.mlvers("remote", "modify", "--local", "storage", key, s3.options()[key])
    assert "git mlvers remote trust storage" in made.fails("mlvers", "pull").stderr
    made.mlvers("remote", "trust", "storage")
    made.mlvers("pull")
    check_clone(made)


def test_change_goes_round(tmp_path: Path, remote_dir: Path) -> None:
    repo = start(tmp_path / "work", tmp_path / "origin.git")
    repo.mlvers("remote", "add", "-d", "storage", str(remote_dir))
    add_commit_push(repo)
    other = clone(str(tmp_path / "origin.git"), tmp_path / "clone")
    changed = FILES["model.bin"][:2_000_000] + b"!" + FILES["model.bin"][2_000_000:]
    repo.write("model.bin", changed)
    repo.git("commit", "-q", "-a", "-m", "trained")
    before = sum(path.stat().st_size for path in remote_dir.rglob("*") if path.is_file())
    repo.git("push", "-q")
    after = sum(path.stat().st_size for path in remote_dir.rglob("*") if path.is_file())
    assert after - before < 1_000_000
    other.git("pull", "-q")
    other.assert_content("model.bin", changed)
    other.assert_whole()


def test_two_people_take_turns(tmp_path: Path, remote_dir: Path) -> None:
    repo = start(tmp_path / "work", tmp_path / "origin.git")
    repo.mlvers("remote", "add", "-d", "storage", str(remote_dir))
    add_commit_push(repo)
    other = clone(str(tmp_path / "origin.git"), tmp_path / "clone")
    # Writing into a directory that a committed file names takes the user's word.
    other.write("hers.bin", noise(100_000, "hers"))
    other.commit("hers")
    refused = other.fails("push", "-q")
    assert "git mlvers remote trust storage" in refused.stderr
    other.mlvers("remote", "trust", "storage")
    other.git("push", "-q")
    repo.write("his.bin", noise(100_000, "his"))
    repo.commit("his")
    repo.git("pull", "-q", "--rebase")
    repo.git("push", "-q")
    other.git("pull", "-q")
    for one in (repo, other):
        one.settle()
        one.assert_content("hers.bin", noise(100_000, "hers"))
        one.assert_content("his.bin", noise(100_000, "his"))
        one.assert_whole()
