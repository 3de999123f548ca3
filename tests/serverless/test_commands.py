"""``git mlvers gc`` and ``git mlvers fsck --remote`` for a git remote that is a store."""

from __future__ import annotations

import json
import os
import time
from typing import TYPE_CHECKING

import pytest

from git_mlvers.backend.directory import Directory
from git_mlvers.git.repository import Repository
from git_mlvers.serverless.consolidate import GRACE, consolidate
from git_mlvers.serverless.local import Local
from git_mlvers.serverless.store import Store
from tests.support.git import Repo
from tests.support.serverless import address, commit, packs, whole
from tests.support.trouble import At, Trouble

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.s3server import S3Server

CORRUPT = 6


def manifest_of(place: Path) -> dict[str, object]:
    """The state of the repository at `place`."""
    found: dict[str, object] = json.loads((place / "git/manifest.json").read_bytes())
    return found


def named(place: Path) -> int:
    """How many packs the state at `place` names."""
    found = manifest_of(place)["packs"]
    assert isinstance(found, list)
    return len(found)


def everything(place: Path) -> dict[str, tuple[bytes, int]]:
    """All files at `place`, with the time of their last change."""
    return {
        str(path): (path.read_bytes(), path.stat().st_mtime_ns)
        for path in place.rglob("*")
        if path.is_file()
    }


def grow(work: Repo, number: int, remote: str = "store") -> None:
    """Push `number` commits, one by one."""
    for _ in range(number):
        commit(work, f"more-{time.monotonic_ns()}")
        work.git("push", "-q", remote, "HEAD:main")


def age(place: Path) -> None:
    """Let all files at `place` be older than the grace period."""
    old = time.time() - GRACE - 3600
    for path in place.rglob("*"):
        os.utime(path, (old, old))


def joined_long_ago(work: Repo, place: Path) -> None:
    """Join all packs, as it would have been done before the grace period."""
    store = Store(Directory(str(place), fsync=False))
    repo = Repository.discover(str(work.path))
    local = Local(repo.common_dir, store.url)
    long_ago = time.time() - GRACE - 60
    done = consolidate(store, repo, local, store.load(), everything=True, now=long_ago)
    assert done is not None
    age(place)


