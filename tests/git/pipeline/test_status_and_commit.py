"""Why stages would run, as ``git mlvers status`` tells it; and ``git mlvers commit``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.support.git import Repo
from tests.support.pipelines import ALL, CHAIN, Pipelines, chain, seed

if TYPE_CHECKING:
    from pathlib import Path


class TestStatus:
    def test_without_a_pipeline_it_is_as_ever(self, installed: Path, tmp_path: Path) -> None:
        repo = Pipelines(Repo.init(tmp_path / "work").path)
        repo.write("file", "file\n")
        repo.commit()
        assert "ipeline" not in repo.mlvers("status")
        assert "pipelines" not in json.loads(repo.mlvers("status", "--json"))

    def test_up_to_date(self, repo: Pipelines) -> None:
        assert "Pipelines are up to date." in repo.mlvers("status")
        assert repo.stale() == {}

    def test_before_the_first_run(self, installed: Path, tmp_path: Path) -> None:
        repo = chain(tmp_path / "work")
        assert "first: never run" in repo.mlvers("status")

    def test_a_param_with_its_old_and_new_value(self, installed: Path, tmp_path: Path) -> None:
        repo = seed(tmp_path / "work")
        repo.repro()
        params = repo.file("params.yaml")
        params.write_text(params.read_text().replace("C: 1\n", "C: 10\n"))
        said = repo.mlvers("status")
        assert "train: params.yaml train.C: 1 -> 10" in said
        assert "get_data:" not in said
        found = repo.stale()
        assert found == {
            "train": [
                {
                    "what": "param",
                    "change": "modified",
                    "name": "train.C",
                    "file": "params.yaml",
                    "old": 1,
                    "new": 10,
                }
            ]
        }

    def test_new_and_removed_params(self, installed: Path, tmp_path: Path) -> None:
        repo = seed(tmp_path / "work")
        repo.repro()
        params = repo.file("params.yaml")
        params.write_text(params.read_text().replace("max_iter: 10000", "patience: 3"))
        said = repo.mlvers("status")
        assert "train: params.yaml train.max_iter: 10000 -> not there" in said
        assert "train: params.yaml train.patience: new, 3" in said

    def test_each_kind_of_reason(self, repo: Pipelines) -> None:
        repo.write("source.txt", "changed\n")
        repo.write("third.txt", "edited\n")
        repo.remove("second.txt")
        repo.write("dvc.yaml", CHAIN.replace("cat first.txt other", "cat  first.txt other"))
        said = repo.mlvers("status")
        assert "first: dependency modified: source.txt" in said
        assert "second: command changed" in said
        assert "second: output missing: second.txt" in said
        assert "third: output edited: third.txt" in said
        assert "third: dependency missing: second.txt" in said

    def test_in_a_clone_that_has_no_run_cache(self, repo: Pipelines, tmp_path: Path) -> None:
        other = Pipelines(repo.clone_to(tmp_path / "clone").path)
        assert other.stale() == {}
        other.write("other.txt", "changed\n")
        assert other.stale()["second"] == [{"what": "stage", "change": "changed since it ran"}]
        other.write("third.txt", "edited\n")
        assert other.stale()["third"] == [{"what": "out", "change": "modified"}]

    def test_it_changes_nothing(self, repo: Pipelines) -> None:
        repo.write("other.txt", "changed\n")
        before = repo.git_path("index").read_bytes(), repo.git("for-each-ref")
        repo.mlvers("status")
        assert (repo.git_path("index").read_bytes(), repo.git("for-each-ref")) == before
        assert not list(repo.git_path("mlvers").glob("index-*"))


class TestCommit:
    def test_outputs_as_they_are(self, repo: Pipelines) -> None:
        repo.write("source.txt", "changed\n")
        ran = repo.fails("mlvers", "commit")
        assert ran.returncode == 1
        assert "first: dependency modified: source.txt" in ran.stderr
        assert "git mlvers commit -f" in ran.stderr
        repo.mlvers("commit", "-f")
        assert repo.ran() == []
        assert repo.read("first.txt") == b"source\n"
        assert repo.outcome()["skipped"] == ALL
        assert "up to date" in repo.mlvers("commit")

    def test_outputs_made_elsewhere(self, installed: Path, tmp_path: Path) -> None:
        repo = chain(tmp_path / "work")
        for name in ("first.txt", "second.txt", "third.txt"):
            repo.write(name, name)
        repo.mlvers("commit", "-f")
        assert repo.outcome()["skipped"] == ALL
        assert set(repo.git("diff", "--cached", "--name-only").splitlines()) >= {"first.txt"}

    def test_a_single_stage(self, repo: Pipelines) -> None:
        repo.write("source.txt", "changed\n")
        repo.write("other.txt", "changed\n")
        repo.mlvers("commit", "-f", "second")
        assert sorted(repo.stale()) == ["first"]

    def test_nothing_that_is_not_there(self, repo: Pipelines) -> None:
        repo.remove("second.txt")
        before = repo.facts()
        assert "second.txt" in repo.fails("mlvers", "commit", "-f").stderr
        assert repo.facts() == before

    def test_what_it_answers(self, repo: Pipelines) -> None:
        repo.write("other.txt", "changed\n")
        found = json.loads(repo.mlvers("commit", "-f", "--json"))
        assert found == {"recorded": ["second"], "unchanged": ["first", "third"]}


class TestSurroundings:
    def test_an_index_that_is_locked(self, repo: Pipelines) -> None:
        lock = repo.git_path("index.lock")
        lock.write_bytes(b"")
        repo.write("other.txt", "changed\n")
        said = repo.repro()
        assert "cannot be staged" in said
        assert "index.lock" in said
        lock.unlink()
        assert repo.outcome()["skipped"] == ALL

    def test_a_linked_working_tree(self, repo: Pipelines, tmp_path: Path) -> None:
        repo.git("worktree", "add", "-q", "-b", "other", str(tmp_path / "linked"))
        linked = Pipelines(tmp_path / "linked")
        assert linked.outcome()["skipped"] == ALL
        linked.write("other.txt", "a longer one\n")
        assert linked.outcome()["ran"] == ["second", "third"]
        # Both have one run cache.
        repo.write("other.txt", "a longer one\n")
        assert repo.outcome()["restored"] == ["second", "third"]

    def test_names_with_odd_signs(self, installed: Path, tmp_path: Path) -> None:
        repo = Pipelines(Repo.init(tmp_path / "work").path)
        for name in ("in [1]*", "ünï \\ code", "-dash", ":colon"):
            repo.write(name, name)
        repo.write(
            "dvc.yaml",
            "stages:\n  odd:\n    cmd: cat in* ü* ./-dash > 'out [x]'; cp ./:colon ':out'\n"
            "    deps: ['in [1]*', 'ünï \\ code', '-dash', ':colon']\n"
            "    outs: ['out [x]', ':out']\n",
        )
        repo.repro()
        assert repo.outcome()["skipped"] == ["odd"]
        repo.commit("odd")
        repo.write(":colon", "changed")
        repo.repro()
        repo.write(":colon", ":colon")
        assert repo.outcome()["restored"] == ["odd"]
        repo.assert_status()
        repo.write(":out", "edited")
        assert "git restore" in repo.repro()

    def test_folders_and_files_that_change_places(self, installed: Path, tmp_path: Path) -> None:
        repo = Pipelines(Repo.init(tmp_path / "work").path)
        repo.write("in", "1")
        make = "stages:\n  make:\n    cmd: {}\n    deps: [in]\n    outs: [out]\n"
        repo.write("dvc.yaml", make.format("cp in out"))
        repo.repro()
        repo.commit("file")
        repo.write("dvc.yaml", make.format("mkdir out && cp in out/in"))
        repo.repro()
        repo.commit("folder")
        repo.assert_status()
        repo.write("dvc.yaml", make.format("cp in out"))
        assert repo.outcome()["restored"] == ["make"]
        assert repo.read("out") == b"1"
        repo.git("diff", "--cached", "--quiet", "HEAD~1", "--", "out")

    def test_the_environment_of_git_does_not_confuse_it(
        self, repo: Pipelines, tmp_path: Path
    ) -> None:
        # As in a hook.
        env = {"GIT_DIR": str(repo.git_path(".")), "GIT_WORK_TREE": str(repo.path)}
        found = repo.run("mlvers", "repro", env=env, cwd=tmp_path)
        assert "up to date" in found.stdout

    def test_no_repository_and_no_pipeline(self, installed: Path, tmp_path: Path) -> None:
        assert Repo(tmp_path).fails("mlvers", "repro").returncode == 3
        repo = Pipelines(Repo.init(tmp_path / "work").path)
        assert "up to date" in repo.repro()
        bare = Repo.init(tmp_path / "bare.git", "--bare")
        assert bare.fails("mlvers", "repro").returncode == 3
