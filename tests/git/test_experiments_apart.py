"""Experiments in working trees of their own: one, several at once, and what waits in the queue."""

from __future__ import annotations

import json
import os
import signal
import time
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


def state(repo: Experiments) -> tuple[str, bytes, dict[str, tuple[int, int, int]]]:
    """All that a user could notice of a working tree: status, the index, and each file's stat."""
    files = {}
    for folder, names, found in os.walk(repo.path):
        names[:] = [name for name in names if name != ".git"]
        for name in found:
            path = os.path.join(folder, name)
            stat = os.lstat(path)
            files[path] = stat.st_ino, stat.st_mtime_ns, stat.st_size
    return repo.git("status", "--porcelain"), repo.git_path("index").read_bytes(), files


def assert_nothing_left(repo: Experiments) -> None:
    """No working tree, no task and no ref is left behind."""
    assert len(repo.git("worktree", "list").splitlines()) == 1
    assert not list((repo.common_dir() / "mlvers" / "exps" / "trees").iterdir())
    assert not repo.git("for-each-ref", "refs/mlvers/queue")


class TestTemp:
    def test_the_users_tree_is_not_touched(self, repo: Experiments) -> None:
        repo.write("train.sh", repo.read("train.sh") + b"# changed\n")
        repo.write("untracked.py", "new\n")
        repo.write("source.txt", "staged\n")
        repo.git("add", "source.txt")
        repo.write("source.txt", "and changed again\n")
        before = state(repo)
        said = repo.exp("run", "--temp", "-S", "train.C=4", "-n", "four")
        assert state(repo) == before
        assert "Running stage 'train':" in said
        assert "Ran experiment 'four'" in said
        commit = repo.of("four")
        assert repo.head(f"{commit}~1") == repo.head()
        assert repo.blob("metrics.json", commit) == b'{"acc": 4}\n'
        assert repo.blob("untracked.py", commit) == b"new\n"
        assert repo.blob("data/all.txt", commit) == b"and changed again\n"
        assert repo.line(commit)["exp"]["set"] == {"train.C": 4}
        assert b"Running stage 'train':" in repo.log(commit)
        assert_nothing_left(repo)

    def test_large_files_are_links_where_that_is_allowed(self, repo: Experiments) -> None:
        repo.attributes("*.big")
        repo.write("data.big", noise(300_000, "data"))
        repo.write("train.sh", repo.read("train.sh") + b"stat -c %h data.big > links\n")
        repo.config("mlvers.cacheLink", "hardlink")
        repo.config("mlvers.populateMin", "100000")
        repo.commit("data")
        repo.exp("run", "--temp", "-n", "one")
        assert int(repo.blob("links", repo.of("one"))) >= 2
        repo.assert_pointer("data.big", noise(300_000, "data"), repo.of("one"))
        repo.assert_status()

    def test_a_stage_that_fails(self, repo: Experiments) -> None:
        before = state(repo)
        said = repo.exp_fails("run", "--temp", "-S", "train.C=bad", "-n", "broken")
        assert "stage 'train' failed" in said
        assert state(repo) == before
        assert repo.line(repo.of("broken"))["exp"]["status"] == "failed"
        assert "this cannot work" in repo.mlvers("queue", "logs", "broken")
        assert_nothing_left(repo)

    def test_wrong_words_are_told_before_anything_runs(self, repo: Experiments) -> None:
        assert "did you mean train.C?" in repo.exp_fails("run", "--temp", "-S", "train.c=1,2")
        assert "did you mean train?" in repo.exp_fails("run", "--queue", "trian")
        assert "-j takes a number" in repo.exp_fails("run", "-j", "0")
        assert repo.mlvers("queue", "status").startswith("Nothing waits")

    def test_content_is_brought_when_that_is_asked_for(
        self, repo: Experiments, tmp_path: Path
    ) -> None:
        repo.attributes("*.big")
        repo.write("source.big", noise(300_000, "data"))
        repo.write("dvc.yaml", repo.read("dvc.yaml").replace(b"source.txt", b"source.big"))
        repo.commit("data")
        repo.mlvers("remote", "add", "-d", "store", str(tmp_path / "store"))
        repo.mlvers("push")
        repo.drop_cache()
        repo.exp("run", "--temp", "--pull", "-n", "one")
        repo.assert_pointer("source.big", noise(300_000, "data"), repo.of("one"))
        assert repo.blob("data/all.txt", repo.of("one")) == noise(300_000, "data")

    def test_ctrl_c(self, repo: Experiments) -> None:
        before = state(repo)
        process = repo.started("run", "--temp", "-n", "slow", "-S", "train.C=7", env={"NAP": "60"})
        wait_for(lambda: len(repo.git("worktree", "list").splitlines()) == 2)
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
        assert process.returncode == 130
        assert state(repo) == before
        assert repo.listed() == []
        assert_nothing_left(repo)


