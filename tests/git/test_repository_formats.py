"""Push, status, prune and fsck where git keeps objects or refs in another form than usual."""

from __future__ import annotations

import json
import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from tests.support.git import Repo, clone, noise, oid_of

if TYPE_CHECKING:
    from pathlib import Path

SIZE = 150_000
"""Of files that have a file of their own in the cache."""


def forms() -> dict[str, list[str]]:
    """The options of ``git init`` for every other form that this git knows."""
    usage = subprocess.run(["git", "init", "-h"], capture_output=True, text=True, check=False)
    found = {"sha256": ["--object-format=sha256"]}
    if "--ref-format" in usage.stdout:
        found["reftable"] = ["--ref-format=reftable"]
        found["both"] = [*found["sha256"], *found["reftable"]]
    return found


FORMS = forms()


def data(name: str) -> bytes:
    return noise(SIZE, name)


def commit(repo: Repo, path: str, content: bytes, days: float = 40) -> str:
    """Commit `content` at `path`, dated back by `days`."""
    repo.write(path, content)
    repo.git("add", "-A")
    date = f"{int(time.time() - days * 86400)} +0000"
    repo.git(
        *("commit", "-q", "-m", path),
        env={"GIT_COMMITTER_DATE": date, "GIT_AUTHOR_DATE": date},
    )
    return repo.head()


def cached(repo: Repo, *names: str) -> list[str]:
    """Those of the large files `names` whose content is in the cache."""
    present = repo.cached_objects()
    return [name for name in names if oid_of(data(name)) in present]


def said(repo: Repo, *args: str) -> dict[str, list[dict[str, str]]]:
    """What a command reports with ``--json``, whatever its exit code."""
    found = json.loads(repo.run("mlvers", *args, "--json", check=False).stdout)
    assert isinstance(found, dict)
    return found


@pytest.fixture(params=FORMS)
def project(
    request: pytest.FixtureRequest, installed: Path, tmp_path: Path, remote_dir: Path
) -> Repo:
    """Two versions of a large file and a small one, pushed long ago to a bare repository."""
    options = FORMS[request.param]
    bare = Repo.init(tmp_path / "origin.git", "--bare", *options)
    repo = Repo.init(tmp_path / "work", *options)
    repo.mlvers("init")
    repo.mlvers("remote", "add", "-d", "storage", str(remote_dir))
    repo.git("remote", "add", "origin", str(bare.path))
    repo.attributes("*.bin")
    repo.write("small.bin", noise(3000))
    commit(repo, "a.bin", data("v1"))
    commit(repo, "a.bin", data("v2"))
    repo.git("push", "-q", "-u", "origin", "main")
    return repo


@pytest.fixture
def bare(tmp_path: Path) -> Repo:
    """What `project` pushes to."""
    return Repo(tmp_path / "origin.git")


def test_it_is_of_another_form(project: Repo, bare: Repo, tmp_path: Path) -> None:
    for repo in (project, bare, clone(bare.path.as_uri(), tmp_path / "clone")):
        settings = repo.git("config", "--local", "--get-regexp", "^extensions")
        assert "sha256" in settings or "reftable" in settings or repo.path.name == "clone"
        assert len(repo.head()) == (64 if "sha256" in settings else 40)


def test_push_brings_content_before_refs(project: Repo, bare: Repo, tmp_path: Path) -> None:
    assert bare.head("main") == project.head()
    made = clone(bare.path.as_uri(), tmp_path / "clone")
    made.assert_contents({"a.bin": data("v2"), "small.bin": noise(3000)})
    made.assert_whole()
    made.git("checkout", "-q", "HEAD~1")
    made.assert_content("a.bin", data("v1"))


def test_push_of_every_kind_of_change(project: Repo, bare: Repo, tmp_path: Path) -> None:
    commit(project, "a.bin", data("v3"))
    project.git("push", "-q")
    project.git("checkout", "-q", "-b", "side", "HEAD~1")
    commit(project, "b.bin", data("side"))
    project.git("tag", "-a", "-m", "tag", "v1.0")
    project.git("push", "-q", "origin", "side", "v1.0")
    project.git("checkout", "-q", "main")
    project.git("reset", "-q", "--hard", "HEAD~1")
    commit(project, "a.bin", data("v4"))
    assert "rejected" in project.fails("push").stderr
    project.git("push", "-q", "--force")
    project.git("push", "-q", "origin", "--delete", "side")
    made = clone(bare.path.as_uri(), tmp_path / "clone")
    made.assert_contents({"a.bin": data("v4"), "small.bin": noise(3000)})
    made.git("checkout", "-q", "v1.0")
    made.assert_content("b.bin", data("side"))
    made.assert_whole()
    bare.fsck()


def test_push_of_content_that_is_nowhere_is_refused(project: Repo, bare: Repo) -> None:
    before = bare.head("main")
    commit(project, "lost.bin", data("lost"))
    project.drop_cache()
    assert "lost.bin" in project.fails("push").stderr
    assert bare.head("main") == before


def test_a_second_push_sends_nothing_again(project: Repo, remote_dir: Path) -> None:
    before = sorted(remote_dir.rglob("*"))
    project.write("plain.txt", b"plain")
    project.commit()
    project.git("push", "-q")
    assert sorted(remote_dir.rglob("*")) == before


