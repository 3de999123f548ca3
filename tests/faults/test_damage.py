"""Damaged caches and remotes: no wrong byte in cache or tree, and all is well after a repair."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.support.git import Repo, noise, oid_of, pointer_of
from tests.support.scene import (
    FIRST,
    SECOND,
    TRACKED,
    Scene,
    assert_nothing_wrong,
    assert_tree,
    pointers,
    sentences,
)
from tests.support.trouble import Trouble

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SMALL_FILES = {"small.bin", "text.bin"}
Damage = "Callable[[bytes], bytes | None]"


def flip(at: float) -> Callable[[bytes], bytes]:
    """One bit is another, `at` of the way through."""

    def change(data: bytes) -> bytes:
        place = min(int(len(data) * at), len(data) - 1)
        return data[:place] + bytes([data[place] ^ 4]) + data[place + 1 :]

    return change


def cut(share: float) -> Callable[[bytes], bytes]:
    """Only the first part is there."""
    return lambda data: data[: int(len(data) * share)]


def gone(data: bytes) -> None:
    """Nothing is there."""


WAYS: dict[str, Callable[[bytes], bytes | None]] = {
    "first byte": flip(0),
    "in a frame": flip(0.3),
    "in another frame": flip(0.7),
    "near the end": flip(0.999),
    "last byte": flip(1),
    "cut in the middle": cut(0.5),
    "cut by little": cut(0.9999),
    "empty": cut(0),
    "gone": gone,
}


def harm(path: Path, way: Callable[[bytes], bytes | None]) -> None:
    """Damage a file; it stays as writable as it was."""
    data = way(path.read_bytes())
    path.chmod(0o644)
    if data is None:
        path.unlink()
    else:
        path.write_bytes(data)


class TestCache:
    def test_small_files_come_anew(self, pushed: Scene) -> None:
        repo = pushed.repo
        (pack,) = (repo.cache_dir() / "packs").glob("*.pack")
        for at in (0.01, 0.5, 0.95):
            harm(pack, flip(at))
        ran = repo.run("checkout", "-q", "v1")
        assert "Traceback" not in ran.stderr
        assert_tree(repo, FIRST)
        repo.git("checkout", "-q", "main")
        assert_tree(repo, SECOND)
        repo.mlvers("fsck")

    @pytest.mark.parametrize("way", ["in a frame", "cut in the middle", "empty", "gone"])
    def test_small_files_that_are_nowhere_else(self, scene: Scene, way: str) -> None:
        repo = scene.repo
        (pack,) = (repo.cache_dir() / "packs").glob("*.pack")
        harm(pack, WAYS[way])
        ran = repo.run("checkout", "-q", "v1")
        assert_nothing_wrong(repo, FIRST)
        if "small.bin" in pointers(repo):
            assert any("small.bin" in line for line in sentences(ran.stderr))
        repo.assert_status()
        # Whoever still has the bytes adds them again.
        for name, data in (FIRST | SECOND).items():
            repo.write(f"again/{name}", data)
        for name, data in FIRST.items():
            repo.write(f"first/{name}", data)
        repo.git("add", "again", "first")
        repo.mlvers("pull")
        repo.assert_contents(FIRST)
        repo.git("rm", "-q", "-r", "-f", "again", "first")
        repo.git("push", "-q", "origin", "main", "v1")
        scene.assert_readable()

    @pytest.mark.parametrize("way", ["in a frame", "cut in the middle", "empty"])
    def test_large_file_that_is_nowhere_else(self, scene: Scene, way: str) -> None:
        repo = scene.repo
        name = oid_of(FIRST["large.bin"])
        harm(repo.cache_dir() / "objects" / name[:2] / name[2:4] / name, WAYS[way])
        ran = repo.run("checkout", "-q", "v1")
        assert any("large.bin" in line for line in sentences(ran.stderr))
        assert pointers(repo) == {"large.bin"}
        assert_nothing_wrong(repo, FIRST)
        repo.assert_status()
        refused = repo.fails("push", "origin", "main", "v1")
        assert name[:10] in refused.stderr
        assert scene.bare.git("for-each-ref") == ""
        repo.write("large.bin", FIRST["large.bin"])
        repo.git("add", "large.bin")
        repo.assert_status()
        repo.git("push", "-q", "origin", "main", "v1")
        scene.assert_readable()

    def test_silent_damage_is_never_pushed(self, scene: Scene) -> None:
        """A bit changes on the disk, and nothing of the file's dates or size."""
        repo = scene.repo
        for name in ("large.bin", "huge.bin"):
            oid = oid_of(SECOND[name])
            path = repo.cache_dir() / "objects" / oid[:2] / oid[2:4] / oid
            found = path.stat()
            harm(path, flip(0.4))
            os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns))
        refused = repo.fails("push", "origin", "main")
        assert "damaged" in refused.stderr
        assert scene.bare.git("for-each-ref") == ""
        said = repo.run("mlvers", "fsck", check=False)
        assert said.returncode == 6
        for name in ("large.bin", "huge.bin"):
            assert oid_of(SECOND[name]) not in repo.cached_objects()
            repo.file(name).touch()
        repo.git("add", "--renormalize", ".")
        repo.git("push", "-q", "origin", "main", "v1")
        scene.assert_readable()

    def test_index_of_the_packs(self, scene: Scene) -> None:
        repo = scene.repo
        harm(repo.cache_dir() / "packs" / "index.db", flip(0.2))
        repo.git("checkout", "-q", "v1")
        assert_tree(repo, FIRST)
        harm(repo.cache_dir() / "packs" / "index.db", cut(0.6))
        repo.git("checkout", "-q", "main")
        assert_tree(repo, SECOND)


