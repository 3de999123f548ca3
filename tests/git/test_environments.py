"""Git set up in unusual ways: hooks elsewhere, other directories, other working trees."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

from tests.support.environment import CHECKOUT
from tests.support.git import Repo, clone, noise
from tests.support.project import LARGE, SECOND, TOPIC, Project

if TYPE_CHECKING:
    from pathlib import Path


def test_plain_clone_gets_its_pre_push(pushed: Project, tmp_path: Path) -> None:
    made = clone((tmp_path / "origin.git").as_uri(), tmp_path / "clone")
    made.write("fresh.bin", noise(LARGE, "fresh"))
    made.commit("fresh")
    made.git("push", "-q", "origin", "main")
    pushed.git("pull", "-q")
    pushed.assert_content("fresh.bin", noise(LARGE, "fresh"))


def test_hooks_of_the_user_keep_running(project: Project, tmp_path: Path) -> None:
    origin = Repo.init(tmp_path / "origin.git", "--bare")
    log = tmp_path / "log"
    fresh = project.clone_to(tmp_path / "fresh", "--no-checkout")
    fresh.hook("pre-push", f"cat >> '{log}'; echo pushed >> '{log}'")
    fresh.git("checkout", "-q", "main")
    fresh.git("push", "-q", str(origin.path), "main")
    assert "refs/heads/main" in log.read_text()
    assert "pushed" in log.read_text()
    assert (origin.path / "mlvers").exists()


def test_hooks_path_for_all_repositories(installed: Path, tmp_path: Path) -> None:
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    repo = Repo.init(tmp_path / "work")
    repo.git("config", "--global", "core.hooksPath", str(hooks))
    origin = Repo.init(tmp_path / "origin.git", "--bare")
    repo.mlvers("init")
    repo.attributes("*.bin")
    repo.write("a.bin", noise(LARGE))
    repo.commit()
    repo.git("push", "-q", str(origin.path), "main")
    clone(origin.path.as_uri(), tmp_path / "clone").assert_content("a.bin", noise(LARGE))


def test_hooks_of_the_checkout_used_as_they_are(project: Project, tmp_path: Path) -> None:
    project.config("core.hooksPath", str(CHECKOUT / "hooks"))
    origin = Repo.init(tmp_path / "origin.git", "--bare")
    project.git("push", "-q", str(origin.path), "main")
    clone(origin.path.as_uri(), tmp_path / "clone").assert_content("large.bin", SECOND["large.bin"])


def test_git_directory_and_working_tree_named_by_the_environment(
    project: Project, tmp_path: Path
) -> None:
    env = {"GIT_DIR": str(project.path / ".git"), "GIT_WORK_TREE": str(project.path)}
    Repo(tmp_path).git("checkout", "-q", "topic", env=env)
    project.assert_tree(TOPIC)
    Repo(tmp_path).git("checkout", "-q", "main", env=env)
    project.assert_tree(SECOND)


def test_relative_git_directory(project: Project) -> None:
    project.git("--git-dir=../.git", "--work-tree=..", "checkout", "-q", "topic", cwd="data")
    project.assert_tree(TOPIC)


def test_alias_and_change_of_directory(project: Project, tmp_path: Path) -> None:
    project.config("alias.go", "checkout -q")
    Repo(tmp_path).git("-C", str(project.path), "go", "topic")
    project.assert_tree(TOPIC)


def test_repository_behind_a_symbolic_link(project: Project, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(project.path)
    Repo(tmp_path / "link").git("checkout", "-q", "topic")
    project.assert_tree(TOPIC)


def test_repository_with_an_unusual_path(way: str, tmp_path: Path) -> None:
    repo = Project.init(tmp_path / "a b'c\"d\nü")
    repo.attributes("*.bin")
    repo.write("a.bin", noise(LARGE))
    repo.commit()
    repo.remove("a.bin")
    repo.git("checkout", "-q", "--", ".")
    repo.assert_content("a.bin", noise(LARGE))
    origin = Repo.init(tmp_path / "o r'i\"g.git", "--bare")
    repo.git("push", "-q", str(origin.path), "main")
    clone(str(origin.path), tmp_path / "clone").assert_content("a.bin", noise(LARGE))


def test_file_named_dot_git_leads_to_the_repository(project: Project, tmp_path: Path) -> None:
    (project.path / ".git").rename(tmp_path / "moved.git")
    (project.path / ".git").write_text(f"gitdir: {tmp_path}/moved.git\n")
    project.git("checkout", "-q", "topic")
    project.assert_tree(TOPIC)


def test_other_locale_and_no_home(project: Project, home: Path) -> None:
    bare = {name: os.environ[name] for name in ("PATH", "GIT_CONFIG_GLOBAL", "GIT_CONFIG_NOSYSTEM")}
    ran = subprocess.run(
        ["git", "checkout", "-q", "topic"], cwd=project.path, env=bare, capture_output=True
    )
    assert ran.returncode == 0, ran.stderr
    project.assert_tree(TOPIC)
    ran = subprocess.run(
        ["git", "checkout", "-q", "main"],
        cwd=project.path,
        env=bare | {"LC_ALL": "C", "LANGUAGE": "de"},
        capture_output=True,
    )
    assert ran.returncode == 0, ran.stderr
    project.assert_tree(SECOND)


def test_standard_streams_that_are_closed(project: Project) -> None:
    project.program("sh", "-c", "git checkout -q topic >&- 2>&- <&-")
    project.assert_tree(TOPIC)


def test_python_that_the_user_has_bent(project: Project, tmp_path: Path) -> None:
    # A project's own modules must not be taken for the standard library's.
    project.write("struct.py", "raise SystemExit('wrong module')\n")
    project.write("blake3.py", "raise SystemExit('wrong module')\n")
    project.commit("modules")
    project.git("checkout", "-q", "topic")
    project.git("checkout", "-q", "main")
    project.assert_contents(SECOND)
    project.assert_whole()
