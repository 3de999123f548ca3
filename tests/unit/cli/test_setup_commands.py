"""install, uninstall and init, as a user sees them."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.support.environment import CHECKOUT
from tests.support.git import Repo

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PROGRAM = CHECKOUT / "bin/git-mlvers"
KEYS = {
    "filter.mlvers.process": "git-mlvers filter-process",
    "filter.mlvers.clean": "git-mlvers clean -- %f",
    "filter.mlvers.smudge": "git-mlvers smudge -- %f",
    "filter.mlvers.required": "true",
    "merge.mlvers.name": "git-mlvers: merge of pointers",
    "merge.mlvers.driver": "git-mlvers merge-driver %O %A %B %L %P %S %X %Y",
}


@pytest.fixture
def user(home: Path) -> Repo:
    """The home directory: commands run outside of any repository."""
    return Repo(home)


def configured(repo: Repo, *scope: str) -> dict[str, str]:
    listed = repo.git("config", *scope, "--list").splitlines()
    pairs = (line.partition("=") for line in listed)
    return {key: value for key, _, value in pairs if "mlvers" in key}


class TestInstall:
    def test_writes_the_filter_for_the_user(self, user: Repo) -> None:
        assert user.mlvers("install") == "git-mlvers is set up for this user"
        assert configured(user, "--global") == KEYS
        assert user.mlvers("install") == "git-mlvers is set up for this user, as it was before"

    def test_does_not_touch_the_file_the_second_time(self, user: Repo, home: Path) -> None:
        user.mlvers("install")
        before = (home / ".gitconfig").stat().st_ino
        user.mlvers("install")
        assert (home / ".gitconfig").stat().st_ino == before

    def test_keeps_other_configuration_byte_for_byte(self, user: Repo, home: Path) -> None:
        before = (home / ".gitconfig").read_bytes()
        user.mlvers("install")
        assert (home / ".gitconfig").read_bytes().startswith(before)
        user.mlvers("uninstall")
        assert (home / ".gitconfig").read_bytes() == before

    def test_skip_smudge_and_back(self, user: Repo) -> None:
        user.mlvers("install", "--skip-smudge")
        assert configured(user, "--global") == KEYS | {"mlvers.skipsmudge": "true"}
        user.mlvers("install")
        assert configured(user, "--global") == KEYS

    def test_a_foreign_filter_is_refused_without_force(self, user: Repo) -> None:
        user.git("config", "--global", "filter.mlvers.clean", "my-own clean")
        ran = user.fails("mlvers", "install")
        assert ran.returncode == 2
        assert "filter.mlvers.clean is 'my-own clean'" in ran.stderr
        assert "hint: give --force" in ran.stderr
        assert list(configured(user, "--global")) == ["filter.mlvers.clean"]
        user.mlvers("install", "--force")
        assert configured(user, "--global") == KEYS

    def test_an_older_installation_elsewhere_is_replaced(self, user: Repo) -> None:
        user.git(
            "config", "--global", "filter.mlvers.process", "'/old place/git-mlvers' filter-process"
        )
        user.mlvers("install")
        assert configured(user, "--global") == KEYS

    def test_system(self, user: Repo, home: Path) -> None:
        env = {"GIT_CONFIG_NOSYSTEM": "0"}
        user.mlvers("install", "--system", env=env)
        assert "filter-process" in (home / "system.gitconfig").read_text()
        assert configured(user, "--global") == {}
        assert "this machine" in user.mlvers("uninstall", "--system", env=env)
        assert "mlvers" not in (home / "system.gitconfig").read_text()

    def test_configuration_that_cannot_be_written(self, user: Repo, home: Path) -> None:
        env = {"GIT_CONFIG_GLOBAL": str(home / "gone" / "config")}
        ran = user.fails("mlvers", "install", env=env)
        assert ran.returncode == 7
        assert "could not lock config file" in ran.stderr

    @pytest.mark.parametrize("command", ["install", "uninstall"])
    def test_system_that_git_does_not_read(self, user: Repo, home: Path, command: str) -> None:
        user.mlvers("install", "--system", env={"GIT_CONFIG_NOSYSTEM": "0"})
        before = (home / "system.gitconfig").read_bytes()
        ran = user.fails("mlvers", command, "--system")
        assert ran.returncode == 2
        assert "GIT_CONFIG_NOSYSTEM is set" in ran.stderr
        assert (home / "system.gitconfig").read_bytes() == before

    def test_local_sets_up_the_repository_and_its_hooks(self, repo: Repo, user: Repo) -> None:
        said = repo.mlvers("install", "--local")
        assert configured(repo, "--local") == KEYS
        assert configured(user, "--global") == {}
        assert "pre-push" in said
        assert (repo.git_path("hooks") / "pre-push").exists()

    def test_local_needs_a_repository(self, user: Repo) -> None:
        ran = user.fails("mlvers", "install", "--local")
        assert ran.returncode == 3
        assert "not inside of a git repository" in ran.stderr

    def test_scopes_exclude_each_other(self, user: Repo) -> None:
        assert user.fails("mlvers", "install", "--local", "--system").returncode == 2

    def test_a_program_that_is_not_on_path_is_written_with_its_path(self, user: Repo) -> None:
        path = os.environ["PATH"].split(os.pathsep)
        without = os.pathsep.join(part for part in path if not (CHECKOUT / "bin").samefile(part))
        env = {"PATH": without}
        ran = user.program(str(PROGRAM), "install", env=env)
        assert ran.returncode == 0
        found = configured(user, "--global")
        assert found["filter.mlvers.process"] == f"{PROGRAM} filter-process"
        assert found["mlvers.program"] == str(PROGRAM)
        user.mlvers("install")
        assert configured(user, "--global") == KEYS

    def test_a_path_with_spaces_is_quoted(self, user: Repo, tmp_path: Path) -> None:
        (tmp_path / "with space").symlink_to(CHECKOUT / "bin")
        user.program(
            str(tmp_path / "with space/git-mlvers"), "install", env={"PATH": _plain_path()}
        )
        value = configured(user, "--global")["filter.mlvers.process"]
        assert value == f"'{tmp_path}/with space/git-mlvers' filter-process"

    def test_an_active_environment_is_not_relied_on(self, user: Repo) -> None:
        user.mlvers("install", env={"VIRTUAL_ENV": str(CHECKOUT)})
        assert configured(user, "--global")["mlvers.program"] == str(PROGRAM)


def _plain_path() -> str:
    """A PATH with git and Python, and no git-mlvers."""
    return os.pathsep.join(
        part
        for part in os.environ["PATH"].split(os.pathsep)
        if not os.path.exists(os.path.join(part, "git-mlvers"))
    )


class TestUninstall:
    def test_takes_everything_back(self, repo: Repo, user: Repo) -> None:
        repo.hook("pre-push", "exit 0")
        local = (repo.path / ".git/config").read_text()
        hooks = sorted(path.name for path in repo.git_path("hooks").iterdir())
        repo.mlvers("install")
        repo.mlvers("install", "--local")
        said = repo.mlvers("uninstall")
        assert "no longer set up for this user" in said
        assert "no longer set up for this repository" in said
        assert configured(repo) == {}
        assert (repo.path / ".git/config").read_text() == local
        assert sorted(path.name for path in repo.git_path("hooks").iterdir()) == hooks
        assert "exit 0" in (repo.git_path("hooks") / "pre-push").read_text()

    def test_leaves_foreign_values(self, user: Repo) -> None:
        user.git("config", "--global", "filter.mlvers.clean", "my-own clean")
        user.git("config", "--global", "filter.mlvers.required", "true")
        ran = user.run("mlvers", "uninstall")
        assert "filter.mlvers.clean is left" in ran.stderr
        assert set(configured(user, "--global")) == {
            "filter.mlvers.clean",
            "filter.mlvers.required",
        }

    def test_local_leaves_the_user_and_says_so(self, repo: Repo, installed: Path) -> None:
        repo.mlvers("init")
        ran = repo.run("mlvers", "uninstall", "--local")
        assert not (repo.git_path("hooks") / "pre-push").exists()
        assert configured(repo, "--global") == KEYS
        assert "git config mlvers.hooks false" in ran.stderr

    def test_nothing_to_do(self, user: Repo) -> None:
        assert user.mlvers("uninstall") == "there was nothing to take back"

    def test_keeps_remotes_and_other_settings(self, repo: Repo) -> None:
        repo.config("mlvers.remote.s.url", "s3://b")
        repo.config("mlvers.strict", "true")
        repo.mlvers("install", "--local")
        repo.mlvers("uninstall", "--local")
        assert configured(repo, "--local") == {
            "mlvers.remote.s.url": "s3://b",
            "mlvers.strict": "true",
        }


class TestInit:
    def test_sets_up_a_repository_alone(self, repo: Repo) -> None:
        said = repo.mlvers("init").splitlines()
        assert said == [
            "filter: set up for this repository",
            "hooks: post-checkout, post-commit, post-merge, post-rewrite, pre-push",
            ".mlversconfig: new; commit it with the first remote",
        ]
        assert configured(repo, "--local") == KEYS
        assert repo.read(".mlversconfig").startswith(b"# .mlversconfig")
        repo.assert_status("?? .mlversconfig")

    def test_is_idempotent(self, repo: Repo) -> None:
        repo.mlvers("init")
        before = (repo.path / ".git/config").read_bytes()
        assert repo.mlvers("init").splitlines() == [
            "filter: as it was",
            "hooks: as they were",
            ".mlversconfig: as it was",
        ]
        assert (repo.path / ".git/config").read_bytes() == before

    def test_relies_on_the_user_wide_filter(self, repo: Repo, installed: Path) -> None:
        assert repo.mlvers("init").splitlines()[0] == "filter: set up for the user"
        assert configured(repo, "--local") == {}

    def test_keeps_a_mlversconfig_that_is_only_committed(self, repo: Repo) -> None:
        repo.write(".mlversconfig", "[mlvers]\n")
        repo.commit()
        repo.remove(".mlversconfig")
        repo.mlvers("init")
        assert not repo.file(".mlversconfig").exists()

    def test_in_a_subdirectory(self, repo: Repo) -> None:
        repo.write("deep/er/x", "x")
        repo.mlvers("init", cwd="deep/er")
        assert repo.file(".mlversconfig").exists()

    def test_in_a_worktree(self, repo: Repo, tmp_path: Path) -> None:
        repo.write("a", "a")
        repo.commit()
        repo.git("worktree", "add", "-q", str(tmp_path / "w"))
        Repo(tmp_path / "w").mlvers("init")
        assert (repo.path / ".git/hooks/pre-push").exists()
        assert configured(repo, "--local") == KEYS
        assert (tmp_path / "w/.mlversconfig").exists()

    def test_in_a_submodule(self, repo: Repo, make_repo: Callable[..., Repo]) -> None:
        inner = make_repo("inner")
        inner.write("a", "a")
        inner.commit()
        repo.git("submodule", "--quiet", "add", str(inner.path), "sub")
        sub = Repo(repo.path / "sub")
        sub.mlvers("init")
        assert (repo.path / ".git/modules/sub/hooks/pre-push").exists()
        assert not (repo.path / ".git/hooks/pre-push").exists()
        assert configured(sub, "--local") == KEYS

    def test_a_bare_repository_gets_no_file(self, make_repo: Callable[..., Repo]) -> None:
        bare = make_repo("bare.git", "--bare")
        said = bare.mlvers("init")
        assert "pre-push" in said
        assert ".mlversconfig" not in said
        assert configured(bare, "--local") == KEYS
        assert (bare.path / "hooks/pre-push").exists()

    def test_outside_of_a_repository(self, user: Repo) -> None:
        assert user.fails("mlvers", "init").returncode == 3

    def test_a_foreign_hook_is_said_to_be_kept(self, repo: Repo) -> None:
        repo.hook("pre-push", "exit 0")
        ran = repo.run("mlvers", "init")
        assert "kept as pre-push.before-mlvers and runs first" in ran.stderr

    def test_a_read_only_repository_is_a_sentence(self, repo: Repo) -> None:
        if os.geteuid() == 0:
            # Nothing is read-only for root: a directory in the way serves as well.
            (repo.path / ".git/mlvers").write_text("in the way")
            assert repo.fails("mlvers", "init").returncode == 7
            return
        (repo.path / ".git").chmod(0o555)
        try:
            repo.fails("mlvers", "init")
        finally:
            (repo.path / ".git").chmod(0o755)


def test_git_can_start_what_install_wrote(user: Repo, tmp_path: Path) -> None:
    """The written command is one that sh understands, spaces and all."""
    (tmp_path / "with 'quote").symlink_to(CHECKOUT / "bin")
    program = str(tmp_path / "with 'quote/git-mlvers")
    user.program(program, "install", env={"PATH": _plain_path()})
    value = configured(user, "--global")["filter.mlvers.process"]
    command = value.replace("filter-process", "version")
    ran = subprocess.run(command, shell=True, capture_output=True, text=True, check=True)
    assert ran.stdout.startswith("git-mlvers ")


def test_quiet(repo: Repo) -> None:
    repo.write("a.bin", "x")
    for words in (
        ["install"],
        ["init"],
        ["track", "*.bin"],
        ["untrack", "*.bin"],
        ["add", "a.bin"],
        ["remote", "add", "s", "s3://bucket"],
        ["remote", "modify", "s", "region", "x"],
        ["remote", "default", "s"],
        ["remote", "rename", "s", "t"],
        ["remote", "trust", "t"],
        ["remote", "remove", "t"],
        ["uninstall"],
    ):
        ran = repo.run("mlvers", *words, "-q")
        assert ran.stdout + ran.stderr == "", words
