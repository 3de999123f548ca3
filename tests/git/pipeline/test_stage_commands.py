"""stage, run, freeze, unfreeze and dag: what they write, and what they show."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.support import pipelines
from tests.support.git import Repo
from tests.support.pipelines import SEED_DAG, Pipelines

DATA = Path(pipelines.__file__).parent / "data" / "seed-pipeline"


@pytest.fixture
def work(installed: Path, tmp_path: Path) -> Pipelines:
    """An empty repository."""
    return Pipelines(Repo.init(tmp_path / "work").path)


@pytest.fixture
def seeded(work: Pipelines) -> Pipelines:
    """The seed's pipeline file, and nothing else."""
    work.write("dvc.yaml", (DATA / "dvc.yaml").read_bytes())
    return work


def read(repo: Repo, path: str) -> str:
    return repo.read(path).decode()


def test_the_script_of_the_seed(work: Pipelines) -> None:
    script = (DATA / "config_dvc.sh").read_text().replace("dvc run", "git mlvers run")
    ran = work.program("bash", "-ec", script)
    assert read(work, "dvc.yaml") == (DATA / "dvc.yaml").read_text()
    assert ran.stdout.splitlines() == [
        f"Added stage '{name}' in 'dvc.yaml'"
        for name in ("get_data", "featurize", "train", "evaluate")
    ]
    assert work.mlvers("dag") == SEED_DAG


