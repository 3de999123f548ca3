"""Outputs that are edited, stages that fail, programs that are killed: nothing is lost."""

from __future__ import annotations

import os
import re
import signal
import time
from typing import TYPE_CHECKING

import pytest

from tests.support.git import Repo, noise
from tests.support.pipelines import CHAIN, Pipelines, chain, end

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def way_back(said: str) -> str:
    """The command that was shown to bring outputs back."""
    found = re.findall(r"^\t(git restore .*)$", said, re.MULTILINE)
    assert len(found) == 1, said
    return str(found[0])


def wait_for(what: Callable[[], bool]) -> None:
    """Wait until `what` is so."""
    end = time.monotonic() + 30
    while not what():
        assert time.monotonic() < end, "it never came to that"
        time.sleep(0.01)


class TestEditedByHand:
    def test_the_edit_is_kept(self, repo: Pipelines) -> None:
        repo.write("second.txt", "edited by hand\n")
        assert repo.stale()["second"] == [
            {"what": "out", "change": "modified", "name": "second.txt"}
        ]
        said = repo.repro()
        assert repo.read("second.txt") == b"source\nother\n"
        repo.program("sh", "-c", way_back(said))
        assert repo.read("second.txt") == b"edited by hand\n"

    def test_before_a_run_too(self, repo: Pipelines) -> None:
        repo.write("second.txt", "edited by hand\n")
        repo.write("other.txt", "changed\n")
        said = repo.repro()
        assert repo.read("second.txt") == b"source\nchanged\n"
        (repo.path / "sub").mkdir()
        repo.program("sh", "-c", way_back(said), cwd="sub")
        assert repo.read("second.txt") == b"edited by hand\n"

    def test_a_large_one(self, repo: Pipelines) -> None:
        repo.attributes("second.txt")
        repo.write("second.txt", noise(300_000, "edited"))
        said = repo.repro()
        repo.program("sh", "-c", way_back(said))
        repo.assert_content("second.txt", noise(300_000, "edited"))

    def test_an_ignored_output_that_git_does_not_keep(
        self, installed: Path, tmp_path: Path
    ) -> None:
        repo = Pipelines(Repo.init(tmp_path / "work").path)
        repo.write(".gitignore", "out\n")
        repo.write("in", "1\n")
        repo.write(
            "dvc.yaml",
            "stages:\n  copy:\n    cmd: cp in out\n    deps: [in]\n"
            "    outs:\n    - out: {cache: false}\n",
        )
        repo.repro()
        assert repo.outcome()["skipped"] == ["copy"]
        assert "out" not in repo.git("diff", "--cached", "--name-only").splitlines()
        repo.write("out", "edited\n")
        said = repo.repro()
        assert repo.read("out") == b"1\n"
        repo.program("sh", "-c", way_back(said))
        assert repo.read("out") == b"edited\n"

    def test_what_is_committed_needs_no_keeping(self, installed: Path, tmp_path: Path) -> None:
        repo = chain(tmp_path / "work")
        repo.write("first.txt", "made elsewhere\n")
        repo.commit("by hand")
        assert "git restore" not in repo.repro()
        assert repo.git("for-each-ref", "refs/mlvers/kept") == ""
        assert repo.git("show", "HEAD:first.txt") == "made elsewhere"

    def test_what_stages_made_needs_no_keeping(self, repo: Pipelines) -> None:
        repo.write("other.txt", "changed\n")
        repo.repro()
        repo.write("other.txt", "changed again\n")
        repo.repro()
        assert repo.git("for-each-ref", "refs/mlvers/kept") == ""

    def test_what_is_behind_a_link_is_not_deleted(self, installed: Path, tmp_path: Path) -> None:
        repo = Pipelines(Repo.init(tmp_path / "work").path)
        elsewhere = Repo.init(tmp_path / "elsewhere")
        elsewhere.write("out/precious", "precious")
        repo.file("linked").symlink_to(elsewhere.path)
        repo.write("in", "1\n")
        repo.write(
            "dvc.yaml",
            "stages:\n  make:\n    cmd: cp in linked/out/made\n"
            "    deps: [in]\n    outs: [linked/out]\n",
        )
        assert repo.outcome()["ran"] == ["make"]
        assert repo.outcome()["skipped"] == ["make"]
        repo.write("in", "2\n")
        assert repo.outcome()["ran"] == ["make"]
        repo.write("in", "1\n")
        assert repo.outcome()["ran"] == ["make"]
        assert elsewhere.read("out/precious") == b"precious"

    def test_a_folder_with_all_in_it_is_not_deleted(self, installed: Path, tmp_path: Path) -> None:
        repo = Pipelines(Repo.init(tmp_path / "work").path)
        repo.write("sub/precious", "precious")
        repo.write("sub/dvc.yaml", "stages:\n  all:\n    cmd: 'true'\n    outs: ['.']\n")
        said = repo.repro_fails()
        assert "sub" in said
        assert repo.read("sub/precious") == b"precious"


