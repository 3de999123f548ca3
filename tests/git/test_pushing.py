"""What ``git push`` sends before the refs move: everything that is needed, and once."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest

from tests.support.git import Repo, clone, noise, oid_of
from tests.support.project import LARGE, SMALL

if TYPE_CHECKING:
    from pathlib import Path


NOWHERE = """\
#!/bin/sh
while read -r line; do
    case $line in
    capabilities) printf 'push\\n\\n' ;;
    list*) echo ;;
    '') exit ;;
    esac
done
"""


class Pair:
    """A repository with tracked files, and the bare one that it pushes to."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.bare = Repo.init(directory / "origin.git", "--bare")
        self.repo = Repo.init(directory / "work")
        self.repo.git("remote", "add", "origin", str(self.bare.path))
        self.repo.attributes("*.bin")
        self.repo.write("readme.txt", b"hello\n")
        self.repo.commit("start")
        self._clones = 0

    @property
    def content(self) -> Path:
        """Where content goes: beside the git remote."""
        return self.bare.path / "mlvers" / "content"

    def add(self, name: str, seed: int | str = 0, size: int = LARGE) -> bytes:
        """Commit one file; its bytes."""
        data = noise(size, f"{name} {seed}")
        self.repo.write(name, data)
        self.repo.commit(f"{name} {seed}")
        return data

    def clone(self, *options: str) -> Repo:
        """A new clone, with all content."""
        self._clones += 1
        made = clone(self.bare.path.as_uri(), self.directory / f"clone{self._clones}", *options)
        made.assert_whole()
        return made

    def sizes(self) -> dict[str, int]:
        """Bytes by name of all objects of the content remote."""
        found = (path for path in self.content.rglob("*") if path.is_file())
        return {path.name: path.stat().st_size for path in found}


@pytest.fixture
def pair(installed: Path, tmp_path: Path) -> Pair:
    """A repository and the bare one it pushes to."""
    return Pair(tmp_path)


def test_first_push_of_a_branch(pair: Pair) -> None:
    data = pair.add("a.bin")
    pair.repo.git("push", "-q", "-u", "origin", "main")
    pair.clone().assert_content("a.bin", data)


def test_without_content_nothing_is_made(pair: Pair) -> None:
    pair.repo.git("push", "-q", "-u", "origin", "main")
    assert not (pair.bare.path / "mlvers").exists()


def test_all_versions_in_between_are_sent(pair: Pair) -> None:
    versions = [pair.add("a.bin", number) for number in range(3)]
    pair.repo.git("push", "-q", "origin", "main")
    made = pair.clone()
    for back, data in enumerate(reversed(versions)):
        made.git("checkout", "-q", f"origin/main~{back}")
        made.assert_content("a.bin", data)


def test_file_that_was_removed_before_the_push(pair: Pair) -> None:
    data = pair.add("a.bin")
    pair.repo.git("rm", "-q", "a.bin")
    pair.repo.git("commit", "-q", "-m", "removed")
    pair.repo.git("push", "-q", "origin", "main")
    made = pair.clone()
    made.git("checkout", "-q", "HEAD~1")
    made.assert_content("a.bin", data)


def test_several_branches_and_tags_at_once(pair: Pair) -> None:
    wanted = {"main": pair.add("main.bin")}
    for name in ("one", "two"):
        pair.repo.git("checkout", "-q", "-b", name, "main")
        wanted[name] = pair.add(f"{name}.bin")
    pair.repo.git("tag", "-a", "-m", "annotated", "v1", "one")
    pair.repo.git("push", "-q", "origin", "main", "one", "two", "v1")
    for name, data in wanted.items():
        pair.clone("--single-branch", "--branch", name).assert_content(f"{name}.bin", data)
    pair.clone("--depth=1", "--branch", "v1").assert_content("one.bin", wanted["one"])


def test_tag_alone(pair: Pair) -> None:
    pair.repo.git("push", "-q", "origin", "main")
    pair.repo.git("checkout", "-q", "--detach")
    data = pair.add("tagged.bin")
    pair.repo.git("tag", "light")
    pair.repo.git("push", "-q", "origin", "light")
    pair.clone("--branch", "light").assert_content("tagged.bin", data)


