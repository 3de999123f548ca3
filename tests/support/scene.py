"""A repository, the one that it pushes to, and a place for content: what faults happen to."""

from __future__ import annotations

import atexit
import functools
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from tests.support.git import POINTER_START, Repo, clone, noise, pointer_of

if TYPE_CHECKING:
    from collections.abc import Mapping

Files = dict[str, bytes]

POPULATE_MIN = 150_000
"""From so many bytes on, content is put into the working tree directly in a scene."""

FIRST: Files = {
    "small.bin": noise(3_000, "small one"),
    "text.bin": b"a,b,c\n" * 8_000,
    "large.bin": noise(300_000, "large one"),
    "huge.bin": noise(900_000, "huge"),
    "data/other.bin": noise(200_000, "other"),
    "data/empty.bin": b"",
    "plain.txt": b"not tracked\n",
}
_CHANGES: Files = {
    "small.bin": noise(3_000, "small two"),
    "large.bin": noise(300_000, "large two"),
    "data/new.bin": noise(160_000, "new"),
}
SECOND: Files = FIRST | _CHANGES

TRACKED = tuple(name for name in SECOND if name.endswith(".bin") and SECOND[name])


class Scene:
    """Everything lies in `folder`; `repo` has ``v1`` with `FIRST`, and ``main`` with `SECOND`.

    Every repository of the test keeps its content in the directory `store`.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.repo = Repo(folder / "work")
        self.bare = Repo(folder / "origin.git")
        self.store = folder / "store"
        self._clones = 0

    @property
    def url(self) -> str:
        """The address of the bare repository."""
        return self.bare.path.as_uri()

    @property
    def packs(self) -> list[Path]:
        """The packs on the remote."""
        return sorted((self.store / "content" / "packs").glob("??/*"))

    @property
    def indexes(self) -> list[Path]:
        """The index files on the remote."""
        return sorted((self.store / "content" / "index").glob("*"))

    def clone(self, *options: str, skip: bool = False) -> Repo:
        """A new clone; with `skip` one of pointers."""
        self._clones += 1
        env = {"MLVERS_SKIP_SMUDGE": "1"} if skip else None
        return clone(self.url, self.folder / f"clone{self._clones}", *options, env=env)

    def assert_readable(self) -> None:
        """The bare repository is sound, and a fresh clone of it gets every byte."""
        self.bare.fsck()
        made = self.clone()
        assert_tree(made, SECOND)
        made.assert_status()
        made.fsck()


def assert_tree(repo: Repo, files: Mapping[str, bytes]) -> None:
    """The working tree has exactly `files`, and nothing else but the attributes."""
    repo.assert_contents(files)
    assert set(on_disk(repo)) == {*files, ".gitattributes"}


def assert_nothing_wrong(repo: Repo, files: Mapping[str, bytes], *more: bytes) -> None:
    """Each of `files` has its content, its pointer, or is not there: no other bytes but `more`."""
    for name, data in on_disk(repo).items():
        if name in files:
            right = (files[name], pointer_of(files[name]), *more) if files[name] else (b"",)
            assert data in right, f"{name} has {len(data)} wrong bytes: {data[:60]!r}"


def on_disk(repo: Repo) -> Files:
    """The files of the working tree with their bytes."""
    return {
        str(path.relative_to(repo.path)): path.read_bytes()
        for path in sorted(repo.path.rglob("*"))
        if path.is_file() and ".git" not in path.relative_to(repo.path).parts
    }


def pointers(repo: Repo) -> set[str]:
    """The names of the files that are pointers."""
    return {name for name, data in on_disk(repo).items() if data.startswith(POINTER_START)}


def unlock(repo: Repo) -> None:
    """Remove the locks that a killed git leaves, as it tells its user to do."""
    folder = repo.common_dir()
    for lock in (*folder.glob("*.lock"), *(folder / "refs").rglob("*.lock")):
        lock.unlink()


def make_scene(folder: Path, home: Path, *, pushed: bool) -> Scene:
    """Make a scene in `folder`, for the user whose home is `home`; much of it only once."""
    scene = Scene(folder)
    settings = [
        f"[mlvers]\n\tremote = storage\n\tpopulateMin = {POPULATE_MIN}\n\tfsync = false\n",
        f'[mlvers "remote.storage"]\n\turl = {scene.store}\n',
    ]
    with (home / ".gitconfig").open("a", encoding="utf-8") as file:
        file.writelines(settings)
    template = _template()
    shutil.copytree(template / "work", scene.repo.path, symlinks=True)
    shutil.copytree(template / ("origin.git" if pushed else "empty.git"), scene.bare.path)
    if pushed:
        shutil.copytree(template / "store", scene.store)
        marks = template / "marks"
        shutil.copytree(marks, scene.repo.path / ".git" / "refs" / "remotes")
    return scene


@functools.cache
def _template() -> Path:
    """A scene to be copied, with nothing in it that names a place; made at the first call."""
    folder = Path(tempfile.mkdtemp(prefix="scene-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    Repo.init(folder / "empty.git", "--bare")
    Repo.init(folder / "origin.git", "--bare")
    repo = Repo.init(folder / "work")
    repo.git("remote", "add", "origin", "../origin.git")
    repo.attributes("*.bin")
    repo.write_all(FIRST)
    repo.commit("first")
    repo.git("tag", "v1")
    repo.write_all(_CHANGES)
    repo.commit("second")
    store = f"mlvers.remote.storage.url={folder / 'store'}"
    repo.git("-c", store, "-c", "mlvers.remote=storage", "push", "-q", "origin", "main", "v1")
    (repo.path / ".git" / "refs" / "remotes").rename(folder / "marks")
    shutil.rmtree(repo.path / ".git" / "mlvers" / "remotes")
    shutil.rmtree(folder / "store" / "content" / "users")
    return folder


def sentences(err: str) -> list[str]:
    """What git-mlvers said on standard error, without the hints; every line of it is known."""
    assert "Traceback" not in err, err
    assert "fault of the program" not in err, err
    return [line.partition(": ")[2] for line in err.splitlines() if line.startswith("git-mlvers: ")]