class TestFailure:
    def test_a_failed_stage_leaves_no_fact(self, repo: Pipelines) -> None:
        before = repo.facts()
        repo.write("dvc.yaml", CHAIN.replace("> second.txt &&", "> second.txt && false &&"))
        ran = repo.fails("mlvers", "repro")
        assert "stage 'second' failed" in ran.stderr
        assert "exited with code 1" in ran.stderr
        assert repo.facts() == before
        assert repo.ran() == []
        repo.program("sh", "-c", way_back(ran.stdout))
        repo.write("dvc.yaml", CHAIN)
        assert len(repo.outcome()["skipped"]) == 3

    def test_undoing_the_change_brings_all_back(self, repo: Pipelines) -> None:
        repo.write("dvc.yaml", CHAIN.replace("> second.txt &&", "| head -1 > second.txt; false &&"))
        repo.repro_fails()
        assert repo.read("second.txt") == b"source\n"
        repo.write("dvc.yaml", CHAIN)
        assert repo.outcome()["restored"] == ["second"]
        repo.assert_status()

    def test_the_first_line_that_fails_is_the_last(self, installed: Path, tmp_path: Path) -> None:
        repo = Pipelines(Repo.init(tmp_path / "work").path)
        repo.write(
            "dvc.yaml",
            "stages:\n  lines:\n    cmd:\n    - echo one >> log\n    - exit 4\n"
            "    - echo two >> log\n",
        )
        assert "`exit 4` exited with code 4" in repo.repro_fails()
        assert repo.ran() == ["one"]

    def test_each_line_has_its_own_shell(self, installed: Path, tmp_path: Path) -> None:
        repo = Pipelines(Repo.init(tmp_path / "work").path)
        repo.write(
            "dvc.yaml",
            "stages:\n  lines:\n    cmd: |\n      mkdir -p sub\n      cd sub\n"
            "      echo $MLVERS_STAGE $DVC_STAGE > where\n    outs: [where]\n",
        )
        repo.repro()
        assert repo.read("where") == b"lines lines\n"

    def test_the_shell_of_the_user(self, installed: Path, tmp_path: Path) -> None:
        repo = Pipelines(Repo.init(tmp_path / "work").path)
        shell = repo.write("shell", '#!/bin/sh\necho "$@" > said\n', 0o755)
        repo.write("dvc.yaml", "stages:\n  one:\n    cmd: some words\n")
        repo.repro(env={"SHELL": str(shell)})
        assert repo.read("said") == b"-c some words\n"
        said = repo.repro_fails(env={"SHELL": str(tmp_path / "none")})
        assert "cannot be started" in said

    def test_an_output_that_is_not_made(self, repo: Pipelines) -> None:
        before = repo.facts()
        repo.write("dvc.yaml", CHAIN.replace("> second.txt", "> elsewhere.txt"))
        assert "its output second.txt does not exist" in repo.repro_fails()
        assert repo.facts() == before

    def test_a_dependency_that_is_not_there(self, repo: Pipelines) -> None:
        repo.remove("other.txt")
        assert "'second' depends on other.txt, which does not exist" in repo.repro_fails()
        assert repo.file("second.txt").exists()
        assert repo.stale()["second"] == [{"what": "dep", "change": "missing", "name": "other.txt"}]

    def test_a_param_that_is_not_there(self, repo: Pipelines) -> None:
        repo.write("params.yaml", "train:\n  rate: 1\n")
        changed = "    params: [train.rats]\n    outs: [second.txt]"
        repo.write("dvc.yaml", CHAIN.replace("    outs: [second.txt]", changed))
        said = repo.repro_fails()
        assert "train.rats" in said
        assert "did you mean train.rate?" in said
        assert repo.file("second.txt").exists()


