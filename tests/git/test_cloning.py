"""A clone has its content when the command returns, whichever way it is made."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.git import Repo, clone, noise, pointer_of
from tests.support.project import FIRST, LARGE, SECOND, SMALL, TOPIC, Project, Witness

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def url(pushed: Project, tmp_path: Path) -> str:
    """The address of a bare repository with all of the project's history and content."""
    return (tmp_path / "origin.git").as_uri()


def project_at(path: Path) -> Project:
    return Project(path)


@pytest.mark.parametrize(
    "options",
    [
        [],
        ["--no-local"],
        ["--single-branch"],
        ["--depth=1"],
        ["--no-tags", "--shallow-submodules"],
        ["--filter=blob:none"],
        ["--filter=tree:0"],
        ["--config=core.fsyncMethod=batch"],
        ["--config=index.version=4"],
        ["--config=checkout.workers=4"],
        ["--config=core.preloadIndex=false"],
    ],
    ids=lambda options: " ".join(options) or "plain",
)
def test_clone(url: str, tmp_path: Path, options: list[str]) -> None:
    Repo(tmp_path / "origin.git").config("uploadpack.allowFilter", "true")
    clone(url, tmp_path / "clone", *options)
    project_at(tmp_path / "clone").assert_tree(SECOND)


@pytest.mark.parametrize("options", [[], ["--shared"]], ids=["links", "shared"])
def test_clone_by_path(url: str, tmp_path: Path, options: list[str]) -> None:
    clone(str(tmp_path / "origin.git"), tmp_path / "clone", *options)
    project_at(tmp_path / "clone").assert_tree(SECOND)


def test_clone_of_a_working_repository(project: Project, tmp_path: Path) -> None:
    project.clone_to(tmp_path / "clone")
    project_at(tmp_path / "clone").assert_tree(SECOND)


def test_clone_of_another_branch(url: str, tmp_path: Path) -> None:
    clone(url, tmp_path / "clone", "--branch", "topic")
    project_at(tmp_path / "clone").assert_tree(TOPIC)


def test_clone_of_a_tag(url: str, tmp_path: Path, pushed: Project) -> None:
    pushed.git("push", "-q", "origin", "v1")
    clone(url, tmp_path / "clone", "--branch", "v1", "--depth=1")
    project_at(tmp_path / "clone").assert_tree(FIRST)


def test_clone_with_a_separate_git_directory(url: str, tmp_path: Path) -> None:
    clone(url, tmp_path / "clone", f"--separate-git-dir={tmp_path}/elsewhere.git")
    project_at(tmp_path / "clone").assert_tree(SECOND)


def test_clone_with_hooks_of_a_template(url: str, tmp_path: Path, witness: Witness) -> None:
    hooks = tmp_path / "template" / "hooks"
    hooks.mkdir(parents=True)
    (hooks / "post-checkout").write_text(witness.script("post-checkout"))
    (hooks / "post-checkout").chmod(0o755)
    clone(url, tmp_path / "clone", f"--template={tmp_path}/template")
    project_at(tmp_path / "clone").assert_tree(SECOND)
    assert witness.ran() == {"post-checkout"}


def test_clone_without_checkout(url: str, tmp_path: Path) -> None:
    made = clone(url, tmp_path / "clone", "--no-checkout")
    made.git("checkout", "-q", "topic")
    project_at(tmp_path / "clone").assert_tree(TOPIC)


def test_clone_into_the_current_directory(url: str, tmp_path: Path) -> None:
    (tmp_path / "clone").mkdir()
    Repo(tmp_path / "clone").git("clone", "-q", url, ".")
    project_at(tmp_path / "clone").assert_tree(SECOND)


def test_clone_with_a_reference(url: str, pushed: Project, tmp_path: Path) -> None:
    # The content stands in the reference's cache; the remote is gone.
    (tmp_path / "origin.git" / "mlvers").rename(tmp_path / "away")
    clone(url, tmp_path / "clone", "--reference", str(pushed.path))
    project_at(tmp_path / "clone").assert_tree(SECOND)


