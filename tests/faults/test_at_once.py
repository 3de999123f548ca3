"""Two at once: pushers, checkouts, and those who add; each gets what he asked for."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from tests.support.git import Repo, noise
from tests.support.scene import FIRST, SECOND, Scene, assert_tree
from tests.support.trouble import At, Trouble

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.s3server import S3Server

HERS = {"hers.bin": noise(200_000, "hers"), "shared.bin": noise(180_000, "shared")}
HIS = {"his.bin": noise(5_000, "his"), "shared.bin": noise(180_000, "shared")}

HELD = [
    At("git_mlvers.remote.settings:create", "before", do="hold"),
    At("git_mlvers.remote.settings:create", "after", do="hold"),
    At("git_mlvers.remote.sending:Sender.send", "before", do="hold"),
    At("git_mlvers.remote.publish:Pending.publish", "before", do="hold"),
    At("git_mlvers.remote.publish:Pending.publish", "after", do="hold"),
]


def two(scene: Scene) -> tuple[Repo, Repo]:
    """Two copies of the same repository, each with a branch of its own and something new."""
    made = []
    for name, files in {"hers": HERS, "his": HIS}.items():
        shutil.copytree(scene.repo.path, scene.folder / name, symlinks=True)
        repo = Repo(scene.folder / name)
        repo.git("checkout", "-q", "-b", name)
        repo.write_all(files)
        repo.commit(name)
        made.append(repo)
    return made[0], made[1]


@pytest.mark.parametrize("held", HELD, ids=str)
def test_two_first_pushes(scene: Scene, tmp_path: Path, held: At) -> None:
    """One is held in the middle of its push while the other does the whole of his."""
    her, him = two(scene)
    trouble = Trouble(tmp_path, held)
    running = trouble.start(her, "git", "push", "-q", "origin", "hers")
    trouble.wait()
    him.git("push", "-q", "origin", "his")
    trouble.go_on()
    ended = running.end()
    assert ended.code == 0, ended.err
    for name, files in {"hers": HERS, "his": HIS}.items():
        made = scene.clone("--branch", name)
        assert_tree(made, SECOND | files)
    made.mlvers("fsck", "--remote", "--read-data")


@pytest.mark.s3
@pytest.mark.parametrize("held", [HELD[0], HELD[3]], ids=str)
def test_two_first_pushes_to_s3(scene: Scene, tmp_path: Path, held: At, s3: S3Server) -> None:
    bucket = s3.new_bucket()
    for key, value in (s3.options() | {"url": f"s3://{bucket}/prefix"}).items():
        scene.repo.git("config", "--global", f"mlvers.remote.storage.{key}", value)
    her, him = two(scene)
    trouble = Trouble(tmp_path, held)
    running = trouble.start(her, "git", "push", "-q", "origin", "hers")
    trouble.wait()
    him.git("push", "-q", "origin", "his")
    trouble.go_on()
    ended = running.end()
    assert ended.code == 0, ended.err
    assert [key for key in s3.objects(bucket) if key.endswith(".json")] == ["prefix/mlvers.json"]
    for name, files in {"hers": HERS, "his": HIS}.items():
        assert_tree(scene.clone("--branch", name), SECOND | files)


def test_two_pushes_of_one_branch(scene: Scene, tmp_path: Path) -> None:
    """Whoever comes second is told so by git; nobody's content is lost."""
    her, him = two(scene)
    trouble = Trouble(tmp_path, HELD[3])
    running = trouble.start(her, "git", "push", "-q", "origin", "hers:main")
    trouble.wait()
    him.git("push", "-q", "origin", "his:main")
    trouble.go_on()
    ended = running.end()
    assert ended.code != 0
    assert "rejected" in ended.err or "failed to push" in ended.err
    her.git("pull", "-q", "--rebase", "origin", "main")
    her.git("push", "-q", "origin", "hers:main")
    assert_tree(scene.clone(), SECOND | HERS | HIS)


PLACES = [
    At("git_mlvers.cache.objects:ObjectStore._rename", "before", do="hold"),
    At("git_mlvers.cache.objects:ObjectStore._rename", "after", do="hold"),
    At("git_mlvers.remote.state:State.ingest", "before", do="hold"),
    At("git_mlvers.cache.appender:Appender.append", "after", do="hold"),
    At("git_mlvers.filter.populate:replace_file", "before", do="hold"),
]


@pytest.mark.parametrize("held", PLACES, ids=str)
def test_two_checkouts_that_download_the_same(pushed: Scene, tmp_path: Path, held: At) -> None:
    """In two worktrees, with one cache."""
    made = pushed.clone(skip=True)
    trees = [Repo(tmp_path / name) for name in ("one", "two")]
    for tree in trees:
        made.git("worktree", "add", "-q", "--no-checkout", "--detach", str(tree.path), "v1")
    trouble = Trouble(tmp_path, held)
    running = trouble.start(trees[0], "git", "checkout", "-q", "-f", "HEAD")
    trouble.wait()
    trees[1].git("checkout", "-q", "-f", "HEAD")
    assert_tree(trees[1], FIRST)
    trouble.go_on()
    ended = running.end()
    assert ended.code == 0, ended.err
    assert ended.err == ""
    assert_tree(trees[0], FIRST)
    for tree in trees:
        tree.assert_status()
    made.mlvers("fsck", "--objects")


@pytest.mark.parametrize(
    "held",
    [
        At("git_mlvers.cache.objects:ObjectStore._rename", "before", do="hold"),
        At("git_mlvers.cache.appender:Appender.append", "before", do="hold"),
        At("git_mlvers.cache.appender:Appender.append", "after", do="hold"),
        At("git_mlvers.cache.index:PackIndex.record", "before", do="hold"),
    ],
    ids=str,
)
def test_two_who_add_the_same(scene: Scene, tmp_path: Path, held: At) -> None:
    repo = scene.repo
    trees = [Repo(tmp_path / name) for name in ("one", "two")]
    files = {"a.bin": noise(40_000, "a"), "b.bin": noise(400_000, "b"), "c.bin": noise(3_000, "c")}
    for tree in trees:
        repo.git("worktree", "add", "-q", "--detach", str(tree.path), "v1")
        tree.write_all(files)
    trouble = Trouble(tmp_path, held)
    running = trouble.start(trees[0], "git", "add", ".")
    trouble.wait()
    other = Trouble(tmp_path).run(trees[1], "git", "add", ".")
    assert other.code == 0, other.err
    trouble.go_on()
    ended = running.end()
    assert ended.code == 0, ended.err
    for tree in trees:
        tree.git("commit", "-q", "-m", "add")
        for name in files:
            tree.remove(name)
        tree.git("reset", "-q", "--hard")
        assert_tree(tree, FIRST | files)
    repo.mlvers("fsck", "--objects")


def test_pull_while_the_cache_is_pruned(pushed: Scene, tmp_path: Path) -> None:
    made = pushed.clone(skip=True)
    trouble = Trouble(tmp_path, At("git_mlvers.filter.checkout:fill_in", "before", do="hold"))
    running = trouble.start(made, "git", "mlvers", "pull")
    trouble.wait()
    made.mlvers("prune")
    trouble.go_on()
    running.end()
    made.mlvers("pull")
    assert_tree(made, SECOND)
