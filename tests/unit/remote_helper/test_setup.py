"""What a clone through the helper finds set up in its repository, with the real git."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from git_mlvers.config.address import parse
from git_mlvers.git.repository import Repository
from git_mlvers.remote_helper import setup
from git_mlvers.remote_helper.job import Job
from tests.support.git import Repo, noise

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

DATA = noise(300_000)
OLD = noise(5_000, seed="old")
KEYS = {
    "filter.mlvers.process": "git-mlvers filter-process",
    "filter.mlvers.clean": "git-mlvers clean -- %f",
    "filter.mlvers.smudge": "git-mlvers smudge -- %f",
    "filter.mlvers.required": "true",
    "merge.mlvers.name": "git-mlvers: merge of pointers",
    "merge.mlvers.driver": "git-mlvers merge-driver %O %A %B %L %P %S %X %Y",
}
HOOKS = {"post-checkout", "post-commit", "post-merge", "post-rewrite", "pre-push"}


@pytest.fixture
def origin(make_repo: Callable[..., Repo], tmp_path: Path) -> Repo:
    """A bare repository with content beside it; nothing is set up for the user."""
    work, bare = make_repo("work"), make_repo("origin.git", "--bare")
    work.mlvers("init")
    work.attributes("*.bin")
    work.write("data.bin", OLD)
    work.commit()
    work.git("tag", "v1")
    work.write("data.bin", DATA)
    work.commit()
    work.git("push", "-q", str(bare.path), "main", "v1")
    return bare


@pytest.fixture
def clone(origin: Repo, tmp_path: Path) -> Callable[..., Repo]:
    """``clone(*options)``: clone `origin` through the helper, as a user with nothing set up."""

    def run(*options: str, url: str = f"mlvers::{origin.path}") -> Repo:
        ran = Repo(tmp_path).run("clone", "-q", *options, url, "clone")
        assert ran.stderr == ""
        return Repo(tmp_path / "clone")

    return run


def configured(repo: Repo) -> dict[str, str]:
    pairs = (line.partition("=") for line in repo.git("config", "--local", "--list").splitlines())
    return {key: value for key, _, value in pairs if ".mlvers." in key or key[:7] == "mlvers."}


def placed(repo: Repo) -> set[str]:
    return {path.name for path in (repo.common_dir() / "hooks").iterdir()} & HOOKS


class TestClone:
    def test_finds_filter_hooks_and_content(self, clone: Callable[..., Repo]) -> None:
        cloned = clone()
        cloned.assert_content("data.bin", DATA)
        cloned.assert_status()
        assert configured(cloned) == KEYS
        assert placed(cloned) == HOOKS
        assert cloned.pointers_on_disk() == []
        assert {path.name for path in cloned.path.iterdir()} == {
            ".git",
            ".gitattributes",
            ".mlversconfig",
            "data.bin",
        }

    def test_content_comes_without_a_cache_beside_it(
        self, clone: Callable[..., Repo], origin: Repo
    ) -> None:
        # Nothing but the place that goes with the git remote can have given the content.
        cloned = clone("--no-checkout")
        (origin.path / "mlvers").rename(origin.path / "away")
        assert "not on the remote" in cloned.run("checkout", "main", check=False).stderr
        cloned.assert_content("data.bin", b"version git-mlvers/1\n" + _rest(cloned))

    @pytest.mark.parametrize(
        ("options", "data"),
        [
            (["-b", "v1"], OLD),
            (["-b", "v1", "--single-branch"], OLD),
            (["-b", "main", "--single-branch"], DATA),
            (["--depth", "1"], DATA),
            (["-o", "upstream"], DATA),
            (["--config", "core.hooksPath=hooks"], DATA),
        ],
    )
    def test_with_options(
        self, clone: Callable[..., Repo], options: list[str], data: bytes, tmp_path: Path
    ) -> None:
        ran = Repo(tmp_path).run("clone", "-q", *options, f"mlvers::{tmp_path}/origin.git", "c")
        assert "git-mlvers: the repository" not in ran.stderr
        Repo(tmp_path / "c").assert_content("data.bin", data)

    def test_separate_git_dir(self, clone: Callable[..., Repo], tmp_path: Path) -> None:
        cloned = clone(f"--separate-git-dir={tmp_path / 'elsewhere'}")
        cloned.assert_content("data.bin", DATA)
        assert placed(cloned) == HOOKS
        assert (tmp_path / "elsewhere/hooks/pre-push").is_file()

    def test_into_the_directory_it_runs_in(self, origin: Repo, tmp_path: Path) -> None:
        here = tmp_path / "here"
        here.mkdir()
        Repo(here).git("clone", "-q", f"mlvers::{origin.path}", ".")
        Repo(here).assert_content("data.bin", DATA)

    @pytest.mark.parametrize("option", ["--bare", "--mirror"])
    def test_without_a_working_tree_nothing_is_written(
        self, clone: Callable[..., Repo], option: str
    ) -> None:
        cloned = clone(option)
        assert configured(cloned) == {}
        assert not placed(cloned)
        assert not (cloned.path / "mlvers").exists()
        cloned.git("fetch", "-q")
        assert configured(cloned) == {}

    def test_no_checkout_then_checkout(self, clone: Callable[..., Repo]) -> None:
        cloned = clone("--no-checkout")
        assert placed(cloned) == HOOKS - {"post-checkout"}
        cloned.git("checkout", "-q", "main")
        cloned.assert_content("data.bin", DATA)
        assert placed(cloned) == HOOKS

    def test_worktree(self, clone: Callable[..., Repo], tmp_path: Path) -> None:
        cloned = clone("--no-checkout")
        cloned.git("worktree", "add", "-q", str(tmp_path / "second"), "v1")
        Repo(tmp_path / "second").assert_content("data.bin", OLD)

    def test_the_clone_runs_no_hook_that_appeared_meanwhile(
        self, clone: Callable[..., Repo], home: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        # git 2.39.4 and 2.45.1 stop there.
        monkeypatch.setenv("GIT_TRACE", str(home / "trace"))
        clone()
        trace = (home / "trace").read_text()
        assert "git-remote-mlvers" in trace
        assert "hooks/" not in trace

    def test_submodules(self, origin: Repo, make_repo: Callable[..., Repo], tmp_path: Path) -> None:
        outer = make_repo("outer")
        allow = ["-c", "protocol.mlvers.allow=always"]
        outer.git(*allow, "submodule", "--quiet", "add", f"mlvers::{origin.path}", "sub")
        Repo(outer.path / "sub").assert_content("data.bin", DATA)
        outer.commit()
        args = [*allow, "clone", "-q", "--recurse-submodules", f"mlvers::{outer.path}", "all"]
        Repo(tmp_path).git(*args)
        sub = Repo(tmp_path / "all/sub")
        sub.assert_content("data.bin", DATA)
        assert placed(sub) == HOOKS
        assert configured(sub) == configured(Repo(tmp_path / "all")) == KEYS

    def test_a_set_up_user_gets_hooks_only(
        self, clone: Callable[..., Repo], installed: Path
    ) -> None:
        cloned = clone()
        cloned.assert_content("data.bin", DATA)
        assert configured(cloned) == {}
        assert placed(cloned) == HOOKS

    def test_a_filter_of_someone_else_is_left_alone(self, clone: Callable[..., Repo]) -> None:
        cloned = clone("-n", "-c", "filter.mlvers.process=mine")
        assert configured(cloned) == {"filter.mlvers.process": "mine"}

    def test_hooks_that_are_not_wanted_are_not_placed(self, clone: Callable[..., Repo]) -> None:
        cloned = clone("-c", "mlvers.hooks=false")
        assert not placed(cloned)
        cloned.assert_content("data.bin", DATA)

    def test_a_relative_path_means_the_same_inside(
        self, clone: Callable[..., Repo], tmp_path: Path
    ) -> None:
        cloned = clone(url="mlvers::./origin.git")
        cloned.assert_content("data.bin", DATA)
        assert cloned.git("remote", "get-url", "origin") == f"mlvers::{tmp_path}/origin.git"
        cloned.git("fetch", "-q")

    def test_what_is_rewritten_by_instead_of_stays(
        self, clone: Callable[..., Repo], tmp_path: Path, home: Path
    ) -> None:
        key = f"url.mlvers::{tmp_path}/.insteadOf"
        Repo(home).git("config", "--global", key, "mlvers::team/")
        cloned = clone(url="mlvers::team/origin.git")
        assert cloned.git("config", "remote.origin.url") == "mlvers::team/origin.git"
        cloned.assert_content("data.bin", DATA)


class TestFetch:
    @pytest.fixture
    def plain(self, origin: Repo, tmp_path: Path) -> Repo:
        """A repository of a user without git-mlvers, whose git remote has become ``mlvers::``."""
        plain = Repo.init(tmp_path / "plain")
        plain.git("remote", "add", "origin", f"mlvers::{origin.path}")
        return plain

    def test_sets_up_and_says_so_once(self, plain: Repo) -> None:
        first = plain.run("fetch", "-q")
        assert first.stderr.splitlines() == [
            "git-mlvers: this repository is set up for large files now,"
            " since origin is an mlvers:: remote",
            "hint: where pointers stand after git pull: git mlvers pull",
        ]
        assert configured(plain) == KEYS
        assert placed(plain) == HOOKS
        assert plain.run("fetch", "-q").stderr == ""
        plain.git("checkout", "-q", "main")
        plain.assert_content("data.bin", DATA)
        assert not (plain.path / ".git/mlvers/objects").is_symlink()

    def test_a_pull_that_merges_brings_content_at_once(self, plain: Repo) -> None:
        plain.write("other", "mine")
        plain.commit()
        merge = ("--no-rebase", "--allow-unrelated-histories")
        said = plain.run("pull", "-q", *merge, "origin", "main")
        assert "set up for large files now" in said.stderr
        assert "hint" not in said.stderr
        plain.assert_content("data.bin", DATA)

    def test_the_first_pull_of_all_tells_how_content_comes(self, plain: Repo) -> None:
        assert "git mlvers pull" in plain.run("pull", "-q", "origin", "main").stderr
        plain.mlvers("pull")
        plain.assert_content("data.bin", DATA)
        plain.assert_status()

    def test_a_hook_of_the_user_is_kept_and_told(self, plain: Repo) -> None:
        plain.hook("pre-push", "exit 0")
        said = plain.run("fetch", "-q").stderr
        assert "the hook pre-push that was there is kept as pre-push.before-mlvers" in said

    def test_a_mere_address_sets_nothing_up(
        self, origin: Repo, make_repo: Callable[..., Repo]
    ) -> None:
        other = make_repo("other")
        assert "refs/heads/main" in other.git("ls-remote", f"mlvers::{origin.path}")
        other.git("fetch", "-q", f"mlvers::{origin.path}", "main")
        assert configured(other) == {}
        assert not placed(other)

    def test_outside_of_a_repository(self, origin: Repo, home: Path) -> None:
        assert "refs/heads/main" in Repo(home).git("ls-remote", f"mlvers::{origin.path}")
        assert sorted(path.name for path in home.iterdir()) == [".gitconfig", "tmp"]

    def test_what_cannot_be_written_is_said_and_not_fatal(
        self, plain: Repo, capfd: pytest.CaptureFixture[str]
    ) -> None:
        (plain.path / ".git/config.lock").touch()
        repo = Repository.discover(str(plain.path), os.environ)
        url = plain.git("config", "remote.origin.url")
        setup.prepare(Job("origin", parse(url, repo.top), repo, os.environ))
        out, err = capfd.readouterr()
        assert out == ""
        assert err.startswith("git-mlvers: the repository is not set up for large files: ")
        assert "Traceback" not in err


def _rest(repo: Repo) -> bytes:
    return repo.blob("data.bin").partition(b"\n")[2]
