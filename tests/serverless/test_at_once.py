"""Several who push at the same time, some of whom are killed: nobody's push is lost."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from tests.support.git import Repo
from tests.support.serverless import address, commit, refs_at, whole
from tests.support.trouble import At, Running, Trouble

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.s3server import S3Server

SWAP = "git_mlvers.serverless.store:Store.swap"


class Team:
    """`count` clones of one repository at `url`."""

    def __init__(self, folder: Path, url: str, count: int) -> None:
        self.folder = folder
        self.url = url
        first = Repo.init(folder / "first")
        commit(first, "start")
        first.git("push", "-q", url, "main")
        self.members = [Repo(folder / f"member{number}") for number in range(count)]
        for member in self.members:
            first.git("clone", "-q", url, str(member.path))
        self.wanted: dict[str, str] = {}
        self.shared: set[str] = set()

    def round(self, number: int, killed: int | None = None) -> None:
        """Each pushes a branch of its own, and one more commit on a common branch if it can."""
        running = []
        for who, member in enumerate(self.members):
            member.git("checkout", "-q", "-B", f"own{who}-{number}", "origin/main")
            self.wanted[f"refs/heads/own{who}-{number}"] = commit(member, f"own{who}-{number}")
            words = ("git", "push", "-q", self.url, "HEAD")
            running.append(Running(member.path, words))
        if killed is not None:
            running[killed].kill()
        for who, one in enumerate(running):
            ended = one.end()
            if who == killed:
                self.members[who].git("push", "-q", self.url, "HEAD")
            else:
                assert ended.code == 0, ended.err

    def race(self, number: int) -> None:
        """All want to add a commit to main at once, and try until they have."""
        left = list(enumerate(self.members))
        while left:
            for who, member in left:
                member.git("fetch", "-q", "origin")
                member.git("checkout", "-q", "--detach", "origin/main")
                commit(member, f"shared{who}-{number}")
            words = ("git", "push", "-q", "origin", "HEAD:refs/heads/main")
            ended = [Running(member.path, words) for _, member in left]
            codes = [one.end().code for one in ended]
            assert 0 in codes
            left = [pair for pair, code in zip(left, codes, strict=True) if code != 0]
        self.shared |= {f"shared{who}-{number}" for who in range(len(self.members))}

    def check(self) -> None:
        """Everything is there, and whole."""
        found = refs_at(self.members[0], self.url.removeprefix("mlvers::"))
        assert {name: found.get(name) for name in self.wanted} == self.wanted
        made = whole(self.url.removeprefix("mlvers::"), self.folder / "check", "--mirror")
        files = made.git("ls-tree", "--name-only", "refs/heads/main").split()
        assert self.shared <= set(files)


@pytest.mark.parametrize("count", [2, 6])
def test_on_a_directory(tmp_path: Path, count: int) -> None:
    team = Team(tmp_path, address(tmp_path / "store"), count)
    dice = random.Random(7)
    for number in range(5):
        team.round(number, killed=dice.randrange(count))
    team.race(1)
    team.check()


@pytest.mark.s3
def test_on_s3(tmp_path: Path, s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in s3.environment().items():
        monkeypatch.setenv(name, value)
    team = Team(tmp_path, f"mlvers::s3://{s3.new_bucket()}/team", 6)
    for number in range(3):
        team.round(number, killed=number)
    team.check()


def test_two_first_pushes(work: Repo, place: Path, tmp_path: Path) -> None:
    other = Repo.init(tmp_path / "other")
    commit(other, "other")
    trouble = Trouble(tmp_path, At(SWAP, do="hold"))
    running = trouble.start(work, "git", "push", "-q", "store", "main:mine")
    trouble.wait()
    other.git("push", "-q", address(place), "main:theirs")
    trouble.go_on()
    assert running.end().code == 0
    assert {"refs/heads/mine", "refs/heads/theirs"} <= set(refs_at(work, place))
    whole(place, tmp_path / "mirror", "--mirror")


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("main",), "(fetch first)"),
        (("+main",), "(fetch first)"),
        (("--force-with-lease", "main"), "(stale info)"),
        (("main:refs/tags/v1",), "(already exists)"),
        (("main:refs/heads/a/b",), "'refs/heads/a' exists"),
        (("--atomic", "main", "main:more"), "(atomic push failed)"),
    ],
)
def test_rules_count_for_what_others_made(
    pushed: Repo, place: Path, tmp_path: Path, words: tuple[str, ...], reason: str
) -> None:
    """Between the look and the change of one, another one changes the same ref."""
    other = whole(place, tmp_path / "other")
    theirs = commit(other, "theirs")
    commit(pushed, "mine")
    trouble = Trouble(tmp_path, At(SWAP, do="hold"))
    running = trouble.start(pushed, "git", "push", "store", *words)
    trouble.wait()
    other.git("push", "-q", "origin", "main", "main:refs/tags/v1", "main:refs/heads/a")
    trouble.go_on()
    ended = running.end()
    assert ended.code != 0
    assert reason in ended.err
    found = refs_at(pushed, place)
    assert found["refs/heads/main"] == found["refs/tags/v1"] == found["refs/heads/a"] == theirs
    assert "refs/heads/more" not in found


@pytest.mark.parametrize(
    ("at", "done"),
    [
        (At("git_mlvers.serverless.packing:upload", "after", do="kill all"), False),
        (At("git_mlvers.backend.directory:Directory.create", "before", do="kill all"), False),
        (At("git_mlvers.serverless.store:Store._write", do="kill all"), False),
        (At("git_mlvers.serverless.store:Store._write", "after", do="kill all"), True),
        (At("git_mlvers.serverless.push:Pusher._done", do="kill"), True),
    ],
    ids=str,
)
def test_killed(pushed: Repo, place: Path, tmp_path: Path, at: At, done: bool) -> None:
    """The old state or the new one, and the next push goes through."""
    old, new = pushed.head(), commit(pushed, "three")
    trouble = Trouble(tmp_path, at)
    ended = trouble.run(pushed, "git", "push", "-q", "store", "main")
    assert trouble.happened
    assert ended.code != 0
    assert refs_at(pushed, place)["refs/heads/main"] == (new if done else old)
    whole(place, tmp_path / "between")
    pushed.git("push", "-q", "store", "main")
    assert whole(place, tmp_path / "after").head() == new
