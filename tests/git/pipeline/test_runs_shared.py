"""Facts and outputs that come from elsewhere: merges, clones, the run cache of a git remote."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.git import Repo, noise
from tests.support.pipelines import ALL, CHAIN, Pipelines

if TYPE_CHECKING:
    from pathlib import Path


class TestBranches:
    def test_two_with_different_runs_merge(self, repo: Pipelines) -> None:
        # Each branch changes the dependency of another stage.
        repo.git("checkout", "-q", "-b", "topic")
        repo.write("dvc.yaml", CHAIN.replace("wc -c", "wc  -c"))
        repo.repro()
        repo.commit("topic")
        repo.git("checkout", "-q", "main")
        repo.write("source.txt", "from main\n")
        repo.repro()
        repo.commit("main")
        repo.git("merge", "-q", "topic", check=False)
        assert "<<<<<<<" not in repo.read("mlvers.lock").decode()
        repo.ran()
        # third.txt of main is the result of the other command.
        assert repo.outcome()["ran"] == ["third"]
        repo.commit("merged")
        assert repo.outcome()["skipped"] == ALL
        assert [line.split()[0] for line in repo.facts()] == ALL

    def test_outputs_in_conflict_are_made_anew(self, repo: Pipelines) -> None:
        repo.git("checkout", "-q", "-b", "topic")
        repo.write("other.txt", "from topic\n")
        repo.repro()
        repo.commit("topic")
        repo.git("checkout", "-q", "main")
        repo.write("source.txt", "from main\n")
        repo.repro()
        repo.commit("main")
        merged = repo.run("merge", "-q", "topic", check=False)
        assert merged.returncode != 0
        assert b"<<<<<<<" in repo.read("second.txt")
        repo.repro()
        assert repo.read("second.txt") == b"from main\nfrom topic\n"
        repo.git("commit", "-q", "-m", "merged")
        repo.assert_status()
        assert repo.outcome()["skipped"] == ALL

    def test_a_lock_file_with_marks_of_a_conflict(self, repo: Pipelines) -> None:
        lines = repo.facts()
        other = lines[0].rpartition(" ")[0] + " " + "0" * 32
        marked = ["<<<<<<< ours", lines[0], "=======", other, ">>>>>>> theirs", *lines[1:]]
        repo.write("mlvers.lock", "".join(f"{line}\n" for line in marked))
        repo.git("update-ref", "-d", "refs/mlvers/runs")
        assert repo.outcome()["skipped"] == ALL

    def test_switching_needs_no_run(self, repo: Pipelines) -> None:
        repo.git("checkout", "-q", "-b", "topic")
        repo.write("other.txt", "topic\n")
        repo.repro()
        repo.commit("topic")
        repo.git("checkout", "-q", "main")
        assert repo.outcome()["skipped"] == ALL
        repo.git("checkout", "-q", "topic")
        assert repo.outcome()["skipped"] == ALL
        repo.assert_status()

    def test_a_commit_from_before_pipelines_is_silent(
        self, installed: Path, tmp_path: Path
    ) -> None:
        repo = Pipelines(Repo.init(tmp_path / "work").path)
        repo.write("code.py", "print(1)\n")
        old = repo.commit("before")
        repo.write("dvc.yaml", CHAIN)
        repo.write("source.txt", "source\n")
        repo.write("other.txt", "other\n")
        repo.repro()
        repo.commit("adopted")
        ran = repo.run("checkout", "-q", old)
        assert ran.stdout == ran.stderr == ""
        said = repo.mlvers("status")
        assert "ipeline" not in said
        repo.run("checkout", "-q", "main")
        assert repo.outcome()["skipped"] == ALL


class TestRunCacheOfAGitRemote:
    @pytest.fixture
    def origin(self, repo: Pipelines, tmp_path: Path) -> Pipelines:
        """What `repo` is pushed to; large outputs are tracked."""
        bare = Pipelines(Repo.init(tmp_path / "origin.git", "--bare").path)
        repo.git("remote", "add", "origin", str(bare.path))
        repo.git("push", "-q", "-u", "origin", "main")
        return bare

    def test_others_need_not_run_what_was_run(
        self, repo: Pipelines, origin: Pipelines, tmp_path: Path
    ) -> None:
        repo.write("other.txt", "a longer one\n")
        repo.repro()
        assert "is on origin" in repo.mlvers("push", "--run-cache")
        assert "nothing new" in repo.mlvers("push", "--run-cache")
        other = Pipelines(origin.clone_to(tmp_path / "other").path)
        other.write("other.txt", "a longer one\n")
        assert "is here" in other.mlvers("pull", "--run-cache")
        assert other.outcome()["restored"] == ["second", "third"]
        assert other.ran() == []
        assert other.read("second.txt") == b"source\na longer one\n"

    def test_large_content_goes_with_it(
        self, repo: Pipelines, origin: Pipelines, tmp_path: Path
    ) -> None:
        repo.attributes("*.txt")
        repo.commit("tracked")
        repo.git("push", "-q")
        repo.write("other.txt", noise(300_000))
        repo.repro()
        repo.mlvers("push", "--run-cache")
        other = Pipelines(origin.clone_to(tmp_path / "other").path)
        other.write("other.txt", noise(300_000))
        other.mlvers("pull", "--run-cache")
        assert other.outcome()["restored"] == ["second", "third"]
        other.assert_content("second.txt", b"source\n" + noise(300_000))

    def test_two_clones_lose_nothing(
        self, repo: Pipelines, origin: Pipelines, tmp_path: Path
    ) -> None:
        other = Pipelines(origin.clone_to(tmp_path / "other").path)
        for clone, text in ((repo, "one\n"), (other, "the two\n")):
            clone.write("other.txt", text)
            clone.repro()
            clone.mlvers("push", "--run-cache")
        repo.mlvers("pull", "--run-cache")
        repo.ran()
        repo.write("other.txt", "the two\n")
        assert repo.outcome()["restored"] == ["second", "third"]
        assert repo.ran() == []
        third = Pipelines(origin.clone_to(tmp_path / "third").path)
        third.mlvers("pull", "--run-cache")
        for text in ("one\n", "the two\n"):
            third.write("other.txt", text)
            assert third.outcome()["restored"] == ["second", "third"]

    def test_repro_can_bring_it_itself(
        self, repo: Pipelines, origin: Pipelines, tmp_path: Path
    ) -> None:
        repo.write("other.txt", "a longer one\n")
        repo.repro()
        repo.mlvers("push", "--run-cache")
        other = Pipelines(origin.clone_to(tmp_path / "other").path)
        other.write("other.txt", "a longer one\n")
        assert other.outcome("--pull")["restored"] == ["second", "third"]
        other.git("remote", "set-url", "origin", str(tmp_path / "nowhere"))
        assert "cannot be had" in other.repro("--pull")

    def test_errors(self, repo: Pipelines, tmp_path: Path) -> None:
        assert "no git remote" in repo.fails("mlvers", "push", "--run-cache").stderr
        repo.git("remote", "add", "origin", str(tmp_path / "nowhere"))
        ran = repo.fails("mlvers", "pull", "--run-cache")
        assert ran.returncode == 5
        assert "the run cache of origin cannot be had" in ran.stderr
        assert repo.fails("mlvers", "pull", "--run-cache", "x").returncode == 2
        assert repo.fails("mlvers", "push", "--git-remote", "x").returncode == 2


class TestMissing:
    @pytest.fixture
    def clone(self, repo: Pipelines, tmp_path: Path) -> Pipelines:
        """A clone whose large files are pointers, with nothing in its cache."""
        repo.attributes("*.txt")
        repo.write("other.txt", noise(300_000))
        repo.repro()
        repo.commit("tracked")
        bare = Repo.init(tmp_path / "origin.git", "--bare")
        repo.git("push", "-q", str(bare.path), "main")
        env = {"MLVERS_SKIP_SMUDGE": "1"}
        Repo(tmp_path).run("clone", "-q", str(bare.path), "clone", env=env)
        made = Pipelines(tmp_path / "clone")
        assert "other.txt" in made.pointers_on_disk()
        return made

    def test_pointers_are_as_good_as_content(self, clone: Pipelines) -> None:
        assert clone.outcome()["skipped"] == ALL
        assert "other.txt" in clone.pointers_on_disk()

    def test_a_stage_does_not_run_on_pointers(self, clone: Pipelines) -> None:
        clone.write("source.txt", "changed\n")
        ran = clone.fails("mlvers", "repro")
        assert ran.returncode == 4
        assert "'second' needs other.txt" in ran.stderr
        assert "--pull" in ran.stderr

    def test_pull_brings_content_first(self, clone: Pipelines) -> None:
        clone.write("source.txt", "changed\n")
        assert clone.outcome("--pull")["ran"] == ALL
        clone.assert_content("second.txt", b"changed\n" + noise(300_000))

    def test_pull_brings_files_that_are_gone(self, clone: Pipelines) -> None:
        clone.remove("source.txt")
        clone.remove("second.txt")
        assert clone.outcome("--pull")["skipped"] == ALL
        clone.assert_content("source.txt", b"source\n")
        clone.assert_content("second.txt", b"source\n" + noise(300_000))

    def test_what_is_missing_may_count_as_unchanged(self, repo: Pipelines) -> None:
        for name in ("source.txt", "first.txt", "second.txt"):
            repo.remove(name)
        assert repo.outcome("--allow-missing")["skipped"] == ALL
        assert not repo.file("first.txt").exists()

    def test_even_if_git_does_not_know_it(self, installed: Path, tmp_path: Path) -> None:
        repo = Pipelines(Repo.init(tmp_path / "work").path)
        repo.write(".gitignore", "raw\n")
        repo.write("raw/data", "data\n")
        repo.write(
            "dvc.yaml",
            "stages:\n  copy:\n    cmd: cp raw/data out\n    deps: [raw/data]\n    outs: [out]\n",
        )
        repo.repro()
        repo.file("raw/data").unlink()
        assert "raw/data" in repo.repro_fails()
        assert repo.outcome("--allow-missing")["skipped"] == ["copy"]
        repo.write("raw/data", "other data\n")
        assert repo.outcome("--allow-missing")["ran"] == ["copy"]
