"""``git mlvers exp run`` in the user's own working tree."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.support.experiments import Experiments, experiments, wait_for
from tests.support.git import Repo, noise
from tests.support.powers import plain

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def repo(installed: Path, tmp_path: Path) -> Experiments:
    return experiments(tmp_path / "work")


class TestWhatIsKept:
    def test_the_run_of_the_seed(self, repo: Experiments) -> None:
        head = repo.head()
        said = repo.exp("run", "--set-param", "train.C=10")
        assert "Stage 'get_data' didn't change, skipping" in said
        assert "Running stage 'train':" in said
        assert repo.read("params.yaml") == b"train:\n  C: 10  # reg\n  it: 3\n"
        assert repo.read("metrics.json") == b'{"acc": 10}\n'
        (experiment,) = repo.listed()
        assert f"Ran experiment '{experiment.name}' (exp-{experiment.commit[:5]})" in said
        assert re.fullmatch(r"[a-z]+-[a-z]+", experiment.name)
        assert repo.head() == head == repo.head(f"{experiment.commit}~1")
        assert repo.blob("metrics.json", experiment.commit) == b'{"acc": 10}\n'
        line = repo.line(experiment.commit)
        assert line["params"] == {"train.C": 10, "train.it": 3}
        assert line["metrics"] == {"acc": 10}
        assert line["exp"]["name"] == experiment.name
        assert line["exp"]["status"] == "done"
        assert line["exp"]["set"] == {"train.C": 10}
        assert b"Running stage 'train':" in repo.log(experiment.commit)
        # The index has what repro stages, and nothing else.
        repo.assert_status("M  metrics.json", "M  mlvers.lock", "M  model.bin", " M params.yaml")
        assert not repo.git("for-each-ref", "refs/mlvers/kept")

    def test_the_second_run_is_from_the_run_cache(self, repo: Experiments) -> None:
        repo.exp("run", "-S", "train.C=10")
        repo.exp("run", "-S", "train.C=0.1")
        said = repo.exp("run", "-S", "train.C=10", "-n", "again")
        assert "Stage 'train' is cached - skipping run" in said
        assert len(repo.listed()) == 3

    def test_uncommitted_and_untracked_files(self, repo: Experiments) -> None:
        repo.attributes("*.big")
        repo.write("train.sh", repo.read("train.sh") + b"# changed\n")
        repo.write("new/code.py", "new\n")
        repo.write("data.big", noise(200_000, "data"))
        repo.write("secret", "ignored\n")
        repo.write(".git/info/exclude", "secret\n")
        repo.remove("readme")
        repo.git("add", "train.sh")
        before = repo.git("status", "--porcelain")
        repo.exp("run", "-n", "one")
        paths = repo.git("ls-tree", "-r", "--name-only", repo.of("one")).splitlines()
        assert {"new/code.py", "data.big", "train.sh"} <= set(paths)
        assert not {"secret", "readme"} & set(paths)
        assert repo.blob("train.sh", repo.of("one")).endswith(b"# changed\n")
        repo.assert_pointer("data.big", noise(200_000, "data"), repo.of("one"))
        after = repo.git("status", "--porcelain")
        assert set(before.splitlines()) <= set(after.splitlines())

    def test_large_untracked_files_are_told_of(self, repo: Experiments) -> None:
        with repo.write("huge", b"").open("wb") as file:
            file.truncate(20 << 20)
        Repo.init(repo.path / "inner")
        said = repo.exp("run", "-n", "one")
        assert re.search("2 untracked paths not part of it: (huge, inner/|inner/, huge)", said)
        assert "huge" not in repo.git("ls-tree", "-r", "--name-only", repo.of("one"))

    def test_what_we_may_not_read_is_told_of(self, repo: Experiments) -> None:
        repo.write("private", "x\n").chmod(0)
        ran = repo.program(*plain("git", "mlvers", "exp", "run", "-n", "one"))
        assert "1 untracked path not part of it: private" in ran.stderr
        assert "private" not in repo.git("ls-tree", "-r", "--name-only", repo.of("one"))

    def test_git_works_on_it(self, repo: Experiments) -> None:
        repo.exp("run", "-S", "train.C=10", "-n", "ten", "-m", "Ten times\n\nas much")
        commit = repo.of("ten")
        assert repo.git("log", "-1", "--format=%s|%an", commit).strip() == "Ten times|Test Author"
        assert "+  C: 10" in repo.git("diff", "HEAD", commit, "--", "params.yaml")
        repo.git("reset", "-q", "--hard")
        repo.git("checkout", "-q", commit)
        assert repo.outcome()["skipped"] == ["get_data", "train"]

    def test_the_stage_knows_its_name(self, repo: Experiments) -> None:
        repo.write("train.sh", "echo $MLVERS_EXP_NAME $DVC_EXP_NAME $DVC_EXP_BASELINE_REV > env\n"
                   + repo.read("train.sh").decode())  # fmt: skip
        repo.exp("run", "-n", "known")
        assert repo.read("env").decode().split() == ["known", "known", repo.head()]

    def test_json(self, repo: Experiments) -> None:
        ran = repo.run("mlvers", "exp", "run", "--json", "-n", "one", "-S", "train.C=2")
        assert json.loads(ran.stdout) == {
            "experiments": [{"name": "one", "commit": repo.of("one"), "status": "done"}]
        }


class TestWhereItRuns:
    def test_detached(self, repo: Experiments) -> None:
        repo.git("checkout", "-q", "--detach")
        repo.exp("run", "-S", "train.C=3", "-n", "one")
        assert repo.head(f"{repo.of('one')}~1") == repo.head()

    def test_in_a_subdirectory(self, repo: Experiments) -> None:
        (repo.path / "sub").mkdir()
        repo.write("sub/params.yaml", "a: 1\n")
        repo.write("sub/dvc.yaml", "stages:\n  s:\n    cmd: cat params.yaml > o\n"
                   "    params: [a]\n    outs: [o]\n")  # fmt: skip
        said = repo.exp("run", "-S", "a=2", "-n", "one", cwd="sub")
        assert "sub/dvc.yaml:s" in said
        assert "train" not in said
        assert repo.read("sub/o") == b"a: 2\n"

    def test_a_linked_worktree(self, repo: Experiments, tmp_path: Path) -> None:
        repo.git("worktree", "add", "-q", tmp_path / "linked")
        linked = Experiments(tmp_path / "linked")
        linked.exp("run", "-S", "train.C=3", "-n", "one")
        assert repo.blob("metrics.json", repo.of("one")) == b'{"acc": 3}\n'
        repo.assert_clean()

    def test_before_the_first_commit(self, installed: Path, tmp_path: Path) -> None:
        repo = Experiments(Repo.init(tmp_path / "fresh").path)
        said = repo.exp_fails("run")
        assert said.startswith("git-mlvers: there is no commit yet")

    def test_within_a_stage(self, repo: Experiments) -> None:
        said = repo.exp_fails("run", env={"MLVERS_STAGE": "train"})
        assert "exp run --temp" in said


class TestWhatIsWrong:
    def test_nothing_is_changed(self, repo: Experiments) -> None:
        for words, says in (
            (["-S", "train.c=1"], "did you mean train.C?"),
            (["-S", "train.C=5", "trian"], "did you mean train?"),
            (["-n", "a b"], "an experiment cannot be called 'a b'"),
            (["-n", "exp-12345"], "stands for its commit"),
        ):
            assert says in repo.exp_fails("run", *words)
        assert repo.listed() == []
        assert not repo.git("for-each-ref", "refs/mlvers/kept")
        repo.assert_clean()

    def test_a_name_that_is_taken(self, repo: Experiments) -> None:
        repo.exp("run", "-n", "one")
        assert "'one' of this commit already" in repo.exp_fails("run", "-n", "one")

    def test_a_stage_that_fails(self, repo: Experiments) -> None:
        said = repo.exp_fails("run", "-S", "train.C=bad", "-n", "broken")
        assert "stage 'train' failed: `sh train.sh` exited with code 3" in said
        assert repo.read("params.yaml") == b"train:\n  C: 1  # reg\n  it: 3\n"
        (experiment,) = repo.listed()
        line = repo.line(experiment.commit)
        assert line["exp"]["status"] == "failed"
        assert "exited with code 3" in line["exp"]["error"]
        assert line["params"]["train.C"] == "bad"
        assert b"this cannot work" in repo.log(experiment.commit)
        repo.repro()
        assert repo.read("metrics.json") == b'{"acc": 1}\n'
        repo.assert_clean()


class TestStopped:
    def started(self, repo: Experiments) -> subprocess.Popen[str]:
        repo.write("notes.txt", "mine\n")
        repo.write("train.sh", "touch started; sleep 60\n" + repo.read("train.sh").decode())
        repo.git("add", "train.sh")
        process = repo.started("run", "-S", "train.C=10", "-n", "slow")
        wait_for(lambda: repo.file("started").exists())
        return process

    def assert_way_back(self, repo: Experiments, said: str) -> None:
        (command,) = re.findall(r"^\t(git restore .*before-slow.*)$", said, re.MULTILINE)
        assert repo.read("params.yaml") == b"train:\n  C: 1  # reg\n  it: 3\n"
        assert not repo.file("model.bin").exists()
        repo.write("notes.txt", "damaged\n")
        repo.program("sh", "-c", command)
        assert repo.file("model.bin").exists()
        assert repo.read("notes.txt") == b"mine\n"
        repo.file("started").unlink(missing_ok=True)
        repo.assert_status("M  train.sh", "?? notes.txt")
        assert repo.listed() == []

    def test_by_ctrl_c(self, repo: Experiments) -> None:
        process = self.started(repo)
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=60)
        assert process.returncode == 130
        self.assert_way_back(repo, said)

    def test_by_kill_9(self, repo: Experiments) -> None:
        process = self.started(repo)
        process.kill()
        process.communicate(timeout=60)
        said = repo.exp_fails("run")
        (group,) = re.findall(r"kill -- -(\d+)$", said, re.MULTILINE)
        os.killpg(int(group), signal.SIGKILL)
        repo.file("started").unlink()
        repo.write("train.sh", "exit 1\n")
        said = repo.exp("run", "-n", "next", check=False)
        assert "the experiment 'slow', which ran here before, was killed" in said
        repo.git("update-ref", "-d", f"refs/mlvers/exps/{repo.head()}/next")
        self.assert_way_back(repo, said)
        repo.write("train.sh", "exit 1\n")
        assert "was killed" not in repo.exp("run", "-n", "last", check=False)
        logs = repo.common_dir() / "mlvers" / "exps" / "logs"
        assert not list(logs.glob("*.running"))
