"""A collection that is killed, or runs while others push and fetch: nothing is lost by it."""

from __future__ import annotations

import atexit
import os
import random
import shutil
import tempfile
import time
from pathlib import Path

import pytest

from tests.support.git import Repo, noise
from tests.support.scene import FIRST, SECOND, Scene, assert_tree, make_scene
from tests.support.trouble import At, Running, Trouble

Files = dict[str, bytes]

WEEK = 7 * 24 * 3600
DROPPED: Files = {f"dropped/{n}.bin": noise(40_000, f"dropped {n}") for n in range(8)}
KEPT: Files = {"dropped/3.bin": DROPPED["dropped/3.bin"]}
LATER: Files = {"later.bin": noise(300_000, "later")}


def age(scene: Scene, seconds: float = 1.2 * WEEK) -> None:
    """Let all that is on the remote be so much older."""
    for path in scene.store.rglob("*"):
        if path.is_file():
            when = path.stat().st_mtime - seconds
            os.utime(path, (when, when))


def branch(repo: Repo, name: str, files: Files) -> None:
    """A branch that was pushed and is deleted everywhere."""
    repo.git("checkout", "-q", "-b", name, "main")
    repo.write_all(files)
    repo.commit(name)
    repo.git("push", "-q", "origin", name)
    repo.git("checkout", "-q", "main")
    repo.git("push", "-q", "origin", f":{name}")
    repo.git("branch", "-q", "-D", name)


@pytest.fixture
def littered(installed: Path, tmp_path: Path) -> Scene:
    """On the remote one pack is to be deleted, one to be moved out of, and one to be marked."""
    template = _template(installed)
    scene = make_scene(tmp_path, installed, pushed=True)
    for name in ("work", "origin.git", "store"):
        shutil.rmtree(scene.folder / name)
        shutil.copytree(template / name, scene.folder / name, symlinks=True)
    return scene


_MADE: list[Path] = []