def test_clone_with_several_references(url: str, pushed: Project, tmp_path: Path) -> None:
    other = Repo.init(tmp_path / "other")
    other.attributes("*.bin")
    other.write("large.bin", SECOND["large.bin"])
    other.commit()
    options = [f"--reference={place}" for place in (other.path, pushed.path)]
    (tmp_path / "origin.git" / "mlvers").rename(tmp_path / "away")
    clone(url, tmp_path / "clone", *options)
    project_at(tmp_path / "clone").assert_tree(SECOND)


def test_clone_through_a_chain_of_clones(pushed: Project, tmp_path: Path) -> None:
    first = clone(str(tmp_path / "origin.git"), tmp_path / "first")
    clone(str(first.path), tmp_path / "second")
    project_at(tmp_path / "second").assert_tree(SECOND)


def test_a_clone_by_path_goes_on_alone(pushed: Project, tmp_path: Path) -> None:
    made = clone(str(pushed.path), tmp_path / "made")
    pushed.path.rename(tmp_path / "gone")
    (tmp_path / "origin.git").rename(tmp_path / "gone.git")
    Repo.init(tmp_path / "new.git", "--bare")
    for name in SECOND:
        made.remove(name)
    made.git("checkout", "-q", ".")
    project_at(made.path).assert_tree(SECOND)
    made.git("checkout", "-q", "--orphan", "alone")
    made.commit("all that is checked out")
    made.git("push", "-q", str(tmp_path / "new.git"), "alone:main", "--force")
    project_at(clone((tmp_path / "new.git").as_uri(), tmp_path / "again").path).assert_tree(SECOND)


def test_what_was_pushed_into_a_working_repository_is_found_there(
    project: Project, tmp_path: Path
) -> None:
    made = clone(str(project.path), tmp_path / "made")
    fresh = {"fresh.bin": noise(LARGE, "fresh"), "little.bin": noise(SMALL, "little")}
    made.write_all(fresh)
    made.commit("fresh")
    made.git("push", "-q", "origin", "HEAD:refs/heads/x")
    said = project.run("checkout", "x").stderr
    assert "git-mlvers" not in said
    project.assert_tree(SECOND | fresh)


def test_fetch_brings_what_a_neighbour_has(pushed: Project, tmp_path: Path) -> None:
    made = clone(str(pushed.path), tmp_path / "made", "--no-checkout")
    made.mlvers("fetch", "--all")
    pushed.path.rename(tmp_path / "gone")
    (tmp_path / "origin.git").rename(tmp_path / "gone.git")
    made.git("checkout", "-q", "main")
    project_at(made.path).assert_tree(SECOND)
    made.git("checkout", "-q", "v1")
    project_at(made.path).assert_tree(FIRST)


def test_clone_of_an_empty_repository(installed: Path, tmp_path: Path) -> None:
    Repo.init(tmp_path / "empty.git", "--bare")
    made = clone(str(tmp_path / "empty.git"), tmp_path / "clone")
    made.attributes("*.bin")
    made.write("a.bin", noise(LARGE))
    made.commit()
    made.git("push", "-q", "origin", "main")
    again = clone(str(tmp_path / "empty.git"), tmp_path / "again")
    again.assert_content("a.bin", noise(LARGE))
    again.assert_whole()


def test_mirror_and_bare_clones_have_no_working_tree(url: str, tmp_path: Path) -> None:
    for option in ("--mirror", "--bare"):
        made = clone(url, tmp_path / f"clone{option}", option)
        made.fsck()


@pytest.mark.parametrize("form", ["sha256", "index 4", "skip hash", "untracked cache", "split"])
def test_forms_of_repository(way: str, tmp_path: Path, form: str) -> None:
    options = {"sha256": ["--object-format=sha256"]}.get(form, [])
    settings = {
        "index 4": "index.version=4",
        "skip hash": "index.skipHash=true",
        "untracked cache": "core.untrackedCache=true",
        "split": "core.splitIndex=true",
    }
    repo = Project.init(tmp_path / "repo", *options)
    if form in settings:
        repo.config(*settings[form].split("="))
    repo.attributes("*.bin")
    files = {"small.bin": noise(SMALL), "large.bin": noise(LARGE), "dir/large.bin": noise(LARGE, 1)}
    repo.write_all(files)
    repo.commit()
    for name in files:
        repo.remove(name)
    repo.git("checkout", "-q", "--", ".")
    repo.assert_contents(files)
    repo.fsck()
    repo.assert_status()
    if form != "split":
        repo.assert_whole()