class TestWhereItRuns:
    def test_detached_in_a_subdirectory_of_a_linked_worktree(
        self, repo: Experiments, tmp_path: Path
    ) -> None:
        repo.git("worktree", "add", "-q", "--detach", tmp_path / "linked")
        linked = Experiments(tmp_path / "linked")
        linked.write("sub/params.yaml", "a: 1\n")
        linked.write("sub/dvc.yaml", "stages:\n  s:\n    cmd: cat params.yaml > o\n"
                     "    params: [a]\n    outs: [o]\n")  # fmt: skip
        said = linked.exp("run", "--temp", "-S", "a=2", "-n", "one", cwd="sub")
        assert "train" not in said
        assert repo.blob("sub/o", repo.of("one")) == b"a: 2\n"
        assert not linked.file("sub/o").exists()
        repo.assert_status()

    def test_a_submodule(self, repo: Experiments, tmp_path: Path) -> None:
        inner = Repo.init(tmp_path / "inner")
        inner.write("code.txt", "from the submodule\n")
        inner.commit()
        repo.git("submodule", "--quiet", "add", str(inner.path), "lib")
        repo.write("source.txt", "x\n")
        script = repo.read("dvc.yaml").decode().replace("cp source.txt", "cp lib/code.txt")
        repo.write("dvc.yaml", script)
        repo.commit("submodule")
        repo.exp("run", "--temp", "-n", "one")
        assert repo.blob("data/all.txt", repo.of("one")) == b"from the submodule\n"
        lib = Repo(repo.path / "lib")
        assert len(lib.git("worktree", "list").splitlines()) == 1
        assert_nothing_left(repo)
        repo.assert_status()

    def test_as_a_submodule(self, repo: Experiments, tmp_path: Path) -> None:
        above = Repo.init(tmp_path / "above")
        above.git("submodule", "--quiet", "add", str(repo.path), "project")
        project = Experiments(above.path / "project")
        project.exp("run", "--temp", "-S", "train.C=2", "-n", "one")
        project.exp("run", "-S", "train.C=3", "-n", "two")
        assert project.blob("metrics.json", project.of("one")) == b'{"acc": 2}\n'
        assert project.blob("metrics.json", project.of("two")) == b'{"acc": 3}\n'
        assert_nothing_left(project)

    def test_a_cache_that_is_read_only(self, repo: Experiments, tmp_path: Path) -> None:
        cache = tmp_path / "cache"
        repo.config("mlvers.cacheDir", str(cache))
        repo.attributes("*.big")
        repo.write("data.big", noise(300_000, "data"))
        repo.write("train.sh", repo.read("train.sh") + b"cksum < data.big > sum\n")
        repo.commit("data")
        repo.program("chmod", "-R", "a-w", str(cache))
        try:
            words = ("git", "mlvers", "exp", "run")
            repo.program(*plain(*words, "-n", "one", "-S", "train.C=2", "--temp"))
            repo.program(*plain(*words, "-n", "two", "-S", "train.C=3"))
        finally:
            repo.program("chmod", "-R", "u+w", str(cache))
        assert repo.blob("sum", repo.of("one")) == repo.blob("sum", repo.of("two"))
        repo.assert_pointer("data.big", noise(300_000, "data"), repo.of("one"))

    def test_from_within_a_stage(self, repo: Experiments) -> None:
        repo.exp("run", "--temp", "-n", "one", "-S", "train.C=2", env={"MLVERS_STAGE": "x"})
        assert repo.blob("metrics.json", repo.of("one")) == b'{"acc": 2}\n'


