"""Many commits read at once say what each of them says alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from git_mlvers.git.repository import Repository
from git_mlvers.pipeline.history import History
from git_mlvers.pipeline.readings import read
from git_mlvers.pipeline.source import Commit

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.git import Repo

PLAIN = "stages:\n  a:\n    cmd: x\n    params: [train.C]\n    metrics: [eval/a.json]\n"
TEMPLATE = "metrics: ['${where}/a.json']\n"
VARS = "vars: [vars.yaml]\nmetrics: ['${where}/a.json']\n"


@pytest.fixture(params=["sha1", "sha256"])
def changing(request: pytest.FixtureRequest, make_repo: Callable[..., Repo]) -> Repo:
    """A repository whose pipelines, params and metrics change from commit to commit."""
    repo = make_repo("work", f"--object-format={request.param}")
    repo.write("params.yaml", "train: {C: 1}\nwhere: eval\n")
    repo.commit("params")
    repo.write("eval/a.json", '{"x": 1}')
    repo.write("other/a.json", '{"x": 10}')
    repo.write("deep/er/dvc.yaml", "metrics: [m.json]\n")
    repo.write("deep/er/m.json", '{"deep": 1}')
    repo.write("dvc.yaml", PLAIN)
    repo.commit("a pipeline")
    repo.write("eval/a.json", '{"x": 2}')
    repo.commit("another value")
    repo.write("dvc.yaml", TEMPLATE)
    repo.commit("a template")
    repo.write("params.yaml", "train: {C: 2}\nwhere: other\n")
    repo.commit("the template means another file")
    repo.write("dvc.yaml", VARS)
    repo.write("vars.yaml", "where: eval\n")
    repo.remove("params.yaml")
    repo.commit("values of a template in a file of their own")
    repo.write("vars.yaml", "where: other\n")
    repo.commit("and they change")
    repo.write("dvc.yaml", "metrics: [eval\n")
    repo.commit("a broken pipeline")
    repo.write("dvc.yaml", "metrics: [eval, other]\nplots: []\n")
    repo.file("link.json").symlink_to("eval/a.json")
    repo.commit("directories")
    return repo


def test_the_same_as_one_by_one(changing: Repo) -> None:
    repo = Repository.discover(str(changing.path))
    commits = changing.git("rev-list", "--all").split()
    alone = [read(Commit(repo, commit)) for commit in commits]
    with History(repo) as history:
        assert [history.read(commit) for commit in commits] == alone
        assert [history.read(commit) for commit in reversed(commits)] == alone[::-1]
    assert len({str(values) for values in alone}) >= 7
    assert any(values.problems for values in alone)


def test_what_is_no_commit_is_empty(changing: Repo) -> None:
    repo = Repository.discover(str(changing.path))
    with History(repo) as history:
        assert history.read("nowhere") == ({}, {}, [])
        source = history.at("HEAD")
        assert source.read("eval") is source.read("eval/nope") is source.read("link.json") is None
        assert list(source.below("eval/a.json")) == []
        assert list(source.below("deep")) == ["deep/er/dvc.yaml", "deep/er/m.json"]