class TestRemote:
    """One object on the remote is damaged, and is as it was before some time later."""

    def check(self, scene: Scene, said: str) -> Repo:
        made = Repo(scene.folder / "made")
        assert_nothing_wrong(made, SECOND)
        made.assert_status()
        left = pointers(made)
        if left:
            told = sentences(said)
            assert told
            assert len(told) <= len(TRACKED)
        for oid in made.cached_objects():
            path = made.cache_dir() / "objects" / oid[:2] / oid[2:4] / oid
            assert oid_of(path.read_bytes()) == oid
        return made

    @pytest.mark.parametrize("way", WAYS)
    def test_pack(self, pushed: Scene, way: str) -> None:
        (pack,) = pushed.packs
        data = pack.read_bytes()
        harm(pack, WAYS[way])
        ran = Repo(pushed.folder).run("clone", "-q", pushed.url, "made")
        made = self.check(pushed, ran.stderr)
        if way in ("empty", "gone"):
            assert pointers(made) == set(TRACKED)
            assert pack.name in ran.stderr
        if pointers(made):
            failed = made.fails("mlvers", "pull")
            assert failed.returncode in (4, 5, 6)
            fsck = made.fails("mlvers", "fsck", "--remote", "--read-data")
            assert pack.name[:10] in fsck.stdout + fsck.stderr
        pack.write_bytes(data)
        made.mlvers("pull")
        assert_tree(made, SECOND)
        made.assert_status()

    @pytest.mark.parametrize("way", ["first byte", "in a frame", "last byte", "empty", "gone"])
    def test_index(self, pushed: Scene, way: str) -> None:
        (index,) = pushed.indexes
        data = index.read_bytes()
        harm(index, WAYS[way])
        ran = Repo(pushed.folder).run("clone", "-q", pushed.url, "made")
        made = self.check(pushed, ran.stderr)
        assert pointers(made) == set(TRACKED)
        if way != "gone":
            # What the index lists is unknown, so nothing can be said to be there already.
            made.write("more.bin", noise(5_000, "more"))
            made.commit("more")
            refused = made.fails("push", "origin", "main")
            assert index.name[:10] in refused.stderr
            assert "--repair" in refused.stderr
            made.mlvers("fsck", "--remote", "--repair", check=False)
            made.mlvers("pull")
            made.assert_contents(SECOND)
            made.git("push", "-q", "origin", "main")
        else:
            index.write_bytes(data)
            made.mlvers("pull")
            assert_tree(made, SECOND)

    @pytest.mark.parametrize("way", ["first byte", "empty", "gone"])
    def test_marker(self, pushed: Scene, way: str) -> None:
        marker = pushed.store / "mlvers.json"
        data = marker.read_bytes()
        harm(marker, WAYS[way])
        ran = Repo(pushed.folder).run("clone", "-q", pushed.url, "made")
        made = self.check(pushed, ran.stderr)
        assert pointers(made) == set(TRACKED)
        assert all("mlvers.json" in line for line in sentences(ran.stderr))
        made.write("more.bin", noise(5_000, "more"))
        made.commit("more")
        refused = made.fails("push", "origin", "main")
        assert "mlvers.json" in refused.stderr
        marker.write_bytes(data)
        made.git("push", "-q", "origin", "main")
        made.mlvers("pull")
        made.assert_contents(SECOND)

    def test_two_packs_whose_contents_are_swapped(self, scene: Scene, tmp_path: Path) -> None:
        packs = {"git_mlvers.remote.pack:TARGET": 200_000}
        ran = Trouble(tmp_path, values=packs).run(scene.repo, "git", "push", "-q", "origin", "main")
        assert ran.code == 0, ran.err
        one, two = scene.packs[:2]
        datas = one.read_bytes(), two.read_bytes()
        one.write_bytes(datas[1])
        two.write_bytes(datas[0])
        clone = Repo(tmp_path).run("clone", "-q", scene.url, "made")
        made = self.check(scene, clone.stderr)
        left = pointers(made)
        assert left
        assert left != set(TRACKED)
        one.write_bytes(datas[0])
        two.write_bytes(datas[1])
        made.mlvers("pull")
        assert_tree(made, SECOND)

    def test_index_that_lists_another_file(self, pushed: Scene, tmp_path: Path) -> None:
        """A remote that lies: its index says that one file is where another is."""
        from git_mlvers.oid import Oid
        from git_mlvers.remote import index_file

        (path,) = pushed.indexes
        index = index_file.decode(path.read_bytes(), bytes.fromhex(path.name))
        by_oid = {file.oid: file for file in index.files}
        oids = [Oid.of(SECOND[name]) for name in ("large.bin", "huge.bin", "small.bin", "text.bin")]
        large, huge, small, text = (by_oid[oid] for oid in oids)
        lies = [
            large._replace(terms=huge.terms),
            huge._replace(terms=large.terms, size=large.size),
            small._replace(terms=text.terms),
            text._replace(terms=large.terms[:1]),
        ]
        honest = [file for file in index.files if file.oid not in oids]
        name, data = index_file.encode(index._replace(files=honest + lies))
        path.unlink()
        (path.parent / name.hex()).write_bytes(data)
        clone = Repo(tmp_path).run("clone", "-q", pushed.url, "made")
        made = self.check(pushed, clone.stderr)
        assert pointers(made) == {"large.bin", "huge.bin", "small.bin", "text.bin"}
        assert made.read("large.bin") == pointer_of(SECOND["large.bin"])
