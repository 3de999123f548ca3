"""``git mlvers metrics`` and ``params``: what users of DVC see, and where DVC stops."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.support.git import noise

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.git import Repo

PIPELINE = """\
stages:
  train:
    cmd: python train.py
    params:
    - train
    - other.json:
      - z.q
    metrics:
    - assets/metrics.json:
        cache: false
metrics:
- sub/scores.yaml
"""
DAGSHUB = b'Name,Value,Timestamp,Step\n"loss",0.9,1,1\r\n"loss",%a,2,2\r\n"acc",0.25,2,1\r\n'


@pytest.fixture
def scored(repo: Repo) -> Repo:
    """A repository with a pipeline, whose params and metrics have changed since HEAD."""
    repo.write("dvc.yaml", PIPELINE)
    repo.write("params.yaml", "base: {seed: 3}\ntrain:\n  C: 1\n  lr: 1e-3\n  remove: [Rk, Run]\n")
    repo.write("other.json", '{"z": {"q": 1, "r": 2}}')
    repo.write("assets/metrics.json", '{"test_accuracy": 0.43930635, "test_recall": 0.45894732}')
    repo.write("sub/scores.yaml", "loss: 1.5\nf1: {cat: 0.5, dog: 0.25}\n")
    repo.commit("first")
    repo.write("params.yaml", "base: {seed: 4}\ntrain:\n  C: 10\n  lr: 0.001\n  remove: [Rk]\n")
    repo.write("other.json", '{"z": {"q": 5, "r": 6}}')
    repo.write("assets/metrics.json", '{"test_accuracy": 0.44508670, "test_recall": 0.46102512}')
    return repo


class TestMetricsDiff:
    def test_the_working_tree_with_head(self, scored: Repo) -> None:
        assert scored.mlvers("metrics", "diff") == (
            "Path                 Metric         HEAD     workspace    Change\n"
            "assets/metrics.json  test_accuracy  0.43931  0.44509      0.00578\n"
            "assets/metrics.json  test_recall    0.45895  0.46103      0.00208"
        )

    def test_two_commits(self, scored: Repo) -> None:
        first = scored.head()
        scored.commit("second")
        shown = scored.mlvers("metrics", "diff", "--no-path", first, "HEAD").splitlines()
        assert shown[0].split() == ["Metric", first, "HEAD", "Change"]
        assert shown[1].split() == ["test_accuracy", "0.43931", "0.44509", "0.00578"]
        assert scored.mlvers("metrics", "diff", "HEAD", "workspace") == ""
        assert scored.mlvers("metrics", "diff", "HEAD", "HEAD") == ""

    def test_json_as_in_dvc(self, scored: Repo) -> None:
        shown = json.loads(scored.mlvers("metrics", "diff", "--json"))
        assert list(shown) == ["assets/metrics.json"]
        assert shown["assets/metrics.json"]["test_recall"] == {
            "old": 0.45894732,
            "new": 0.46102512,
            "diff": pytest.approx(0.0020778),
        }

    def test_all_and_markdown(self, scored: Repo) -> None:
        shown = scored.mlvers("metrics", "diff", "--all", "--md").splitlines()
        assert len(shown) == 2 + 5
        assert shown[-1].split() == [
            "|",
            "sub/scores.yaml",
            "|",
            "loss",
            "|",
            "1.5",
            "|",
            "1.5",
            "|",
            "0.0",
            "|",
        ]

    def test_new_and_deleted_metrics(self, scored: Repo) -> None:
        scored.write("assets/metrics.json", '{"new": 1}')
        scored.remove("sub/scores.yaml")
        assert scored.mlvers("metrics", "diff", "--csv").splitlines()[1:] == [
            "assets/metrics.json,new,,1,",
            "assets/metrics.json,test_accuracy,0.43930635,,",
            "assets/metrics.json,test_recall,0.45894732,,",
            "sub/scores.yaml,f1.cat,0.5,,",
            "sub/scores.yaml,f1.dog,0.25,,",
            "sub/scores.yaml,loss,1.5,,",
        ]

    def test_a_broken_file_is_warned_of_and_the_others_are_shown(self, scored: Repo) -> None:
        scored.commit("second")
        scored.write("assets/metrics.json", '{"test_accuracy": ')
        scored.write("sub/scores.yaml", "loss: 1.25\nf1: {cat: 0.5, dog: 0.25}\n")
        ran = scored.run("mlvers", "metrics", "diff")
        assert "warning: assets/metrics.json, line 1: Expecting value" in ran.stderr
        assert ran.stdout.splitlines()[-1].split() == [
            "sub/scores.yaml",
            "loss",
            "1.5",
            "1.25",
            "-0.25",
        ]
        scored.commit("third")
        ran = scored.run("mlvers", "metrics", "diff", "HEAD~1", "HEAD")
        assert "warning: in HEAD: assets/metrics.json, line 1" in ran.stderr

    def test_targets_need_no_pipeline(self, scored: Repo) -> None:
        scored.write("own.toml", "score = 0.5\n")
        scored.commit("second")
        scored.write("own.toml", "score = 0.75\n")
        shown = scored.mlvers("metrics", "diff", "--targets", "own.toml").splitlines()
        assert [line.split() for line in shown[1:]] == [
            ["own.toml", "score", "0.5", "0.75", "0.25"]
        ]

    def test_before_the_first_commit(self, repo: Repo) -> None:
        repo.write("metrics.json", '{"a": 1}')
        assert repo.mlvers("metrics", "diff").splitlines()[1].split() == [
            "metrics.json", "a", "-", "1", "-"
        ]  # fmt: skip

    def test_an_unknown_revision(self, scored: Repo) -> None:
        ran = scored.fails("mlvers", "metrics", "diff", "nowhere")
        assert "there is no commit named 'nowhere' here" in ran.stderr

    def test_from_a_directory(self, scored: Repo) -> None:
        shown = scored.git("mlvers", "metrics", "diff", cwd="sub")
        assert shown.splitlines()[1].startswith("../assets/metrics.json")


class TestMetricsShow:
    def test_the_working_tree(self, scored: Repo) -> None:
        scored.remove("sub/scores.yaml")
        assert scored.mlvers("metrics", "show") == (
            "Path                 test_accuracy    test_recall\n"
            "assets/metrics.json  0.44509          0.46103"
        )

    def test_files_with_other_names(self, scored: Repo) -> None:
        assert scored.mlvers("metrics", "show", "--precision", "2") == (
            "Path                 f1.cat    f1.dog    loss    test_accuracy    test_recall\n"
            "assets/metrics.json  -         -         -       0.45             0.46\n"
            "sub/scores.yaml      0.5       0.25      1.5     -                -"
        )

    def test_nothing_false_is_left_out(self, repo: Repo) -> None:
        repo.write("metrics.json", '{"a": 0, "b": 0.0, "c": false, "d": null, "e": [1], "f": ""}')
        shown = json.loads(repo.mlvers("metrics", "show", "--json"))
        found = shown["workspace"]["data"]["metrics.json"]["data"]
        assert found == {"a": 0, "b": 0.0, "c": False, "f": ""}

    def test_branches_tags_and_commits(self, scored: Repo) -> None:
        first = scored.head()
        branch = scored.git("branch", "--show-current")
        scored.git("tag", "-a", "-m", "one", "v1")
        scored.git("tag", "-a", "-m", "no commit", "blob", scored.head("HEAD:params.yaml"))
        scored.git("checkout", "-q", "-b", "other")
        scored.commit("second")

        def revisions(*options: str) -> list[str]:
            shown = scored.mlvers("metrics", "show", "--csv", *options, "assets/metrics.json")
            return [line.rpartition(",assets")[0] for line in shown.splitlines()[1:]]

        assert revisions("-a") == [branch, "other"]
        assert revisions("-T") == ["workspace", "v1"]
        assert revisions("-a", "-T") == [f'"{branch},v1"', "other"]
        assert revisions("-A") == ["workspace", scored.head()[:7], first[:7]]
        scored.write("assets/metrics.json", '{"test_accuracy": 1}')
        assert revisions("-a") == ["workspace", branch, "other"]

    def test_a_bare_repository(self, scored: Repo, tmp_path: Path) -> None:
        bare = scored.clone_to(tmp_path / "bare.git", "--bare")
        shown = bare.mlvers("metrics", "show", "-a", "--csv").splitlines()
        assert len(shown) == 1 + 2
        assert bare.mlvers("metrics", "diff", "HEAD", "HEAD") == ""
        for words in (("show",), ("diff",)):
            assert "no working tree" in bare.fails("mlvers", "metrics", *words).stderr

    def test_dagshub(self, repo: Repo) -> None:
        repo.write("metrics.csv", DAGSHUB % 0.5)
        repo.commit()
        assert repo.mlvers("metrics", "show") == "Path         acc    loss\nmetrics.csv  0.25   0.5"
        repo.write("metrics.csv", DAGSHUB % 0.25)
        assert repo.mlvers("metrics", "diff").splitlines()[1].split() == [
            "metrics.csv", "loss", "0.5", "0.25", "-0.25"
        ]  # fmt: skip

    def test_dvclive(self, repo: Repo) -> None:
        repo.write("dvclive/metrics.json", '{"train": {"loss": 0.5}, "step": 3}')
        assert repo.mlvers("metrics", "show").splitlines()[0].split() == [
            "Path", "step", "train.loss"
        ]  # fmt: skip

    def test_infinite(self, repo: Repo) -> None:
        repo.write("metrics.json", '{"a": NaN, "b": -Infinity}')
        assert repo.mlvers("metrics", "show").splitlines()[1].split() == [
            "metrics.json", "nan", "-inf"
        ]  # fmt: skip
        shown = json.loads(repo.mlvers("metrics", "show", "--json"), parse_constant=pytest.fail)
        assert shown["workspace"]["data"]["metrics.json"]["data"] == {"a": "NaN", "b": "-Infinity"}

    def test_no_metrics(self, repo: Repo) -> None:
        assert repo.mlvers("metrics", "show") == ""
        ran = repo.fails("mlvers", "metrics", "show", "nope.json")
        assert "there is no file nope.json" in ran.stderr

    def test_a_directory_of_metrics(self, repo: Repo) -> None:
        repo.write("dvc.yaml", "metrics: [eval]\n")
        repo.write("eval/a.json", '{"x": 1}')
        repo.write("eval/deep/b.json", '{"x": 2}')
        repo.commit()
        shown = json.loads(repo.mlvers("metrics", "show", "-a", "--json"))
        for found in shown.values():
            assert sorted(found["data"]) == ["eval/a.json", "eval/deep/b.json"]

    def test_a_broken_pipeline(self, scored: Repo) -> None:
        scored.write("dvc.yaml", "stages: [\n")
        scored.write("metrics.json", '{"a": 1}')
        ran = scored.run("mlvers", "metrics", "show")
        assert ran.stderr.startswith("warning: dvc.yaml, line ")
        assert ran.stdout.splitlines()[1].split() == ["metrics.json", "1"]


class TestParamsDiff:
    def test_the_working_tree_with_head(self, scored: Repo) -> None:
        assert scored.mlvers("params", "diff") == (
            "Path         Param         HEAD           workspace\n"
            "other.json   z.q           1              5\n"
            "params.yaml  base.seed     3              4\n"
            "params.yaml  train.C       1              10\n"
            "params.yaml  train.remove  ['Rk', 'Run']  ['Rk']"
        )

    def test_only_what_stages_depend_on(self, scored: Repo) -> None:
        shown = scored.mlvers("params", "diff", "--deps", "--csv").splitlines()
        assert [line.split(",")[1] for line in shown[1:]] == ["z.q", "train.C", "train.remove"]

    def test_all(self, scored: Repo) -> None:
        shown = scored.mlvers("params", "diff", "--all", "--csv").splitlines()
        assert "params.yaml,train.lr,0.001,0.001" in shown

    def test_json_as_in_dvc(self, scored: Repo) -> None:
        assert json.loads(scored.mlvers("params", "diff", "--json"))["params.yaml"] == {
            "base.seed": {"old": 3, "new": 4, "diff": 1},
            "train.C": {"old": 1, "new": 10, "diff": 9},
            "train.remove": {"old": ["Rk", "Run"], "new": ["Rk"]},
        }

    def test_new_and_deleted(self, repo: Repo) -> None:
        repo.write("params.yaml", "a: 1\nb: {c: 2}\n")
        repo.commit()
        repo.write("params.yaml", "b: {d: 2}\n")
        shown = repo.mlvers("params", "diff", "--no-path").splitlines()
        assert [line.split() for line in shown[1:]] == [
            ["a", "1", "-"],
            ["b.c", "2", "-"],
            ["b.d", "-", "2"],
        ]

    def test_what_templates_use_is_shown(self, repo: Repo) -> None:
        repo.write("dvc.yaml", "vars: [vars.yaml:[C]]\nstages:\n  a: {cmd: 'echo ${C}'}\n")
        repo.write("dvc.yaml", "vars:\n- vars.yaml:C\nstages:\n  a: {cmd: 'echo ${C}'}\n")
        repo.write("vars.yaml", "C: 1\nunused: 1\n")
        repo.commit()
        repo.write("vars.yaml", "C: 2\nunused: 2\n")
        assert repo.mlvers("params", "diff", "--csv").splitlines()[1:] == ["vars.yaml,C,1,2"]

    def test_python_toml_and_dagshub(self, repo: Repo) -> None:
        repo.write("dvc.yaml", "params: [conf.py, conf.toml]\n")
        for value in (1, 2):
            repo.write("conf.py", f"class Train:\n    C = {value}\n")
            repo.write("conf.toml", f"[train]\nC = {value}\n")
            repo.write("params.yml", f"train:\n  C: {value}\n")
            if value == 1:
                repo.commit()
        assert repo.mlvers("params", "diff", "--csv").splitlines()[1:] == [
            "conf.py,Train.C,1,2",
            "conf.toml,train.C,1,2",
            "params.yml,train.C,1,2",
        ]

    def test_targets(self, scored: Repo) -> None:
        shown = scored.mlvers("params", "diff", "--csv", "--targets", "other.json").splitlines()
        assert shown[1:] == ["other.json,z.q,1,5", "other.json,z.r,2,6"]
        assert "outside" in scored.fails("mlvers", "params", "diff", "--targets", "../x").stderr


class TestWhatIsLargeOrElsewhere:
    def test_a_pointer_is_read_through_the_cache(self, installed: Path, repo: Repo) -> None:
        repo.mlvers("init")
        repo.attributes("*.json")
        repo.write("metrics.json", '{"a": 1}')
        repo.commit()
        repo.write("metrics.json", '{"a": 2}')
        assert repo.mlvers("metrics", "diff", "--csv").splitlines()[1:] == ["metrics.json,a,1,2,1"]
        repo.drop_cache()
        ran = repo.run("mlvers", "metrics", "diff")
        assert "warning: in HEAD: the content of metrics.json is not here" in ran.stderr

    @pytest.mark.parametrize("kind", ["absolute", "upwards", "link", "git"])
    def test_nothing_outside_of_the_repository_is_read(
        self, repo: Repo, tmp_path: Path, kind: str
    ) -> None:
        secret = tmp_path / "secret.json"
        secret.write_text('{"token": "s3cr3t"}')
        path = {
            "absolute": str(secret),
            "upwards": "../secret.json",
            "link": "link.json",
            "git": ".git/secret.json",
        }[kind]
        repo.file("link.json").symlink_to(secret)
        repo.write(".git/secret.json", secret.read_bytes())
        repo.write("dvc.yaml", f"metrics: [{path}]\nparams: [{path}]\n")
        repo.commit()
        for words in (("metrics", "show", "-A"), ("params", "diff", "--all")):
            ran = repo.run("mlvers", *words)
            assert "s3cr3t" not in ran.stdout + ran.stderr
            assert "secret" in ran.stderr or "link.json" in ran.stderr

    def test_binary_metrics(self, repo: Repo) -> None:
        repo.write("metrics.json", noise(1000))
        ran = repo.run("mlvers", "metrics", "show")
        assert "warning: metrics.json, line" in ran.stderr
