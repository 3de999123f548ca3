"""What is believed to be here is fetched when it is not, and nothing that is damaged gets in."""

from __future__ import annotations

import json
import subprocess
import threading
from typing import TYPE_CHECKING

import pytest
from blake3 import blake3

from git_mlvers.backend.base import KeyMissing
from git_mlvers.backend.directory import Directory
from git_mlvers.git.repository import Repository
from git_mlvers.serverless import download
from git_mlvers.serverless.fetch import Fetcher
from git_mlvers.serverless.local import Local
from git_mlvers.serverless.manifest import Pack
from git_mlvers.serverless.store import Store
from tests.support.faulty import Slow
from tests.support.git import Repo, noise
from tests.support.serverless import address, commit, helper, packs, whole
from tests.support.trouble import Trouble

if TYPE_CHECKING:
    from pathlib import Path


def local_of(repo: Repo, place: Path) -> Local:
    """What `repo` remembers of `place`."""
    return Local(Repository.discover(str(repo.path)).common_dir, str(place))


def test_a_wrong_memory_repairs_itself(pushed: Repo, place: Path, tmp_path: Path) -> None:
    commit(pushed, "three")
    pushed.git("push", "-q")
    there = Repo.init(tmp_path / "there")
    ids = [path.stem for path in packs(place)]
    local_of(there, place).remember(ids, ids)
    there.git("fetch", "-q", address(place), "main")
    assert there.head("FETCH_HEAD") == pushed.head()
    there.git("fsck", "--full")


def test_what_was_collected_here_comes_again(pushed: Repo, place: Path, tmp_path: Path) -> None:
    pushed.git("checkout", "-q", "-b", "side")
    commit(pushed, "on-side")
    pushed.git("push", "-q", "store", "side")
    made = whole(place, tmp_path / "clone")
    pushed.git("push", "-q", "store", ":side")
    made.git("fetch", "-q", "--prune")
    made.git("reflog", "expire", "--expire=all", "--all")
    made.git("gc", "-q", "--prune=now")
    commit(pushed, "more")
    pushed.git("push", "-q", "store", "side")
    made.git("fetch", "-q")
    assert made.head("origin/side") == pushed.head()
    made.git("fsck", "--full")


def test_a_damaged_pack_is_refused(pushed: Repo, place: Path, tmp_path: Path) -> None:
    pack = packs(place)[0]
    data = bytearray(pack.read_bytes())
    data[40] ^= 1
    pack.write_bytes(data)
    ran = pushed.fails("clone", address(place), str(tmp_path / "clone"))
    assert f"the pack {pack.stem} is damaged" in ran.stderr


def test_a_missing_pack_is_named(pushed: Repo, place: Path, tmp_path: Path) -> None:
    packs(place)[0].unlink()
    ran = pushed.fails("clone", address(place), str(tmp_path / "clone"))
    assert "git-mlvers: " in ran.stderr
    assert packs(place) == []


def test_large_packs_come_in_parts_and_many_at_a_time(
    work: Repo, place: Path, tmp_path: Path
) -> None:
    for number in range(3):
        work.write(f"large{number}", noise(200_000, str(number)))
        work.commit()
        work.git("push", "-q", "store", "main")
    slow = Slow(Directory(str(place)), 0.02)
    state = Store(slow).load()
    assert state.manifest is not None
    folder = tmp_path / "packs"
    folder.mkdir()
    found = list(download.fetch_packs(slow, state.manifest.packs, str(folder), part=64 << 10))
    assert [pack for pack, _ in found] == list(state.manifest.packs)
    assert 1 < slow.most <= download.THREADS
    for pack in state.manifest.packs:
        assert (folder / pack.id).read_bytes() == (place / f"git/packs/{pack.id}.pack").read_bytes()


def test_a_pack_of_any_size_is_not_fetched_further_than_some_parts_ahead(tmp_path: Path) -> None:
    """Whoever writes to the store may claim what would take all memory to plan for."""
    asked = []

    class Endless(Slow):
        def get(self, key: str, start: int = 0, length: int | None = None) -> bytes:
            asked.append(start)
            if start == 0:
                assert enough.wait(10)
                raise KeyMissing("gone")
            if len(asked) >= download.AHEAD // 2:
                enough.set()
            return b"x" * (length or 0)

    enough = threading.Event()
    claimed = Pack("a" * 64, 1_000_000, (), False, 1)
    (tmp_path / "packs").mkdir()
    store = Endless(Directory(str(tmp_path)), 0)
    with pytest.raises(KeyMissing):
        list(download.fetch_packs(store, [claimed], str(tmp_path / "packs"), part=100))
    assert len(asked) <= download.AHEAD + 1


