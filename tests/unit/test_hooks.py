"""The hook shims, and how they get beside other people's hooks and away again."""

from __future__ import annotations

import io
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest

from git_mlvers import hooks
from git_mlvers.config import Config
from git_mlvers.errors import UsageError
from git_mlvers.git.repository import Repository
from git_mlvers.hooks import place
from git_mlvers.progress import Silent
from tests.support.powers import without_powers

if TYPE_CHECKING:
    from collections.abc import Callable

    from git_mlvers.workspace import Workspace
    from tests.support.git import Repo

FOREIGN = "#!/bin/sh\necho foreign >> ../foreign.log\n"


def parts(repo: Repo) -> tuple[Repository, Config]:
    found = Repository.discover(str(repo.path), os.environ)
    return found, Config.load(found, os.environ)


def install(repo: Repo) -> hooks.Report:
    return hooks.install(*parts(repo))


def uninstall(repo: Repo) -> hooks.Report:
    return hooks.uninstall(*parts(repo))


def hook_file(repo: Repo, name: str = "pre-push") -> Path:
    return repo.git_path("hooks") / name


def put_foreign(repo: Repo, name: str = "pre-push", text: str = FOREIGN) -> Path:
    path = hook_file(repo, name)
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


def fake_program(tmp_path: Path, text: str) -> dict[str, str]:
    """An environment in which the program is `text`, an sh script."""
    directory = tmp_path / "fake"
    directory.mkdir(exist_ok=True)
    (directory / "git-mlvers").write_text(f"#!/bin/sh\n{text}\n")
    (directory / "git-mlvers").chmod(0o755)
    return {"PATH": f"{directory}:/usr/bin:/bin"}


@pytest.mark.parametrize("name", hooks.NAMES)
def test_a_shim_is_executable_sh_and_recognised(name: str, repo: Repo) -> None:
    install(repo)
    path = hook_file(repo, name)
    assert path.read_bytes() == place.shim(name)
    assert stat.S_IMODE(path.stat().st_mode) == 0o755
    assert place.is_ours(str(path), name)
    repo.program("sh", "-n", str(path))


def test_installing_twice_changes_nothing(repo: Repo) -> None:
    assert sorted(install(repo).changed) == sorted(hooks.NAMES)
    before = hook_file(repo).stat().st_ino
    assert install(repo) == hooks.Report([], [])
    assert hook_file(repo).stat().st_ino == before


def test_an_older_shim_is_replaced(repo: Repo) -> None:
    put_foreign(repo, text="#!/bin/sh\n# git-mlvers hook 0: pre-push\n")
    report = install(repo)
    assert "pre-push" in report.changed
    assert not Path(f"{hook_file(repo)}{place.KEPT}").exists()


def test_uninstall_leaves_the_directory_as_it_was(repo: Repo) -> None:
    put_foreign(repo)
    hook_file(repo, "post-commit").symlink_to("somewhere/else")
    put_foreign(repo, "commit-msg")
    before = snapshot(repo.git_path("hooks"))
    install(repo)
    assert snapshot(repo.git_path("hooks")) != before
    assert sorted(uninstall(repo).changed) == sorted(hooks.NAMES)
    assert snapshot(repo.git_path("hooks")) == before
    assert not repo.cache_dir().exists()


def snapshot(directory: Path) -> dict[str, tuple[int, str]]:
    return {
        path.name: (
            path.lstat().st_mode,
            str(path.readlink()) if path.is_symlink() else path.read_text(),
        )
        for path in directory.iterdir()
    }


def test_a_foreign_hook_that_came_later_is_not_removed(repo: Repo) -> None:
    put_foreign(repo)
    install(repo)
    hook_file(repo).unlink()
    put_foreign(repo, text="#!/bin/sh\n# another tool\n")
    report = uninstall(repo)
    assert "another tool" in hook_file(repo).read_text()
    assert any(place.KEPT in remark for remark in report.remarks)


def test_two_foreign_hooks_are_one_too_many(repo: Repo) -> None:
    put_foreign(repo)
    install(repo)
    hook_file(repo).unlink()
    put_foreign(repo, text="#!/bin/sh\n# another tool\n")
    report = install(repo)
    assert "another tool" in hook_file(repo).read_text()
    assert "pre-push" not in report.changed
    assert any("both" in remark for remark in report.remarks)


