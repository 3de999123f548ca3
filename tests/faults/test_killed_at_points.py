"""Processes are killed at the worst moment: what was there stays, and the next try succeeds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.git import Repo, noise, pointer_of
from tests.support.scene import (
    FIRST,
    SECOND,
    TRACKED,
    Scene,
    assert_nothing_wrong,
    assert_tree,
    on_disk,
    pointers,
    unlock,
)
from tests.support.trouble import At, Trouble

if TYPE_CHECKING:
    from pathlib import Path

SMALL_PACKS = {"git_mlvers.remote.pack:TARGET": 200_000}


def both(*points: At) -> list[At]:
    """Each point twice: our program alone is killed, or git and all the others with it."""
    return [point._replace(do=do) for point in points for do in ("kill", "kill all")]


ADDED = {
    "a.bin": noise(5_000, "a"),
    "b.bin": noise(100_000, "b"),
    "c.bin": noise(2_500_000, "c"),
    "d.bin": noise(400_000, "d"),
    "e.bin": noise(6_000, "e"),
}

ADDING = both(
    At("git_mlvers.cache.objects:ObjectStore.temp_file", "after"),
    At("git_mlvers.cache.objects:ObjectStore._rename", "before"),
    At("git_mlvers.cache.objects:ObjectStore._rename", "after", 2),
    At("git_mlvers.cache.appender:write_all", "half", 2),
    At("git_mlvers.cache.appender:write_all", "after", 1),
    At("git_mlvers.filter.clean:clean", "after", 2),
    At("git_mlvers.filter.process:clean", "after", 4),
    At("git_mlvers.cache.cache:Cache.close", "before"),
    At("git_mlvers.cache.index:PackIndex.record", "before"),
)


@pytest.mark.parametrize("point", ADDING, ids=str)
def test_add(scene: Scene, tmp_path: Path, point: At) -> None:
    repo = scene.repo
    repo.write_all(ADDED)
    trouble = Trouble(tmp_path, point)
    trouble.run(repo, "git", "add", ".")
    if point.point == "git_mlvers.filter.clean:clean":
        point = point._replace(point="git_mlvers.filter.process:clean")
    assert trouble.happened
    assert_tree(repo, SECOND | ADDED)
    repo.fsck()
    unlock(repo)
    repo.git("status")
    repo.git("add", ".")
    repo.git("commit", "-q", "-m", "again")
    for name, data in ADDED.items():
        repo.assert_pointer(name, data)
    for name in (*SECOND, *ADDED):
        repo.remove(name)
    repo.git("reset", "-q", "--hard")
    assert_tree(repo, SECOND | ADDED)
    repo.mlvers("fsck")


CHECKING_OUT = both(
    At("git_mlvers.filter.smudge:Smudger.smudge", "before", 3),
    At("git_mlvers.filter.smudge:Smudger.available", "after"),
    At("git_mlvers.filter.placeholder:Journal.add", "before"),
    At("git_mlvers.filter.placeholder:Journal.add", "after"),
    At("git_mlvers.filter.placeholder:Journal.add", "after", 2),
    At("git_mlvers.filter.placeholder:_make_room", "after"),
    At("git_mlvers.filter.populate:replace_file", "before"),
    At("git_mlvers.cache.links:reflink", "before"),
    At("git_mlvers.filter.populate:_settle", "before", 1),
    At("git_mlvers.filter.populate:_settle", "after", 2),
    At("git_mlvers.filter.placeholder:Journal.clear", "before"),
    At("git_mlvers.filter.session:refresh_index", "before"),
    At("git_mlvers.git.index_lock:_like", "before"),
)


@pytest.mark.parametrize("point", CHECKING_OUT, ids=str)
def test_checkout(scene: Scene, tmp_path: Path, point: At) -> None:
    repo = scene.repo
    trouble = Trouble(tmp_path, point)
    trouble.run(repo, "git", "checkout", "-q", "-f", "v1")
    assert trouble.happened
    repo.fsck()
    unlock(repo)
    repo.git("status")
    repo.git("checkout", "-q", "-f", "v1")
    assert_tree(repo, FIRST)
    repo.assert_status()
    repo.git("checkout", "-q", "-f", "main")
    assert_tree(repo, SECOND)


@pytest.mark.parametrize("point", CHECKING_OUT, ids=str)
def test_checkout_and_then_everything_is_added(scene: Scene, tmp_path: Path, point: At) -> None:
    repo = scene.repo
    trouble = Trouble(tmp_path, point)
    trouble.run(repo, "git", "checkout", "-q", "-f", "v1")
    assert trouble.happened
    unlock(repo)
    # git must not see what the filter of the next command removes.
    assert ".mlvers-" not in repo.git("ls-files", "--others", "--exclude-standard")
    repo.git("add", "-A")
    for path in repo.git("ls-files").splitlines():
        assert path in SECOND or path == ".gitattributes"
        if path in TRACKED:
            text = repo.blob(path, "")
            assert text in {pointer_of(SECOND[path]), pointer_of(FIRST.get(path, b""))}, path
    repo.fsck()


@pytest.mark.parametrize("command", ["checkout", "pull"])
@pytest.mark.parametrize("point", CHECKING_OUT[7:12:2], ids=str)
def test_checkout_and_then_another_command(
    scene: Scene, tmp_path: Path, point: At, command: str
) -> None:
    repo = scene.repo
    trouble = Trouble(tmp_path, point)
    trouble.run(repo, "git", "checkout", "-q", "-f", "v1")
    assert trouble.happened
    unlock(repo)
    repo.mlvers(command)
    found = on_disk(repo)
    assert {name for name in found if not found[name]} == {"data/empty.bin"}
    assert set(found) <= {*SECOND, ".gitattributes"}


PUSHING = both(
    At("git_mlvers.remote.settings:create", "before"),
    At("git_mlvers.remote.settings:create", "after"),
    At("git_mlvers.backend.folders:share", "after", 3),
    At("git_mlvers.backend.directory:Directory.put", "before", 1),
    At("git_mlvers.backend.directory:Directory.put", "after", 1),
    At("git_mlvers.backend.directory:Directory.put", "after", 3),
    At("git_mlvers.remote.state:State.note_pack", "after", 2),
    At("git_mlvers.remote.publish:Pending.publish", "before"),
    At("git_mlvers.remote.state:State.ingest", "before"),
    At("git_mlvers.remote.publish:Pending.publish", "after"),
    At("git_mlvers.pushing:PushMarks.set", "after"),
)


@pytest.mark.parametrize("point", PUSHING, ids=str)
def test_push(scene: Scene, tmp_path: Path, point: At) -> None:
    if "note_pack" in point.point:
        # One after the other, so that none has arrived before its neighbours are noted.
        scene.repo.config("mlvers.concurrency", "1")
    trouble = Trouble(tmp_path, point, values=SMALL_PACKS)
    ran = trouble.run(scene.repo, "git", "push", "origin", "main", "v1")
    assert trouble.happened
    assert ran.code != 0
    assert scene.bare.git("for-each-ref") == ""
    scene.repo.fsck()
    arrived = {pack: pack.stat().st_mtime_ns for pack in scene.packs}
    Trouble(tmp_path, values=SMALL_PACKS).run(scene.repo, "git", "push", "origin", "main", "v1")
    assert scene.bare.head("main") == scene.repo.head("main")
    sent_again = [pack for pack, when in arrived.items() if pack.stat().st_mtime_ns != when]
    # The one whose arrival was not yet noted, and no others.
    assert len(sent_again) <= 8 if "put" in point.point else not sent_again
    scene.assert_readable()


FETCHING = (
    At("git_mlvers.remote.settings:read", "after"),
    At("git_mlvers.remote.sync:fetch_index", "after"),
    At("git_mlvers.remote.state:State.ingest", "before"),
    At("git_mlvers.remote.fetching:write_all", "half", 3),
    At("git_mlvers.remote.download:Download._finish", "before", 1),
    At("git_mlvers.remote.download:Download._finish", "after", 3),
    At("git_mlvers.cache.objects:ObjectStore._rename", "before", 2),
    At("git_mlvers.cache.appender:write_all", "half", 1),
)


@pytest.mark.parametrize("command", ["pull", "clone"])
@pytest.mark.parametrize("point", both(*FETCHING), ids=str)
def test_fetch(pushed: Scene, tmp_path: Path, point: At, command: str) -> None:
    trouble = Trouble(tmp_path, point)
    if command == "clone":
        made = Repo(tmp_path / "made")
        ran = trouble.run(Repo(tmp_path), "git", "clone", "-q", pushed.url, "made")
    else:
        made = pushed.clone(skip=True)
        ran = trouble.run(made, "git", "mlvers", command)
    assert trouble.happened
    assert ran.code != 0
    unlock(made)
    # An empty file stands where git waited for its content, until the next command.
    assert_nothing_wrong(made, SECOND, b"")
    if command == "clone":
        made.git("checkout", "-q", "-f", "HEAD")
    else:
        made.fsck()
        assert pointers(made) == set(TRACKED)
        made.mlvers("pull")
    assert_tree(made, SECOND)
    made.assert_status()
    made.mlvers("fsck")


PULLING = both(
    At("git_mlvers.cache.cache:Cache.flush", "before"),
    At("git_mlvers.cache.links:write_new", "after"),
    At("git_mlvers.filter.populate:_settle", "before", 2),
    At("git_mlvers.filter.checkout:write_stats", "before"),
    At("git_mlvers.git.index_lock:_like", "after"),
)


@pytest.mark.parametrize("point", PULLING, ids=str)
def test_pull_into_the_working_tree(pushed: Scene, tmp_path: Path, point: At) -> None:
    made = pushed.clone(skip=True)
    trouble = Trouble(tmp_path, point)
    trouble.run(made, "git", "mlvers", "pull")
    assert trouble.happened
    unlock(made)
    assert_nothing_wrong(made, SECOND)
    made.git("status")
    made.mlvers("pull")
    assert_tree(made, SECOND)
    made.assert_status()