SLOW = CHAIN.replace("> second.txt", "| head -1 > second.txt && touch began && sleep 600")


class TestStopped:
    @pytest.fixture
    def slow(self, repo: Pipelines) -> Pipelines:
        """The second stage is different, and does not end by itself."""
        repo.write(".gitignore", "log\nbegan\n")
        repo.write("dvc.yaml", SLOW)
        return repo

    @pytest.mark.parametrize("jobs", ["1", "2"])
    @pytest.mark.parametrize(
        ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 128 + signal.SIGTERM)]
    )
    def test_by_a_signal(self, slow: Pipelines, number: int, code: int, jobs: str) -> None:
        before = slow.facts()
        process = slow.start("-j", jobs)
        try:
            wait_for(slow.file("began").exists)
            group = running_group(slow)
            process.send_signal(number)
            said, _ = process.communicate(timeout=30)
        finally:
            end(process)
        assert process.returncode == code
        assert "Traceback" not in said
        wait_for(lambda: not is_alive(group))
        assert slow.facts() == before
        slow.program("sh", "-c", way_back(said))
        assert slow.read("second.txt") == b"source\nother\n"
        slow.write("dvc.yaml", CHAIN)
        assert len(slow.outcome()["skipped"]) == 3

    def test_by_kill(self, slow: Pipelines) -> None:
        before = slow.facts()
        process = slow.start()
        try:
            wait_for(slow.file("began").exists)
            group = running_group(slow)
            process.kill()
            process.wait()
            slow.write("dvc.yaml", CHAIN)
            # What it started goes on, and writes where a second one would.
            said = slow.repro_fails()
            assert "its stage 'second' still run" in said
            assert f"kill -- -{group}" in said
            os.killpg(group, signal.SIGKILL)
        finally:
            end(process)
        assert slow.facts() == before
        wait_for(lambda: not is_alive(group))
        assert slow.outcome()["restored"] == ["second"]
        slow.fsck()

    def test_two_at_once_wait_for_each_other(self, slow: Pipelines) -> None:
        slow.write(
            "dvc.yaml",
            SLOW.replace("| head -1 ", "").replace(
                "sleep 600", "until test -e go; do sleep 0.01; done"
            ),
        )
        first = slow.start()
        second = None
        try:
            wait_for(slow.file("began").exists)
            second = slow.start()
            assert second.stdout is not None
            assert f"Another repro runs here (process {first.pid})" in second.stdout.readline()
            slow.write("go", "")
            assert first.wait(30) == 0
            said, _ = second.communicate(timeout=30)
        finally:
            end(first)
            if second is not None:
                end(second)
        assert "Data and pipelines are up to date." in said
        assert slow.ran() == ["second"]

    def test_a_stage_may_repro_another(self, repo: Pipelines) -> None:
        repo.write(
            "sub/dvc.yaml", "stages:\n  make:\n    cmd: echo made > made\n    outs: [made]\n"
        )
        repo.write("dvc.yaml", "stages:\n  outer:\n    cmd: git mlvers repro sub/dvc.yaml\n")
        repo.repro("outer")
        assert repo.read("sub/made") == b"made\n"


def running_group(repo: Pipelines) -> int:
    """The process group that is noted as running."""
    text = (repo.git_path("mlvers") / "repro.running").read_text()
    found = re.search(r"\d+", text)
    assert found is not None
    return int(found[0])


def is_alive(group: int) -> bool:
    """Whether the group has processes, even ended ones that nobody waited for."""
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                with open(f"/proc/{entry}/stat", "rb") as file:
                    words = file.read().rpartition(b")")[2].split()
            except OSError:
                continue
            if int(words[2]) == group and words[0] not in (b"Z", b"X"):
                return True
    return False