class TestSweeps:
    def test_a_sweep(self, repo: Experiments) -> None:
        before = state(repo)
        said = repo.exp("run", "-n", "s", "-S", "train.C=1,2", "-S", "train.it=3,4")
        assert said.startswith("4 experiments:\n  s-1  train.C=1 train.it=3\n")
        assert "Ran 4 experiments: s-1, s-2, s-3, s-4" in said
        assert "[s-1] Stage 'train' didn't change, skipping" in said
        params = [repo.line(repo.of(f"s-{place}"))["params"] for place in range(1, 5)]
        assert params == [{"train.C": c, "train.it": it} for c in (1, 2) for it in (3, 4)]
        assert state(repo) == before

    def test_one_fails_and_the_others_go_on(self, repo: Experiments) -> None:
        ran = repo.run(
            *("mlvers", "exp", "run", "-n", "s", "-S", "train.C=bad,2", "--json"), check=False
        )
        assert ran.returncode == 1
        found = {each["name"]: each for each in json.loads(ran.stdout)["experiments"]}
        assert found["s-1"]["status"] == "failed"
        assert "exited with code 3" in found["s-1"]["error"]
        assert found["s-2"] == {"name": "s-2", "status": "done", "commit": repo.of("s-2")}

    def test_several_at_once(self, repo: Experiments) -> None:
        # Each waits until the other one has begun.
        flags = repo.path.parent / "flags"
        flags.mkdir()
        repo.write("train.sh", f"touch {flags}/$MLVERS_EXP_NAME\n"
                   f"while [ ! -e {flags}/s-1 ] || [ ! -e {flags}/s-2 ]; do sleep 0.05; done\n"
                   + repo.read("train.sh").decode())  # fmt: skip
        said = repo.exp("run", "-n", "s", "-S", "train.C=5,6", "-j", "2")
        assert "Ran 2 experiments" in said