def test_an_interrupted_installation_is_taken_up(repo: Repo) -> None:
    path = put_foreign(repo)
    os.link(path, f"{path}{place.KEPT}")
    install(repo)
    assert place.is_ours(str(path), "pre-push")
    assert Path(f"{path}{place.KEPT}").read_text() == FOREIGN


def test_a_hook_that_pre_commit_runs_for_us_is_left_alone(repo: Repo) -> None:
    install(repo)
    hook_file(repo).rename(f"{hook_file(repo)}.legacy")
    put_foreign(repo, text="#!/bin/sh\n# pre-commit\n")
    assert install(repo).changed == []
    assert "pre-commit" in hook_file(repo).read_text()


def test_a_directory_in_the_place_of_a_hook_is_reported(repo: Repo) -> None:
    hook_file(repo).mkdir(parents=True)
    report = install(repo)
    assert any("is a directory" in remark for remark in report.remarks)
    assert "post-commit" in report.changed


def test_a_hook_that_cannot_be_read_is_not_called_foreign(repo: Repo) -> None:
    install(repo)
    path = hook_file(repo)
    path.chmod(0)
    with without_powers():
        report = install(repo)
        assert hooks.states(*parts(repo))[place.NAMES.index("pre-push")].state == place.UNREADABLE
        taken = uninstall(repo)
    assert report.changed == []
    assert len(report.remarks) == 1
    assert str(path) in report.remarks[0]
    assert "cannot be read" in report.remarks[0]
    assert path.exists()
    assert not path.with_name("pre-push.before-mlvers").exists()
    assert "pre-push" not in taken.changed
    assert taken.remarks == [f"{path} is left, since it cannot be read"]


def test_worktrees_share_the_hooks(repo: Repo, tmp_path: Path) -> None:
    repo.write("a", "a")
    repo.commit()
    repo.git("worktree", "add", "-q", str(tmp_path / "other"))
    found = Repository.discover(str(tmp_path / "other"), os.environ)
    hooks.install(found, Config.load(found, os.environ))
    assert place.is_ours(str(repo.path / ".git/hooks/pre-push"), "pre-push")


def test_a_shared_hooks_path_is_used_and_said(repo: Repo, tmp_path: Path) -> None:
    shared = tmp_path / "shared hooks"
    repo.config("core.hooksPath", str(shared))
    report = install(repo)
    assert place.is_ours(str(shared / "pre-push"), "pre-push")
    assert str(shared) in report.remarks[0]
    assert not (repo.path / ".git/hooks/pre-push").exists()
    uninstall(repo)
    assert list(shared.iterdir()) == []


def test_hooks_in_the_working_tree_are_the_users(repo: Repo) -> None:
    repo.write("ci/hooks/pre-push", FOREIGN, mode=0o755)
    repo.config("core.hooksPath", "ci/hooks")
    report = install(repo)
    assert report.changed == []
    assert 'git mlvers hook pre-push "$@"' in report.remarks[0]
    assert repo.read("ci/hooks/pre-push") == FOREIGN.encode()
    repo.write("ci/hooks/pre-push", FOREIGN + 'git mlvers hook pre-push "$@"\n')
    assert install(repo) == hooks.Report([], [])
    assert uninstall(repo) == hooks.Report([], [])


def test_husky_is_told_the_users_file(repo: Repo) -> None:
    repo.write(".husky/_/pre-push", '#!/usr/bin/env sh\n. "$(dirname "$0")/h"\n', mode=0o755)
    repo.config("core.hooksPath", ".husky/_")
    assert install(repo).remarks[0].count(str(repo.path / ".husky/pre-push")) == 1
    repo.write(".husky/pre-push", 'git mlvers hook pre-push "$@"\n')
    assert install(repo) == hooks.Report([], [])


def test_ensure_puts_hooks_into_a_plain_clone(repo: Repo) -> None:
    assert hooks.ensure(*parts(repo)) == []
    assert place.is_ours(str(hook_file(repo)), "pre-push")
    hook_file(repo).unlink()
    repo.config("mlvers.hooks", "false")
    hooks.ensure(*parts(repo))
    assert not hook_file(repo).exists()


def test_ensure_leaves_a_bare_repository_alone(make_repo: Callable[..., Repo]) -> None:
    bare = make_repo("bare.git", "--bare")
    hooks.ensure(*parts(bare))
    assert not (bare.path / "hooks/pre-push").exists()


