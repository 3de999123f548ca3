"""Refs, what pre-push is told, and reading objects."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from git_mlvers.git import refs
from git_mlvers.git.catfile import CatFile, Info, Object, infos, objects
from git_mlvers.git.repository import Repository
from tests.support.git import clone

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.git import Repo

ZERO = "0" * 40
ONE = "1" * 40
TWO = "2" * 40


def found(repo: Repo) -> Repository:
    return Repository.discover(str(repo.path), {})


def test_pre_push_input() -> None:
    text = (
        f"refs/heads/main {ONE} refs/heads/main {TWO}\n"
        f"(delete) {ZERO} refs/heads/old {ONE}\n"
        f"HEAD^{{/fix it}} {ONE} refs/heads/new {ZERO}\n"
    )
    move, delete, create = refs.parse_updates(text.encode())
    assert move == refs.RefUpdate("refs/heads/main", ONE, "refs/heads/main", TWO)
    assert (move.deletes, move.creates) == (False, False)
    assert (delete.deletes, delete.creates) == (True, False)
    assert (create.deletes, create.creates) == (False, True)
    assert create.local_ref == "HEAD^{/fix it}"
    assert refs.parse_updates(b"") == []
    assert refs.parse_updates(f"a {'3' * 64} b {'0' * 64}\n".encode())[0].creates


@pytest.mark.parametrize("text", [b"x\n", b"a b c d\n", b"a " + b"1" * 40 + b" b 12\n", b"\n"])
def test_other_input_is_refused(text: bytes) -> None:
    with pytest.raises(refs.BadUpdate):
        refs.parse_updates(text)


def test_refs_here(repo: Repo) -> None:
    here = found(repo)
    assert refs.all_tips(here) == []
    assert refs.head(here) is None
    repo.write("a", b"a")
    one = repo.commit("one")
    repo.git("tag", "-a", "-m", "x", "v1")
    repo.write("a", b"b")
    two = repo.commit("two")
    repo.git("checkout", "-q", "--detach")
    repo.write("a", b"c")
    three = repo.commit("three")
    assert refs.for_each_ref(here) == [
        refs.Ref("refs/heads/main", two),
        refs.Ref("refs/tags/v1", repo.git("rev-parse", "refs/tags/v1")),
    ]
    assert set(refs.all_tips(here)) == {two, three, repo.git("rev-parse", "v1")}
    assert refs.head(here) == three
    assert refs.existing(here, [one, two, ONE, two]) == {one, two}
    assert refs.existing(here, []) == set()


def test_names_become_ids(repo: Repo) -> None:
    repo.write("a", b"a")
    commit = repo.commit()
    here = found(repo)
    assert refs.resolve(here, "main") == commit
    assert refs.resolve(here, "main", "tree") == repo.git("rev-parse", "main^{tree}")
    for name in ("no-such", "-x", "--all", "a", "main:a", ONE, ""):
        with pytest.raises(refs.UnknownRevision):
            refs.resolve(here, name)


def test_refs_of_a_git_remote(repo: Repo, tmp_path: Path) -> None:
    repo.write("a", b"a")
    commit = repo.commit()
    repo.git("tag", "-a", "-m", "x", "v1")
    copy = found(clone(str(repo.path), tmp_path / "copy"))
    tag = repo.git("rev-parse", "v1")
    expected = {"HEAD": commit, "refs/heads/main": commit, "refs/tags/v1": tag}
    assert refs.ls_remote(copy, "origin") == {**expected, "refs/tags/v1^{}": commit}
    assert refs.ls_remote(copy, str(repo.path)) == refs.ls_remote(copy, "origin")
    assert refs.Ref("refs/remotes/origin/main", commit) in refs.tracking(copy, "origin")


def test_a_git_remote_that_cannot_be_asked_is_not_an_empty_one(
    repo: Repo, make_repo: Callable[..., Repo]
) -> None:
    assert refs.ls_remote(found(repo), "/no/such/place") is None
    empty = make_repo("empty", "--bare")
    assert refs.ls_remote(found(repo), str(empty.path)) == {}


def test_objects_on_demand(repo: Repo) -> None:
    data = bytes(range(256)) * 1000
    repo.write("a b", data)
    repo.write("new\nline", b"n")
    repo.write("empty", b"")
    commit = repo.commit()
    blob = repo.git("rev-parse", "HEAD:a b")
    with CatFile(found(repo)) as cat:
        assert cat.read("HEAD:a b") == Object(blob, "blob", data)
        assert cat.info("HEAD:a b") == Info(blob, "blob", len(data))
        assert cat.read(ONE) is None
        assert cat.info("no such thing at all") is None
        assert cat.read("HEAD:new\nline") == Object(
            repo.git("rev-parse", "HEAD:new\nline"), "blob", b"n"
        )
        assert cat.read("no\nsuch") is None
        empty = cat.read("HEAD:empty")
        assert empty is not None
        assert empty.data == b""
        found_commit = cat.read("HEAD")
        assert found_commit is not None
        assert (found_commit.oid, found_commit.type) == (commit, "commit")


def test_many_objects_in_order(repo: Repo) -> None:
    for number in range(200):
        repo.write(f"f{number}", b"%d\n" % number)
    repo.commit()
    oids = [repo.git("rev-parse", f"HEAD:f{number}") for number in (5, 1, 5)]
    here = found(repo)
    assert list(infos(here, [oids[0], ONE, oids[1]])) == [
        Info(oids[0], "blob", 2),
        None,
        Info(oids[1], "blob", 2),
    ]
    assert [found.data if found else None for found in objects(here, [*oids, ONE])] == [
        b"5\n",
        b"1\n",
        b"5\n",
        None,
    ]
    assert list(objects(here, [])) == []