def test_only_one_lock_is_told_and_all_are_removed(
    pushed: Repo, place: Path, tmp_path: Path
) -> None:
    commit(pushed, "three")
    pushed.git("push", "-q")
    there = Repo.init(tmp_path / "there")
    ran = there.run("fetch", address(place), "main")
    assert "also locked" not in ran.stderr
    assert not list((there.common_dir() / "objects/pack").glob("*.keep"))


def test_nothing_is_left_in_the_clone(pushed: Repo, place: Path, tmp_path: Path) -> None:
    made = whole(place, tmp_path / "clone")
    commit(made, "three")
    made.git("push", "-q")
    folder = made.common_dir() / "mlvers/serverless"
    assert [path.name for path in folder.glob("*/*")] == ["seen"]


def test_packs_that_would_be_too_large_are_made_as_several(
    work: Repo, place: Path, tmp_path: Path
) -> None:
    for number in range(5):
        work.write(f"large{number}", noise(600_000, str(number)))
    work.commit()
    trouble = Trouble(tmp_path, values={"git_mlvers.serverless.packing:LARGEST": 1 << 20})
    ended = trouble.run(work, "git", "push", "-q", "store", "main")
    assert ended.code == 0, ended.err
    assert len(packs(place)) > 2
    assert whole(place, tmp_path / "clone").head() == work.head()
    commit(work, "more")
    work.git("push", "-q", "store", "main")
    assert whole(place, tmp_path / "again").head() == work.head()


def test_a_pack_that_is_gone_for_good(pushed: Repo, place: Path, tmp_path: Path) -> None:
    store = Store(Directory(str(place)))
    state = store.load()
    packs(place)[0].unlink()
    there = Repository.discover(str(Repo.init(tmp_path / "there").path))
    fetcher = Fetcher(store, there, Local(there.common_dir, store.url))
    with pytest.raises(KeyMissing):
        fetcher.fetch(state, [pushed.head()])
    assert Local(there.common_dir, store.url).seen() == set()


def lie(place: Path, data: bytes, **values: object) -> None:
    """Make the one pack of the store `data`, and give its manifest other values."""
    path = place / "git/manifest.json"
    value = json.loads(path.read_text())
    value["packs"][0] |= {"id": blake3(data).hexdigest(), "size": len(data)}
    (place / f"git/packs/{value['packs'][0]['id']}.pack").write_bytes(data)
    path.write_text(json.dumps(value | values))


@pytest.mark.parametrize("kept", ["commit", "no blob"])
def test_a_pack_that_lacks_objects(pushed: Repo, place: Path, tmp_path: Path, kept: str) -> None:
    listed = pushed.git("rev-list", "--objects", "HEAD").splitlines()
    wanted = [pushed.head()] if kept == "commit" else [line.split()[0] for line in listed[:-1]]
    argv = ["git", "pack-objects", "--stdout", "-q"]
    ran = subprocess.run(
        argv, cwd=pushed.path, input="\n".join(wanted).encode(), capture_output=True, check=True
    )
    lie(place, ran.stdout)
    ran_clone = pushed.fails("clone", address(place), str(tmp_path / "clone"))
    assert "did not receive expected object" in ran_clone.stderr


def test_a_ref_to_what_no_pack_has(pushed: Repo, place: Path, tmp_path: Path) -> None:
    data = packs(place)[0].read_bytes()
    lie(place, data, refs={"refs/heads/main": "1" * 40})
    pushed.fails("clone", address(place), str(tmp_path / "clone"))


def test_one_whole_pack_is_looked_through_once(pushed: Repo, place: Path, tmp_path: Path) -> None:
    """git is told that nothing is missing when that was looked for, and only then."""
    lines = ("option check-connectivity true", "list", f"fetch {pushed.head()} refs/heads/main", "")
    assert "connectivity-ok" in helper(Repo.init(tmp_path / "one"), place).say(*lines)
    assert "connectivity-ok" not in helper(Repo.init(tmp_path / "two"), place).say(*lines[1:])
    commit(pushed, "three")
    pushed.git("push", "-q")
    assert "connectivity-ok" not in helper(Repo.init(tmp_path / "three"), place).say(*lines)
