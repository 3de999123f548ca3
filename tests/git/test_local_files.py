"""What stands in the working tree and in the cache: modes, links, dates, and edits by hand."""

from __future__ import annotations

import os
import shutil
import stat
import time
from typing import TYPE_CHECKING

import pytest

from tests.support.git import Repo, clone, noise, oid_of, pointer_of
from tests.support.project import LARGE, SECOND, SMALL, TOPIC, Project

if TYPE_CHECKING:
    from pathlib import Path

SKIP = {"MLVERS_SKIP_SMUDGE": "1"}


@pytest.fixture
def bare_clone(pushed: Project, tmp_path: Path) -> Project:
    """A clone with pointers only."""
    return Project(clone((tmp_path / "origin.git").as_uri(), tmp_path / "clone", env=SKIP).path)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


class TestPullIsCareful:
    """``git mlvers pull`` and ``checkout`` write over pointers only."""

    def test_edited_file_stays(self, bare_clone: Project) -> None:
        bare_clone.write("large.bin", b"edited by hand")
        bare_clone.mlvers("pull")
        bare_clone.assert_content("large.bin", b"edited by hand")
        bare_clone.assert_content("tool.bin", SECOND["tool.bin"])
        bare_clone.assert_status(" M large.bin")

    def test_file_with_a_pointer_and_more_stays(self, bare_clone: Project) -> None:
        data = pointer_of(SECOND["large.bin"]) + b"and a note\n"
        bare_clone.write("large.bin", data)
        bare_clone.mlvers("pull")
        bare_clone.assert_content("large.bin", data)

    def test_removed_file_stays_removed(self, bare_clone: Project) -> None:
        bare_clone.remove("large.bin")
        bare_clone.mlvers("pull")
        assert not bare_clone.file("large.bin").exists()
        bare_clone.assert_status(" D large.bin")

    def test_staged_content_stays(self, bare_clone: Project) -> None:
        bare_clone.write("large.bin", noise(LARGE, "staged"))
        bare_clone.git("add", "large.bin")
        bare_clone.mlvers("pull")
        bare_clone.assert_content("large.bin", noise(LARGE, "staged"))

    def test_conflicting_file_stays(self, bare_clone: Project) -> None:
        bare_clone.git("checkout", "-q", "clash", env=SKIP)
        bare_clone.fails("merge", "main", env=SKIP)
        before = bare_clone.read("large.bin")
        bare_clone.run("mlvers", "pull", check=False)
        assert bare_clone.read("large.bin") == before
        bare_clone.assert_content("kept.bin", SECOND["kept.bin"])

    def test_hard_link_is_broken(self, bare_clone: Project, tmp_path: Path) -> None:
        other = tmp_path / "linked"
        os.link(bare_clone.file("large.bin"), other)
        bare_clone.mlvers("pull", "large.bin")
        bare_clone.assert_content("large.bin", SECOND["large.bin"])
        assert other.read_bytes() == pointer_of(SECOND["large.bin"])

    def test_link_in_the_place_of_a_file_is_not_followed(
        self, bare_clone: Project, tmp_path: Path
    ) -> None:
        outside = tmp_path / "outside"
        outside.write_bytes(pointer_of(SECOND["large.bin"]))
        bare_clone.remove("large.bin")
        bare_clone.file("large.bin").symlink_to(outside)
        bare_clone.run("mlvers", "pull", check=False)
        assert outside.read_bytes() == pointer_of(SECOND["large.bin"])
        assert bare_clone.file("large.bin").is_symlink()

    def test_link_in_the_place_of_a_directory_is_not_followed(
        self, bare_clone: Project, tmp_path: Path
    ) -> None:
        outside = tmp_path / "outside"
        shutil.move(bare_clone.file("data"), outside)
        bare_clone.file("data").symlink_to(outside)
        bare_clone.run("mlvers", "pull", check=False)
        data = SECOND["data/deep/new.bin"]
        assert (outside / "deep/new.bin").read_bytes() == pointer_of(data)

    def test_directory_in_the_place_of_a_file(self, bare_clone: Project) -> None:
        bare_clone.remove("large.bin")
        bare_clone.write("large.bin/mine", b"mine")
        bare_clone.run("mlvers", "pull", check=False)
        bare_clone.assert_content("large.bin/mine", b"mine")
        bare_clone.assert_content("tool.bin", SECOND["tool.bin"])

    def test_executable_stays_executable(self, bare_clone: Project) -> None:
        assert mode(bare_clone.file("tool.bin")) == 0o755
        bare_clone.mlvers("pull")
        assert mode(bare_clone.file("tool.bin")) == 0o755
        bare_clone.assert_tree(SECOND)

    def test_nothing_to_do_touches_nothing(self, bare_clone: Project) -> None:
        bare_clone.mlvers("pull")
        before = {name: bare_clone.file(name).stat() for name in SECOND}
        bare_clone.mlvers("pull")
        bare_clone.mlvers("checkout")
        assert {name: bare_clone.file(name).stat() for name in SECOND} == before