class TestAtOnce:
    PAIR = """\
stages:
  left:
    cmd: echo left begins; echo 1 > right.wait; cat left.wait; touch left
    outs: [left]
  right:
    cmd: echo right begins; cat right.wait; echo 1 > left.wait; touch right
    outs: [right]
  both:
    cmd: cat left right > both
    deps: [left, right]
    outs: [both]
"""

    def test_independent_stages_overlap(self, installed: Path, tmp_path: Path) -> None:
        repo = Pipelines(Repo.init(tmp_path / "work").path)
        repo.write("dvc.yaml", self.PAIR)
        # Each opens a pipe that only the other one opens at its other end.
        for name in ("left.wait", "right.wait"):
            os.mkfifo(repo.file(name))
        said = repo.repro("-j", "2")
        assert "[left] left begins" in said
        assert "[right] right begins" in said
        assert said.index("Running stage 'both'") > said.index("[right] right begins")
        assert sorted(line.split()[0] for line in repo.facts()) == ["both", "left", "right"]
        assert repo.outcome()["skipped"] == ["left", "right", "both"]

    def test_a_failure_lets_what_runs_end(self, installed: Path, tmp_path: Path) -> None:
        repo = Pipelines(Repo.init(tmp_path / "work").path)
        os.mkfifo(repo.file("go"))
        repo.write(
            "dvc.yaml",
            "stages:\n"
            "  bad:\n    cmd: cat go; exit 1\n    outs: [bad]\n"
            "  good:\n    cmd: echo > go; echo good > good\n    outs: [good]\n"
            "  after:\n    cmd: touch after\n    deps: [bad]\n    outs: [after]\n",
        )
        ran = repo.fails("mlvers", "repro", "-j", "2")
        assert "stage 'bad' failed" in ran.stderr
        assert [line.split()[0] for line in repo.facts()] == ["good"]
        assert not repo.file("after").exists()


class TestWhatOthersSend:
    def test_a_run_cache_writes_to_outputs_alone(self, repo: Pipelines) -> None:
        """Its trees may come from somebody else, with more in them than belongs there."""
        tree = repo.git("rev-parse", "refs/mlvers/runs^{tree}").strip()
        outs = repo.git("ls-tree", "-d", "-r", "--name-only", tree, "outs/").split()
        evil = repo.git("hash-object", "-w", "--stdin", stdin="evil")
        repo.git("read-tree", "--index-output=.git/evil", tree)
        env = {"GIT_INDEX_FILE": ".git/evil"}
        for out in outs:
            if out.count("/") == 2:
                spec = f"100644,{evil},{out}/source.txt"
                repo.run("update-index", "--add", "--cacheinfo", spec, env=env)
        changed = repo.run("write-tree", env=env).stdout.strip()
        commit = repo.git("commit-tree", changed, "-p", "refs/mlvers/runs", stdin="evil").strip()
        repo.git("update-ref", "refs/mlvers/runs", commit)
        source = repo.read("source.txt")
        repo.git("rm", "-q", "--cached", "first.txt")
        repo.remove("first.txt")
        repo.write("mlvers.lock", b"")
        assert repo.outcome("first")["ran"] == ["first"]
        assert repo.read("source.txt") == source

    @pytest.mark.parametrize("kind", ["device", "fifo"])
    def test_what_has_no_end_is_not_read(self, installed: Path, tmp_path: Path, kind: str) -> None:
        path = "/dev/zero"
        if kind == "fifo":
            path = str(tmp_path / "fifo")
            os.mkfifo(path)
        repo = chain(tmp_path / "work")
        repo.write("dvc.yaml", f"stages: {{a: {{cmd: x, deps: [{path}], outs: [o]}}}}\n")
        for words in (["repro"], ["status"]):
            said = repo.fails("mlvers", *words).stderr
            assert f"{path} is neither a file nor a folder" in said


class TestWhatIsStaged:
    def test_inputs_that_a_commit_would_leave_out_are_named(self, repo: Pipelines) -> None:
        repo.write("source.txt", "changed\n")
        said = repo.repro()
        assert "What they were made of is not:\n  source.txt\n" in said
        repo.git("add", "source.txt")
        repo.git("commit", "-q", "-m", "all of it")
        assert repo.outcome()["skipped"] == ["first", "second", "third"]
        repo.write("source.txt", "changed again\n")
        repo.git("add", "source.txt")
        assert "What they were made of" not in repo.repro()