class TestAdding:
    def test_every_flag(self, work: Pipelines) -> None:
        work.file("src").mkdir()
        flags = [
            *("-d", "./b", "-d", "a", "-p", "lr,model.kind", "-p", "p.json:x", "-p", "all.yaml:"),
            *("-o", "o1", "-O", "o2", "--outs-persist", "o3", "--outs-persist-no-cache", "o4"),
            *("-m", "m1", "-M", "m2", "--metrics-persist", "m3", "--plots", "p1"),
            *("--plots-no-cache", "p2", "-w", "src", "--always-changed", "--desc", "what for"),
        ]
        work.mlvers("stage", "add", "-n", "all", *flags, "python", "x.py", "--name", "a b")
        assert (
            read(work, "dvc.yaml")
            == """\
stages:
  all:
    desc: what for
    cmd: python x.py --name "a b"
    wdir: src
    deps:
    - a
    - b
    params:
    - lr
    - model.kind
    - all.yaml:
    - p.json:
      - x
    outs:
    - o1
    - o2:
        cache: false
    - o3:
        persist: true
    - o4:
        cache: false
        persist: true
    metrics:
    - m1
    - m2:
        cache: false
    - m3:
        persist: true
    plots:
    - p1
    - p2:
        cache: false
    always_changed: true
"""
        )

    def test_behind_the_first_word_all_is_the_command(self, work: Pipelines) -> None:
        work.mlvers("stage", "add", "-n", "a", "tool", "-h", "--help", "-n", "b", "--", "-q")
        work.mlvers("run", "--no-exec", "-n", "b", "--", "tool", "-h")
        found = json.loads(work.mlvers("stage", "list", "--json"))
        assert [stage["cmd"] for stage in found] == [["tool -h --help -n b -- -q"], ["tool -h"]]

    def test_help_before_the_command_is_ours(self, work: Pipelines) -> None:
        for words in (["run", "-h"], ["stage", "--help"], ["stage", "add", "-n", "a", "-h"]):
            assert "NAME" in work.mlvers(*words)
        assert not work.file("dvc.yaml").exists()

    def test_a_new_file_takes_the_name_that_is_used(self, work: Pipelines) -> None:
        work.write("sub/mlvers.yaml", "stages:\n")
        work.mlvers("stage", "add", "-n", "a", "x")
        assert work.mlvers("stage", "list", "--name-only") == "a"
        assert work.file("mlvers.yaml").exists()
        assert not work.file("dvc.yaml").exists()

    def test_each_directory_has_its_own(self, work: Pipelines) -> None:
        work.write("sub/dvc.yaml", "stages:\n  old: {cmd: x}\n")
        said = work.git("mlvers", "stage", "add", "-n", "a", "-o", "../out", "x", cwd="sub")
        assert said == "Added stage 'a' in 'dvc.yaml'"
        assert work.mlvers("stage", "list", "--all", "--name-only").splitlines() == [
            "sub/dvc.yaml:old",
            "sub/dvc.yaml:a",
        ]
        assert work.mlvers("stage", "list", "out") == "sub/dvc.yaml:a  Outputs out"

    def test_mode_and_link_of_the_file_stay(self, work: Pipelines) -> None:
        work.write("real/pipeline", "stages:\n", mode=0o600)
        work.file("dvc.yaml").symlink_to("real/pipeline")
        work.mlvers("stage", "add", "-n", "a", "x")
        assert work.file("dvc.yaml").is_symlink()
        assert work.file("real/pipeline").stat().st_mode & 0o777 == 0o600
        assert "cmd: x" in read(work, "real/pipeline")

    @pytest.mark.parametrize(
        ("words", "code", "message"),
        [
            (["x"], 2, "the stage needs a name"),
            (["-n", "new"], 2, "the stage needs a command"),
            (["-n", "a.b", "x"], 2, "a stage cannot be called 'a.b'"),
            (["-n", "train", "x"], 1, "there is a stage 'train' in dvc.yaml already"),
            (["-n", "new", "-o", "assets/models", "x"], 1, "assets/models is an output of stage"),
            (["-n", "new", "-o", "assets/models/a", "x"], 1, "is inside assets/models"),
            (["-n", "new", "-o", "assets", "x"], 1, "is inside assets"),
            (
                ["-n", "new", "-d", "assets/models", "-o", "src/01-get_data.py", "x"],
                1,
                "these stages need each other: ",
            ),
            (["-n", "new", "-d", "a", "-o", "./a", "x"], 2, "a is named twice"),
            (["-n", "new", "-w", "nowhere", "x"], 2, "there is no directory nowhere"),
            (["-n", "new", "--outz", "x", "x"], 2, "unrecognized arguments"),
        ],
    )
    def test_what_is_refused_changes_nothing(
        self, seeded: Pipelines, words: list[str], code: int, message: str
    ) -> None:
        ran = seeded.fails("mlvers", "stage", "add", *words)
        assert ran.returncode == code
        assert message in ran.stderr
        assert read(seeded, "dvc.yaml") == (DATA / "dvc.yaml").read_text()

    def test_force_replaces_in_place(self, seeded: Pipelines) -> None:
        seeded.mlvers("stage", "add", "-f", "-n", "train", "-o", "assets/models", "other")
        names = seeded.mlvers("stage", "list", "--name-only").splitlines()
        assert names == ["get_data", "featurize", "train", "evaluate"]
        assert "cmd: other" in read(seeded, "dvc.yaml")

    def test_a_broken_file_is_left_alone(self, work: Pipelines) -> None:
        work.write("dvc.yaml", "stages: [\n")
        ran = work.fails("mlvers", "stage", "add", "-n", "a", "x")
        assert "dvc.yaml, line 2: not valid YAML" in ran.stderr
        assert read(work, "dvc.yaml") == "stages: [\n"

    def test_outside_of_a_repository(self, installed: Path, tmp_path: Path) -> None:
        ran = Repo(tmp_path).fails("mlvers", "stage", "add", "-n", "a", "x")
        assert ran.returncode == 3


