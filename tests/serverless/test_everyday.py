"""Clone, fetch and push with a directory as the store, as with any git remote."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.support.git import Repo, clone
from tests.support.serverless import address, commit, packs, refs_at, whole

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def test_push_and_clone(pushed: Repo, place: Path, tmp_path: Path) -> None:
    made = whole(place, tmp_path / "clone")
    assert made.head() == pushed.head()
    assert made.git("symbolic-ref", "HEAD") == "refs/heads/main"
    assert made.read("two") == b"two\n"
    made.assert_status()


def test_fetch_brings_what_is_new(pushed: Repo, place: Path, tmp_path: Path) -> None:
    made = whole(place, tmp_path / "clone")
    commit(pushed, "three")
    pushed.git("tag", "-a", "v1", "-m", "first")
    pushed.git("push", "-q", "store", "main", "v1")
    made.git("pull", "-q")
    assert made.head() == pushed.head()
    assert made.head("v1^{commit}") == pushed.head()
    assert not list((made.common_dir() / "objects/pack").glob("*.keep"))
    made.git("fsck", "--full")


def test_an_empty_repository(place: Path, tmp_path: Path) -> None:
    place.mkdir()
    made = whole(place, tmp_path / "clone")
    assert list(place.iterdir()) == []
    commit(made, "first")
    made.git("push", "-q", "origin", "HEAD")
    assert refs_at(made, place)["refs/heads/main"] == made.head()


def test_what_is_not_there_is_not_taken_for_an_empty_repository(work: Repo, place: Path) -> None:
    for command in ("fetch", "ls-remote"):
        assert f"the directory {place} is not there" in work.fails(command, "store").stderr
    assert not place.exists()
    work.git("push", "-q", "store", "main")
    work.git("fetch", "-q", "store")


def test_the_first_branch_is_the_default(work: Repo, place: Path, tmp_path: Path) -> None:
    work.git("checkout", "-q", "-b", "trunk")
    work.git("push", "-q", "--all", "store")
    assert whole(place, tmp_path / "clone").git("symbolic-ref", "HEAD") == "refs/heads/trunk"


def test_deleting(pushed: Repo, place: Path) -> None:
    pushed.git("push", "-q", "store", "main:one", "main:two")
    pushed.git("push", "-q", "store", ":one", ":two")
    assert set(refs_at(pushed, place)) == {"HEAD", "refs/heads/main"}


def test_the_default_branch_is_not_deleted(pushed: Repo, place: Path, tmp_path: Path) -> None:
    ran = pushed.fails("push", "store", ":main")
    assert "main (deletion of the current branch prohibited)" in ran.stderr
    pushed.git("push", "-q", "-o", "default-branch=next", "store", "main:next", ":main")
    assert set(refs_at(pushed, place)) == {"HEAD", "refs/heads/next"}
    assert whole(place, tmp_path / "clone").git("symbolic-ref", "HEAD") == "refs/heads/next"


def test_other_push_options_are_refused(pushed: Repo) -> None:
    commit(pushed, "three")
    ran = pushed.fails("push", "-o", "ci.skip", "store", "main")
    assert "the only push option here is default-branch=NAME" in ran.stderr


def test_a_push_must_go_forward(pushed: Repo, place: Path, tmp_path: Path) -> None:
    other = whole(place, tmp_path / "other")
    commit(other, "theirs")
    other.git("push", "-q")
    mine = commit(pushed, "mine")
    assert "(fetch first)" in pushed.fails("push", "store", "main").stderr
    pushed.git("fetch", "-q", "store")
    assert "(non-fast-forward)" in pushed.fails("push", "store", "main").stderr
    pushed.git("push", "-q", "store", "+main")
    assert refs_at(pushed, place)["refs/heads/main"] == mine


def test_tags_stay(pushed: Repo, place: Path) -> None:
    pushed.git("tag", "v1")
    pushed.git("push", "-q", "store", "v1")
    commit(pushed, "three")
    pushed.git("tag", "-f", "v1")
    assert "(already exists)" in pushed.fails("push", "store", "v1").stderr
    pushed.git("push", "-q", "-f", "store", "v1")
    assert refs_at(pushed, place)["refs/tags/v1"] == pushed.head()


def test_a_tag_of_a_tag_of_a_blob(pushed: Repo, place: Path, tmp_path: Path) -> None:
    pushed.git("tag", "-a", "inner", "-m", "x", "HEAD:one")
    pushed.git("tag", "-a", "outer", "-m", "x", "inner")
    pushed.git("push", "-q", "store", "outer")
    listed = pushed.git("ls-remote", address(place), "refs/tags/outer^{}")
    assert listed.split()[0] == pushed.head("HEAD:one")
    made = whole(place, tmp_path / "clone")
    assert made.git("cat-file", "blob", "outer") == "one"


def test_all_or_nothing(pushed: Repo, place: Path) -> None:
    commit(pushed, "three")
    pushed.git("tag", "main-tag", "HEAD~2")
    pushed.git("push", "-q", "store", "main-tag")
    before = refs_at(pushed, place)
    pushed.git("tag", "-f", "main-tag")
    pushed.fails("push", "--atomic", "store", "main", "main-tag")
    assert refs_at(pushed, place) == before
    pushed.git("push", "-q", "--atomic", "-f", "store", "main", "main-tag")
    assert refs_at(pushed, place)["refs/heads/main"] == pushed.head()


def test_leases(pushed: Repo, place: Path, tmp_path: Path) -> None:
    other = whole(place, tmp_path / "other")
    theirs = commit(other, "theirs")
    other.git("push", "-q")
    pushed.git("commit", "-q", "--amend", "-m", "again")
    ran = pushed.fails("push", "--force-with-lease", "store", "main")
    assert "(stale info)" in ran.stderr
    pushed.git("push", "-q", f"--force-with-lease=main:{theirs}", "store", "main")
    assert refs_at(pushed, place)["refs/heads/main"] == pushed.head()
    ran = pushed.fails("push", "--force-with-lease=x:main", "store", "main:x")
    assert "(stale info)" in ran.stderr


def test_a_dry_run_writes_nothing(pushed: Repo, place: Path, tmp_path: Path) -> None:
    before = {path: path.read_bytes() for path in place.rglob("*.*") if path.is_file()}
    commit(pushed, "three")
    ran = pushed.run("push", "--dry-run", "store", "main", "main:other")
    assert "main -> other" in ran.stderr
    assert {path: path.read_bytes() for path in place.rglob("*.*") if path.is_file()} == before
    pushed.git("push", "--dry-run", address(tmp_path / "nowhere"), "main")
    assert not (tmp_path / "nowhere").exists()


def test_names_that_exclude_each_other(pushed: Repo, place: Path) -> None:
    pushed.git("push", "-q", "store", "main:a")
    ran = pushed.fails("push", "store", "main:refs/heads/a/b")
    assert "'refs/heads/a' exists; cannot create 'refs/heads/a/b'" in ran.stderr
    pushed.git("push", "-q", "store", ":a", "main:refs/heads/a/b")
    assert set(refs_at(pushed, place)) == {"HEAD", "refs/heads/main", "refs/heads/a/b"}


def test_a_branch_is_of_commits(pushed: Repo) -> None:
    ran = pushed.fails("push", "store", "HEAD:one:refs/heads/blob")
    assert "a branch can only name a commit" in ran.stderr
    pushed.git("push", "-q", "store", "HEAD:one:refs/tags/blob")


def test_notes_and_other_refs(pushed: Repo, place: Path, tmp_path: Path) -> None:
    pushed.git("notes", "add", "-m", "a note")
    pushed.git("update-ref", "refs/mlvers/exps/one", "HEAD~1")
    pushed.git("push", "-q", "store", "refs/notes/*:refs/notes/*", "refs/mlvers/*:refs/mlvers/*")
    made = whole(place, tmp_path / "clone")
    made.git("fetch", "-q", "origin", "refs/notes/*:refs/notes/*", "refs/mlvers/*:refs/mlvers/*")
    assert made.git("notes", "show") == "a note"
    assert made.head("refs/mlvers/exps/one") == pushed.head("HEAD~1")


def test_mirrors(pushed: Repo, place: Path, tmp_path: Path) -> None:
    pushed.git("branch", "side")
    pushed.git("tag", "v1")
    pushed.git("push", "-q", "--mirror", "store")
    pushed.git("branch", "-D", "side")
    pushed.git("push", "-q", "--mirror", "store")
    made = whole(place, tmp_path / "mirror.git", "--mirror")
    assert "refs/heads/side" not in made.git("for-each-ref")
    assert made.head("v1") == pushed.head()


def test_names_in_other_letters(pushed: Repo, place: Path, tmp_path: Path) -> None:
    pushed.git("push", "-q", "store", b"main:refs/heads/\xff\xfe", "main:refs/heads/größe")
    made = whole(place, tmp_path / "mirror.git", "--mirror")
    names = made.git_bytes("for-each-ref", "--format=%(refname)").split()
    assert b"refs/heads/\xff\xfe" in names
    assert "refs/heads/größe".encode() in names


def test_sha256(make_repo: Callable[..., Repo], place: Path, tmp_path: Path) -> None:
    work = make_repo("long", "--object-format=sha256")
    commit(work, "one")
    work.git("push", "-q", address(place), "main")
    made = whole(place, tmp_path / "clone")
    assert made.git("rev-parse", "--show-object-format") == "sha256"
    assert made.head() == work.head()
    commit(made, "two")
    made.git("push", "-q")
    assert refs_at(work, place)["refs/heads/main"] == made.head()


def test_object_formats_do_not_mix(
    pushed: Repo, make_repo: Callable[..., Repo], place: Path
) -> None:
    other = make_repo("long", "--object-format=sha256")
    commit(other, "one")
    before = refs_at(pushed, place)
    other.fails("push", address(place), "main:other")
    assert refs_at(pushed, place) == before


def test_linked_worktrees(pushed: Repo, place: Path, tmp_path: Path) -> None:
    pushed.git("worktree", "add", "-q", "-b", "side", str(tmp_path / "side"))
    side = Repo(tmp_path / "side")
    commit(side, "there")
    side.git("push", "-q", "store", "side")
    assert refs_at(pushed, place)["refs/heads/side"] == side.head()


def test_as_a_submodule(pushed: Repo, place: Path, make_repo: Callable[..., Repo]) -> None:
    outer = make_repo("outer")
    allowed = ("-c", "protocol.mlvers.allow=always")
    outer.git(*allowed, "submodule", "add", "-q", address(place), "inner")
    outer.commit()
    made = clone(str(outer.path), outer.path.parent / "again")
    made.git(*allowed, "submodule", "update", "-q", "--init")
    assert made.read("inner/two") == b"two\n"


def test_objects_of_replace_refs_are_not_pushed(pushed: Repo, place: Path, tmp_path: Path) -> None:
    real = commit(pushed, "real")
    fake = pushed.git("commit-tree", "-m", "fake", "-p", "HEAD~1", "HEAD~1^{tree}")
    pushed.git("replace", real, fake)
    pushed.git("push", "-q", "store", "main")
    made = whole(place, tmp_path / "clone")
    assert made.head() == real
    assert made.read("real") == b"real\n"


def test_grafts_cut_nothing_off(pushed: Repo, place: Path, tmp_path: Path) -> None:
    commit(pushed, "three")
    top = commit(pushed, "four")
    (pushed.common_dir() / "info/grafts").write_text(f"{top} {pushed.head('HEAD~2')}\n")
    pushed.git("push", "-q", "store", "main")
    made = whole(place, tmp_path / "clone")
    assert made.git("log", "--format=%s").split() == ["four", "three", "two", "one"]


def test_strict_checks_are_honoured(pushed: Repo, place: Path, tmp_path: Path) -> None:
    """A commit that git itself would warn of is taken by default and refused when asked for."""
    bad = "tree {}\nauthor no mail 0 +0000\ncommitter no mail 0 +0000\n\nbad\n"
    text = bad.format(pushed.head("HEAD^{tree}"))
    made = pushed.git("hash-object", "-t", "commit", "-w", "--stdin", "--literally", stdin=text)
    pushed.git("push", "-q", "store", f"{made}:refs/heads/bad")
    there = Repo.init(tmp_path / "there")
    ran = there.fails("-c", "fetch.fsckObjects=true", "fetch", address(place), "bad")
    assert "missingEmail" in ran.stderr
    there.git("fetch", "-q", address(place), "bad")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("refs", {"refs/heads/x\nok refs/heads/main": "1" * 40}),
        ("refs", {"refs/heads/main": "1" * 40 + "\n"}),
        ("refs", {"HEAD": "1" * 40}),
        ("head", "refs/heads/a b"),
        ("object_format", "md5"),
        ("version", 2),
        ("packs", [{"id": "../../etc/passwd"}]),
    ],
)
def test_a_manifest_of_an_enemy(
    pushed: Repo, place: Path, tmp_path: Path, field: str, value: object
) -> None:
    path = place / "git/manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {field: value}))
    for words in (("ls-remote", "store"), ("push", "store", "main:x"), ("fetch", "store")):
        ran = pushed.fails(*words)
        assert "git-mlvers: " in ran.stderr
        assert ran.stdout == ""


def test_a_lost_manifest_is_not_an_empty_repository(pushed: Repo, place: Path) -> None:
    (place / "git/manifest.json").unlink()
    for words in (("fetch", "store"), ("push", "store", "main")):
        assert "is gone" in pushed.fails(*words).stderr
    assert len(packs(place)) == 1


def test_a_store_that_cannot_be_read_is_not_empty(pushed: Repo, place: Path) -> None:
    manifest = place / "git/manifest.json"
    kept = manifest.read_bytes()
    manifest.unlink()
    manifest.mkdir()
    pushed.fails("ls-remote", "store")
    pushed.fails("push", "store", "main:x")
    manifest.rmdir()
    manifest.write_bytes(kept)
    pushed.git("push", "-q", "store", "main:x")
