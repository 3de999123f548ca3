"""``git mlvers exp apply``, ``branch``, ``save``, ``rename`` and ``remove``."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.support.experiments import Experiments, experiments
from tests.support.git import Repo, noise

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def repo(installed: Path, tmp_path: Path) -> Experiments:
    repo = experiments(tmp_path / "work")
    repo.exp("run", "-n", "ten", "-S", "train.C=10")
    repo.git("reset", "-q", "--hard")
    return repo


def way_back(said: str) -> str:
    """The command that is printed for having back what was there."""
    (line,) = [line for line in said.splitlines() if line.startswith("\t")]
    return line.strip()


def shell(repo: Experiments, command: str) -> None:
    """Give a command that was printed."""
    subprocess.run(command, shell=True, cwd=repo.path, check=True)


def files(repo: Experiments) -> dict[str, bytes]:
    """All files of the working tree that are not hidden."""
    return {
        str(path.relative_to(repo.path)): path.read_bytes()
        for path in repo.path.rglob("*")
        if path.is_file() and ".git" not in path.parts
    }


class TestApply:
    def test_the_words_of_the_seed(self, repo: Experiments) -> None:
        said = repo.exp("apply", "ten")
        assert said.startswith(
            "Changes for experiment 'ten' have been applied to your current workspace.\n"
        )
        assert "To have it back" not in said
        assert repo.read("params.yaml") == b"train:\n  C: 10  # reg\n  it: 3\n"
        assert repo.read("metrics.json") == b'{"acc": 10}\n'
        metrics = repo.run("mlvers", "metrics", "diff").stdout.splitlines()
        assert metrics[1].split() == ["metrics.json", "acc", "1", "10", "9"]
        assert "Stage 'train' didn't change, skipping" in repo.repro()
        repo.git("add", ".")
        repo.git("commit", "-q", "-m", "better")
        assert repo.git("rev-parse", "HEAD^{tree}") == repo.git(
            "rev-parse", f"{repo.of('ten')}^{{tree}}"
        )

    def test_a_dirty_tree_comes_back_byte_for_byte(self, repo: Experiments) -> None:
        repo.write("readme", "staged\n")
        repo.git("add", "readme")
        repo.write("readme", "staged, and edited\n")
        repo.write("params.yaml", "train:\n  C: 5\n  it: 3\n")
        repo.write("untracked", "mine\n")
        (repo.path / "train.sh").unlink()
        before, status = files(repo), repo.git("status", "--porcelain")
        command = way_back(repo.exp("apply", "ten"))
        assert repo.read("readme") == b"read me\n"
        assert repo.read("untracked") == b"mine\n"
        assert repo.read("train.sh").startswith(b"C=")
        shell(repo, command)
        assert files(repo) == before
        assert repo.git("status", "--porcelain") == status

    def test_untracked_files_in_the_way_are_kept(self, repo: Experiments) -> None:
        repo.write("notes.txt", "of the experiment\n")
        repo.exp("save", "-n", "noted")
        repo.write("notes.txt", "mine\n")
        repo.write(".git/info/exclude", "notes.txt\n")
        command = way_back(repo.exp("apply", "noted"))
        assert repo.read("notes.txt") == b"of the experiment\n"
        shell(repo, command)
        assert repo.read("notes.txt") == b"mine\n"

    def test_what_the_experiment_lacks_goes(self, repo: Experiments) -> None:
        (repo.path / "readme").unlink()
        repo.exp("save", "-n", "bare")
        repo.git("reset", "-q", "--hard")
        repo.exp("apply", "bare")
        assert not (repo.path / "readme").exists()

    def test_large_content_comes_from_the_cache(self, repo: Experiments) -> None:
        repo.run("mlvers", "track", "*.weights")
        large = noise(9 << 20, seed=1)
        repo.write("net.weights", large)
        repo.exp("save", "-n", "large")
        (repo.path / "net.weights").unlink()
        repo.git("reset", "-q", "--hard")
        repo.exp("apply", "large")
        assert repo.read("net.weights") == large
        repo.git("add", "-A")
        assert repo.git("diff", "--cached", repo.of("large"), "--stat") == ""

    def test_in_the_middle_of_a_merge(self, repo: Experiments) -> None:
        repo.git("switch", "-q", "-c", "side")
        repo.write("readme", "side\n")
        repo.commit("side")
        repo.git("switch", "-q", "main")
        repo.write("readme", "main\n")
        repo.commit("main")
        repo.git("merge", "side", check=False)
        before = files(repo)
        assert "git merge --abort" in repo.exp_fails("apply", "ten")
        assert files(repo) == before

    def test_with_a_detached_head_and_from_a_folder(self, repo: Experiments) -> None:
        repo.git("switch", "-q", "--detach")
        ran = Experiments(repo.path / "data").exp("apply", "ten")
        assert "have been applied" in ran
        assert repo.read("metrics.json") == b'{"acc": 10}\n'

    def test_in_a_linked_worktree(self, repo: Experiments, tmp_path: Path) -> None:
        repo.git("worktree", "add", "-q", "-b", "other", str(tmp_path / "other"))
        other = Experiments(tmp_path / "other")
        other.write("readme", "edited there\n")
        command = way_back(other.exp("apply", "ten"))
        assert other.read("metrics.json") == b'{"acc": 10}\n'
        assert repo.read("metrics.json") == b'{"acc": 1}\n'
        shell(other, command)
        assert other.read("readme") == b"edited there\n"


class TestBranch:
    def test_makes_one(self, repo: Experiments) -> None:
        said = repo.exp("branch", "ten", "better")
        assert "Git branch 'better' has been created from experiment 'ten'." in said
        assert repo.git("rev-parse", "better") == repo.of("ten")
        repo.git("switch", "-q", "better")
        assert repo.git("status", "--porcelain") == ""
        assert "ten-branch" in repo.exp("branch", "ten")

    def test_a_name_that_is_taken_or_bad(self, repo: Experiments) -> None:
        assert "already exists" in repo.exp_fails("branch", "ten", "main")
        assert "no branch was made" in repo.exp_fails("branch", "ten", "a..b")


class TestSave:
    def test_all_that_is_not_hidden_is_part_of_it(self, repo: Experiments) -> None:
        repo.write("params.yaml", "train:\n  C: 2\n  it: 3\n")
        repo.write("new.py", "print()\n")
        repo.write(".git/info/exclude", "*.tmp\n")
        repo.write("x.tmp", "hidden")
        status = repo.git("status", "--porcelain")
        said = repo.exp("save", "-n", "mine", "-m", "As it was on Monday")
        assert f"Experiment 'mine' (exp-{repo.of('mine')[:5]}) has been saved." in said
        assert repo.git("status", "--porcelain") == status
        commit = repo.of("mine")
        assert repo.blob("new.py", commit) == b"print()\n"
        assert "x.tmp" not in repo.git("ls-tree", "--name-only", commit)
        assert repo.git("log", "-1", "--format=%s", commit) == "As it was on Monday"
        assert repo.head(f"{commit}~1") == repo.head()
        assert repo.line(commit)["params"]["train.C"] == 2

    def test_a_name_that_is_taken(self, repo: Experiments) -> None:
        before = repo.of("ten")
        assert "there is an experiment 'ten'" in repo.exp_fails("save", "-n", "ten")
        assert repo.of("ten") == before
        repo.exp("save", "-f", "-n", "ten")
        assert repo.of("ten") != before
        assert "cannot be called" in repo.exp_fails("save", "-n", "a b")

    def test_before_the_first_commit(self, installed: Path, tmp_path: Path) -> None:
        repo = Experiments(Repo.init(tmp_path / "new").path)
        assert "git commit" in repo.exp_fails("save")

    def test_with_a_submodule(self, repo: Experiments, tmp_path: Path) -> None:
        sub = Repo.init(tmp_path / "sub")
        sub.write("file", "1\n")
        sub.commit("one")
        repo.git("submodule", "--quiet", "add", str(sub.path), "lib")
        repo.commit("with a submodule")
        repo.exp("save", "-n", "with")
        assert repo.git("ls-tree", repo.of("with"), "lib").startswith("160000 commit")
        repo.exp("apply", "with")
        assert (repo.path / "lib" / "file").read_bytes() == b"1\n"


class TestRenameAndRemove:
    def test_rename(self, repo: Experiments) -> None:
        commit = repo.of("ten")
        repo.exp("rename", "ten", "best")
        assert [(each.name, each.commit) for each in repo.listed()] == [("best", commit)]
        repo.exp("save", "-n", "other")
        assert "there is an experiment 'other'" in repo.exp_fails("rename", "best", "other")
        assert {each.name for each in repo.listed()} == {"best", "other"}
        assert "cannot be called" in repo.exp_fails("rename", "best", "..")

    def test_remove_and_the_way_back(self, repo: Experiments) -> None:
        commit = repo.of("ten")
        command = way_back(repo.exp("remove", "ten"))
        assert repo.listed() == []
        shell(repo, command)
        assert repo.of("ten") == commit

    def test_remove_many(self, repo: Experiments) -> None:
        repo.exp("run", "-n", "wrong", "-S", "train.C=bad", check=False)
        assert "which experiments?" in repo.exp_fails("remove")
        assert "there is no experiment 'nope'" in repo.exp_fails("remove", "ten", "nope")
        assert len(repo.listed()) == 2
        repo.exp("remove", "-A", "--failed")
        assert [each.name for each in repo.listed()] == ["ten"]
        repo.exp("remove", "--rev", "HEAD")
        assert repo.listed() == []


class TestClean:
    def test_what_nothing_needs_goes(self, repo: Experiments) -> None:
        repo.exp("run", "-n", "other", "-S", "train.C=7")
        repo.exp("remove", "ten")
        logs = repo.common_dir() / "mlvers" / "exps" / "logs"
        assert len(list(logs.iterdir())) == 2
        left = repo.common_dir() / "mlvers" / "exps" / "trees" / "killed"
        repo.git("worktree", "add", "-q", "--detach", "--lock", str(left), "HEAD")
        assert "Deleted 1 log, 1 working tree" in repo.exp("clean")
        assert [each.stem for each in logs.iterdir()] == [repo.of("other")]
        assert not left.exists()
        assert len(repo.git("worktree", "list").splitlines()) == 1
        assert "Deleted 0 logs, 0 working trees" in repo.exp("clean")

    def test_the_way_back_stays_unless_it_is_named(self, repo: Experiments) -> None:
        repo.write("readme", "edited\n")
        command = way_back(repo.exp("apply", "ten"))
        repo.exp("clean")
        shell(repo, command)
        assert repo.read("readme") == b"edited\n"
        assert "2 kept states" in repo.exp("clean", "--kept")
        assert repo.git("for-each-ref", "refs/mlvers/kept/before-*") == ""


def test_index_time_is_no_matter(repo: Experiments) -> None:
    """What was applied is never taken for unchanged, however fresh the index is."""
    repo.exp("apply", "ten")
    os.utime(repo.path / ".git" / "index")
    assert "params.yaml" in repo.git("status", "--porcelain")
