"""``git mlvers exp show``, ``list`` and ``diff``, and experiments where commits are asked for."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.experiments import Experiments, experiments

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def repo(installed: Path, tmp_path: Path) -> Experiments:
    repo = experiments(tmp_path / "work")
    repo.exp("run", "-n", "ten", "-S", "train.C=10")
    repo.exp("run", "-n", "tenth", "-S", "train.C=0.1")
    return repo


def cells(text: str) -> list[list[str]]:
    """The words of each line of a table."""
    return [line.split() for line in text.splitlines()]


class TestShow:
    def test_the_table_of_the_seed(self, repo: Experiments) -> None:
        said = repo.exp("show")
        heading, here, base, first, second = said.splitlines()
        assert heading.split() == ["Experiment", "Created", "acc", "C"]
        assert here.split() == ["workspace", "-", "0.1", "0.1"]
        assert base.split()[0] == "main"
        assert base.split()[-2:] == ["1", "1"]
        assert {first.split()[1], second.split()[1]} == {"ten", "tenth"}
        assert first.startswith("├── ")
        assert second.startswith("└── ")
        assert max(map(len, said.splitlines())) <= 80

    def test_sorts(self, repo: Experiments) -> None:
        for order, names in (("asc", ["tenth", "ten"]), ("desc", ["ten", "tenth"])):
            said = repo.exp("show", "--sort-by", "acc", "--sort-order", order)
            assert [words[1] for words in cells(said)[3:]] == names

    def test_filters(self, repo: Experiments) -> None:
        for condition, names in (
            ("acc>5", ["ten"]),
            ("C<=0.1", ["tenth"]),
            ("train.C!=10", ["tenth"]),
            ("acc==10", ["ten"]),
            ("acc<text", []),
        ):
            said = repo.exp("show", "--filter", condition)
            assert [words[1] for words in cells(said) if words[0] in "├──└──"] == names

    def test_what_is_wrong_is_told(self, repo: Experiments) -> None:
        assert "there is no param or metric 'nope'" in repo.exp_fails("show", "--sort-by", "nope")
        assert "metrics" not in repo.exp_fails("show", "--filter", "acc")
        assert "not a regular expression" in repo.exp_fails("show", "--keep", "(")
        assert "nope" in repo.exp_fails("show", "nope")

    def test_chooses_columns(self, repo: Experiments) -> None:
        assert cells(repo.exp("show", "--all-columns"))[0][2:] == ["acc", "C", "it"]
        assert cells(repo.exp("show", "--keep", "it$"))[0][2:] == ["it"]
        assert cells(repo.exp("show", "--drop", "acc"))[0][2:] == ["C"]

    def test_a_table_that_is_too_wide_says_what_it_lacks(self, repo: Experiments) -> None:
        names = [f"a_metric_with_a_long_name_{number}" for number in range(5)]
        repo.write("metrics.json", json.dumps(dict.fromkeys(names, 1)))
        repo.exp("save", "-n", "wide")
        said = repo.exp("show")
        *table, more = said.splitlines()
        assert max(map(len, table)) <= 80
        for name in [*names, "acc"]:
            assert (name in table[0].split()) != (name in more)

    def test_forms_for_programs(self, repo: Experiments) -> None:
        rows = list(csv.DictReader(io.StringIO(repo.run("mlvers", "exp", "show", "--csv").stdout)))
        assert [row["Experiment"] for row in rows][:2] == ["workspace", "main"]
        assert {(row["Experiment"], row["acc"]) for row in rows[2:]} == {
            ("ten", "10"),
            ("tenth", "0.1"),
        }
        found: dict[str, Any] = json.loads(repo.run("mlvers", "exp", "show", "--json").stdout)
        (group,) = found["baselines"]
        by_name = {each["name"]: each for each in group["experiments"]}
        assert by_name["ten"]["commit"] == repo.of("ten")
        assert by_name["ten"]["params"] == {"train.C": 10, "train.it": 3}
        assert by_name["ten"]["metrics"] == {"acc": 10}
        assert by_name["ten"]["status"] == "done"
        assert group["commit"] == repo.head()
        assert repo.exp("show", "--md").startswith("| Experiment")

    def test_failed_ones_are_marked(self, repo: Experiments) -> None:
        repo.exp("run", "-n", "wrong", "-S", "train.C=bad", check=False)
        said = repo.exp("show")
        assert cells(said)[0][:3] == ["Experiment", "Created", "Status"]
        (wrong,) = [words for words in cells(said) if "wrong" in words]
        assert "failed" in wrong

    def test_waiting_ones_are_shown(self, repo: Experiments) -> None:
        repo.exp("run", "-n", "later", "--queue", "-S", "train.C=7")
        (later,) = [words for words in cells(repo.exp("show")) if "later" in words]
        assert "queued" in later

    def test_other_commits(self, repo: Experiments) -> None:
        old = repo.head()
        repo.write("readme", "new\n")
        repo.commit("second")
        assert "There are no experiments here yet" in repo.exp("show")
        for words in ((old,), ("-n", "2"), ("-A",)):
            assert len([line for line in cells(repo.exp("show", *words)) if "ten" in line]) == 1
        repo.git("branch", "old", old)
        assert "old" in [words[0] for words in cells(repo.exp("show", "-a"))]

    def test_without_notes_the_files_are_read(self, repo: Experiments) -> None:
        before = repo.exp("show", "--csv")
        repo.git("update-ref", "-d", "refs/notes/mlvers")
        assert repo.exp("show", "--csv") == before

    def test_experiments_of_dvc(self, repo: Experiments) -> None:
        head, ten = repo.head(), repo.of("ten")
        repo.git("update-ref", f"refs/exps/{head[:2]}/{head[2:]}/of-dvc", ten)
        repo.git("update-ref", "refs/exps/exec/EXEC_HEAD", ten)
        assert [words for words in cells(repo.exp("show")) if "of-dvc" in words]
        repo.exp("apply", "of-dvc")
        assert repo.read("metrics.json") == b'{"acc": 10}\n'

    def test_before_the_first_commit(self, installed: Path, tmp_path: Path) -> None:
        repo = Experiments(Experiments.init(tmp_path / "new").path)
        assert "There are no experiments here yet" in repo.exp("show")

    def test_in_a_bare_repository(self, repo: Experiments, tmp_path: Path) -> None:
        repo.git("clone", "-q", "--mirror", str(repo.path), str(tmp_path / "bare"))
        bare = Experiments(tmp_path / "bare")
        assert [words for words in cells(bare.exp("show")) if "ten" in words]
        assert "workspace" not in bare.exp("show")


class TestList:
    def test_names(self, repo: Experiments) -> None:
        assert repo.exp("list").splitlines() == [
            f"{repo.head()[:7]}:",
            f"    exp-{repo.of('ten')[:5]} [ten]",
            f"    exp-{repo.of('tenth')[:5]} [tenth]",
        ]
        assert repo.exp("list", "--name-only").split() == ["ten", "tenth"]
        found = json.loads(repo.run("mlvers", "exp", "list", "--json").stdout)
        assert [each["commit"] for each in found] == [repo.of("ten"), repo.of("tenth")]

    def test_of_other_commits(self, repo: Experiments) -> None:
        repo.write("readme", "new\n")
        repo.commit("second")
        assert repo.exp("list") == ""
        assert repo.exp("list", "--name-only", "--rev", "HEAD~1").split() == ["ten", "tenth"]
        assert repo.exp("list", "--name-only", "-A").split() == ["ten", "tenth"]


class TestDiff:
    def test_two_experiments(self, repo: Experiments) -> None:
        metrics, params = repo.exp("diff", "ten", "tenth").split("\n\n")
        assert cells(metrics) == [
            ["Metric", "ten", "tenth", "Change"],
            ["acc", "10", "0.1", "-9.9"],
        ]
        assert cells(params)[1] == ["train.C", "10", "0.1", "-9.9"]
        assert "train.it" in repo.exp("diff", "--all", "ten", "tenth")

    def test_without_names_it_is_what_changed(self, repo: Experiments) -> None:
        assert cells(repo.exp("diff"))[0] == ["Metric", "HEAD", "workspace", "Change"]
        found = json.loads(repo.run("mlvers", "exp", "diff", "--json", "ten").stdout)
        assert found["metrics"]["acc"]["old"] == 10
        assert found["params"]["train.C"]["new"] == 0.1


class TestNames:
    @pytest.mark.parametrize("form", ["ten", "short", "ref", "id"])
    def test_every_form_serves_where_commits_do(self, repo: Experiments, form: str) -> None:
        commit = repo.of("ten")
        ref = f"refs/mlvers/exps/{repo.head()}/ten"
        forms = {"ten": "ten", "short": f"exp-{commit[:5]}", "ref": ref, "id": commit[:9]}
        said = repo.run("mlvers", "metrics", "diff", "HEAD", forms[form]).stdout
        assert cells(said)[1][1:] == ["acc", "1", "10", "9"]
        assert "train.C" in repo.run("mlvers", "params", "diff", forms[form], "tenth").stdout
        assert "applied" in repo.exp("apply", forms[form])

    def test_plots_take_them_too(self, repo: Experiments) -> None:
        for name, values in (("first", "1\n2\n"), ("second", "5\n9\n")):
            repo.write("losses.csv", f"loss\n{values}")
            repo.exp("save", "-n", name)
        words = ("plots", "diff", "--json", "--targets", "losses.csv", "--", "first", "second")
        plots = json.loads(repo.run("mlvers", *words).stdout)["data"]["losses.csv"]
        drawn = [
            (point["rev"], point["y"])
            for plot in plots
            for point in plot["content"]["data"]["values"]
        ]
        assert drawn == [("first", 1), ("first", 2), ("second", 5), ("second", 9)]

    def test_a_branch_of_that_name_comes_first(self, repo: Experiments) -> None:
        repo.git("branch", "ten")
        assert repo.run("mlvers", "metrics", "diff", "HEAD", "ten").stdout == ""

    def test_near_names_are_told(self, repo: Experiments) -> None:
        assert "did you mean tenth?" in repo.exp_fails("apply", "tennth")
        assert "did you mean tenth?" in repo.exp_fails("diff", "tennth")
        assert (
            "there is no commit named 'nope'"
            in repo.fails("mlvers", "metrics", "diff", "nope").stderr
        )

    def test_of_several_with_a_name_that_of_this_commit_counts(self, repo: Experiments) -> None:
        repo.git("commit", "-q", "-a", "--allow-empty", "-m", "second")
        repo.exp("run", "-n", "ten", "-S", "train.C=20")
        repo.exp("apply", "ten")
        assert repo.read("metrics.json") == b'{"acc": 20}\n'
        repo.git("commit", "-q", "-a", "--allow-empty", "-m", "third")
        said = repo.exp_fails("apply", "ten")
        assert "several experiments are called 'ten'" in said
        assert all(f"exp-{each.commit[:5]}" in said for each in repo.listed() if each.name == "ten")