class TestModes:
    @pytest.mark.parametrize("umask", [0o022, 0o027, 0o077, 0o002])
    def test_umask(self, project: Project, umask: int) -> None:
        os.umask(umask)
        project.git("checkout", "-q", "topic")
        assert mode(project.file("topic.bin")) == 0o666 & ~umask
        assert mode(project.file("data/topic.bin")) == 0o666 & ~umask
        assert mode(project.file("tool.bin")) == 0o777 & ~umask
        project.assert_whole()

    def test_cache_follows_the_umask(self, installed: Path, repo: Repo) -> None:
        os.umask(0o077)
        repo.attributes("*.bin")
        repo.write_all({"large.bin": noise(LARGE), "small.bin": noise(SMALL)})
        repo.commit()
        for path in repo.cache_dir().rglob("*"):
            assert mode(path) & 0o077 == 0, path

    @pytest.mark.parametrize(
        ("shared", "wanted"), [("group", 0o060), ("all", 0o064), ("0640", 0o040)]
    )
    def test_shared_repository(
        self, installed: Path, tmp_path: Path, shared: str, wanted: int
    ) -> None:
        os.umask(0o077)
        repo = Repo.init(tmp_path / "shared", f"--shared={shared}")
        repo.attributes("*.bin")
        repo.write_all({"large.bin": noise(LARGE), "small.bin": noise(SMALL)})
        repo.commit()
        found = list(repo.cache_dir().rglob("*"))
        assert found
        for path in found:
            readable = wanted & 0o044
            assert mode(path) & readable == readable, (path, oct(mode(path)))
            if path.is_dir():
                assert mode(path) & (wanted & 0o060) == wanted & 0o060, (path, oct(mode(path)))

    def test_cached_objects_are_read_only(self, project: Project) -> None:
        for path in (project.cache_dir() / "objects").glob("??/??/*"):
            assert mode(path) & 0o222 == 0

    def test_files_can_be_edited_in_place(self, project: Project) -> None:
        project.git("checkout", "-q", "topic")
        with project.file("large.bin").open("r+b") as file:
            file.write(b"edited")
        project.assert_status(" M large.bin")
        project.git("checkout", "-q", "--", "large.bin")
        project.assert_tree(TOPIC)


class TestDates:
    def test_edit_right_after_a_checkout_is_seen(self, project: Project) -> None:
        for number in range(3):
            project.git("checkout", "-q", "topic" if number % 2 else "main")
            for name in ("large.bin", "small.bin", "tool.bin"):
                data = project.read(name)
                project.file(name).write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
            project.assert_status(" M large.bin", " M small.bin", " M tool.bin")
            project.git("reset", "-q", "--hard")

    def test_edit_right_after_an_add_is_seen(self, project: Project) -> None:
        for number in range(3):
            project.write("small.bin", noise(SMALL, f"one {number}"))
            project.write("large.bin", noise(LARGE, f"one {number}"))
            project.git("add", ".")
            project.write("small.bin", noise(SMALL, f"two {number}"))
            project.write("large.bin", noise(LARGE, f"two {number}"))
            project.assert_status("MM large.bin", "MM small.bin")

    def test_dates_are_of_now(self, project: Project) -> None:
        start = time.time()
        project.git("checkout", "-q", "topic")
        for name in ("topic.bin", "tool.bin", "data/topic.bin"):
            assert start - 5 <= project.file(name).stat().st_mtime <= time.time() + 1

    def test_file_that_stays_the_same_is_not_touched(self, project: Project) -> None:
        before = project.file("kept.bin").stat()
        project.git("checkout", "-q", "topic")
        assert project.file("kept.bin").stat() == before