def _template(home: Path) -> Path:
    """The folders to copy, made with the home of the first test that asks."""
    if _MADE:
        return _MADE[0]
    folder = Path(tempfile.mkdtemp(prefix="littered-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    scene = make_scene(folder, home, pushed=True)
    litter(scene)
    # These know where it was made.
    shutil.rmtree(scene.repo.path / ".git" / "mlvers" / "remotes")
    shutil.rmtree(scene.store / "content" / "users")
    _MADE.append(folder)
    return folder


def litter(scene: Scene) -> None:
    repo = scene.repo
    branch(repo, "first", LATER)
    age(scene)
    repo.mlvers("gc", "--remote")
    branch(repo, "second", DROPPED)
    branch(repo, "third", {"third.bin": noise(150_000, "third")})
    repo.write_all(KEPT)
    repo.commit("one of them")
    repo.git("push", "-q", "origin", "main")
    age(scene)


KILLED = [
    At("git_mlvers.maintain.copies:_made", "after"),
    At("git_mlvers.remote.collect:_now", "after"),
    At("git_mlvers.remote.sending:Sender.drain", "before"),
    At("git_mlvers.remote.publish:Pending.publish", "after"),
    At("git_mlvers.remote.collect:Collector._doom", "before"),
    At("git_mlvers.remote.sweep:sweep", "before"),
    At("git_mlvers.remote.strike:_replace", "after"),
    At("git_mlvers.backend.directory:Directory.delete", "after", 2),
]


@pytest.mark.parametrize("point", KILLED, ids=str)
def test_killed(littered: Scene, tmp_path: Path, point: At) -> None:
    scene = littered
    trouble = Trouble(tmp_path, point)
    ran = trouble.run(scene.repo, "git", "mlvers", "gc", "--remote")
    assert trouble.happened
    assert ran.code != 0
    made = scene.clone()
    assert_tree(made, SECOND | KEPT)
    for _ in range(3):
        scene.repo.mlvers("gc", "--remote")
        age(scene)
    made = scene.clone()
    assert_tree(made, SECOND | KEPT)
    made.git("checkout", "-q", "v1")
    assert_tree(made, FIRST)
    assert "No problem" in scene.repo.mlvers("fsck", "--remote", "--read-data")
    assert sum(pack.stat().st_size for pack in scene.packs) < 2_200_000


KILLS = 40 if os.environ.get("MLVERS_NIGHTLY") else 5
"""How many runs are killed at some moment."""


def test_killed_at_random(littered: Scene) -> None:
    scene, chance = littered, random.Random("gc")
    for number in range(KILLS):
        running = Running(scene.repo.path, ["git", "mlvers", "gc", "--remote"])
        time.sleep(0.1 + 0.5 * (number + chance.random()) / KILLS)
        running.kill()
        running.end()
        if number % 2:
            age(scene)
    assert_tree(scene.clone(), SECOND | KEPT)
    for _ in range(4):
        scene.repo.mlvers("gc", "--remote")
        age(scene)
    assert_tree(scene.clone(), SECOND | KEPT)
    assert "No problem" in scene.repo.mlvers("fsck", "--remote", "--read-data")
    assert sum(pack.stat().st_size for pack in scene.packs) < 2_200_000


HELD = [
    At("git_mlvers.transfer.push:_missing", "after", do="hold"),
    At("git_mlvers.remote.publish:Pending.publish", "before", do="hold"),
    At("git_mlvers.remote.publish:Pending.publish", "after", do="hold"),
]


@pytest.mark.parametrize("held", HELD, ids=str)
def test_push_while_a_collection_runs(littered: Scene, tmp_path: Path, held: At) -> None:
    """Held in the middle, it finds what is marked meanwhile, and moves its ref before the end."""
    scene = littered
    repo = scene.repo
    repo.git("checkout", "-q", "-b", "pusher", "main")
    new = {"new.bin": noise(90_000, "new")}
    repo.write_all(DROPPED | new)
    repo.commit("what is about to be deleted, and more")
    trouble = Trouble(tmp_path, held)
    running = trouble.start(repo, "git", "push", "-q", "origin", "pusher")
    trouble.wait()
    gc = scene.clone(skip=True)
    gc.mlvers("gc", "--remote")
    trouble.go_on()
    ended = running.end()
    assert ended.code == 0, ended.err
    for _ in range(3):
        age(scene)
        gc.mlvers("gc", "--remote")
    assert_tree(scene.clone("--branch", "pusher"), SECOND | DROPPED | new)
    assert "No problem" in repo.mlvers("fsck", "--remote", "--read-data")


def test_fetch_while_packs_are_deleted(littered: Scene, tmp_path: Path) -> None:
    """It has read the index, and then the packs go that this names."""
    scene = littered
    made = scene.clone(skip=True)
    trouble = Trouble(
        tmp_path,
        At("git_mlvers.remote.bringing:Bringing.run", "before", do="hold"),
    )
    running = trouble.start(made, "git", "mlvers", "pull")
    trouble.wait()
    for _ in range(3):
        scene.repo.mlvers("gc", "--remote")
        age(scene)
    trouble.go_on()
    ended = running.end()
    assert ended.code == 0, ended.err
    assert_tree(made, SECOND | KEPT)


def test_eight_pushers_at_once(littered: Scene, tmp_path: Path) -> None:
    """With hardly any grace, while collections run one after the other."""
    scene = littered
    # A push that is killed by its grace would be none of ours: it is made long enough for each.
    values = {
        "git_mlvers.remote.upload:RECHECK": 0.0,
        "git_mlvers.maintain.collection:MIN_GRACE": 0.0,
    }
    pushers, wanted = [], {}
    for number in range(8):
        repo = Repo(scene.folder / f"pusher{number}")
        shutil.copytree(scene.repo.path, repo.path, symlinks=True)
        repo.git("checkout", "-q", "-b", f"b{number}", "main")
        some = dict(list((DROPPED | LATER).items())[number % 3 :: 2])
        files = some | {f"own{number}.bin": noise(60_000 + number, f"own {number}")}
        repo.write_all(files)
        repo.commit(f"of {number}")
        pushers.append(repo)
        wanted[f"b{number}"] = SECOND | KEPT | files
    gc = scene.clone(skip=True)
    gc.config("mlvers.gcGrace", "20s")
    trouble = Trouble(tmp_path, values=values)
    running: list[Running] = []
    for number, repo in enumerate(pushers):
        running.append(trouble.start(repo, "git", "push", "-q", "origin", f"b{number}"))
    deleted = 0
    while any(each.alive for each in running):
        ran = trouble.run(gc, "git", "mlvers", "gc", "--remote")
        assert ran.code == 0, ran.err
        deleted += "deleted." in ran.out
    for each in running:
        ended = each.end()
        assert ended.code == 0, ended.err
    assert deleted
    for _ in range(2):
        age(scene)
        gc.mlvers("gc", "--remote", "--force")
    for name, files in wanted.items():
        made = scene.clone("--branch", name, "--single-branch")
        assert_tree(made, files)
    assert "No problem" in gc.mlvers("fsck", "--remote", "--read-data")
