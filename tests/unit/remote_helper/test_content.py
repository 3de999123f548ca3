"""Content goes to its place before the helper lets refs move, or the refs are refused."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from git_mlvers.config.address import parse
from git_mlvers.git.refs import RefUpdate
from git_mlvers.git.repository import Repository
from git_mlvers.progress import Silent
from git_mlvers.remote_helper.content import REASON_SIZE, send_content
from git_mlvers.remote_helper.job import Job
from tests.support.git import Repo, noise

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

DATA = noise(200_000)
MORE = noise(3_000, seed="more")
NONE = "0" * 40


@pytest.fixture
def work(make_repo: Callable[..., Repo], installed: Path) -> Repo:
    """A repository with one commit that has content, and a git remote that is a store."""
    work = make_repo("work")
    work.attributes("*.bin")
    work.write("data.bin", DATA)
    work.commit()
    work.git("remote", "add", "origin", "mlvers::../store")
    return work


def job_of(repo: Repo, name: str = "origin", url: str = "../store") -> Job:
    found = Repository.discover(str(repo.path), os.environ)
    return Job(name, parse(url, found.top), found, os.environ)


def update(new: str, old: str = NONE, ref: str = "refs/heads/main") -> RefUpdate:
    return RefUpdate(ref, new, ref, old)


def send(job: Job, updates: Sequence[RefUpdate], advertised: Sequence[str] = ()) -> str | None:
    return send_content(job, updates, advertised, Silent())


def packs(store: Path) -> list[Path]:
    return sorted(store.glob("content/packs/*/*"))


def test_content_is_in_the_store_afterwards(work: Repo, tmp_path: Path) -> None:
    assert send(job_of(work), [update(work.head())]) is None
    assert len(packs(tmp_path / "store")) == 1
    # Whoever reads the history from there finds the content there.
    other = work.clone_to(tmp_path / "other", "--no-checkout")
    other.git("remote", "set-url", "origin", f"mlvers::{tmp_path}/store")
    other.git("checkout", "-q", "main")
    other.assert_content("data.bin", DATA)


def test_git_is_not_asked_for_the_refs_of_the_git_remote(
    work: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = work.head()
    work.write("more.bin", MORE)
    new = update(work.commit(), ref="refs/heads/new")
    for path in (work.cache_dir() / "objects").rglob("*"):
        if path.is_file():  # the large one; small content is in packs
            path.unlink()
    monkeypatch.setenv("GIT_TRACE", str(tmp_path / "trace"))
    # The branch is new there: what the git remote has is known only from what it advertised.
    assert send(job_of(work), [new], ["1" * 40]) is not None
    assert send(job_of(work), [new], [first, "1" * 40]) is None
    assert "ls-remote" not in (tmp_path / "trace").read_text()
    assert len(packs(tmp_path / "store")) == 1


def test_deletions_open_nothing(work: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("git_mlvers.remote_helper.content.Workspace", None)
    assert send(job_of(work), [update(NONE, work.head())], [work.head()]) is None


def test_history_without_content_makes_no_store(
    make_repo: Callable[..., Repo], tmp_path: Path
) -> None:
    plain = make_repo("plain")
    plain.write("a", "a")
    assert send(job_of(plain), [update(plain.commit())]) is None
    assert not (tmp_path / "store").exists()


def test_missing_content_is_the_reason(
    work: Repo, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    work.drop_cache()
    reason = send(job_of(work), [update(work.head())])
    assert reason is not None
    assert reason.startswith("mlvers: the content of 'data.bin' is neither in the cache nor on")
    out, err = capfd.readouterr()
    assert out == ""
    assert err == (
        "hint: add the file again, or fetch its content from where it is: git mlvers fetch\n"
    )
    assert not packs(tmp_path / "store")


def test_of_older_commits_it_is_a_remark(work: Repo, capfd: pytest.CaptureFixture[str]) -> None:
    old = work.head()
    work.drop_cache()
    work.write("data.bin", MORE)
    new = work.commit()
    assert send(job_of(work), [update(new, old)], [old]) is None
    said = capfd.readouterr().err
    assert "content of older commits is neither here nor on the remote: data.bin" in said


def test_no_place_for_content_is_a_reason(work: Repo, capfd: pytest.CaptureFixture[str]) -> None:
    job = job_of(work, "https://host/x", "https://host/x")
    reason = send(job, [update(work.head())])
    assert reason == "mlvers: there are large files to push and no remote for their content"
    assert "git mlvers remote add" in capfd.readouterr().err


def test_a_configured_place_counts(work: Repo, tmp_path: Path) -> None:
    work.config("mlvers.remote", "content")
    work.config("mlvers.remote.content.url", str(tmp_path / "content"))
    assert send(job_of(work), [update(work.head())]) is None
    assert packs(tmp_path / "content")
    assert not (tmp_path / "store").exists()


def test_a_place_that_nobody_agreed_to_is_a_reason(
    work: Repo, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    work.write(".mlversconfig", f'[mlvers "remote.s"]\n\turl = {tmp_path}/chosen\n')
    reason = send(job_of(work), [update(work.commit())])
    assert reason is not None
    assert "to which you have not agreed" in reason or "…" in reason
    assert "git mlvers remote trust s" in capfd.readouterr().err
    assert not (tmp_path / "chosen").exists()


def test_a_long_reason_is_cut_and_told_in_full(
    work: Repo, capfd: pytest.CaptureFixture[str]
) -> None:
    name = "é" * 120 + ".bin"
    work.write(name, MORE)
    work.commit()
    work.drop_cache()
    reason = send(job_of(work), [update(work.head(), work.head("HEAD~1"))], [work.head("HEAD~1")])
    assert reason is not None
    assert len(reason.encode()) <= REASON_SIZE
    assert reason.endswith("…")
    assert name in capfd.readouterr().err


def test_a_name_with_line_ends_stays_in_one_line(work: Repo) -> None:
    work.write("a\nok refs.bin", MORE)
    work.commit()
    work.drop_cache()
    reason = send(job_of(work), [update(work.head())])
    assert reason is not None
    assert "\n" not in reason


def test_in_a_bare_repository(work: Repo, tmp_path: Path) -> None:
    bare = work.clone_to(tmp_path / "bare.git", "--bare")
    bare.git("remote", "add", "store", f"mlvers::{tmp_path}/store")
    # Its own cache is empty: the content is that of the repository it was cloned from.
    assert send(job_of(bare, "store"), [update(work.head())]) is None
    assert packs(tmp_path / "store")
    bare.git("remote", "rm", "origin")
    work.write("data.bin", MORE)
    new = work.commit()
    bare.git("fetch", "-q", str(work.path), "main")
    reason = send(job_of(bare, "store"), [update(new)])
    assert reason is not None
    assert "is neither in the cache" in reason


def test_the_repository_that_git_names_counts(work: Repo, tmp_path: Path) -> None:
    environment = {**os.environ, "GIT_DIR": str(work.path / ".git")}
    found = Repository.discover(str(tmp_path), environment)
    job = Job("origin", parse(str(tmp_path / "store"), "/"), found, environment)
    assert send(job, [update(work.head())]) is None
    assert packs(tmp_path / "store")


def test_what_is_pushed_elsewhere_goes_there(work: Repo, tmp_path: Path) -> None:
    work.git("remote", "set-url", "--push", "origin", "mlvers::../second")
    assert send(job_of(work, url="../second"), [update(work.head())]) is None
    assert packs(tmp_path / "second")
    assert not (tmp_path / "store").exists()