class TestGc:
    def test_packs_are_joined(self, pushed: Repo, place: Path, tmp_path: Path) -> None:
        grow(pushed, 3)
        said = pushed.mlvers("gc", "store")
        assert said.startswith("4 packs of ")
        assert "joined into" in said
        assert named(place) == 1
        assert whole(place, tmp_path / "clone").head() == pushed.head()
        # Whoever reads the state before still finds what it names.
        assert len(packs(place)) == 5
        assert "Nothing to join or delete at store" in pushed.mlvers("gc")
        assert len(packs(place)) == 5

    def test_what_is_superseded_long_enough_is_deleted(
        self, pushed: Repo, place: Path, tmp_path: Path
    ) -> None:
        grow(pushed, 3)
        joined_long_ago(pushed, place)
        size = sum(path.stat().st_size for path in packs(place))
        size += sum(path.stat().st_size for path in (place / "git/history").iterdir())
        answer = json.loads(pushed.mlvers("gc", "--json"))
        [left] = packs(place)
        assert answer == {
            "git_remote": "store",
            "dry_run": False,
            "store": True,
            "joined": {"packs": 0, "bytes": 0, "new_bytes": 0},
            "deleted": {"files": 5, "bytes": size - left.stat().st_size},
        }
        assert not list((place / "git/history").iterdir())
        assert whole(place, tmp_path / "clone").head() == pushed.head()

    def test_a_dry_run_changes_nothing(self, pushed: Repo, place: Path) -> None:
        grow(pushed, 1)
        joined_long_ago(pushed, place)
        grow(pushed, 3)
        before = everything(place)
        said = pushed.mlvers("gc", "--dry-run").splitlines()
        assert said[0].startswith("4 packs of ")
        assert "would be joined" in said[0]
        assert said[1].startswith("3 superseded files would be deleted, ")
        assert everything(place) == before
        real = pushed.mlvers("gc").splitlines()
        assert real[0].startswith("4 packs of ")
        assert real[1].startswith("3 superseded files deleted, ")

    def test_a_large_pack_is_not_written_again_for_one_push(self, work: Repo, place: Path) -> None:
        work.write("large", os.urandom(100_000))
        work.commit()
        work.git("push", "-q", "-u", "store", "main")
        [first] = packs(place)
        for number in (1, 2):
            grow(work, number)
            work.mlvers("gc")
            assert first.stem == manifest_of(place)["packs"][0]["id"]  # type: ignore[index]
            assert named(place) == 2
        assert "3 packs" not in work.mlvers("gc", "--dry-run")
        assert work.mlvers("gc", "--all").startswith("2 packs of ")
        assert named(place) == 1

    def test_all_leaves_out_what_no_ref_needs(
        self, pushed: Repo, place: Path, tmp_path: Path
    ) -> None:
        pushed.git("checkout", "-q", "-b", "side")
        secret = commit(pushed, "secret", "x" * 5000)
        pushed.git("push", "-q", "store", "side")
        pushed.git("push", "-q", "store", ":side")
        pushed.mlvers("gc", "--all", "store")
        assert named(place) == 1
        assert (
            whole(place, tmp_path / "clone").run("cat-file", "-e", secret, check=False).returncode
        )

    def test_what_the_clone_lacks_is_fetched(
        self, pushed: Repo, place: Path, tmp_path: Path
    ) -> None:
        other = whole(place, tmp_path / "other")
        grow(pushed, 3)
        pushed.git("push", "-q", "store", "HEAD:refs/unusual/one")
        other.mlvers("gc")
        assert named(place) == 1
        assert whole(place, tmp_path / "clone").head() == pushed.head()
        assert not list(other.path.glob(".git/objects/pack/*.keep"))

    @pytest.mark.parametrize("option", ["--depth=1", "--filter=blob:none"])
    def test_from_a_clone_with_a_part_of_the_history(
        self, pushed: Repo, place: Path, tmp_path: Path, option: str
    ) -> None:
        grow(pushed, 3)
        pushed.git("clone", "-q", option, address(place), str(tmp_path / "poor"))
        Repo(tmp_path / "poor").mlvers("gc")
        assert named(place) == 1
        made = whole(place, tmp_path / "clone")
        assert made.head() == pushed.head()
        assert len(made.git("log", "--format=%h").splitlines()) == 5

    def test_a_clone_that_has_lost_objects(self, pushed: Repo, place: Path) -> None:
        grow(pushed, 2)
        before = everything(place)
        for path in pushed.path.glob(".git/objects/??/*"):
            if path.parent.name + path.name == pushed.git("rev-parse", "main:one").strip():
                path.unlink()
        ran = pushed.fails("mlvers", "gc")
        assert ran.returncode == 1
        assert "this clone lacks objects" in ran.stderr
        assert everything(place) == before

    @pytest.mark.parametrize("method", ["swap", "keep_history"])
    def test_others_push_meanwhile(
        self, pushed: Repo, place: Path, tmp_path: Path, method: str
    ) -> None:
        other = whole(place, tmp_path / "other")
        grow(pushed, 2)
        other.git("pull", "-q")
        trouble = Trouble(tmp_path, At(f"git_mlvers.serverless.store:Store.{method}", do="hold"))
        running = trouble.start(pushed, "git", "mlvers", "gc")
        trouble.wait()
        grow(other, 1, "origin")
        trouble.go_on()
        ended = running.end()
        assert ended.code == 0, ended.err
        faster = method == "swap"
        assert ended.out.startswith("4 packs" if faster else "3 packs")
        assert named(place) == (1 if faster else 2)
        assert whole(place, tmp_path / "clone").head() == other.head()

    def test_a_git_remote_with_a_server(self, work: Repo, tmp_path: Path) -> None:
        bare = Repo.init(tmp_path / "origin.git", "--bare")
        for name, url in (("plain", str(bare.path)), ("wrapped", address(bare.path))):
            work.git("remote", "add", name, url)
            work.git("push", "-q", name, "main")
            before = everything(bare.path)
            said = work.mlvers("gc", name)
            assert said == f"There is nothing to collect at {name}: its own server does that."
            assert everything(bare.path) == before
        assert json.loads(work.mlvers("gc", "--json", "plain"))["store"] is False

    def test_which_git_remote(self, work: Repo, place: Path) -> None:
        ran = work.fails("mlvers", "gc", "stroe")
        assert ran.returncode == 2
        assert "there is no git remote 'stroe'" in ran.stderr
        # A place that is not mounted must not look like one with nothing to do.
        assert work.fails("mlvers", "gc", "store").returncode == 5
        work.git("push", "-q", "store", "main")
        assert "Nothing to join" in work.mlvers("gc", address(place))
        work.git("remote", "remove", "store")
        ran = work.fails("mlvers", "gc")
        assert ran.returncode == 2
        assert "no git remote" in ran.stderr

    @pytest.mark.s3
    def test_in_a_bucket(self, repo: Repo, s3: S3Server) -> None:
        bucket = s3.new_bucket()
        repo.config("mlvers.remote.lent.url", f"s3://{bucket}")
        for key, value in s3.options().items():
            repo.config(f"mlvers.remote.lent.{key}", value)
        repo.git("remote", "add", "origin", f"mlvers::s3://{bucket}/repo")
        commit(repo, "one")
        repo.git("push", "-q", "-u", "origin", "main")
        grow(repo, 2, "origin")
        assert repo.mlvers("gc").startswith("3 packs of ")
        assert "Nothing to join" in repo.mlvers("gc")
        assert "No problem" in repo.mlvers("fsck", "--remote", "--read-data")


