"""Lines of notes from many writers at once, and of very many commits: none is lost."""

from __future__ import annotations

import hashlib
import os
import random
import signal
from typing import TYPE_CHECKING

import pytest

from git_mlvers.git import notes, notes_line, notes_merge, notes_write
from git_mlvers.git.notes_line import Line
from git_mlvers.git.repository import Repository
from tests.support.notes import REF, bulk, lines, names, noted, show, write, writer

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.git import Repo

WRITERS = 40


@pytest.fixture
def commits(repo: Repo) -> list[str]:
    """Forty commits."""
    for number in range(WRITERS):
        repo.git("commit", "-q", "--allow-empty", "-m", str(number))
    return repo.git("rev-list", "HEAD").split()


def here(repo: Repo) -> Repository:
    return Repository.discover(str(repo.path), os.environ)


def run_at_once(repo: Repo, jobs: list[tuple[str, str]]) -> None:
    processes = [writer(repo, commit, name) for commit, name in jobs]
    for process in processes:
        assert process.stdin is not None
        process.stdin.close()  # now all of them begin
    for process in processes:
        assert process.wait() == 0, process.stderr
        assert process.stderr is not None
        process.stderr.close()


def test_forty_writers_on_forty_commits(repo: Repo, commits: list[str]) -> None:
    run_at_once(repo, [(commit, f"run-{commit[:8]}") for commit in commits])
    assert noted(repo) == set(commits)
    for commit in commits:
        assert names(repo, commit) == [f"run-{commit[:8]}"]
    repo.fsck()


def test_forty_writers_on_one_commit(repo: Repo, commits: list[str]) -> None:
    run_at_once(repo, [(commits[0], f"run-{number}") for number in range(WRITERS)])
    assert names(repo) == sorted(f"run-{number}" for number in range(WRITERS))
    assert len(lines(repo)) == WRITERS


