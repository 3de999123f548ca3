"""Partial clones: nothing is fetched one by one, and what is needed comes in one go."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from git_mlvers.git import promised, refs, scan
from git_mlvers.git.command import GitError
from git_mlvers.git.repository import Repository
from tests.support.git import Repo, Trace, clone, oid_of, pointer_of

if TYPE_CHECKING:
    from pathlib import Path

COUNT = 40


@pytest.fixture
def origin(repo: Repo) -> Repo:
    for number in range(COUNT):
        repo.write(f"data/f{number}.bin", pointer_of(b"old %d" % number))
    repo.write("large.txt", b"x" * 100_000)
    repo.commit("one")
    for number in range(COUNT):
        repo.write(f"data/f{number}.bin", pointer_of(b"new %d" % number))
    repo.commit("two")
    repo.config("uploadpack.allowFilter", "true")
    return repo


@pytest.fixture
def part(origin: Repo, tmp_path: Path) -> Repo:
    return clone(f"file://{origin.path}", tmp_path / "part", "--filter=blob:none", "--no-checkout")


def fetches(trace: Trace) -> int:
    """How many ``git fetch`` ran, whoever started them."""
    if not trace.path.exists():
        return 0
    events = map(json.loads, trace.path.read_text().splitlines())
    return sum(event["event"] == "start" and "fetch" in event["argv"] for event in events)


def found(repo: Repo) -> Repository:
    return Repository.discover(str(repo.path), {})


def test_history_is_listed_as_far_as_it_is_here(
    part: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Trace(tmp_path / "trace") as trace:
        for name, value in trace.env.items():
            monkeypatch.setenv(name, value)
        assert list(scan.pointers(found(part), ["main"])) == []
        assert list(scan.index_pointers(found(part))) == []
        assert scan.previous_versions(found(part), ["main"], [], {b"data/f1.bin"}) == {}
        head = part.head()
        assert refs.existing(found(part), [head, "1" * 40]) == {head}
        assert fetches(trace) == 0


def test_a_tree_comes_in_one_request_without_its_large_files(
    part: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Trace(tmp_path / "trace") as trace:
        for name, value in trace.env.items():
            monkeypatch.setenv(name, value)
        here = found(part)
        entries = list(scan.tree_pointers(here, "main"))
        assert fetches(trace) == 1
        again = list(scan.tree_pointers(here, "main", ["data"]))
        assert again == entries
    assert {entry.pointer.oid.hex() for entry in entries} == {
        oid_of(b"new %d" % number) for number in range(COUNT)
    }
    tree = part.git("rev-parse", "main^{tree}")
    large = next(
        line.split()[2] for line in part.git("ls-tree", tree).splitlines() if "large" in line
    )
    assert promised.present(here, [large, tree]) == {tree}
    part.git("fsck")


def test_the_index_gets_its_pointers_in_one_request(
    part: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    part.git("read-tree", "main")
    with Trace(tmp_path / "trace") as trace:
        for name, value in trace.env.items():
            monkeypatch.setenv(name, value)
        assert len(list(scan.index_pointers(found(part)))) == COUNT
        assert fetches(trace) == 1


def test_a_git_remote_that_is_gone_leaves_what_is_here(part: Repo, origin: Repo) -> None:
    part.git("checkout", "-q", "main")
    origin.path.rename(origin.path.with_name("moved"))
    here = found(part)
    assert len(list(scan.index_pointers(here))) == COUNT
    assert len(list(scan.tree_pointers(here, "main"))) == COUNT
    # Here it is not known what is a pointer: that is not "there are none".
    with pytest.raises(GitError, match="git fetch failed"):
        scan.tree_pointers(here, "main~1")


def test_what_a_sparse_checkout_leaves_out_is_not_fetched(
    part: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    part.git("sparse-checkout", "set", "--no-cone", "/data/f1*.bin")
    part.git("checkout", "-q", "main")
    with Trace(tmp_path / "trace") as trace:
        for name, value in trace.env.items():
            monkeypatch.setenv(name, value)
        assert len(list(scan.index_pointers(found(part)))) == 11
        assert fetches(trace) == 0


def test_as_ci_does_it(origin: Repo, tmp_path: Path) -> None:
    work = Repo.init(tmp_path / "ci")
    work.git("remote", "add", "origin", f"file://{origin.path}")
    work.git("fetch", "-q", "--depth=1", "--filter=blob:none", "origin", origin.head())
    here = found(work)
    assert here.partial
    assert promised.promisors(here) == ["origin"]
    assert len(list(scan.tree_pointers(here, "FETCH_HEAD"))) == COUNT


def test_presence_of_objects_of_every_kind(part: Repo) -> None:
    here = found(part)
    tree = part.git("rev-parse", "main^{tree}")
    blob = part.git("ls-tree", "main", "large.txt").split()[2]
    part.git("tag", "-a", "-m", "x", "v1")
    tag = part.git("rev-parse", "v1")
    commit = part.head()
    asked = [tree, blob, commit, tag, "1" * 40]
    assert promised.present(here, asked) == {tree, commit, tag}
    assert promised.present(here, []) == set()