def test_commit_that_no_ref_names(pair: Pair) -> None:
    pair.repo.git("checkout", "-q", "--detach")
    data = pair.add("a.bin")
    pair.repo.git("push", "-q", "origin", "HEAD:refs/heads/from-nowhere")
    pair.clone("--branch", "from-nowhere").assert_content("a.bin", data)


def test_tag_of_a_tag_and_of_a_tree(pair: Pair) -> None:
    data = pair.add("a.bin")
    pair.repo.git("tag", "-a", "-m", "1", "once")
    pair.repo.git("tag", "-a", "-m", "2", "twice", "once")
    pair.repo.git("tag", "-a", "-m", "3", "tree", "HEAD^{tree}")
    pair.repo.git("push", "-q", "origin", "twice", "tree")
    pair.clone("--branch", "twice").assert_content("a.bin", data)


def test_same_content_is_sent_once(pair: Pair) -> None:
    data = noise(LARGE)
    for number in range(5):
        pair.repo.write(f"{number}.bin", data)
        pair.repo.commit(f"{number}")
    pair.repo.git("push", "-q", "origin", "main")
    assert sum(pair.sizes().values()) < 1.1 * LARGE
    pair.repo.write("again.bin", data)
    pair.repo.commit("again")
    pair.repo.git("push", "-q", "origin", "main")
    assert sum(pair.sizes().values()) < 1.1 * LARGE


def test_nothing_new_leaves_the_remote_alone(pair: Pair) -> None:
    pair.add("a.bin")
    pair.repo.git("push", "-q", "origin", "main")
    before = pair.sizes()
    pair.repo.git("push", "-q", "origin", "main")
    pair.repo.git("push", "-q", "origin", "main:refs/heads/copy")
    assert pair.sizes() == before


def test_removed_branch_needs_no_content(pair: Pair) -> None:
    pair.add("a.bin")
    pair.repo.git("push", "-q", "origin", "main", "main:other")
    pair.repo.drop_cache()
    pair.repo.git("push", "-q", "origin", "--delete", "other")
    assert pair.bare.git("for-each-ref", "--format=%(refname)") == "refs/heads/main"


def test_forced_push_of_another_history(pair: Pair) -> None:
    pair.add("a.bin", 1)
    pair.repo.git("push", "-q", "origin", "main")
    pair.repo.git("reset", "-q", "--hard", "HEAD~1")
    data = pair.add("a.bin", 2)
    assert pair.repo.fails("push", "-q", "origin", "main")
    pair.repo.git("push", "-q", "--force", "origin", "main")
    pair.clone().assert_content("a.bin", data)


def test_branch_of_its_own_root(pair: Pair) -> None:
    pair.add("a.bin")
    pair.repo.git("push", "-q", "origin", "main")
    pair.repo.git("checkout", "-q", "--orphan", "alone")
    data = pair.add("alone.bin")
    pair.repo.git("push", "-q", "origin", "alone")
    pair.clone("--branch", "alone").assert_content("alone.bin", data)


def test_branch_that_others_deleted_on_the_server(pair: Pair) -> None:
    # The remote-tracking ref still names commits that the server has collected.
    pair.repo.git("checkout", "-q", "-b", "gone")
    data = pair.add("gone.bin")
    pair.repo.git("push", "-q", "origin", "gone")
    pair.bare.git("update-ref", "-d", "refs/heads/gone")
    pair.bare.git("gc", "-q", "--prune=now")
    shutil.rmtree(pair.content)
    pair.repo.git("checkout", "-q", "-b", "new")
    pair.repo.git("push", "-q", "origin", "new")
    pair.clone("--branch", "new").assert_content("gone.bin", data)


def test_push_out_of_a_shallow_clone(pair: Pair) -> None:
    for number in range(3):
        pair.add("a.bin", number)
    pair.repo.git("push", "-q", "origin", "main")
    made = pair.clone("--depth=1")
    made.write("b.bin", noise(LARGE, "b"))
    made.commit("b")
    made.git("push", "-q", "origin", "HEAD:main")
    pair.clone().assert_content("b.bin", noise(LARGE, "b"))