@pytest.mark.parametrize("path", ["/dev/null", ""])
def test_hooks_that_are_off_stay_off(repo: Repo, path: str) -> None:
    repo.config("core.hooksPath", path)
    assert hooks.ensure(*parts(repo)) == []
    assert f"core.hooksPath is {path or 'set to nothing'}: git runs no" in install(repo).remarks[0]
    assert hooks.states(*parts(repo))[-1].state == place.MISSING
    assert uninstall(repo) == hooks.Report([], [])


def test_ensure_does_not_follow_the_hooks_path_of_one_command(
    repo: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_CONFIG_PARAMETERS", f"'core.hookspath'='{tmp_path}/once'")
    assert hooks.ensure(*parts(repo)) == []
    assert not (tmp_path / "once").exists()


def test_ensure_tells_of_the_users_own_hooks_once(repo: Repo) -> None:
    repo.config("core.hooksPath", "ci")
    assert len(hooks.ensure(*parts(repo))) == 1
    assert hooks.ensure(*parts(repo)) == []


def test_ensure_never_fails_what_git_does(repo: Repo) -> None:
    (repo.path / ".git/hooks").rename(repo.path / ".git/no-hooks")
    (repo.path / ".git/hooks").write_text("in the way")
    [remark] = hooks.ensure(*parts(repo))
    assert "so git push sends no content from here" in remark


def test_which_hooks_there_are() -> None:
    nothing = cast("Workspace", None)
    with pytest.raises(UsageError, match="no hook 'pre-commit'"):
        hooks.run_hook("pre-commit", [], nothing, io.BytesIO(), Silent())
    assert hooks.run_hook("post-commit", [], nothing, io.BytesIO(), Silent()) == 0


# What git sees


def push(repo: Repo, tmp_path: Path, env: dict[str, str]) -> tuple[int, str]:
    if not (tmp_path / "origin.git").exists():
        repo.git("init", "-q", "--bare", str(tmp_path / "origin.git"))
        repo.write("a", "a")
        repo.commit()
    ran = repo.run("push", str(tmp_path / "origin.git"), "main", check=False, env=env)
    return ran.returncode, ran.stderr


LOG_INPUT = 'echo "$*" > "$LOG"; cat >> "$LOG"'


def test_pre_push_gives_its_words_and_refs_to_the_program(repo: Repo, tmp_path: Path) -> None:
    install(repo)
    env = fake_program(tmp_path, LOG_INPUT) | {"LOG": str(tmp_path / "log")}
    assert push(repo, tmp_path, env)[0] == 0
    words, refs = (tmp_path / "log").read_text().splitlines()
    origin = str(tmp_path / "origin.git")
    assert words == f"hook pre-push {origin} {origin}"
    assert refs == f"refs/heads/main {repo.head()} refs/heads/main {'0' * 40}"


def test_pre_push_runs_the_foreign_hook_first_with_the_same_input(
    repo: Repo, tmp_path: Path
) -> None:
    put_foreign(repo, text='#!/bin/sh\necho "$1" > "$LOG.before"; cat >> "$LOG.before"\n')
    install(repo)
    env = fake_program(tmp_path, LOG_INPUT) | {"LOG": str(tmp_path / "log")}
    assert push(repo, tmp_path, env)[0] == 0
    before = (tmp_path / "log.before").read_text().splitlines()
    assert before[0] == str(tmp_path / "origin.git")
    assert before[1:] == (tmp_path / "log").read_text().splitlines()[1:]


def test_a_foreign_hook_that_refuses_still_refuses(repo: Repo, tmp_path: Path) -> None:
    put_foreign(repo, text="#!/bin/sh\nexit 3\n")
    install(repo)
    env = fake_program(tmp_path, LOG_INPUT) | {"LOG": str(tmp_path / "log")}
    assert push(repo, tmp_path, env)[0] != 0
    assert not (tmp_path / "log").exists()


def test_pre_push_fails_when_the_program_fails(repo: Repo, tmp_path: Path) -> None:
    install(repo)
    assert push(repo, tmp_path, fake_program(tmp_path, "exit 5"))[0] != 0
    assert repo.git("ls-remote", str(tmp_path / "origin.git")) == ""


def test_pre_push_without_the_program_fails_and_says_why(repo: Repo, tmp_path: Path) -> None:
    install(repo)
    code, said = push(repo, tmp_path, {"PATH": "/usr/bin:/bin"})
    assert code != 0
    assert "not on PATH" in said
    assert "hint: install git-mlvers" in said


def test_the_stored_program_is_used_where_path_has_none(repo: Repo, tmp_path: Path) -> None:
    install(repo)
    fake_program(tmp_path, LOG_INPUT)
    repo.config("mlvers.program", str(tmp_path / "fake/git-mlvers"))
    env = {"PATH": "/usr/bin:/bin", "LOG": str(tmp_path / "log")}
    assert push(repo, tmp_path, env)[0] == 0
    assert (tmp_path / "log").exists()


def test_pre_push_starts_nothing_when_there_is_nothing_to_push(repo: Repo, tmp_path: Path) -> None:
    install(repo)
    env = fake_program(tmp_path, LOG_INPUT) | {"LOG": str(tmp_path / "log")}
    push(repo, tmp_path, env)
    (tmp_path / "log").unlink()
    assert push(repo, tmp_path, env)[0] == 0
    assert not (tmp_path / "log").exists()


def test_a_shared_pre_push_does_nothing_in_other_repositories(
    repo: Repo, make_repo: Callable[..., Repo], tmp_path: Path
) -> None:
    other = make_repo("other")
    repo.config("core.hooksPath", str(tmp_path / "shared"))
    install(repo)
    other.config("core.hooksPath", str(tmp_path / "shared"))
    assert push(other, tmp_path, {"PATH": "/usr/bin:/bin"})[0] == 0


def test_the_other_hooks_start_nothing_until_a_feature_asks(repo: Repo, tmp_path: Path) -> None:
    install(repo)
    env = fake_program(tmp_path, 'echo "$*" >> "$LOG"') | {"LOG": str(tmp_path / "log")}
    repo.write("a", "a")
    repo.git("add", ".")
    repo.run("commit", "-qm", "one", env=env)
    repo.run("commit", "-q", "--amend", "-m", "two", env=env)
    assert not (tmp_path / "log").exists()
    (repo.cache_dir() / "on").mkdir(parents=True)
    (repo.cache_dir() / "on/post-commit").write_text(":(top,literal)b\n")
    (repo.cache_dir() / "on/post-rewrite").write_text(":(top,literal)b\n")
    repo.run("commit", "-q", "--amend", "-m", "three", env=env)
    assert not (tmp_path / "log").exists()
    repo.write("b", "b")
    repo.git("add", ".")
    repo.run("commit", "-qm", "four", env=env)
    repo.run("commit", "-q", "--amend", "-m", "five", env=env | {"MLVERS_IN_HOOK": "1"})
    assert (tmp_path / "log").read_text().splitlines() == ["hook post-commit"]
    repo.git("commit", "-q", "--allow-empty", "-m", "six")
    repo.run("rebase", "-q", "--force-rebase", "HEAD~1", env=env)
    assert (tmp_path / "log").read_text().splitlines()[1:] == ["hook post-rewrite rebase"]


def test_the_guard_finds_the_common_directory_in_a_worktree(repo: Repo, tmp_path: Path) -> None:
    install(repo)
    repo.write("a", "a")
    repo.commit()
    repo.git("worktree", "add", "-q", str(tmp_path / "other"))
    (repo.cache_dir() / "on").mkdir(parents=True)
    (repo.cache_dir() / "on/post-commit").write_text(":(top,literal)b\n")
    env = fake_program(tmp_path, 'echo "$*" >> "$LOG"') | {"LOG": str(tmp_path / "log")}
    (tmp_path / "other/b").write_text("b")
    repo.run("add", "b", cwd=tmp_path / "other")
    repo.run("commit", "-q", "-m", "x", env=env, cwd=tmp_path / "other")
    assert (tmp_path / "log").read_text() == "hook post-commit\n"


def test_a_failing_foreign_post_hook_still_fails(repo: Repo) -> None:
    put_foreign(repo, "post-checkout", "#!/bin/sh\nexit 9\n")
    install(repo)
    repo.write("a", "a")
    repo.commit()
    assert repo.run("checkout", "-q", "-b", "other", check=False).returncode == 1


def test_missing_program_is_silent_in_the_other_hooks(repo: Repo) -> None:
    install(repo)
    (repo.cache_dir() / "on").mkdir(parents=True)
    (repo.cache_dir() / "on/post-commit").touch()
    repo.write("a", "a")
    repo.git("add", ".")
    ran = repo.run("commit", "-qm", "one", env={"PATH": "/usr/bin:/bin"})
    assert ran.stderr == ""