class TestRunning:
    def test_run_adds_and_runs(self, work: Pipelines) -> None:
        said = work.mlvers("run", "-n", "a", "-o", "out.txt", "echo made > out.txt")
        assert "Added stage 'a' in 'dvc.yaml'" in said
        assert "Running stage 'a':" in said
        assert work.read("out.txt") == b"made\n"
        assert work.facts()

    def test_add_does_not_run_unless_told_to(self, work: Pipelines) -> None:
        work.mlvers("stage", "add", "-n", "a", "-o", "a.txt", "echo made > a.txt")
        assert not work.file("a.txt").exists()
        work.mlvers("stage", "add", "--run", "-n", "b", "-o", "b.txt", "echo made > b.txt")
        assert work.file("b.txt").exists()
        assert not work.file("a.txt").exists()

    def test_in_a_directory(self, work: Pipelines) -> None:
        work.file("sub").mkdir()
        work.git("mlvers", "run", "-n", "a", "-o", "out.txt", "pwd > out.txt", cwd="sub")
        assert read(work, "sub/out.txt").endswith("/sub\n")

    def test_a_command_that_fails(self, work: Pipelines) -> None:
        ran = work.fails("mlvers", "run", "-n", "a", "false")
        assert ran.returncode == 1
        assert "'a'" in ran.stderr


class TestListing:
    def test_the_seed(self, seeded: Pipelines) -> None:
        assert seeded.mlvers("stage", "list").splitlines() == [
            "get_data   Outputs assets/data",
            "featurize  Outputs assets/features",
            "train      Outputs assets/models",
            "evaluate   Reports assets/metrics.json",
        ]
        assert seeded.mlvers("stage", "list", "assets/models/x", "--name-only") == "train"

    def test_descriptions(self, work: Pipelines) -> None:
        work.write(
            "dvc.yaml",
            """
            stages:
              a: {cmd: x, desc: "what\\nfor"}
              b: {cmd: x, deps: [d], params: [lr]}
              c: {cmd: x}
              d: {cmd: x, outs: [o, p], metrics: [m]}
            """,
        )
        assert work.mlvers("stage", "list").splitlines() == [
            "a  what",
            "b  Depends on d, params.yaml",
            "c  No outputs or dependencies",
            "d  Outputs o, p; Reports m",
        ]

    def test_json(self, seeded: Pipelines) -> None:
        found = json.loads(seeded.mlvers("stage", "list", "--json", "evaluate"))
        assert len(found) == 1
        assert found[0]["outs"] == [
            {"path": "assets/metrics.json", "kind": "metric", "cache": False, "persist": False}
        ]
        assert (found[0]["file"], found[0]["line"]) == ("dvc.yaml", 30)

    def test_no_stages(self, work: Pipelines) -> None:
        ran = work.run("mlvers", "stage", "list")
        assert ran.stdout == ""
        assert "there are no stages here" in ran.stderr

    def test_ignored_pipeline_files_are_not_read(self, work: Pipelines) -> None:
        work.write(".gitignore", "env/\n")
        work.write("env/dvc.yaml", "stages: [broken")
        work.write("dvc.yaml", "stages: {a: {cmd: x}}")
        assert work.mlvers("stage", "list", "--all", "--name-only") == "a"

    def test_errors_name_the_line_and_the_key(self, work: Pipelines) -> None:
        work.write("dvc.yaml", "stages:\n  a:\n    cmd: x\n    depz: [y]\n")
        ran = work.fails("mlvers", "stage", "list")
        assert ran.stderr == (
            "git-mlvers: dvc.yaml, line 4: stages.a.depz: there is no such key\n"
            "hint: did you mean deps?\n"
        )

    def test_two_files_in_one_directory(self, work: Pipelines) -> None:
        work.write("dvc.yaml", "stages:\n")
        work.write("mlvers.yaml", "stages:\n")
        ran = work.fails("mlvers", "stage", "list")
        assert "dvc.yaml and mlvers.yaml are in one folder" in ran.stderr


