"""Everything from which a repository reaches objects."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from git_mlvers.git.repository import Repository
from git_mlvers.git.roots import all_roots
from tests.support.git import Repo, clone

if TYPE_CHECKING:
    from pathlib import Path

    from git_mlvers.git.roots import Roots


def roots(repo: Repo) -> Roots:
    return all_roots(Repository.discover(str(repo.path), {}))


def test_an_empty_repository(repo: Repo) -> None:
    assert roots(repo) == ([], [], [], [], [], [])


def test_branches_heads_and_reflogs(repo: Repo) -> None:
    repo.write("a", b"1")
    one = repo.commit("one")
    repo.write("a", b"2")
    two = repo.commit("two")
    repo.git("reset", "-q", "--hard", one)
    repo.git("update-ref", "refs/mlvers/exps/x", two)
    repo.git("checkout", "-q", "--detach")
    repo.write("a", b"3")
    three = repo.commit("three")
    found = roots(repo)
    assert set(found.refs) == {one, two}
    assert found.heads == [three]
    assert set(found.reflogs) == {one, two, three}
    assert found.states == [two], "ORIG_HEAD"
    assert found.indexes == [str(repo.path / ".git/index")]


def test_all_worktrees_see_the_same(repo: Repo, tmp_path: Path) -> None:
    repo.write("a", b"1")
    one = repo.commit("one")
    repo.git("worktree", "add", "-q", "--detach", str(tmp_path / "linked"))
    linked = Repo(tmp_path / "linked")
    linked.write("a", b"2")
    two = linked.commit("two")
    linked.git("update-ref", "refs/worktree/mine", two)
    linked.git("checkout", "-q", "--detach", one)
    linked.write("a", b"3")
    three = linked.commit("three")
    for place in (repo, linked):
        found = roots(place)
        assert set(found.heads) == {one, three}
        assert two in {*found.states, *found.refs}
        assert {one, two, three} <= set(found.reflogs)
        assert {os.path.realpath(path) for path in found.indexes} == {
            str(repo.path / ".git/index"),
            str(linked.git_path("index")),
        }


def test_every_stash_entry_with_its_index_and_untracked_files(repo: Repo) -> None:
    repo.write("a", b"1")
    repo.commit("one")
    expected = set()
    for number in range(2):
        repo.write("a", b"changed %d" % number)
        repo.git("add", "a")
        repo.write("a", b"more %d" % number)
        repo.write("untracked", b"u %d" % number)
        repo.git("stash", "push", "-q", "--include-untracked")
        expected |= {repo.head(f"stash@{{0}}{part}") for part in ("", "^2", "^3")}
    assert set(roots(repo).stashes) == expected


def test_what_an_unfinished_merge_or_rebase_remembers(repo: Repo) -> None:
    repo.write("a", b"base")
    repo.commit("base")
    repo.git("checkout", "-q", "-b", "side")
    repo.write("a", b"side")
    side = repo.commit("side")
    repo.git("checkout", "-q", "main")
    repo.write("a", b"main")
    repo.commit("main")
    repo.run("merge", "side", check=False)
    repo.git("branch", "-qD", "side")
    assert side in roots(repo).states
    repo.git("merge", "--abort")
    repo.git("checkout", "-q", "-b", "topic", side)
    repo.run("rebase", "main", check=False)
    assert side in roots(repo).states


def test_reflogs_that_name_what_is_gone(repo: Repo) -> None:
    repo.write("a", b"1")
    one = repo.commit("one")
    log = repo.path / ".git/logs/HEAD"
    log.write_text(log.read_text().replace(one, "1" * 40))
    assert roots(repo).refs == [one]


def test_a_bare_repository(repo: Repo, tmp_path: Path) -> None:
    repo.write("a", b"1")
    one = repo.commit("one")
    bare = clone(str(repo.path), tmp_path / "bare", "--bare")
    found = roots(bare)
    assert (found.refs, found.indexes) == ([one], [])