class TestFsck:
    @staticmethod
    def problems(repo: Repo, *options: str) -> list[dict[str, str]]:
        """What ``fsck --remote`` lists; its exit code must tell the same."""
        ran = repo.run("mlvers", "fsck", "--remote", "--json", *options, check=False)
        found: list[dict[str, str]] = json.loads(ran.stdout)["problems"]
        assert ran.returncode == (CORRUPT if found else 0)
        return found

    @pytest.fixture
    def both(self, pushed: Repo, place: Path) -> Repo:
        """A store with several packs, and content of a large file."""
        pushed.attributes("*.bin")
        pushed.write("large.bin", os.urandom(50_000))
        pushed.commit("large")
        pushed.git("push", "-q")
        grow(pushed, 1)
        assert (place / "content").is_dir()
        return pushed

    def test_intact(self, both: Repo) -> None:
        assert "No problem" in both.mlvers("fsck", "--remote")
        assert "No problem" in both.mlvers("fsck", "--remote", "--read-data")

    def test_intact_without_content(self, pushed: Repo) -> None:
        assert "No problem" in pushed.mlvers("fsck", "--remote", "--read-data")

    def test_a_missing_pack(self, both: Repo, place: Path) -> None:
        lost = packs(place)[1]
        lost.unlink()
        [found] = self.problems(both)
        assert found["kind"] == "git"
        assert lost.stem in found["message"]
        ran = both.fails("mlvers", "fsck", "--remote")
        assert ran.stdout.startswith(f"the pack {lost.stem} is missing")
        assert "1 problem found" in ran.stderr
        assert "hint: git mlvers gc --all" in ran.stderr

    def test_a_pack_that_was_cut(self, both: Repo, place: Path) -> None:
        cut = packs(place)[1]
        cut.write_bytes(cut.read_bytes()[:-1])
        [found] = self.problems(both)
        assert "and should have" in found["message"]

    def test_a_pack_with_other_bytes(self, both: Repo, place: Path) -> None:
        damaged = packs(place)[1]
        data = damaged.read_bytes()
        damaged.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
        assert self.problems(both) == []
        [found] = self.problems(both, "--read-data")
        assert damaged.stem in found["message"]

    @pytest.mark.parametrize("number", [1, 3])
    def test_the_hint_heals(self, pushed: Repo, place: Path, tmp_path: Path, number: int) -> None:
        grow(pushed, number - 1)
        for pack in packs(place):
            pack.write_bytes(b"damaged")
        assert len(self.problems(pushed)) == number
        pushed.mlvers("gc", "--all")
        assert self.problems(pushed, "--read-data") == []
        assert whole(place, tmp_path / "clone").head() == pushed.head()

    def test_damage_of_both_parts_is_listed(self, both: Repo, place: Path) -> None:
        packs(place)[0].unlink()
        for path in (place / "content/packs").rglob("*"):
            if path.is_file():
                path.unlink()
        assert {problem["kind"] for problem in self.problems(both)} == {"git", "remote"}

    def test_a_state_that_is_gone(self, both: Repo, place: Path) -> None:
        (place / "git/manifest.json").unlink()
        [found] = self.problems(both)
        assert "is gone" in found["message"]
        (place / "git/manifest.json").write_text("{}")
        [found] = self.problems(both)
        assert "manifest" in found["message"]

    def test_the_objects_of_a_git_server_are_left_to_it(self, work: Repo, tmp_path: Path) -> None:
        bare = Repo.init(tmp_path / "origin.git", "--bare")
        work.git("remote", "add", "origin", address(bare.path))
        work.git("push", "-q", "-u", "origin", "main")
        assert self.problems(work) == []