class TestFreezing:
    def test_there_and_back(self, seeded: Pipelines) -> None:
        seeded.mlvers("freeze", "train", "get_data")
        found = json.loads(seeded.mlvers("stage", "list", "--json"))
        assert [stage["frozen"] for stage in found] == [True, False, True, False]
        seeded.mlvers("unfreeze", "train", "assets/data")
        assert read(seeded, "dvc.yaml") == (DATA / "dvc.yaml").read_text()

    def test_all_or_nothing(self, seeded: Pipelines) -> None:
        ran = seeded.fails("mlvers", "freeze", "train", "nope")
        assert "there is no stage or output 'nope'" in ran.stderr
        assert read(seeded, "dvc.yaml") == (DATA / "dvc.yaml").read_text()

    def test_two_stages_of_one_file_and_another_file(self, work: Pipelines) -> None:
        work.write("dvc.yaml", "stages:\n  l:\n    foreach: [x, y]\n    do:\n      cmd: x\n")
        work.write("sub/dvc.yaml", "stages:\n  a:\n    cmd: x\n  b:\n    cmd: x\n")
        work.mlvers("freeze", "l", "sub/dvc.yaml")
        found = json.loads(work.mlvers("stage", "list", "--all", "--json"))
        assert [stage["frozen"] for stage in found] == [True] * 4
        ran = work.fails("mlvers", "unfreeze", "l@x")
        assert "hint: name the loop: l" in ran.stderr


class TestDrawing:
    def test_the_seed(self, seeded: Pipelines) -> None:
        assert seeded.mlvers("dag") == SEED_DAG

    def test_what_a_target_needs(self, seeded: Pipelines) -> None:
        for target in ("featurize", "assets/features/x.csv"):
            names = re.findall(r"\| (\w+) \|", seeded.mlvers("dag", target))
            assert names == ["get_data", "featurize"]
        assert seeded.mlvers("dag", "--full", "featurize") == SEED_DAG

    def test_mermaid(self, seeded: Pipelines) -> None:
        assert seeded.mlvers("dag", "--md", "featurize").splitlines() == [
            "```mermaid",
            "flowchart TD",
            '\tnode1["featurize"]',
            '\tnode2["get_data"]',
            "\tnode2-->node1",
            "```",
        ]
        assert seeded.mlvers("dag", "--mermaid").startswith("flowchart TD\n")

    def test_graphviz(self, seeded: Pipelines) -> None:
        assert seeded.mlvers("dag", "--dot").splitlines() == [
            "strict digraph {",
            *('"get_data";', '"featurize";', '"train";', '"evaluate";'),
            *('"get_data" -> "featurize";', '"featurize" -> "train";'),
            *('"featurize" -> "evaluate";', '"train" -> "evaluate";', "}"),
        ]

    def test_outputs(self, seeded: Pipelines) -> None:
        lines = seeded.mlvers("dag", "--outs", "--dot").splitlines()
        assert '"assets/features" -> "assets/models";' in lines
        assert '"assets/metrics.json";' in lines

    def test_loops_as_one(self, work: Pipelines) -> None:
        work.write(
            "dvc.yaml",
            """
            stages:
              get: {cmd: x, outs: [d]}
              l:
                foreach: [x, y]
                do: {cmd: x, deps: [d], outs: ["o/${item}"]}
              end: {cmd: x, deps: [o]}
            """,
        )
        lines = work.mlvers("dag", "--dot").splitlines()
        assert '"l@x" -> "end";' in lines
        lines = work.mlvers("dag", "--dot", "--collapse-foreach-matrix").splitlines()
        assert lines == [
            *("strict digraph {", '"get";', '"l";', '"end";'),
            *('"get" -> "l";', '"l" -> "end";', "}"),
        ]

    def test_a_cycle_is_named(self, work: Pipelines) -> None:
        work.write(
            "dvc.yaml",
            "stages:\n"
            "  a: {cmd: x, deps: [b], outs: [a]}\n"
            "  b: {cmd: x, deps: [c], outs: [b]}\n"
            "  c: {cmd: x, deps: [a], outs: [c]}\n",
        )
        ran = work.fails("mlvers", "dag")
        assert re.search(r"these stages need each other: (\w) -> \w -> \w -> \1\n", ran.stderr)

    def test_no_stages(self, work: Pipelines) -> None:
        ran = work.run("mlvers", "dag")
        assert ran.stdout == ""
        assert "there are no stages" in ran.stderr