def test_status(project: Repo) -> None:
    project.settle()
    assert "Nothing to report" in project.mlvers("status")
    project.write("new.bin", data("new"))
    project.git("add", "new.bin")
    project.write("a.bin", b"edited")
    found = project.mlvers("status")
    assert f"new.bin (mlvers: {oid_of(data('new'))[:10]})" in found
    assert f"a.bin (mlvers: {oid_of(data('v2'))[:10]} -> edited)" in found
    assert project.mlvers("status", "--porcelain").splitlines() == [" M a.bin", "A  new.bin"]
    project.commit("both")
    assert {item["path"] for item in said(project, "status")["not_pushed"]} == {"a.bin", "new.bin"}
    project.git("push", "-q")
    assert said(project, "status")["not_pushed"] == []


def test_status_of_pointers_and_of_raw_files(project: Repo, bare: Repo, tmp_path: Path) -> None:
    made = clone(bare.path.as_uri(), tmp_path / "clone", "-c", "mlvers.skipSmudge=true")
    found = said(made, "status")
    assert [item["path"] for item in found["without_content"]] == ["a.bin", "small.bin"]
    made.mlvers("pull")
    made.assert_whole()
    made.write("raw.bin", b"raw")
    commit_raw(made, "raw.bin")
    assert [item["path"] for item in said(made, "status")["not_pointers"]] == ["raw.bin"]


def test_prune_keeps_what_is_needed(project: Repo) -> None:
    commit(project, "a.bin", data("recent"), days=2)
    commit(project, "a.bin", data("old"))
    project.git("push", "-q")
    project.write("a.bin", data("stashed"))
    project.git("stash", "-q")
    commit(project, "a.bin", data("unpushed"))
    project.write("a.bin", data("staged"))
    project.git("add", "a.bin")
    names = ("v1", "v2", "recent", "old", "stashed", "unpushed", "staged")
    assert cached(project, *names) == list(names)
    project.mlvers("prune")
    assert cached(project, *names) == ["recent", "old", "stashed", "unpushed", "staged"]
    project.git("reset", "-q", "--hard", "HEAD~3")
    project.assert_content("a.bin", data("v2"))


def test_prune_asks_the_refs_when_the_remote_is_not_asked(project: Repo) -> None:
    commit(project, "a.bin", data("here"))
    commit(project, "a.bin", data("head"))
    project.mlvers("prune", "--no-verify-remote", "--recent-days", "0")
    assert cached(project, "v1", "v2", "here", "head") == ["here", "head"]


def test_prune_in_a_linked_worktree(project: Repo, tmp_path: Path) -> None:
    project.git("worktree", "add", "-q", "--detach", str(tmp_path / "linked"), "HEAD~1")
    linked = Repo(tmp_path / "linked")
    linked.assert_content("a.bin", data("v1"))
    project.mlvers("prune")
    assert cached(project, "v1", "v2") == ["v1", "v2"]
    project.git("worktree", "remove", str(linked.path))
    project.mlvers("prune")
    assert cached(project, "v1", "v2") == ["v2"]


def test_fsck_of_a_sound_repository(project: Repo, bare: Repo) -> None:
    assert "No problem" in project.mlvers("fsck")
    assert "No problem" in bare.mlvers("fsck", "--pointers")


def test_fsck_mends_the_cache(project: Repo) -> None:
    damaged = next((project.cache_dir() / "objects").glob("??/??/*"))
    damaged.chmod(0o644)
    damaged.write_bytes(b"damaged")
    found = said(project, "fsck")["problems"]
    assert [item["kind"] for item in found] == ["damaged"]
    assert not damaged.exists()
    project.mlvers("fetch", "--all")
    assert "No problem" in project.mlvers("fsck")


def test_fsck_finds_what_is_no_pointer(project: Repo) -> None:
    before = project.head()
    project.write("raw.bin", b"raw")
    bad = commit_raw(project, "raw.bin")
    project.git("rm", "-q", "-f", "raw.bin")
    project.git("commit", "-q", "-m", "mended")
    for revisions in (f"{before}..HEAD", f"{bad[:12]}^..{bad}"):
        found = said(project, "fsck", "--pointers", revisions)["problems"]
        assert [(item["path"], item["commit"]) for item in found] == [("raw.bin", bad)]
    assert "No problem" in project.mlvers("fsck", "--pointers", f"{bad}..HEAD")


def test_fsck_finds_what_the_remote_has_lost(project: Repo, remote_dir: Path) -> None:
    assert "No problem" in project.mlvers("fsck", "--remote")
    for pack in (remote_dir / "content" / "packs").glob("??/*"):
        pack.unlink()
    assert said(project, "fsck", "--remote")["problems"]


def commit_raw(repo: Repo, path: str) -> str:
    """Commit `path` as someone does who has no filter; the commit's id."""
    raw = ("-c", "filter.mlvers.process=", "-c", "filter.mlvers.clean=")
    raw += ("-c", "filter.mlvers.required=false")
    repo.git(*raw, "add", "--", path)
    repo.git(*raw, "commit", "-q", "-m", "raw")
    return repo.head()