class TestQueue:
    def statuses(self, repo: Experiments) -> dict[str, str]:
        tasks = json.loads(repo.mlvers("queue", "status", "--json"))["tasks"]
        return {task["name"]: task["status"] for task in tasks}

    def test_from_the_queue(self, repo: Experiments) -> None:
        repo.write("untracked.txt", "then\n")
        said = repo.exp("run", "--queue", "-n", "q", "-S", "train.C=2,bad")
        assert "git mlvers queue start" in said
        # What is changed afterwards is not part of them.
        repo.write("untracked.txt", "later\n")
        repo.write("params.yaml", "train: {}\n")
        repo.git("gc", "-q", "--prune=now")
        shown = repo.exp("queue", "status")
        assert [line.split()[0] for line in shown.splitlines()[:3]] == ["Name", "q-1", "q-2"]
        assert shown.splitlines()[1].split()[-2:] == ["queued", "train.C=2"]
        ran = repo.run("mlvers", "queue", "start", check=False)
        assert ran.returncode == 1
        assert "1 done, 1 failed" in ran.stdout
        assert self.statuses(repo) == {"q-1": "done", "q-2": "failed"}
        assert repo.blob("untracked.txt", repo.of("q-1")) == b"then\n"
        assert "this cannot work" in repo.mlvers("queue", "logs", "q-2")
        repo.mlvers("queue", "remove", "--done")
        assert self.statuses(repo) == {"q-2": "failed"}
        assert "Running stage" in repo.mlvers("queue", "logs", "q-1")
        repo.mlvers("queue", "remove", "q-2")
        assert self.statuses(repo) == {}
        assert {each.name for each in repo.listed()} == {"q-1", "q-2"}
        assert_nothing_left(repo)
        assert repo.mlvers("queue", "start").startswith("Nothing waits")

    def test_unknown_names(self, repo: Experiments) -> None:
        repo.exp("run", "--queue", "-n", "one", "-S", "train.C=7")
        for words in (["logs", "onee"], ["kill", "onee"], ["remove", "onee"]):
            assert "did you mean one?" in repo.fails("mlvers", "queue", *words).stderr
        assert "it is queued" in repo.fails("mlvers", "queue", "kill", "one").stderr
        assert "which?" in repo.fails("mlvers", "queue", "remove").stderr
        assert "'one' of this commit already" in repo.exp_fails("run", "--queue", "-n", "one")

    def test_killed_by_the_user(self, repo: Experiments) -> None:
        repo.exp("run", "--queue", "-n", "slow", "-S", "train.C=7")
        worker = repo.started("queue", "start", env={"NAP": "60"})
        wait_for(lambda: "Running stage" in repo.mlvers("queue", "logs", "slow"))
        assert "Workers: 1" in repo.mlvers("queue", "status")
        assert "slow runs" in repo.fails("mlvers", "queue", "remove", "slow").stderr
        assert "killed slow" in repo.mlvers("queue", "kill", "slow")
        worker.communicate(timeout=60)
        assert self.statuses(repo) == {"slow": "killed"}
        assert repo.listed() == []
        assert_nothing_left(repo)

    @pytest.mark.parametrize("whole", [False, True])
    def test_after_a_crash_it_runs_again(self, repo: Experiments, whole: bool) -> None:
        repo.exp("run", "--queue", "-n", "one", "-S", "train.C=2")
        worker = repo.started("queue", "start", env={"NAP": "60"})
        wait_for(lambda: "Running stage" in repo.mlvers("queue", "logs", "one"))
        worker.kill()
        worker.communicate(timeout=60)
        (lock,) = (repo.common_dir() / "mlvers" / "exps" / "tasks").glob("*/lock")
        if whole:
            # As the machine ends: the process of the experiment and all of its own.
            os.kill(int(lock.read_text()), signal.SIGKILL)
            wait_for(lambda: self.statuses(repo)["one"] == "queued")
            assert "1 done, 0 failed" in repo.mlvers("queue", "start")
        else:
            # It goes on without whoever started it, and nobody else begins with it.
            assert self.statuses(repo) == {"one": "running"}
            assert repo.mlvers("queue", "start").startswith("Nothing waits")
            repo.mlvers("queue", "stop", "--kill")
            assert self.statuses(repo) == {"one": "killed"}
            return
        assert repo.blob("metrics.json", repo.of("one")) == b'{"acc": 2}\n'
        assert_nothing_left(repo)

    def test_its_process_dies(self, repo: Experiments) -> None:
        before = state(repo)
        worker = repo.started("run", "--temp", "-n", "one", "-S", "train.C=2", env={"NAP": "60"})
        wait_for(lambda: "Running stage" in repo.mlvers("queue", "logs", "one", check=False))
        (lock,) = (repo.common_dir() / "mlvers" / "exps" / "tasks").glob("*/lock")
        os.kill(int(lock.read_text()), signal.SIGKILL)
        said, _ = worker.communicate(timeout=60)
        assert worker.returncode == 1
        assert "the process that ran 'one' was stopped by signal 9" in said
        assert state(repo) == before
        assert self.statuses(repo) == {"one": "failed"}
        assert "Running stage" in repo.mlvers("queue", "logs", "one")
        repo.mlvers("queue", "remove", "--failed")
        assert_nothing_left(repo)

    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    def test_ctrl_c_puts_it_back(self, repo: Experiments, number: signal.Signals) -> None:
        repo.exp("run", "--queue", "-n", "one", "-S", "train.C=7")
        worker = repo.started("queue", "start", env={"NAP": "60"})
        wait_for(lambda: "Running stage" in repo.mlvers("queue", "logs", "one"))
        worker.send_signal(number)
        worker.communicate(timeout=60)
        assert worker.returncode == 128 + number
        assert self.statuses(repo) == {"one": "queued"}
        assert len(repo.git("worktree", "list").splitlines()) == 1

    def test_in_the_background_until_it_is_stopped(self, repo: Experiments) -> None:
        repo.exp("run", "--queue", "-n", "q", "-S", "train.C=2,3")
        said = repo.mlvers("queue", "start", "-d", env={"NAP": "2"})
        assert "2 experiments will run in process" in said
        wait_for(lambda: self.statuses(repo)["q-1"] == "running")
        assert "no more of the queue is begun" in repo.mlvers("queue", "stop")
        wait_for(lambda: "Workers: 0" in repo.mlvers("queue", "status"))
        assert self.statuses(repo) == {"q-1": "done", "q-2": "queued"}
        assert "1 done, 0 failed" in repo.mlvers("queue", "start", "-j", "2")
