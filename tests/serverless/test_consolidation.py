"""Many packs become few, nobody who reads or pushes meanwhile is hurt, and old ones go in time."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from git_mlvers.backend.directory import Directory
from git_mlvers.git.repository import Repository
from git_mlvers.serverless.check import check
from git_mlvers.serverless.consolidate import GRACE, MANY, consolidate, sweep, to_join
from git_mlvers.serverless.local import Local
from git_mlvers.serverless.manifest import Manifest, Pack
from git_mlvers.serverless.store import Store
from tests.support.git import Repo
from tests.support.serverless import address, commit, helper, packs, refs_at, whole
from tests.support.trouble import At, Trouble

if TYPE_CHECKING:
    from pathlib import Path

    from git_mlvers.serverless.consolidate import Consolidated

LATER = 8 * 24 * 3600


@pytest.fixture
def store(place: Path) -> Store:
    """The store, as the library sees it."""
    return Store(Directory(str(place), fsync=False))


def joined(store: Store, work: Repo, *, now: float | None = None) -> Consolidated:
    """Everything joined into one pack."""
    repo = Repository.discover(str(work.path))
    local = Local(repo.common_dir, store.url)
    done = consolidate(store, repo, local, store.load(), everything=True, now=now)
    assert done is not None
    return done


def grow(work: Repo, number: int, remote: str = "store") -> None:
    """Push `number` commits, one by one."""
    for _ in range(number):
        work.git("commit", "-q", "--allow-empty", "-m", "more")
        work.git("push", "-q", remote, "HEAD:main")


def test_everything_into_one(pushed: Repo, place: Path, store: Store, tmp_path: Path) -> None:
    grow(pushed, 3)
    done = joined(store, pushed)
    assert done.replaced == 4
    manifest = store.load().manifest
    assert manifest is not None
    assert [pack.base for pack in manifest.packs] == [True]
    assert whole(place, tmp_path / "clone").head() == pushed.head()
    assert check(store) == []
    # The superseded state and its packs stay for a while.
    assert len(packs(place)) == 5
    assert len(list((place / "git/history").iterdir())) == 1


def test_old_packs_go_after_the_grace_period(
    pushed: Repo, place: Path, store: Store, tmp_path: Path
) -> None:
    grow(pushed, 3)
    state = joined(store, pushed).state
    assert sweep(store, state) == []
    gone = sweep(store, state, now=time.time() + LATER)
    assert len(gone) == 4 + 1
    assert len(packs(place)) == 1
    assert not list((place / "git/history").iterdir())
    assert check(store) == []
    whole(place, tmp_path / "clone")


def test_packs_of_nobody_go_too(pushed: Repo, place: Path, store: Store) -> None:
    orphan = place / f"git/packs/{'a' * 64}.pack"
    orphan.write_bytes(b"left by a push that was killed")
    (place / "git/packs/notes.txt").write_text("not ours")
    assert sweep(store, store.load()) == []
    gone = sweep(store, store.load(), now=time.time() + LATER)
    assert [entry.key for entry in gone] == [f"git/packs/{'a' * 64}.pack"]
    assert (place / "git/packs/notes.txt").exists()


def test_a_pack_that_just_became_named_stays(pushed: Repo, place: Path, store: Store) -> None:
    before = store.load()
    grow(pushed, 1)
    assert sweep(store, before, now=time.time() + LATER) == []
    assert len(packs(place)) == 2


def test_pushing_many_times_joins_them(work: Repo, place: Path, tmp_path: Path) -> None:
    there = helper(work, place)
    there.push("main:refs/heads/main")
    reader = whole(place, tmp_path / "reader")
    most = 0
    for number in range(MANY + 20):
        work.git("commit", "-q", "--allow-empty", "-m", str(number))
        assert there.push("HEAD:refs/heads/main") == ["ok refs/heads/main"]
        manifest = Store(there.counting).load().manifest
        assert manifest is not None
        most = max(most, len(manifest.packs))
    assert most == MANY
    assert len(manifest.packs) < MANY
    reader.git("pull", "-q")
    assert reader.head() == work.head()
    assert whole(place, tmp_path / "clone").head() == work.head()


def test_large_packs_are_not_written_again(work: Repo, place: Path) -> None:
    work.write("large", b"".join(i.to_bytes(8) for i in range(40_000)))
    work.commit()
    there = helper(work, place)
    there.push("main:refs/heads/main")
    first = packs(place)[0].stem
    for number in range(MANY + 5):
        work.git("commit", "-q", "--allow-empty", "-m", str(number))
        there.push("HEAD:refs/heads/main")
    manifest = Store(there.counting).load().manifest
    assert manifest is not None
    assert manifest.packs[0].id == first
    assert len(manifest.packs) < 10


def listed(*packs: tuple[int, int]) -> Manifest:
    """A state with packs of such sizes, made by such changes."""
    made = [
        Pack(f"{number:064x}", size, (), False, change)
        for number, (size, change) in enumerate(packs)
    ]
    return Manifest("sha1", packs=tuple(made))


@pytest.mark.parametrize(
    ("state", "often", "seldom"),
    [
        (listed(), 0, 0),
        (listed((9, 1)), 0, 0),
        (listed((9, 1), (9, 2)), 2, 2),
        (listed((9, 1), (1, 2)), 0, 2),
        (listed((9, 1), (1, 2), (1, 3)), 2, 2),
        (listed((1, 1), (1, 2), (9, 3), (1, 4)), 0, 4),
        # One join, or one push, made several since one would be too large.
        (listed((9, 1), (9, 1), (1, 1)), 0, 0),
        (listed((9, 1), (9, 1), (9, 2)), 3, 3),
        (listed((9, 1), (9, 1), (9, 1), (1, 2), (1, 3)), 2, 2),
    ],
)
def test_which_packs_are_joined(state: Manifest, often: int, seldom: int) -> None:
    assert len(to_join(state, thrifty=True)) == often
    assert len(to_join(state)) == seldom
    assert to_join(state, everything=True) == state.packs


def test_a_clone_that_lacks_objects_joins_nothing(
    pushed: Repo, store: Store, tmp_path: Path
) -> None:
    grow(pushed, 3)
    poor = Repository.discover(str(Repo.init(tmp_path / "poor").path))
    assert consolidate(store, poor, Local(poor.common_dir, store.url), store.load()) is None


@pytest.mark.parametrize("option", ["--depth=1", "--filter=blob:none"])
def test_a_part_of_the_history_is_not_taken_for_all(
    pushed: Repo, place: Path, store: Store, tmp_path: Path, option: str
) -> None:
    grow(pushed, 3)
    poor = Repo(tmp_path / "poor")
    pushed.git("clone", "-q", option, address(place), str(poor.path))
    commit(poor, "more")
    trouble = Trouble(tmp_path, values={"git_mlvers.serverless.consolidate:MANY": 2})
    ended = trouble.run(poor, "git", "push", "-q", "origin", "main")
    assert ended.code == 0, ended.err
    assert len(packs(place)) == 5
    found = Repository.discover(str(poor.path))
    local = Local(found.common_dir, store.url)
    assert consolidate(store, found, local, store.load(), everything=True) is None
    assert check(store) == []


def test_who_reads_while_packs_are_joined(
    pushed: Repo, place: Path, store: Store, tmp_path: Path
) -> None:
    """The list of packs was read, and before they are fetched they are all gone."""
    grow(pushed, 3)
    trouble = Trouble(tmp_path, At("git_mlvers.serverless.fetch:fetch_packs", do="hold"))
    running = trouble.start(pushed, "git", "clone", "-q", address(place), str(tmp_path / "clone"))
    trouble.wait()
    sweep(store, joined(store, pushed).state, now=time.time() + LATER)
    assert len(packs(place)) == 1
    trouble.go_on()
    ended = running.end()
    assert ended.code == 0, ended.err
    made = Repo(tmp_path / "clone")
    made.git("fsck", "--full")
    assert made.head() == pushed.head()


def test_who_pushes_while_a_branch_goes_and_packs_are_joined(
    pushed: Repo, place: Path, store: Store, tmp_path: Path
) -> None:
    """A pack was built on what a branch had, and then neither the branch nor that is there."""
    pushed.git("checkout", "-q", "-b", "side")
    commit(pushed, "on-side")
    pushed.git("push", "-q", "store", "side")
    other = whole(place, tmp_path / "other")
    pushed.git("checkout", "-q", "-b", "next")
    new = commit(pushed, "next")
    trouble = Trouble(tmp_path, At("git_mlvers.serverless.store:Store.swap", do="hold"))
    running = trouble.start(pushed, "git", "push", "-q", "store", "next")
    trouble.wait()
    other.git("push", "-q", "origin", ":side")
    grow(other, 1, "origin")
    sweep(store, joined(store, other).state, now=time.time() + LATER)
    trouble.go_on()
    ended = running.end()
    assert ended.code == 0, ended.err
    assert refs_at(pushed, place)["refs/heads/next"] == new
    made = whole(place, tmp_path / "clone", "--branch", "next")
    assert made.read("on-side") == b"on-side\n"


def test_who_pushes_what_is_about_to_be_collected(
    pushed: Repo, place: Path, store: Store, tmp_path: Path
) -> None:
    """A branch is pushed again whose pack is still there, but named by nobody."""
    pushed.git("checkout", "-q", "-b", "side")
    commit(pushed, "on-side")
    pushed.git("push", "-q", "store", "side")
    pushed.git("push", "-q", "store", ":side")
    pushed.git("checkout", "-q", "main")
    grow(pushed, 1)
    joined(store, pushed)
    there = len(packs(place))
    pushed.git("push", "-q", "store", "side")
    assert len(packs(place)) <= there + 1
    manifest = store.load().manifest
    assert manifest is not None
    assert not manifest.pack_ids & {old.id for old in manifest.retired}
    sweep(store, store.load(), now=time.time() + LATER)
    whole(place, tmp_path / "clone", "--branch", "side")


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("point", ["_write", "keep_history"])
def test_killed_while_packs_are_joined(
    pushed: Repo, place: Path, tmp_path: Path, point: str, when: str
) -> None:
    grow(pushed, 3)
    commit(pushed, "last")
    trouble = Trouble(
        tmp_path,
        At(f"git_mlvers.serverless.store:Store.{point}", when, 2 if point == "_write" else 1),
        values={"git_mlvers.serverless.consolidate:MANY": 3},
    )
    trouble.run(pushed, "git", "push", "-q", "store", "main")
    assert trouble.happened
    assert refs_at(pushed, place)["refs/heads/main"] == pushed.head()
    assert check(Store(Directory(str(place)))) == []
    grow(pushed, 1)
    assert whole(place, tmp_path / "clone").head() == pushed.head()


def test_what_is_retired_is_forgotten_in_time(pushed: Repo, store: Store) -> None:
    grow(pushed, 1)
    joined(store, pushed, now=time.time() - GRACE - 60)
    grow(pushed, 1)
    state = joined(store, pushed).state
    assert state.manifest is not None
    assert len(state.manifest.retired) == 2


def test_check_finds_what_is_wrong(pushed: Repo, place: Path, store: Store) -> None:
    pack = packs(place)[0]
    data = pack.read_bytes()
    pack.write_bytes(data[:-1])
    assert "bytes, and should have" in check(store, deep=False)[0]
    pack.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    assert check(store, deep=False) == []
    assert "is damaged" in check(store)[0]
    pack.unlink()
    assert "is missing" in check(store)[0]
    (place / "git/manifest.json").write_text("{}")
    assert "manifest" in check(store)[0]
