"""``git mlvers gc --remote``: what nobody needs goes after a while, and nothing else does."""

from __future__ import annotations

import atexit
import functools
import json
import os
import shutil
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.git import Repo, clone, noise

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.support.s3server import S3Server

Files = dict[str, bytes]

MAIN: Files = {"large.bin": noise(200_000, "large"), "small.bin": noise(3000, "small")}
TOPIC: Files = {"topic.bin": noise(300_000, "topic")}
DAY = 24 * 3600


class Place:
    """A project, the bare repository that it is pushed to, and a directory for content."""

    def __init__(self, folder: Path, repo: Repo) -> None:
        self.folder = folder
        self.repo = repo
        self.store = folder / "storage"
        self.bare = Repo(folder / "origin.git")
        self._clones = 0

    def age(self, days: float) -> None:
        """Let everything at the store be so much older."""
        for path in self.store.rglob("*"):
            if path.is_file():
                when = path.stat().st_mtime - days * DAY
                os.utime(path, (when, when))

    def collect(self, *options: str, repo: Repo | None = None) -> dict[str, Any]:
        """One run; what it says in JSON."""
        said = (repo or self.repo).mlvers("gc", "--remote", "--json", *options)
        told: dict[str, Any] = json.loads(said.splitlines()[-1])
        return told

    def collect_all(self, *options: str, repo: Repo | None = None) -> None:
        """As many runs, a week apart, as delete all that can be deleted."""
        self.age(30)
        for _ in range(3):
            self.collect(*options, repo=repo)
            self.age(8)

    @property
    def packs(self) -> set[str]:
        return {path.name for path in (self.store / "content/packs").glob("??/*")}

    @property
    def objects(self) -> dict[str, bytes]:
        return {str(p): p.read_bytes() for p in self.store.rglob("*") if p.is_file()}

    def clone(self, *options: str) -> Repo:
        """A clone that finds content on the remote alone."""
        self._clones += 1
        return clone(self.bare.path.as_uri(), self.folder / f"clone{self._clones}", *options)

    def assert_has(self, branch: str, files: Mapping[str, bytes]) -> None:
        """Somebody new gets every byte of a branch."""
        self.clone("--branch", branch).assert_contents(files)


@pytest.fixture
def place(installed: Path, tmp_path: Path) -> Place:
    """``main`` is pushed; ``topic`` was, and is deleted everywhere."""
    template = _template()
    for name in ("work", "origin.git", "storage"):
        shutil.copytree(template / name, tmp_path / name, symlinks=True)
    repo = Repo(tmp_path / "work")
    repo.git("config", "--global", "mlvers.trust.storage.location", str(tmp_path / "storage"))
    return Place(tmp_path, repo)