class TestCache:
    def test_shared_directory(self, project: Project, tmp_path: Path) -> None:
        shared = tmp_path / "shared-cache"
        Repo(tmp_path).git("config", "--global", "mlvers.cacheDir", str(shared))
        one = Repo.init(tmp_path / "one")
        one.attributes("*.bin")
        one.write_all({"large.bin": noise(LARGE), "small.bin": noise(SMALL)})
        one.commit()
        assert not one.cached_objects()
        two = Repo.init(tmp_path / "two")
        two.git("pull", "-q", str(one.path), "main")
        two.assert_contents({"large.bin": noise(LARGE), "small.bin": noise(SMALL)})
        two.assert_whole()

    def test_hard_links_on_request(self, project: Project) -> None:
        project.config("mlvers.cacheLink", "hardlink")
        project.config("mlvers.populateMin", "1000")
        project.git("checkout", "-q", "topic")
        project.assert_contents(TOPIC)
        assert project.file("topic.bin").stat().st_nlink == 2

    def test_edited_hard_link_is_never_taken_for_its_content(
        self, pushed: Project, tmp_path: Path
    ) -> None:
        pushed.config("mlvers.cacheLink", "hardlink")
        pushed.config("mlvers.populateMin", "1000")
        pushed.git("checkout", "-q", "topic")
        pushed.file("topic.bin").chmod(0o644)
        with pushed.file("topic.bin").open("r+b") as file:
            file.write(b"edited in place")
        edited = pushed.read("topic.bin")
        pushed.git("commit", "-q", "-a", "-m", "edited")
        pushed.assert_pointer("topic.bin", edited)
        pushed.git("push", "-q", "origin", "topic")
        made = Project(
            clone((tmp_path / "origin.git").as_uri(), tmp_path / "c", "-b", "topic").path
        )
        made.assert_content("topic.bin", edited)
        made.git("checkout", "-q", "HEAD~1")
        made.assert_tree(TOPIC)

    def test_edited_hard_link_is_not_pushed_as_something_else(self, project: Project) -> None:
        origin = Repo.init(project.path.parent / "late.git", "--bare")
        project.config("mlvers.cacheLink", "hardlink")
        project.config("mlvers.populateMin", "1000")
        project.git("checkout", "-q", "topic")
        project.file("topic.bin").chmod(0o644)
        with project.file("topic.bin").open("r+b") as file:
            file.write(b"edited in place")
        said = project.fails("push", str(origin.path), "topic")
        assert oid_of(TOPIC["topic.bin"])[:10] in said.stderr
        assert origin.git("for-each-ref") == ""

    def test_small_files_share_few_files(self, installed: Path, repo: Repo) -> None:
        repo.attributes("*.bin")
        for number in range(300):
            repo.write(f"{number}.bin", noise(SMALL, number))
        repo.commit()
        found = [path for path in repo.cache_dir().rglob("*") if path.is_file()]
        assert len(found) < 15

    def test_add_twice_stores_once(self, installed: Path, repo: Repo) -> None:
        repo.attributes("*.bin")
        for name in ("a.bin", "b.bin"):
            repo.write(name, noise(LARGE))
            repo.commit(name)
        assert repo.cached_objects() == {oid_of(noise(LARGE))}
        assert not list((repo.cache_dir() / "tmp").glob("*"))

    def test_two_commands_at_once(self, installed: Path, repo: Repo, tmp_path: Path) -> None:
        import subprocess

        repo.attributes("*.bin")
        repo.commit("attributes")
        trees = [tmp_path / f"tree{number}" for number in range(3)]
        for number, tree in enumerate(trees):
            repo.git("worktree", "add", "-q", "-b", f"branch{number}", str(tree))
            for name in range(40):
                Repo(tree).write(f"{name}.bin", noise(SMALL, f"{name} {number // 2}"))
            Repo(tree).write("large.bin", noise(LARGE, number // 2))
        running = [subprocess.Popen(["git", "add", "."], cwd=tree) for tree in trees]
        assert [child.wait() for child in running] == [0, 0, 0]
        for number, tree in enumerate(trees):
            at = Repo(tree)
            at.git("commit", "-q", "-m", "add")
            at.git("rm", "-q", "-r", "--cached", ".")
            at.git("reset", "-q", "--hard")
            for name in range(40):
                at.assert_content(f"{name}.bin", noise(SMALL, f"{name} {number // 2}"))
            at.assert_content("large.bin", noise(LARGE, number // 2))
            at.assert_whole()