def test_push_out_of_a_partial_clone(pair: Pair) -> None:
    pair.bare.config("uploadpack.allowFilter", "true")
    for number in range(3):
        pair.add("a.bin", number)
    pair.repo.git("push", "-q", "origin", "main")
    made = pair.clone("--filter=blob:none")
    made.write("b.bin", noise(LARGE, "b"))
    made.commit("b")
    made.git("push", "-q", "origin", "HEAD:main")
    pair.clone().assert_content("b.bin", noise(LARGE, "b"))


def test_push_of_a_merge(pair: Pair) -> None:
    pair.repo.git("push", "-q", "origin", "main")
    wanted = {}
    for name in ("left", "right"):
        pair.repo.git("checkout", "-q", "-b", name, "main")
        wanted[f"{name}.bin"] = pair.add(f"{name}.bin")
    pair.repo.git("merge", "-q", "left")
    pair.repo.git("push", "-q", "origin", "right:main")
    pair.clone().assert_contents(wanted)


def test_push_to_a_second_remote(pair: Pair, tmp_path: Path) -> None:
    data = pair.add("a.bin")
    pair.repo.git("push", "-q", "origin", "main")
    second = Repo.init(tmp_path / "second.git", "--bare")
    pair.repo.git("remote", "add", "second", str(second.path))
    pair.repo.git("push", "-q", "second", "main")
    (pair.bare.path / "mlvers").rename(tmp_path / "away")
    clone(second.path.as_uri(), tmp_path / "from-second").assert_content("a.bin", data)


def test_push_to_an_address(pair: Pair) -> None:
    data = pair.add("a.bin")
    pair.repo.git("push", "-q", str(pair.bare.path), "main")
    pair.clone("--branch", "main").assert_content("a.bin", data)


def test_push_everything_by_hand(pair: Pair) -> None:
    data = pair.add("a.bin")
    pair.repo.git("push", "-q", "--no-verify", "origin", "main")
    assert not (pair.bare.path / "mlvers").exists()
    pair.repo.mlvers("push", "--all")
    pair.clone().assert_content("a.bin", data)


def test_push_of_one_branch_by_hand(pair: Pair) -> None:
    pair.add("a.bin")
    pair.repo.git("checkout", "-q", "-b", "other")
    data = pair.add("b.bin")
    pair.repo.git("push", "-q", "--no-verify", "origin", "main", "other")
    pair.repo.mlvers("push", "other")
    pair.clone("--branch", "other").assert_content("b.bin", data)


def test_missing_content_refuses_the_push(pair: Pair) -> None:
    data = pair.add("lost.bin")
    pair.repo.drop_cache()
    said = pair.repo.fails("push", "origin", "main")
    assert "lost.bin" in said.stderr
    assert oid_of(data)[:10] in said.stderr
    assert pair.bare.git("for-each-ref") == ""
    # Adding the same bytes again brings the content back.
    pair.repo.file("lost.bin").touch()
    pair.repo.git("add", "--renormalize", "lost.bin")
    pair.repo.git("push", "-q", "origin", "main")
    pair.clone().assert_content("lost.bin", data)


def test_missing_content_that_the_remote_has_is_no_matter(pair: Pair) -> None:
    pair.add("a.bin")
    pair.repo.git("push", "-q", "origin", "main")
    pair.repo.drop_cache()
    pair.repo.git("push", "-q", "origin", "main:refs/heads/again")


def test_damaged_content_refuses_the_push(pair: Pair) -> None:
    data = pair.add("bad.bin")
    found = list((pair.repo.cache_dir() / "objects").glob("??/??/*"))
    assert [path.name for path in found] == [oid_of(data)]
    found[0].chmod(0o644)
    found[0].write_bytes(noise(LARGE, "other"))
    said = pair.repo.fails("push", "origin", "main")
    assert oid_of(data)[:10] in said.stderr
    assert pair.bare.git("for-each-ref") == ""