@functools.cache
def _template() -> Path:
    """What a place is copied from, with nothing in it that names where it was made."""
    folder = Path(tempfile.mkdtemp(prefix="gc-remote-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    Repo.init(folder / "origin.git", "--bare")
    repo = Repo.init(folder / "work")
    repo.git("remote", "add", "origin", "../origin.git")
    repo.mlvers("remote", "add", "-d", "storage", "../storage")
    repo.attributes("*.bin")
    repo.write_all(MAIN)
    repo.commit("main")
    repo.git("push", "-q", "-u", "origin", "main")
    branch(repo, "topic", TOPIC)
    repo.git("push", "-q", "origin", "topic")
    repo.git("branch", "-q", "-D", "topic")
    repo.git("push", "-q", "origin", ":topic")
    repo.git("config", "--local", "--unset", "mlvers.trust.storage.location")
    shutil.rmtree(repo.path / ".git" / "mlvers" / "remotes")
    shutil.rmtree(folder / "storage" / "content" / "users")
    return folder


def branch(repo: Repo, name: str, files: Files) -> None:
    """A branch with a commit of its own, and ``main`` checked out afterwards."""
    repo.git("checkout", "-q", "-b", name, "main")
    repo.write_all(files)
    repo.commit(name)
    repo.git("checkout", "-q", "main")


def test_a_deleted_branch(place: Place) -> None:
    before = place.packs
    said = place.repo.mlvers("gc", "--remote", "--dry-run")
    assert "not needed" in said and "too young" in said
    place.age(8)
    objects = place.objects
    told = place.collect("--dry-run")
    assert told["needed"] == {"files": 2, "bytes": 203_000}
    assert told["not_needed"] == {"files": 1, "bytes": 300_000}
    assert told["marked"]["packs"] == 1 and told["deleted"]["packs"] == 0
    assert place.objects == objects
    assert place.collect()["marked"]["packs"] == 1
    assert place.packs == before
    assert place.collect()["waiting"]["packs"] == 1
    place.age(8)
    told = place.collect()
    assert told["deleted"]["packs"] == 1 and told["deleted"]["bytes"] > 300_000
    assert len(place.packs) == len(before) - 1
    place.assert_has("main", MAIN)
    assert "No problem" in place.repo.mlvers("fsck", "--remote", "--read-data")
    # The cache still has it, and sends it again when it is needed again.
    branch(place.repo, "again", TOPIC)
    place.repo.git("push", "-q", "origin", "again")
    place.assert_has("again", TOPIC)
    assert not list((place.repo.common_dir() / "mlvers" / "gc").glob("*"))


def test_pushed_again_while_it_is_marked(place: Place) -> None:
    place.age(8)
    place.collect()
    branch(place.repo, "again", TOPIC)
    place.repo.git("push", "-q", "origin", "again")
    place.age(8)
    place.collect()
    place.assert_has("again", TOPIC)


def test_a_clone_that_knows_nothing_of_a_new_branch(place: Place) -> None:
    """Its remote-tracking refs are old; what counts is what the git remote has."""
    stale = place.clone()
    branch(place.repo, "later", {"later.bin": noise(100_000, "later")})
    place.repo.git("push", "-q", "origin", "later")
    place.repo.git("push", "-q", "origin", "later:refs/custom/hidden", ":later")
    place.collect_all(repo=stale)
    assert len(place.packs) == 2
    place.repo.drop_cache()
    place.repo.git("checkout", "-q", "later")
    place.repo.assert_content("later.bin", noise(100_000, "later"))


@pytest.mark.parametrize("options", [("--depth=1",), ("--filter=blob:none",), ("--single-branch",)])
def test_from_a_clone_that_has_only_a_part(place: Place, options: tuple[str, ...]) -> None:
    older = noise(210_000, "older")
    place.repo.write("large.bin", older)
    place.repo.commit("older")
    place.repo.write_all(MAIN)
    place.repo.commit("newer")
    branch(place.repo, "other", {"other.bin": noise(100_000, "other")})
    place.bare.git("config", "uploadpack.allowFilter", "true")
    place.repo.git("push", "-q", "origin", "main", "other")
    part = place.clone(*options)
    place.collect_all(repo=part)
    assert len(place.packs) == 2
    place.assert_has("other", MAIN | {"other.bin": noise(100_000, "other")})
    made = place.clone()
    made.git("checkout", "-q", "main~1")
    made.assert_content("large.bin", older)


def unpushed(repo: Repo) -> None:
    repo.commit("not pushed")


def staged(repo: Repo) -> None:
    repo.git("add", "-A")


def stashed(repo: Repo) -> None:
    repo.git("add", "-A")
    repo.git("stash", "-q")


def in_a_worktree(repo: Repo) -> None:
    other = Repo(repo.path.parent / "other tree")
    repo.git("worktree", "add", "-q", "--detach", str(other.path))
    shutil.move(repo.file("mine.bin"), other.file("mine.bin"))
    other.git("add", "-A")


def in_the_run_cache(repo: Repo) -> None:
    repo.commit("kept")
    repo.git("update-ref", "refs/mlvers/kept/1", "HEAD")
    repo.git("reset", "-q", "--hard", "HEAD~1")


@pytest.mark.parametrize("keep", [unpushed, staged, stashed, in_a_worktree, in_the_run_cache])
def test_what_this_clone_has(place: Place, keep: Callable[[Repo], None]) -> None:
    """Content that was sent by hand, before any ref of a git remote needs it."""
    mine = noise(150_000, "mine")
    repo = place.repo
    repo.write("mine.bin", mine)
    repo.commit("to be sent")
    repo.mlvers("push")
    repo.git("reset", "-q", "--soft", "HEAD~1")
    repo.git("reset", "-q")
    keep(repo)
    place.collect_all()
    assert len(place.packs) == 2


def test_nothing_is_needed(place: Place) -> None:
    """Rather the wrong remote than one on which nothing is needed."""
    place.age(8)
    empty = Repo.init(place.folder / "empty")
    empty.git("config", "mlvers.remote.storage.url", str(place.store))
    ran = empty.fails("mlvers", "gc", "--remote", "--only-this")
    assert ran.returncode == 1 and "none of the 3 files" in ran.stderr
    assert "--force" in ran.stderr
    place.assert_has("main", MAIN)


def test_git_remote_that_cannot_be_read(place: Place) -> None:
    place.age(8)
    objects = place.objects
    place.repo.git("remote", "add", "gone", str(place.folder / "gone.git"))
    ran = place.repo.fails("mlvers", "gc", "--remote")
    assert ran.returncode == 5
    assert "gone.git cannot be read, and so nothing is deleted" in ran.stderr
    assert place.objects == objects


def test_two_repositories_share_a_remote(place: Place) -> None:
    """What both have is there once; neither takes from the other."""
    place.repo.mlvers("push")
    theirs = MAIN | {"theirs.bin": noise(120_000, "theirs")}
    other_bare = Repo.init(place.folder / "other.git", "--bare")
    other = Repo.init(place.folder / "other")
    other.git("remote", "add", "origin", str(other_bare.path))
    other.git("config", "mlvers.remote.storage.url", str(place.store))
    other.git("config", "mlvers.remote", "storage")
    other.attributes("*.bin")
    other.write_all(theirs)
    other.commit("theirs")
    size = sum(len(data) for data in place.objects.values())
    other.git("push", "-q", "origin", "main")
    grown = sum(len(data) for data in place.objects.values()) - size
    assert grown < 125_000
    objects = place.objects
    for repo, url in ((place.repo, other_bare.path), (other, place.bare.path)):
        ran = repo.fails("mlvers", "gc", "--remote")
        assert ran.returncode == 2
        assert f"{url} on the machine {os.uname().nodename}" in ran.stderr
        assert "--also" in ran.stderr
    assert place.objects == objects
    place.collect_all("--also", str(other_bare.path))
    assert len(place.packs) == 2
    place.assert_has("main", MAIN)
    made = clone(other_bare.path.as_uri(), place.folder / "made", "--no-checkout")
    made.git("config", "mlvers.remote.storage.url", str(place.store))
    made.git("checkout", "-q", "main")
    made.assert_contents(theirs)
    # It is gone for good: its content goes when somebody says so.
    shutil.rmtree(other_bare.path)
    ran = place.repo.fails("mlvers", "gc", "--remote", "--also", str(other_bare.path))
    assert ran.returncode == 5
    assert "no longer ask" in place.repo.mlvers("gc", "--remote", "--forget", "../other.git")
    assert place.repo.fails("mlvers", "gc", "--remote", "--forget", "../x.git").returncode == 2
    place.collect_all()
    assert len(place.packs) == 1
    place.assert_has("main", MAIN)


def test_who_uses_the_remote_is_told_once(place: Place) -> None:
    place.repo.mlvers("push")
    users = place.store / "content" / "users"
    (user,) = users.iterdir()
    told = json.loads(user.read_text())
    assert told == {"url": str(place.bare.path), "host": os.uname().nodename}
    made = place.clone()
    made.write("new.bin", noise(5000, "new"))
    made.commit("new")
    made.git("push", "-q")
    assert list(users.iterdir()) == [user]
    secret = "https://ada:secret@example.org/data.git?token=secret"
    made.git("remote", "add", "secret", secret)
    made.git("config", "remote.pushDefault", "secret")
    made.write("more.bin", noise(5000, "more"))
    made.commit("more")
    made.mlvers("push")
    texts = [path.read_text() for path in users.iterdir()]
    assert len(texts) == 2 and any("https://example.org/data.git" in text for text in texts)
    assert not any("secret" in text or "ada" in text for text in texts)


def test_keep_since(place: Place) -> None:
    made = place.clone()
    place.age(3)
    # It keeps more than usual, and never less.
    told = place.collect("--keep-since", "1 day ago", "--dry-run", repo=made)
    assert told["marked"]["packs"] == 0
    place.age(7)
    told = place.collect("--keep-since", "2 weeks ago", "--dry-run")
    assert told["needed"]["files"] == 3 and told["marked"]["packs"] == 0
    # Here the reflog has the commit, which is young; elsewhere nothing is known of it.
    assert place.collect("--keep-since", "8 days ago", "--dry-run")["marked"]["packs"] == 0
    told = place.collect("--keep-since", "8 days ago", "--dry-run", repo=made)
    assert told["marked"]["packs"] == 1


def test_the_grace(place: Place) -> None:
    place.repo.config("mlvers.gcGrace", "10")
    place.age(8)
    assert place.collect()["marked"]["packs"] == 0
    place.age(3)
    assert place.collect()["marked"]["packs"] == 1
    place.age(9)
    assert place.collect()["deleted"]["packs"] == 0
    place.age(2)
    assert place.collect()["deleted"]["packs"] == 1
    for value, word in (("soon", "no span of time"), ("5m", "at least 1h")):
        place.repo.config("mlvers.gcGrace", value)
        ran = place.repo.fails("mlvers", "gc", "--remote")
        assert ran.returncode == 2 and word in ran.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--also", "x"], "--also is about a remote"),
        (["--remote", "storage", "origin"], "--git-remote origin"),
        (["--remote", "--all"], "--all goes without --remote"),
        (["--remote", "--keep-since", "whenever"], "no time in the past"),
        (["--remote", "nowhere"], "no remote named 'nowhere'"),
        (["--remote", "--forget", "x", "--only-this"], "--forget deletes nothing else"),
    ],
)
def test_words_that_do_not_fit(place: Place, words: list[str], said: str) -> None:
    ran = place.repo.fails("mlvers", "gc", *words)
    assert ran.returncode == 2 and said in ran.stderr


