"""``git mlvers exp push`` and ``pull``: experiments of several clones come together."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.support.experiments import Experiments, experiments
from tests.support.git import Repo, noise

if TYPE_CHECKING:
    from pathlib import Path

SHARED = "refs/mlvers/exps-shared/"


@pytest.fixture(params=["plain", "serverless"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A git remote: a bare repository, or a directory without any git server."""
    if request.param == "plain":
        Repo.init(tmp_path / "origin.git", "--bare")
        return str(tmp_path / "origin.git")
    return f"mlvers::{tmp_path / 'store'}"


@pytest.fixture
def repo(installed: Path, tmp_path: Path, address: str) -> Experiments:
    repo = experiments(tmp_path / "work")
    repo.git("remote", "add", "origin", address)
    repo.git("push", "-q", "-u", "origin", "main")
    return repo


@pytest.fixture
def other(repo: Experiments, address: str, tmp_path: Path) -> Experiments:
    subprocess.run(["git", "clone", "-q", address, str(tmp_path / "other")], check=True)
    return Experiments(tmp_path / "other")


def there(repo: Experiments) -> dict[str, str]:
    """The refs of experiments on the git remote."""
    said = repo.git("ls-remote", "origin", "refs/mlvers/exps*")
    return {ref: oid for oid, ref in (line.split("\t") for line in said.splitlines())}


def test_what_one_pushes_another_has(repo: Experiments, other: Experiments) -> None:
    repo.run("mlvers", "track", "*.weights")
    large = noise(300_000, seed=3)
    repo.write("net.weights", large)
    repo.exp("run", "-n", "ten", "-S", "train.C=10")
    repo.exp("save", "-n", "saved")
    said = repo.exp("push", "origin")
    assert "Sent 2 experiments to origin: saved, ten" in said
    assert list(there(repo)) == [SHARED + repo.head()]
    assert "2 new experiments from origin" in other.exp("pull", "origin")
    assert other.listed() == repo.listed()
    assert (
        other.exp("show", "--csv", "--keep", "acc").splitlines()[2:]
        == repo.exp("show", "--csv", "--keep", "acc").splitlines()[2:]
    )
    assert other.line(other.of("ten"))["metrics"] == {"acc": 10}
    other.exp("apply", "ten")
    assert other.read("net.weights") == large
    assert other.read("metrics.json") == b'{"acc": 10}\n'
    assert "Sent 0 experiments" in repo.exp("push", "origin")
    assert "0 new experiments" in other.exp("pull", "origin")


def test_both_sides_come_together(repo: Experiments, other: Experiments) -> None:
    for each, name in ((repo, "one"), (other, "two")):
        each.exp("save", "-n", name)
    repo.exp("push", "origin")
    other.exp("push", "origin")
    repo.exp("pull", "origin")
    other.exp("pull", "origin")
    assert [each.name for each in repo.listed()] == ["one", "two"]
    assert other.listed() == repo.listed()
    assert len(there(repo)) == 1
    assert repo.git("fsck", "--full", "--strict") == ""


def test_many_who_push_at_once_lose_nothing(
    repo: Experiments, address: str, tmp_path: Path
) -> None:
    clones = []
    for number in range(4):
        subprocess.run(["git", "clone", "-q", address, str(tmp_path / str(number))], check=True)
        clones.append(Experiments(tmp_path / str(number)))
        clones[-1].exp("save", "-n", f"from-{number}")
    running = [each.started("push", "origin") for each in clones]
    for process in running:
        said, _ = process.communicate(timeout=120)
        assert process.returncode == 0, said
    repo.exp("pull", "origin")
    assert [each.name for each in repo.listed()] == [f"from-{number}" for number in range(4)]


def test_a_name_that_two_have_taken(repo: Experiments, other: Experiments) -> None:
    repo.exp("save", "-n", "mine", "-m", "one")
    other.exp("save", "-n", "mine", "-m", "another")
    repo.exp("push", "origin")
    said = other.exp("push", "origin", check=False)
    assert "origin has another experiment 'mine'" in said
    repo_commit, other_commit = repo.of("mine"), other.of("mine")
    other.exp("pull", "origin")
    assert {each.name: each.commit for each in other.listed()} == {
        "mine": other_commit,
        f"mine-{repo_commit[:5]}": repo_commit,
    }
    other.exp("push", "--force", "origin", "mine")
    fresh = {each.commit for each in repo.listed()}
    repo.exp("pull", "origin")
    assert {each.commit for each in repo.listed()} == {*fresh, other_commit}


def test_what_was_removed_stays_away(repo: Experiments, other: Experiments) -> None:
    repo.exp("save", "-n", "wrong")
    repo.exp("push", "origin")
    other.exp("pull", "origin")
    assert "Removed 1 experiment from origin" in other.exp("remove", "-g", "origin", "wrong")
    assert [each.name for each in other.listed()] == ["wrong"]
    assert "was removed from origin" in repo.exp("push", "origin", check=False)
    assert "has no experiment 'wrong'" in repo.exp_fails("remove", "-g", "origin", "wrong")
    repo.exp("push", "--force", "origin", "wrong")
    other.exp("remove", "-A")
    other.exp("pull", "origin")
    assert other.listed() == repo.listed()


def test_names_and_commits_are_chosen(repo: Experiments, other: Experiments) -> None:
    for name in ("one", "two"):
        repo.exp("save", "-n", name)
    repo.exp("push", "origin", "two")
    repo.write("readme", "second\n")
    repo.commit("second")
    repo.git("push", "-q")
    assert "Sent 0 experiments" in repo.exp("push", "origin")
    repo.exp("save", "-n", "three")
    assert "Sent 2 experiments" in repo.exp("push", "-A", "origin")
    assert "There is no experiment" not in other.exp("pull", "origin", "one")
    assert [each.name for each in other.listed()] == ["one"]
    assert "there is no experiment 'nope'" in other.exp_fails("pull", "origin", "nope")
    other.exp("pull", "-A", "origin")
    assert [each.name for each in other.listed()] == ["one", "three", "two"]


def test_bad_input(repo: Experiments, tmp_path: Path) -> None:
    assert "no git remote named 'nope'" in repo.exp_fails("push", "nope")
    repo.git("remote", "add", "gone", str(tmp_path / "not-there"))
    repo.exp("save", "-n", "one")
    assert "experiments cannot be had from gone" in repo.exp_fails("push", "gone")
    assert "experiments cannot be had from gone" in repo.exp_fails("pull", "gone")


def test_a_sweep_is_one_ref(repo: Experiments) -> None:
    head, count = repo.head(), 600
    tree = repo.git("rev-parse", "HEAD^{tree}")
    lines = []
    for number in range(count):
        commit = repo.git("commit-tree", tree, "-p", head, "-m", str(number))
        lines.append(f"create refs/mlvers/exps/{head}/run-{number} {commit}\n")
    subprocess.run(
        ["git", "update-ref", "--stdin"], input="".join(lines), text=True, cwd=repo.path, check=True
    )
    repo.exp("push", "origin")
    assert list(there(repo)) == [SHARED + head]
    repo.git("for-each-ref", "--format=delete %(refname)", "refs/mlvers/exps/")
    repo.exp("remove", "-q", "-A")
    repo.exp("pull", "origin")
    assert len(repo.listed()) == count
    found = json.loads(repo.run("mlvers", "exp", "list", "--json").stdout)
    assert len(found) == count