def test_old_content_that_is_lost_does_not_stop_new_work(pair: Pair) -> None:
    pair.add("lost.bin")
    pair.repo.git("rm", "-q", "lost.bin")
    pair.repo.commit("removed")
    pair.repo.git("push", "-q", "--no-verify", "origin", "main")
    made = pair.clone()
    made.write("new.bin", noise(LARGE, "new"))
    made.commit("new")
    made.git("push", "-q", "origin", "main")
    pair.clone().assert_content("new.bin", noise(LARGE, "new"))


def test_branch_of_a_fork_is_taken_over(pair: Pair, tmp_path: Path) -> None:
    pair.repo.git("push", "-q", "origin", "main")
    fork = Repo.init(tmp_path / "fork.git", "--bare")
    theirs = pair.clone()
    theirs.git("remote", "add", "fork", str(fork.path))
    theirs.write("theirs.bin", noise(LARGE, "theirs"))
    theirs.commit("theirs")
    theirs.git("push", "-q", "fork", "HEAD:work")
    mine = pair.add("mine.bin")
    pair.repo.git("remote", "add", "fork", str(fork.path))
    pair.repo.git("fetch", "-q", "fork")
    pair.repo.git("rebase", "-q", "fork/work")
    pair.repo.assert_contents({"mine.bin": mine, "theirs.bin": noise(LARGE, "theirs")})
    pair.repo.git("push", "-q", "origin", "main")
    pair.clone().assert_contents({"mine.bin": mine, "theirs.bin": noise(LARGE, "theirs")})


def test_no_place_for_content(installed: Path, tmp_path: Path) -> None:
    repo = Repo.init(tmp_path / "work")
    repo.attributes("*.bin")
    repo.write("a.bin", noise(LARGE))
    repo.commit()
    # A git remote that is no path of this machine: git runs this program for it.
    helper = tmp_path / "git-remote-nowhere"
    helper.write_text(NOWHERE)
    helper.chmod(0o755)
    env = {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    said = repo.fails("push", "nowhere::x", "main", env=env)
    assert "no remote for their content" in said.stderr
    assert "git mlvers remote add" in said.stderr


def test_raw_files_in_history_are_no_matter(pair: Pair) -> None:
    # Committed before the pattern was tracked.
    repo = pair.repo
    repo.write("big.dat", noise(LARGE, "raw"))
    repo.commit("raw")
    repo.attributes("*.dat")
    repo.git("add", "--renormalize", ".")
    repo.commit("tracked now")
    repo.assert_pointer("big.dat", noise(LARGE, "raw"))
    repo.git("push", "-q", "origin", "main")
    made = pair.clone()
    made.assert_content("big.dat", noise(LARGE, "raw"))
    made.git("checkout", "-q", "HEAD~1")
    made.assert_content("big.dat", noise(LARGE, "raw"))


def test_many_small_files_share_objects(pair: Pair) -> None:
    for number in range(500):
        pair.repo.write(f"d/{number // 50}/{number}.bin", noise(SMALL, number))
    pair.repo.commit("many")
    pair.repo.git("push", "-q", "origin", "main")
    assert len(pair.sizes()) <= 5
    made = pair.clone()
    for number in range(0, 500, 37):
        made.assert_content(f"d/{number // 50}/{number}.bin", noise(SMALL, number))


def test_from_a_mirror(pair: Pair, tmp_path: Path) -> None:
    large, small = noise(LARGE, "mirrored"), noise(SMALL, "mirrored")
    pair.repo.write_all({"large.bin": large, "small.bin": small})
    pair.repo.commit("content")
    pair.repo.git("push", "-q", "origin", "main")
    mirror = pair.bare.clone_to(tmp_path / "mirror.git", "--mirror")
    mirror.mlvers("init")
    Repo.init(tmp_path / "other.git", "--bare")
    refused = mirror.fails("push", "-q", "--mirror", str(tmp_path / "other.git"))
    assert "git mlvers fetch" in refused.stderr
    mirror.mlvers("fetch", "--all")
    mirror.git("push", "-q", "--mirror", str(tmp_path / "other.git"))
    pair.bare.path.rename(tmp_path / "away")
    made = clone(str(tmp_path / "other.git"), tmp_path / "made")
    made.assert_contents({"large.bin": large, "small.bin": small})