def test_a_remote_that_is_not_made(place: Place) -> None:
    place.repo.mlvers("remote", "add", "other", str(place.folder / "not there"))
    ran = place.repo.fails("mlvers", "gc", "--remote", "other")
    assert ran.returncode == 5 and "not there" in ran.stderr


def test_content_beside_the_commits(place: Place) -> None:
    """A git remote without a server, in one store with its content."""
    store = place.folder / "both"
    repo = Repo.init(place.folder / "alone")
    repo.git("remote", "add", "origin", f"mlvers::{store}")
    repo.attributes("*.bin")
    repo.write_all(MAIN)
    repo.commit("main")
    branch(repo, "topic", TOPIC)
    repo.git("push", "-q", "-u", "origin", "main", "topic")
    repo.git("push", "-q", "origin", ":topic")
    repo.git("branch", "-q", "-D", "topic")
    place.store = store
    place.collect_all(repo=repo)
    made = clone(f"mlvers::{store}", place.folder / "made")
    made.assert_contents(MAIN)
    size = sum(path.stat().st_size for path in (store / "content/packs").glob("??/*"))
    assert 203_000 < size < 250_000


def test_content_beside_the_git_remote_of_others(place: Place) -> None:
    """A repository on this disk has its content beside it, and another one uses that place."""
    repo = Repo.init(place.folder / "alone")
    bare = Repo.init(place.folder / "alone.git", "--bare")
    repo.git("remote", "add", "origin", str(bare.path))
    repo.attributes("*.bin")
    repo.write_all(TOPIC)
    repo.commit("main")
    repo.git("push", "-q", "origin", "main")
    branch(repo, "topic", MAIN)
    repo.git("push", "-q", "origin", "topic")
    place.store = bare.path / "mlvers"
    place.collect_all(repo=repo)
    assert len(place.packs) == 2
    # Over there it is a matter of that repository alone.
    bare.git("branch", "-q", "-D", "topic")
    place.collect_all(repo=bare)
    assert len(place.packs) == 1
    place.repo.mlvers("remote", "add", "theirs", str(place.store))
    place.repo.mlvers("push", "--remote", "theirs")
    ran = place.repo.fails("mlvers", "gc", "--remote", "theirs")
    assert ran.returncode == 2 and "beside itself there" in ran.stderr
    place.age(8)
    said = place.repo.mlvers("gc", "--remote", "theirs", "--also", str(bare.path))
    assert "Nothing to delete" in said
    ran = repo.fails("mlvers", "gc", "--remote")
    assert ran.returncode == 2 and str(place.bare.path) in ran.stderr


