"""The wheel: installed into an environment of its own, it is all there."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import NamedTuple

import pytest

from git_mlvers import hooks
from git_mlvers.cli.main import COMMANDS
from tests.support.environment import CHECKOUT
from tests.support.git import Repo


class Installed(NamedTuple):
    """A wheel, and the environment it is installed into."""

    wheel: Path
    prefix: Path

    @property
    def env(self) -> dict[str, str]:
        """An environment in which only the installed programs are found."""
        system = [part for part in ("/usr/local/bin", "/usr/bin", "/bin") if os.path.isdir(part)]
        return {"PATH": os.pathsep.join([str(self.prefix / "bin"), *system])}


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """The wheel of this checkout, built and installed; its dependencies are those of the tests."""
    directory = tmp_path_factory.mktemp("wheel")
    source = directory / "source"
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=CHECKOUT,
        capture_output=True,
        check=True,
    ).stdout.split(b"\0")
    for name in filter(None, map(os.fsdecode, listed)):
        if (CHECKOUT / name).is_file():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(CHECKOUT / name, source / name)
    run(
        sys.executable,
        "-m",
        "build",
        "--wheel",
        "--no-isolation",
        "-o",
        str(directory),
        str(source),
    )
    [wheel] = directory.glob("*.whl")
    prefix = directory / "env"
    run(sys.executable, "-m", "venv", "--without-pip", str(prefix))
    run(
        *(sys.executable, "-m", "pip", "--python", str(prefix / "bin/python"), "install"),
        *("--quiet", "--no-deps", "--no-index", "--disable-pip-version-check", str(wheel)),
    )
    [packages] = prefix.glob("lib/python*/site-packages")
    (packages / "tests.pth").write_text("\n".join(p for p in sys.path if "site-packages" in p))
    return Installed(wheel, prefix)


def run(*argv: str) -> str:
    ran = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, f"{argv}: {ran.stdout}{ran.stderr}"
    return ran.stdout


def test_the_wheel_has_hooks_man_pages_and_types(package: Installed) -> None:
    with zipfile.ZipFile(package.wheel) as archive:
        names = set(archive.namelist())
        for name in hooks.NAMES:
            assert f"git_mlvers/_share/hooks/{name}" in names
            shim = archive.read(f"git_mlvers/_share/hooks/{name}")
            assert shim == (CHECKOUT / "hooks" / name).read_bytes()
    assert "git_mlvers/py.typed" in names
    for name in ("git-mlvers", "git-remote-mlvers", *(f"git-mlvers-{name}" for name in COMMANDS)):
        assert any(path.endswith(f"data/share/man/man1/{name}.1") for path in names), name
    assert not any(path.startswith(("tests/", "bin/")) for path in names)


def test_git_finds_the_installed_program(package: Installed, home: Path) -> None:
    ran = Repo(home).run("mlvers", "version", env=package.env)
    assert ran.stdout.startswith("git-mlvers ")
    store = f"mlvers::{home}/store"
    project = Repo.init(home / "project")
    project.write("a", b"text")
    project.commit()
    project.run("push", store, "main", env=package.env)
    assert "refs/heads/main" in Repo(home).run("ls-remote", store, env=package.env).stdout


def test_set_up_and_hooks_from_the_wheel(package: Installed, repo: Repo) -> None:
    repo.run("mlvers", "install", env=package.env)
    repo.run("mlvers", "init", env=package.env)
    assert repo.git("config", "filter.mlvers.process") == "git-mlvers filter-process"
    shim = repo.git_path("hooks") / "pre-push"
    assert shim.read_bytes() == (CHECKOUT / "hooks/pre-push").read_bytes()
    assert os.access(shim, os.X_OK)


@pytest.mark.skipif(shutil.which("man") is None, reason="there is no man")
@pytest.mark.parametrize("topic", ["mlvers", "git-mlvers-track", "git-remote-mlvers"])
def test_git_help_shows_the_page(package: Installed, home: Path, topic: str) -> None:
    env = package.env | {"MANPAGER": "cat", "GIT_PAGER": "cat", "MANWIDTH": "100", "TERM": "dumb"}
    ran = Repo(home).run("help", "--man", topic, env=env)
    assert f"git-{topic.removeprefix('git-')}".upper() in ran.stdout
    assert "SYNOPSIS" in ran.stdout
    if topic == "mlvers":
        assert Repo(home).run("mlvers", "--help", env=env).stdout == ran.stdout


def test_the_pages_are_where_man_looks_for_a_checkout() -> None:
    # From bin/ on PATH, man goes to share/man beside it.
    found = CHECKOUT / "share/man/man1/git-mlvers.1"
    assert found.samefile(CHECKOUT / "docs/man/git-mlvers.1")


@pytest.mark.skipif(shutil.which("man") is None, reason="there is no man")
def test_git_help_shows_the_page_of_a_checkout(home: Path) -> None:
    env = {"MANPAGER": "cat", "MANWIDTH": "100", "TERM": "dumb"}
    assert "GIT-MLVERS(1)" in Repo(home).run("help", "--man", "mlvers", env=env).stdout


def test_the_checkout_works_without_installation(home: Path) -> None:
    ran = Repo(home).run("mlvers", "version")
    assert ran.stdout.startswith("git-mlvers ")
    for name in ("git-mlvers", "git-remote-mlvers"):
        assert os.access(CHECKOUT / "bin" / name, os.X_OK)
