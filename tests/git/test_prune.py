"""What prune deletes from the cache, and above all what it does not."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from tests.support.git import Repo, noise, oid_of

if TYPE_CHECKING:
    from pathlib import Path

# Larger than what goes into local packs, so that each is a file of its own in the cache.
SIZE = 150_000
LONG_AGO = 40


def big(name: str) -> bytes:
    return noise(SIZE, name)


def days_ago(days: float) -> dict[str, str]:
    """The environment that dates a commit `days` back."""
    date = f"{int(time.time() - days * 86400)} +0000"
    return {"GIT_COMMITTER_DATE": date, "GIT_AUTHOR_DATE": date}


def commit(repo: Repo, path: str, data: bytes, days: float = LONG_AGO) -> str:
    """Commit `data` at `path`, dated back."""
    repo.write(path, data)
    repo.git("add", "-A")
    repo.git("commit", "-q", "-m", path, env=days_ago(days))
    return repo.head()


def cached(repo: Repo, *names: str) -> list[str]:
    """Which of the large files `names` have their content in the cache."""
    present = repo.cached_objects()
    return [name for name in names if oid_of(big(name)) in present]


def put_on_remote(repo: Repo, *names: str) -> None:
    """Bring the content `names` to the remote in commits that no ref keeps."""
    branch = repo.git("symbolic-ref", "--short", "HEAD")
    repo.git("checkout", "-q", "-b", "passing")
    for name in names:
        commit(repo, f"{name}.passing", big(name))
    repo.git("push", "-q", "origin", "passing")
    repo.git("checkout", "-q", branch)
    repo.git("push", "-q", "origin", "--delete", "passing")
    repo.git("branch", "-q", "-D", "passing")


@pytest.fixture
def project(installed: Path, repo: Repo, tmp_path: Path) -> Repo:
    """v1 and v2 of a file, long pushed to a git remote beside which the content lies."""
    bare = Repo.init(tmp_path / "origin.git", "--bare")
    repo.mlvers("init")
    repo.git("remote", "add", "origin", str(bare.path))
    repo.attributes("*.bin", "*.passing")
    commit(repo, "a.bin", big("v1"))
    commit(repo, "a.bin", big("v2"))
    repo.git("push", "-q", "-u", "origin", "main")
    return repo


def test_old_pushed_version_goes_and_the_present_one_stays(project: Repo) -> None:
    said = project.mlvers("prune")
    assert cached(project, "v1", "v2") == ["v2"]
    assert "1 file" in said
    assert "146 KiB" in said
    project.git("checkout", "-q", "HEAD~1")
    project.assert_content("a.bin", big("v1"))


def test_small_files_go_too(project: Repo) -> None:
    for number in range(20):
        commit(project, "s.bin", noise(500, number))
    project.git("push", "-q")
    # The cache spares what may just be in use.
    assert json.loads(project.mlvers("prune", "--json"))["deleted"]["files"] == 1
    with sqlite3.connect(project.cache_dir() / "packs/index.db") as database:
        database.execute("UPDATE frames SET added = added - 3600")
    database.close()
    assert json.loads(project.mlvers("prune", "--json"))["deleted"]["files"] == 19
    project.remove("s.bin")
    project.git("checkout", "--", "s.bin")
    project.assert_content("s.bin", noise(500, 19))
    project.git("checkout", "-q", "HEAD~5")
    project.assert_content("s.bin", noise(500, 14))


def test_second_prune_finds_nothing(project: Repo) -> None:
    project.mlvers("prune")
    assert "Nothing to delete" in project.mlvers("prune")


def test_dry_run_deletes_nothing_and_says_what_it_would(project: Repo) -> None:
    said = project.mlvers("prune", "--dry-run", "--verbose")
    assert "would" in said
    assert oid_of(big("v1")) in said
    assert oid_of(big("v2")) not in said
    assert cached(project, "v1", "v2") == ["v1", "v2"]


def test_unpushed_branch_keeps_all_its_versions(project: Repo) -> None:
    project.git("checkout", "-q", "-b", "feature")
    put_on_remote(project, "f1", "f2")
    commit(project, "a.bin", big("f1"))
    commit(project, "a.bin", big("f2"))
    project.git("checkout", "-q", "main")
    project.mlvers("prune")
    assert cached(project, "v1", "f1", "f2") == ["f1", "f2"]
    project.git("push", "-q", "origin", "feature")
    project.mlvers("prune")
    assert cached(project, "f1", "f2") == []


def test_unpushed_tag_keeps_its_versions(project: Repo) -> None:
    put_on_remote(project, "t1", "t2")
    project.git("checkout", "-q", "--detach")
    commit(project, "a.bin", big("t1"))
    commit(project, "a.bin", big("t2"))
    project.git("tag", "-a", "-m", "x", "v9")
    project.git("checkout", "-q", "main")
    project.mlvers("prune")
    assert cached(project, "t1", "t2") == ["t1", "t2"]


def test_detached_head_keeps_its_versions(project: Repo) -> None:
    put_on_remote(project, "d1", "d2")
    project.git("checkout", "-q", "--detach")
    commit(project, "a.bin", big("d1"))
    commit(project, "a.bin", big("d2"))
    project.mlvers("prune")
    assert cached(project, "d1", "d2") == ["d1", "d2"]


def test_staged_content_is_kept(project: Repo) -> None:
    put_on_remote(project, "staged")
    project.write("a.bin", big("staged"))
    project.git("add", "a.bin")
    project.write("a.bin", b"and edited again")
    project.mlvers("prune", "--recent-days", "0")
    assert cached(project, "v1", "v2", "staged") == ["v2", "staged"]


def test_stash_keeps_index_working_tree_and_untracked_files(project: Repo) -> None:
    names = ("index1", "tree1", "new1", "index2", "tree2", "new2")
    put_on_remote(project, *names)
    for number in "12":
        project.write("a.bin", big(f"index{number}"))
        project.git("add", "a.bin")
        project.write("a.bin", big(f"tree{number}"))
        project.write("new.bin", big(f"new{number}"))
        # Stashes hold what git cleaned, so its own date does not matter.
        project.git("stash", "push", "-q", "--include-untracked", env=days_ago(LONG_AGO))
    project.mlvers("prune", "--recent-days", "0")
    # git stores untracked files of a stash as they are, or through the filter as pointers.
    assert cached(project, "v1", *names) == list(names)
    project.git("stash", "pop", "-q")
    project.assert_content("a.bin", big("tree2"))
    project.assert_content("new.bin", big("new2"))


def test_other_worktrees_keep_their_head_and_index(project: Repo, tmp_path: Path) -> None:
    put_on_remote(project, "other")
    project.git("worktree", "add", "-q", "--detach", str(tmp_path / "second"), "HEAD~1")
    second = Repo(tmp_path / "second")
    second.write("b.bin", big("other"))
    second.git("add", "b.bin")
    project.mlvers("prune", "--recent-days", "0")
    assert cached(project, "v1", "v2", "other") == ["v1", "v2", "other"]
    second.mlvers("prune", "--recent-days", "0")
    assert cached(project, "v1", "v2", "other") == ["v1", "v2", "other"]
    project.git("worktree", "remove", "--force", str(second.path))
    project.mlvers("prune", "--recent-days", "0")
    assert cached(project, "v1", "v2", "other") == ["v2"]


def test_recent_commits_keep_their_content(project: Repo) -> None:
    commit(project, "a.bin", big("v3"), days=5)
    commit(project, "a.bin", big("v4"), days=3)
    commit(project, "a.bin", big("v5"), days=1)
    project.git("push", "-q")
    names = ("v1", "v2", "v3", "v4", "v5")
    project.mlvers("prune")
    assert cached(project, *names) == ["v3", "v4", "v5"]
    project.config("mlvers.pruneDays", "4")
    project.mlvers("prune")
    assert cached(project, *names) == ["v4", "v5"]
    project.mlvers("prune", "--recent-days", "0")
    assert cached(project, *names) == ["v5"]


def test_recent_commit_on_a_remote_branch_counts(project: Repo, tmp_path: Path) -> None:
    project.git("checkout", "-q", "-b", "theirs")
    commit(project, "a.bin", big("theirs"), days=1)
    project.git("push", "-q", "origin", "theirs")
    project.git("checkout", "-q", "main")
    project.git("branch", "-q", "-D", "theirs")
    project.mlvers("prune")
    assert cached(project, "v1", "theirs") == ["theirs"]


def test_old_commit_behind_a_misdated_one_is_seen(project: Repo) -> None:
    commit(project, "a.bin", big("v3"), days=1)
    commit(project, "a.bin", big("v4"), days=3000)
    project.git("push", "-q")
    project.mlvers("prune")
    assert cached(project, "v3", "v4") == ["v3", "v4"]


def test_what_the_remote_lacks_is_kept_and_told(project: Repo) -> None:
    project.write("a.bin", big("orphan"))
    project.git("add", "a.bin")
    project.git("reset", "-q", "--hard")
    said = project.mlvers("prune")
    assert cached(project, "v1", "v2", "orphan") == ["v2", "orphan"]
    assert "not on the remote" in said


def test_content_lost_by_the_remote_is_kept(project: Repo, tmp_path: Path) -> None:
    origin = Repo(tmp_path / "origin.git")
    for path in (origin.path / "mlvers/content/index").iterdir():
        path.unlink()
    # Another machine's view of the remote, which has not seen the old index.
    shutil.rmtree(project.cache_dir() / "remotes")
    said = project.mlvers("prune")
    assert cached(project, "v1", "v2") == ["v1", "v2"]
    assert "not on the remote" in said


def test_unreachable_remote_deletes_nothing(project: Repo, tmp_path: Path) -> None:
    project.mlvers("remote", "add", "-d", "gone", str(tmp_path / "not/there"))
    ran = project.fails("mlvers", "prune")
    assert ran.returncode == 5
    assert cached(project, "v1", "v2") == ["v1", "v2"]


def test_without_any_remote_there_is_nothing_to_verify_against(installed: Path, repo: Repo) -> None:
    repo.mlvers("init")
    repo.attributes("*.bin")
    commit(repo, "a.bin", big("v1"))
    commit(repo, "a.bin", big("v2"))
    ran = repo.fails("mlvers", "prune")
    assert "no remote" in ran.stderr
    assert cached(repo, "v1", "v2") == ["v1", "v2"]


def test_unknown_remote(project: Repo) -> None:
    ran = project.fails("mlvers", "prune", "--remote", "nowhere")
    assert ran.returncode == 2
    assert "nowhere" in ran.stderr


def test_unverified_prune_takes_only_what_the_git_remote_has(project: Repo, tmp_path: Path) -> None:
    put_on_remote(project, "passing")
    project.mlvers("remote", "add", "-d", "gone", str(tmp_path / "not/there"))
    project.mlvers("prune", "--no-verify-remote")
    assert cached(project, "v1", "v2", "passing") == ["v2", "passing"]


def test_shared_cache_is_refused_without_force(project: Repo, tmp_path: Path) -> None:
    project.config("mlvers.cacheDir", str(tmp_path / "shared"))
    project.git("checkout", "-q", "HEAD~1")
    project.git("checkout", "-q", "main")
    shared = tmp_path / "shared" / "objects"
    before = sorted(path.name for path in shared.glob("??/??/*"))
    assert before == sorted(oid_of(big(name)) for name in ("v1", "v2"))
    ran = project.fails("mlvers", "prune")
    assert "other repositories" in ran.stderr
    assert "--force" in ran.stderr
    assert sorted(path.name for path in shared.glob("??/??/*")) == before
    time.sleep(1)  # What has only just come into the cache is spared.
    project.mlvers("prune", "--force")
    assert [path.name for path in shared.glob("??/??/*")] == [oid_of(big("v2"))]


def test_sparse_checkout_keeps_what_it_hides(project: Repo) -> None:
    commit(project, "in/x.bin", big("in"))
    commit(project, "out/y.bin", big("out"))
    project.git("push", "-q")
    project.git("sparse-checkout", "set", "--cone", "--sparse-index", "in")
    project.mlvers("prune")
    assert cached(project, "v1", "v2", "in", "out") == ["v2", "in", "out"]


def test_interrupted_merge_keeps_both_sides(project: Repo) -> None:
    project.git("checkout", "-q", "-b", "side")
    commit(project, "a.bin", big("theirs"))
    project.git("push", "-q", "origin", "side")
    project.git("checkout", "-q", "main")
    commit(project, "a.bin", big("ours"))
    project.git("push", "-q")
    project.fails("merge", "side")
    project.mlvers("prune", "--recent-days", "0")
    # v2 is the ancestor, which `git checkout -m` and mergetool need.
    assert cached(project, "v1", "v2", "theirs", "ours") == ["v2", "theirs", "ours"]


def test_interrupted_rebase_keeps_what_is_still_to_come(project: Repo) -> None:
    put_on_remote(project, "r1", "r2", "auto")
    project.git("checkout", "-q", "--detach", "HEAD~1")
    commit(project, "b.bin", big("other"))
    onto = project.head()
    project.git("push", "-q", "origin", "HEAD:refs/heads/onto")
    project.git("checkout", "-q", "--detach", "main")
    commit(project, "b.bin", big("r1"))
    commit(project, "c.bin", big("r2"))
    project.write("a.bin", big("auto"))
    project.fails("rebase", "--autostash", onto)
    project.mlvers("prune", "--recent-days", "0")
    assert cached(project, "r1", "r2", "auto") == ["r1", "r2", "auto"]


def test_bare_repository(project: Repo, tmp_path: Path) -> None:
    bare = Repo(tmp_path / "origin.git")
    ran = bare.run("mlvers", "prune", check=False)
    assert "Traceback" not in ran.stderr
    clone = bare.clone_to(tmp_path / "fresh")
    clone.assert_content("a.bin", big("v2"))
    clone.git("checkout", "-q", "HEAD~1")
    clone.assert_content("a.bin", big("v1"))


def test_json_tells_what_is_kept_and_why(project: Repo) -> None:
    commit(project, "b.bin", big("mine"))
    said = json.loads(project.mlvers("prune", "--json", "--dry-run", "--recent-days", "0"))
    assert said["dry_run"] is True
    assert said["deleted"] == {"files": 1, "bytes": SIZE}
    assert said["chosen"] == [f"blake3:{oid_of(big('v1'))}"]
    assert said["kept"]["checked out or staged"] == {"files": 2, "bytes": 2 * SIZE}


def test_content_added_while_prune_runs_can_be_had(project: Repo) -> None:
    for _ in range(3):
        time.sleep(1)
        pruning = subprocess.Popen(("git", "mlvers", "prune", "-q"), cwd=project.path)
        project.write("again.bin", big("v1"))
        project.git("add", "again.bin")
        assert pruning.wait() == 0
        project.assert_pointer("again.bin", big("v1"), rev="")
        project.remove("again.bin")
        project.git("checkout", "--", "again.bin")
        project.assert_content("again.bin", big("v1"))
        project.git("rm", "-q", "-f", "again.bin")


def test_repository_without_a_commit(installed: Path, repo: Repo, remote_dir: Path) -> None:
    remote_dir.mkdir()
    repo.mlvers("remote", "add", "-d", "place", str(remote_dir))
    assert "Nothing to delete" in repo.mlvers("prune")


def test_refs_to_trees_and_blobs(project: Repo) -> None:
    blob = project.git("rev-parse", "HEAD~1:a.bin")
    project.git("tag", "blob", blob)
    project.git("tag", "-a", "-m", "x", "annotated", blob)
    project.git("tag", "tree", project.git("rev-parse", "HEAD^{tree}"))
    # Nobody knows that these tags are pushed.
    project.mlvers("prune", "--recent-days", "0")
    assert cached(project, "v1", "v2") == ["v1", "v2"]
    project.git("push", "-q", "--tags")
    project.git("tag", "-d", "blob", "annotated", "tree")
    project.mlvers("prune", "--recent-days", "0")
    assert cached(project, "v1", "v2") == ["v2"]