def test_without_the_lock_the_ref_itself_guards(
    repo: Repo, commits: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    mine, other = here(repo), here(repo)
    found = notes.tip
    told: list[str] = []

    def interrupted(asked: Repository, ref: str = notes.REF) -> str | None:
        answer = found(asked, ref)
        if len(told) < 3:
            told.append(ref)
            line = Line("2026-11-21T02:47:15Z", f"other-{len(told)}", commits[0])
            stream = notes_write._stream(
                ref,
                answer,
                change_of(commits[0], notes_line.add(text_of(other, commits[0]), [line])),
                b"T <t@example.com> 1700000000 +0000",
                "other",
            )
            other.git("fast-import", "--quiet", "--date-format=raw", input=stream)
        return answer

    monkeypatch.setattr(notes, "tip", interrupted)
    line = Line("2026-11-21T02:47:15Z", "mine", commits[0])
    notes_write.append(mine, {commits[0]: [line]}, why="mine")
    assert names(repo, commits[0]) == ["mine", "other-1", "other-2", "other-3"]


def change_of(commit: str, text: bytes) -> notes_write.Change:
    change = notes_write.Change()
    change.put(commit, (), text)
    return change


def text_of(repo: Repository, commit: str) -> bytes:
    return notes.read(repo, [commit]).get(commit, b"")


def test_a_ref_that_stays_locked_is_told(
    repo: Repo, commits: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write(repo, commits[0], "one")
    lock = repo.common_dir() / f"{REF}.lock"
    lock.touch()
    monkeypatch.setattr(notes_write, "_PAUSE", 0.0)
    monkeypatch.setattr(notes_write, "_TRIES", 3)
    line = Line("2026-11-21T02:47:15Z", "two", commits[0])
    with pytest.raises(notes_write.NotesBusy, match="cannot be changed") as raised:
        notes_write.append(here(repo), {commits[0]: [line]}, why="test")
    assert str(lock) in str(raised.value.hint)
    lock.unlink()
    assert names(repo, commits[0]) == ["one"]


def test_killed_writers_lose_nothing_of_others(repo: Repo, commits: list[str]) -> None:
    chance = random.Random(7)
    for _ in range(3):
        processes = [writer(repo, commit, "kept") for commit in commits[:8]]
        for process in processes:
            assert process.stdin is not None
            process.stdin.close()
        for process in chance.sample(processes, 3):
            process.send_signal(signal.SIGKILL)
        for process in processes:
            process.wait()
            assert process.stderr is not None
            process.stderr.close()
    for commit in commits[:8]:
        write(repo, commit, "kept", "after")
        assert names(repo, commit) == ["after", "kept"]
    repo.fsck()


def test_notes_in_every_form_that_git_gives_them(repo: Repo, commits: list[str]) -> None:
    # With few notes git keeps them flat, and it moves all of them when it writes one.
    repo.git("notes", f"--ref={REF}", "add", "-m", "by hand", commits[1])
    write(repo, commits[1], "one")
    write(repo, commits[2], "two")
    repo.git("notes", f"--ref={REF}", "add", "-m", "by hand", commits[3])
    write(repo, commits[2], "three")
    assert show(repo, commits[1]).splitlines()[0] == "by hand"
    assert names(repo, commits[2]) == ["three", "two"]
    listed = repo.git("ls-tree", "-r", "--name-only", REF).split()
    assert sorted(path.replace("/", "") for path in listed) == sorted(commits[1:4])


def test_sha256(make_repo: Callable[..., Repo]) -> None:
    repo = make_repo("other", "--object-format=sha256")
    repo.git("commit", "-q", "--allow-empty", "-m", "one")
    write(repo, repo.head(), "one", "two")
    assert names(repo) == ["one", "two"]
    assert list(notes.read_all(here(repo), REF)) == [repo.head()]


def test_without_a_name_for_the_committer(repo: Repo, home: Path) -> None:
    repo.git("commit", "-q", "--allow-empty", "-m", "one")
    (home / ".gitconfig").write_text("[user]\nuseConfigOnly = true\n")
    write(repo, repo.head(), "one")
    assert names(repo) == ["one"]


class TestMany:
    """50,000 notes."""

    COUNT = 50_000

    @pytest.fixture
    def many(self) -> list[str]:
        """Ids of commits."""
        return [hashlib.sha1(b"%d" % number).hexdigest() for number in range(self.COUNT)]

    def test_reading_and_merging(self, repo: Repo, many: list[str]) -> None:
        repo.git("commit", "-q", "--allow-empty", "-m", "one")
        bulk(repo, many)
        old = repo.head(REF)
        parts = here(repo)
        found = notes.read_all(parts, REF)
        assert len(found) == self.COUNT
        assert list(notes.read(parts, [many[7]])) == [many[7]]
        assert notes_line.lines_of(found[many[7]])[0].params == {"train.C": 7}

        # Half of them change on one side, and half of these on the other one too.
        self.change(parts, many[: self.COUNT // 2], "mine")
        mine = repo.head(REF)
        repo.git("update-ref", REF, old)
        self.change(parts, many[self.COUNT // 4 :], "other")
        theirs = repo.head(REF)
        repo.git("update-ref", REF, mine)
        changed = notes_merge.merge(parts, theirs)
        assert set(changed) == set(many[self.COUNT // 4 :])
        ids = {
            commit: {line.id for line in notes_line.lines_of(text)} - {commit[:16]}
            for commit, text in notes.read_all(parts, REF).items()
        }
        for number, commit in enumerate(many):
            wanted = {"mine"} if number < self.COUNT // 2 else set()
            assert ids[commit] == wanted | ({"other"} if number >= self.COUNT // 4 else set())
        assert repo.git("rev-list", "--parents", "-1", REF).split()[1:] == [mine, theirs]

    @staticmethod
    def change(parts: Repository, commits: list[str], name: str) -> None:
        line = Line("2026-11-21T02:47:15Z", name, "")
        lines = {commit: [line._replace(commit=commit)] for commit in commits}
        notes_write.append(parts, lines, why=name)