def test_without_git_mlvers_the_pointers_are_there(
    url: str, pushed: Project, tmp_path: Path, home: Path
) -> None:
    with_filter = (home / ".gitconfig").read_text()
    sections = ("filter.mlvers", "merge.mlvers", "mlvers")
    for section in sections:
        pushed.run("config", "--global", "--remove-section", section, check=False)
    made = clone(url, tmp_path / "clone")
    made.assert_content("large.bin", pointer_of(SECOND["large.bin"]))
    made.assert_status()
    (home / ".gitconfig").write_text(with_filter)
    made.mlvers("pull")
    made.settle()
    project_at(made.path).assert_tree(SECOND)


class TestContinuousIntegration:
    """The commands that the usual checkout actions give, one by one."""

    def fetch(self, url: str, path: Path, rev: str, *options: str) -> Repo:
        made = Repo.init(path)
        made.git("remote", "add", "origin", url)
        made.git("config", "--local", "gc.auto", "0")
        made.git(
            "-c",
            "protocol.version=2",
            "fetch",
            "--no-tags",
            "--prune",
            "--no-recurse-submodules",
            "--depth=1",
            *options,
            "origin",
            f"+{rev}:refs/remotes/origin/main",
        )
        return made

    def test_shallow_fetch_and_forced_checkout(
        self, url: str, pushed: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("CI", "true")
        made = self.fetch(url, tmp_path / "ci", pushed.head())
        made.git("checkout", "--progress", "--force", "-B", "main", "refs/remotes/origin/main")
        project_at(made.path).assert_tree(SECOND)

    def test_partial_and_sparse(
        self, url: str, pushed: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("CI", "true")
        Repo(tmp_path / "origin.git").config("uploadpack.allowFilter", "true")
        Repo(tmp_path / "origin.git").config("uploadpack.allowAnySHA1InWant", "true")
        made = self.fetch(url, tmp_path / "ci", pushed.head(), "--filter=blob:none")
        made.git("sparse-checkout", "set", "--cone", "data/deep")
        made.git("checkout", "--progress", "--force", pushed.head())
        assert not made.file("data/sp ace").exists()
        made.assert_content("data/deep/new.bin", SECOND["data/deep/new.bin"])
        made.assert_content("large.bin", SECOND["large.bin"])
        made.assert_whole()

    def test_partial_and_sparse_and_pull_afterwards(self, url: str, tmp_path: Path) -> None:
        Repo(tmp_path / "origin.git").config("uploadpack.allowFilter", "true")
        skip = {"MLVERS_SKIP_SMUDGE": "1"}
        made = clone(url, tmp_path / "ci", "--filter=blob:none", "--sparse", env=skip)
        made.git("sparse-checkout", "set", "--cone", "data/deep", env=skip)
        made.mlvers("pull")
        made.assert_content("data/deep/new.bin", SECOND["data/deep/new.bin"])
        made.assert_content("large.bin", SECOND["large.bin"])
        assert not made.file("data/sp ace").exists()
        made.assert_whole()

    def test_checkout_first_and_pull_afterwards(
        self, url: str, pushed: Project, tmp_path: Path
    ) -> None:
        skip = {"MLVERS_SKIP_SMUDGE": "1"}
        made = self.fetch(url, tmp_path / "ci", pushed.head())
        made.git("checkout", "--force", "-B", "main", "refs/remotes/origin/main", env=skip)
        made.assert_content("large.bin", pointer_of(SECOND["large.bin"]))
        made.mlvers("pull")
        project_at(made.path).assert_tree(SECOND)
