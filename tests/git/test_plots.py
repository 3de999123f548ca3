"""``git mlvers plots``: what is drawn, of which revisions, and where it goes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlparse
from xml.etree import ElementTree

import pytest

if TYPE_CHECKING:
    from tests.support.git import Repo

PIPELINE = """\
stages:
  train:
    cmd: python train.py
    plots:
    - logs/loss.csv:
        x: epoch
        y: loss
        title: How it learns
        cache: false
    - images
plots:
- ROC:
    template: simple
    x: fpr
    y:
      eval/train.json: tpr
      eval/test.json: tpr
- eval/classes.csv:
    template: confusion
    x: predicted
    y: actual
"""


def roc(middle: float) -> str:
    """A curve of three points, nested as scikit-learn users write it."""
    rows = [{"fpr": x, "tpr": y} for x, y in ((0, 0), (0.5, middle), (1, 1))]
    return json.dumps({"roc": rows})


@pytest.fixture
def plotted(repo: Repo) -> Repo:
    """A repository with plots of all kinds, whose curves have changed since HEAD."""
    repo.write("dvc.yaml", PIPELINE)
    repo.write("eval/classes.csv", "actual,predicted\ncat,cat\ncat,dog\n")
    for name in ("train", "test"):
        repo.write(f"eval/{name}.json", roc(0.6))
    repo.write("images/tree.svg", "<svg xmlns='http://www.w3.org/2000/svg'/>")
    repo.write("logs/loss.csv", "epoch,loss,other\n1,0.9,0\n2,0.5,0\n")
    repo.commit("first")
    repo.write("logs/loss.csv", "epoch,loss,other\n1,0.8,0\n2,0.25,0\n")
    return repo


def as_json(repo: Repo, *words: str) -> dict[str, list[dict[str, Any]]]:
    """What ``plots WORDS --json`` prints."""
    found: dict[str, list[dict[str, Any]]] = json.loads(repo.mlvers("plots", *words, "--json"))[
        "data"
    ]
    return found


def pairs(spec: dict[str, Any]) -> list[tuple[object, object]]:
    """The points of a specification."""
    return [(value["x"], value["y"]) for value in spec["data"]["values"]]


class TestShow:
    def test_a_page_that_no_git_add_takes_along(self, plotted: Repo) -> None:
        uri = plotted.mlvers("plots", "show")
        path = Path(unquote(urlparse(uri).path))
        assert path == plotted.file("mlvers_plots/index.html").resolve()
        spans = [span.text for span in ElementTree.parse(path).iter() if span.tag.endswith("span")]
        assert spans == ["images/tree.svg", "How it learns", "eval/classes.csv", "ROC"]
        assert "mlvers_plots" not in plotted.git("status", "--porcelain")
        assert plotted.mlvers("plots", "show", "-o", "out/here").endswith("/out/here/index.html")

    def test_what_pipelines_say(self, plotted: Repo) -> None:
        found = as_json(plotted, "show")
        loss = found["logs/loss.csv"][0]
        assert loss["revisions"] == ["workspace"]
        assert pairs(loss["content"]) == [(1, 0.8), (2, 0.25)]
        assert loss["content"]["title"] == "How it learns"
        curve = found["ROC"][0]["content"]
        assert [value["filename"] for value in curve["data"]["values"]] == (
            ["eval/train.json"] * 3 + ["eval/test.json"] * 3
        )
        assert curve["encoding"]["y"]["title"] == "tpr"
        assert found["images/tree.svg"][0]["url"].startswith("data:image/svg+xml;base64,")

    def test_targets_and_options(self, plotted: Repo) -> None:
        words = ("show", "-x", "epoch", "-y", "other", "-t", "scatter", "logs/loss.csv")
        found = as_json(plotted, *words, "--title", "Other", "--x-label", "e")
        assert list(found) == ["logs/loss.csv"]
        spec = found["logs/loss.csv"][0]["content"]
        assert spec["title"] == "Other"
        assert spec["mark"]["type"] == "point"
        assert spec["encoding"]["x"]["title"] == "e"
        assert pairs(spec) == [(1, 0), (2, 0)]
        assert list(as_json(plotted, "show", "images")) == ["images/tree.svg"]
        assert list(as_json(plotted, "show", "ROC")) == ["ROC"]

    def test_a_file_that_no_pipeline_names(self, repo: Repo) -> None:
        repo.write("sub/x.tsv", "0.5\n0.25\n")
        shown = repo.git(
            "mlvers", "plots", "show", "--no-header", "--show-vega", "x.tsv", cwd="sub"
        )
        assert pairs(json.loads(shown)) == [(0, 0.5), (1, 0.25)]

    def test_show_vega_needs_one_plot(self, plotted: Repo) -> None:
        assert (
            "--show-vega needs one plot"
            in plotted.fails("mlvers", "plots", "show", "--show-vega").stderr
        )

    def test_dvclive_and_dagshub(self, repo: Repo) -> None:
        repo.write("dvclive/plots/metrics/train/loss.tsv", "step\tloss\n0\t0.5\n2\t0.25\n")
        repo.write(
            "metrics.csv",
            'Name,Value,Timestamp,Step\n"loss",0.9,1,1\r\n"acc",0.1,1,1\r\n"loss",0.5,2,2\r\n',
        )
        found = as_json(repo, "show")
        assert pairs(found["dvclive/plots/metrics/train/loss.tsv"][0]["content"]) == [
            (0, 0.5),
            (2, 0.25),
        ]
        values = found["metrics.csv"][0]["content"]["data"]["values"]
        assert [(v["field"], v["x"], v["y"]) for v in values] == [
            ("loss", 1, 0.9), ("loss", 2, 0.5), ("acc", 1, 0.1)
        ]  # fmt: skip

    def test_nothing_to_plot(self, repo: Repo) -> None:
        ran = repo.run("mlvers", "plots", "show")
        assert ran.stdout == ""
        assert "nothing to plot" in ran.stderr
        assert not repo.file("mlvers_plots").exists()
        assert (
            "no plot and no file nope.csv"
            in repo.fails("mlvers", "plots", "show", "nope.csv").stderr
        )

    def test_what_is_wrong_is_told_and_the_others_are_drawn(self, plotted: Repo) -> None:
        plotted.write("logs/loss.csv", "epoch,other\n1,2\n")
        plotted.write("eval/test.json", '{"roc": [')
        plotted.write("eval/classes.csv", b"\xff")
        ran = plotted.run("mlvers", "plots", "show", "--json")
        assert list(json.loads(ran.stdout)["data"]) == ["images/tree.svg"]
        assert "logs/loss.csv has no column 'loss'; it has epoch, other" in ran.stderr
        assert "eval/test.json, line 1: " in ran.stderr
        assert "eval/classes.csv, line 1: this is not text in UTF-8" in ran.stderr

    def test_an_unknown_template(self, plotted: Repo) -> None:
        ran = plotted.fails("mlvers", "plots", "show", "-t", "pie")
        assert "there is no template 'pie'" in ran.stderr
        assert "confusion_normalized" in plotted.mlvers("plots", "templates").splitlines()
        plotted.write("dvc.yaml", PIPELINE.replace("simple", "mine.json"))
        assert "is drawn as linear" in plotted.run("mlvers", "plots", "show").stderr


class TestDiff:
    def test_head_and_the_working_tree(self, plotted: Repo) -> None:
        loss = as_json(plotted, "diff")["logs/loss.csv"][0]
        assert loss["revisions"] == ["HEAD", "workspace"]
        values = loss["content"]["data"]["values"]
        assert [(v["rev"], v["x"], v["y"]) for v in values] == [
            ("HEAD", 1, 0.9), ("HEAD", 2, 0.5), ("workspace", 1, 0.8), ("workspace", 2, 0.25)
        ]  # fmt: skip

    def test_revisions(self, plotted: Repo) -> None:
        first = plotted.head()
        plotted.commit("second")
        plotted.git("tag", "v2")
        for revisions, shown in (
            ([first, "v2"], [first, "v2"]),
            (["v2"], ["v2", "workspace"]),
            (["HEAD", "HEAD~1", "v2"], ["HEAD", "HEAD~1", "v2"]),
        ):
            found = json.loads(plotted.mlvers("plots", "diff", "--json", *revisions))["data"]
            assert found["logs/loss.csv"][0]["revisions"] == shown
        images = json.loads(plotted.mlvers("plots", "diff", "--json", first, "v2"))["data"]
        assert [image["revisions"] for image in images["images/tree.svg"]] == [[first], ["v2"]]

    def test_a_plot_that_only_one_revision_has(self, plotted: Repo) -> None:
        plotted.remove("logs/loss.csv")
        loss = as_json(plotted, "diff")["logs/loss.csv"][0]
        assert loss["revisions"] == ["HEAD"]

    def test_before_the_first_commit(self, repo: Repo) -> None:
        repo.write("dvc.yaml", "plots: [x.csv]\n")
        repo.write("x.csv", "a\n1\n")
        assert as_json(repo, "diff")["x.csv"][0]["revisions"] == ["workspace"]


def test_nothing_outside_of_the_repository_is_read(repo: Repo, tmp_path: Path) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_text("a,s3cr3t\n1,2\n")
    repo.file("link.csv").symlink_to(secret)
    repo.file("link.png").symlink_to(secret)
    repo.write("dvc.yaml", f"plots: [{secret}, ../secret.csv, link.csv, link.png]\n")
    repo.commit()
    ran = repo.run("mlvers", "plots", "diff", "--json")
    assert json.loads(ran.stdout)["data"] == {}
    assert "s3cr3t" not in ran.stderr
    assert "is outside of the repository" in ran.stderr
