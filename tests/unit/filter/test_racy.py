"""Which files get an earlier time after a checkout, and what the index is told of them."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest

from git_mlvers.filter.smudge import Piped
from git_mlvers.filter.stat import refresh_index
from git_mlvers.git.index import read_entries
from git_mlvers.git.repository import Repository
from git_mlvers.oid import Oid

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.git import Repo

SECOND = 1_000_000_000
CONTENT = b"content"


class Checkout:
    """A file that Git has just written, with an index of the same second."""

    def __init__(self, repo: Repo) -> None:
        self.file = repo.write("a.bin", CONTENT)
        repo.git("add", "a.bin")
        self.repo = Repository.discover(str(repo.path), os.environ)
        self.second = int(time.time())
        self.set_times(self.second * SECOND + 100, self.second * SECOND + 200)
        blob = repo.git("rev-parse", ":a.bin").strip()
        self.piped = Piped(b"a.bin", blob, Oid.of(CONTENT), len(CONTENT), self.second)

    def set_times(self, file: int, index: int) -> None:
        os.utime(self.file, ns=(file, file))
        os.utime(self.repo.index_path, ns=(index, index))

    def recorded(self) -> int:
        """The second that the index knows of the file."""
        (entry,) = read_entries(self.repo.index_path, "sha1")
        return entry.mtime_s

    def age(self) -> float:
        """How many seconds the file is older than the second of the index."""
        return self.second - self.file.stat().st_mtime_ns / SECOND

    def refresh(self, **changes: object) -> None:
        refresh_index(self.repo, [], [self.piped._replace(**changes)])


@pytest.fixture
def checkout(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> Checkout:
    monkeypatch.chdir(repo.path)
    return Checkout(repo)


def as_recorded(checkout: Checkout) -> None:
    """Let the index know of the file as it is, keeping both times."""
    file = checkout.file.stat().st_mtime_ns
    index = os.stat(checkout.repo.index_path).st_mtime_ns
    checkout.repo.git("add", "a.bin")
    checkout.set_times(file, index)


def test_file_of_the_same_second_is_made_older(checkout: Checkout) -> None:
    as_recorded(checkout)
    checkout.refresh()
    assert checkout.age() == 2


def test_file_of_an_earlier_second_is_left_alone(checkout: Checkout) -> None:
    before = (checkout.second - 1) * SECOND
    checkout.set_times(before, checkout.second * SECOND)
    checkout.refresh()
    assert checkout.file.stat().st_mtime_ns == before


def edit(checkout: Checkout) -> None:
    checkout.file.write_bytes(CONTENT + b"!")


def replace_by_link(checkout: Checkout) -> None:
    checkout.file.rename(checkout.file.with_name("other"))
    checkout.file.symlink_to("other")


@pytest.mark.parametrize("change", [edit, replace_by_link])
def test_what_is_not_what_git_wrote_is_left_alone(
    checkout: Checkout, change: Callable[[Checkout], None]
) -> None:
    recorded = checkout.recorded()
    change(checkout)
    before = os.lstat(checkout.file).st_mtime_ns
    checkout.refresh()
    assert os.lstat(checkout.file).st_mtime_ns == before
    assert checkout.recorded() == recorded


def test_edit_of_the_same_size_after_the_index_stays_visible(checkout: Checkout) -> None:
    checkout.file.write_bytes(CONTENT[::-1])
    checkout.set_times(checkout.second * SECOND + 300, checkout.second * SECOND + 200)
    checkout.refresh()
    assert checkout.age() <= 0
    assert "a.bin" in checkout.repo.git("diff-files", "--name-only").decode()


def test_nothing_is_touched_when_git_did_not_write_its_index(checkout: Checkout) -> None:
    now = checkout.second * SECOND
    checkout.set_times(now, now - 60 * SECOND)
    checkout.refresh()
    assert checkout.file.stat().st_mtime_ns == now


def test_what_went_through_the_pipe_long_ago_is_not_looked_at(checkout: Checkout) -> None:
    before = checkout.file.stat().st_mtime_ns
    checkout.refresh(when=checkout.second - 10.0)
    assert checkout.file.stat().st_mtime_ns == before


def test_missing_file_and_missing_index_are_passed_over(checkout: Checkout) -> None:
    checkout.file.unlink()
    checkout.refresh()
    os.unlink(checkout.repo.index_path)
    checkout.refresh()