@pytest.mark.s3
def test_on_s3(place: Place, s3: S3Server) -> None:
    """The bucket's own time counts, and cannot be changed: so there is no grace."""
    bucket = s3.new_bucket()
    for key, value in (s3.options() | {"url": f"s3://{bucket}/x"}).items():
        place.repo.git("config", "--global", f"mlvers.remote.storage.{key}", value)
    place.repo.git("config", "--global", "mlvers.gcGrace", "0")
    branch(place.repo, "topic", TOPIC)
    place.repo.git("push", "-q", "origin", "main", "topic")
    place.repo.git("branch", "-q", "-D", "topic")
    place.repo.git("push", "-q", "origin", ":topic")
    wait_for_a_second()
    seen = []
    for _ in range(3):
        told = place.collect("--force")
        seen.append((told["marked"]["packs"], told["deleted"]["packs"]))
        wait_for_a_second()
    assert seen == [(1, 0), (0, 1), (0, 0)]
    keys = s3.objects(bucket)
    assert not [key for key in keys if "doomed" in key or "/gc/" in key]
    assert sum(len(data) for key, data in keys.items() if "/packs/" in key) < 250_000
    place.assert_has("main", MAIN)


def wait_for_a_second() -> None:
    """S3 tells times in whole seconds."""
    time.sleep(1.1)
