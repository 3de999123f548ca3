"""Finding the repository as git does, and what is read of it without git."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from git_mlvers.errors import NotARepository
from git_mlvers.git.repository import Repository, require_work_tree
from tests.support.git import Repo, clone

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path


def discover(path: Path, env: Mapping[str, str] | None = None) -> Repository:
    return Repository.discover(str(path), env or {})


def as_git_sees_it(path: Path, env: Mapping[str, str] | None = None) -> dict[str, str | None]:
    """What git itself says about the places that `Repository` tells."""
    shell = Repo(path)
    said = {
        "git_dir": shell.git("rev-parse", "--absolute-git-dir", env=env),
        "common_dir": shell.git("rev-parse", "--path-format=absolute", "--git-common-dir", env=env),
    }
    top = shell.run("rev-parse", "--show-toplevel", check=False, env=env)
    index = shell.git("rev-parse", "--path-format=absolute", "--git-path", "index", env=env)
    return {
        **{name: os.path.realpath(text) for name, text in said.items()},
        "work_tree": os.path.realpath(top.stdout.rstrip("\n")) if top.returncode == 0 else None,
        "index_path": os.path.realpath(index),
        "object_format": shell.git("rev-parse", "--show-object-format", env=env),
    }


def assert_same_as_git(path: Path, env: Mapping[str, str] | None = None) -> Repository:
    found = discover(path, env)
    expected = as_git_sees_it(path, env)
    for name, value in expected.items():
        mine = getattr(found, name)
        assert (
            os.path.realpath(mine) if name.endswith(("dir", "path", "tree")) and mine else mine
        ) == value, name
    return found


def test_at_the_top_and_below(repo: Repo) -> None:
    (repo.path / "a/b").mkdir(parents=True)
    assert_same_as_git(repo.path)
    found = assert_same_as_git(repo.path / "a/b")
    assert found.top == str(repo.path)


def test_no_git_is_started(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    found = discover(repo.path)
    assert found.work_tree == str(repo.path)
    assert found.object_format == "sha1"
    assert found.head_branch() == "main"
    assert not found.in_sequence()


def test_through_a_symbolic_link(repo: Repo, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(repo.path)
    assert_same_as_git(tmp_path / "link")


def test_bare_and_inside_of_the_git_directory(make_repo: Callable[..., Repo]) -> None:
    bare = make_repo("bare", "--bare")
    found = assert_same_as_git(bare.path)
    assert found.work_tree is None
    with pytest.raises(NotARepository, match="no working tree"):
        require_work_tree(found)
    plain = make_repo("plain")
    assert_same_as_git(plain.path / ".git")
    assert_same_as_git(plain.path / ".git/refs")


def test_a_linked_worktree(repo: Repo, tmp_path: Path) -> None:
    repo.write("a", b"a")
    repo.commit()
    repo.git("worktree", "add", "-q", str(tmp_path / "linked"))
    found = assert_same_as_git(tmp_path / "linked")
    assert found.git_dir != found.common_dir
    assert found.head_branch() == "linked"


def test_a_worktree_of_a_bare_repository(repo: Repo, tmp_path: Path) -> None:
    repo.write("a", b"a")
    repo.commit()
    bare = clone(str(repo.path), tmp_path / "bare.git", "--bare")
    bare.git("worktree", "add", "-q", str(tmp_path / "linked"))
    assert_same_as_git(tmp_path / "linked")


def test_a_submodule(make_repo: Callable[..., Repo]) -> None:
    inner = make_repo("inner")
    inner.write("a", b"a")
    inner.commit()
    outer = make_repo("outer")
    outer.git("submodule", "--quiet", "add", str(inner.path), "deep/sub")
    found = assert_same_as_git(outer.path / "deep/sub")
    assert found.git(*("rev-parse", "--show-toplevel")).strip() == os.fsencode(
        outer.path / "deep/sub"
    )


def test_sha256_and_configuration_of_worktrees(make_repo: Callable[..., Repo]) -> None:
    repo = make_repo("long", "--object-format=sha256")
    repo.write("a", b"a")
    repo.commit()
    repo.git("config", "extensions.worktreeConfig", "true")
    repo.git("worktree", "add", "-q", "../linked")
    Repo(repo.path.parent / "linked").git("config", "--worktree", "core.worktree", str(repo.path))
    assert_same_as_git(repo.path)
    assert discover(repo.path.parent / "linked").work_tree == str(repo.path)


def test_a_separate_git_directory(tmp_path: Path) -> None:
    Repo(tmp_path).git("init", "-q", "--separate-git-dir", "store.git", "work")
    assert_same_as_git(tmp_path / "work")


@pytest.mark.parametrize(
    "env",
    [
        {"GIT_DIR": "work/.git"},
        {"GIT_DIR": "work/.git", "GIT_WORK_TREE": "work"},
        {"GIT_DIR": "work/.git", "GIT_INDEX_FILE": "other-index"},
        {"GIT_DIR": "work/.git", "GIT_IMPLICIT_WORK_TREE": "0"},
    ],
)
def test_the_environment_counts(repo: Repo, env: Mapping[str, str]) -> None:
    found = assert_same_as_git(repo.path.parent, env)
    # Wherever git runs, it means the same repository.
    for name, value in (("GIT_DIR", found.git_dir), ("GIT_INDEX_FILE", found.index_path)):
        if name in env:
            assert found.env[name] == value
    assert os.path.realpath(os.fsdecode(found.git("rev-parse", "--absolute-git-dir").strip())) == (
        found.git_dir
    )


def test_another_index_starts_at_the_top(repo: Repo) -> None:
    (repo.path / "below").mkdir()
    for env in ({}, {"GIT_DIR": str(repo.path / ".git"), "GIT_WORK_TREE": str(repo.path)}):
        env = {**env, "GIT_INDEX_FILE": ".git/other-index"}
        found = discover(repo.path / "below", env)
        assert found.index_path == str(repo.path / ".git/other-index")
        repo.write("below/a", b"a")
        Repo(repo.path / "below").git("add", "a", env=env)
        assert os.path.exists(found.index_path)
        assert found.git("ls-files") == b"below/a\n"
        os.unlink(found.index_path)


def test_core_worktree_and_core_bare(repo: Repo, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    repo.git("config", "core.worktree", "../../elsewhere")
    found = discover(repo.path)
    assert found.work_tree == str(tmp_path / "elsewhere")
    assert found.git("rev-parse", "--show-toplevel").strip() == os.fsencode(tmp_path / "elsewhere")
    repo.git("config", "--unset", "core.worktree")
    repo.git("config", "core.bare", "true")
    assert discover(repo.path).work_tree is None


def test_variables_that_were_not_handed_over_do_not_count(
    repo: Repo, make_repo: Callable[..., Repo], monkeypatch: pytest.MonkeyPatch
) -> None:
    other = make_repo("other")
    monkeypatch.setenv("GIT_DIR", str(other.path / ".git"))
    found = Repository.discover(str(repo.path))
    assert found.git_dir == str(repo.path / ".git")
    assert found.git("rev-parse", "--absolute-git-dir").strip() == os.fsencode(found.git_dir)


def test_configuration_of_one_command_reaches_git(repo: Repo) -> None:
    env = {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "mlvers.strict",
        "GIT_CONFIG_VALUE_0": "yes",
    }
    found = discover(repo.path, {**os.environ, **env})
    assert found.git("config", "mlvers.strict") == b"yes\n"


def test_outside_of_a_repository(tmp_path: Path) -> None:
    with pytest.raises(NotARepository, match="not inside of a git repository") as caught:
        discover(tmp_path)
    assert caught.value.exit_code == 3
    with pytest.raises(NotARepository, match="GIT_DIR is 'nothing'"):
        discover(tmp_path, {"GIT_DIR": "nothing"})


def test_a_removed_current_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    with pytest.raises(NotARepository):
        Repository.discover(None, {})


def test_what_only_looks_like_a_repository(repo: Repo) -> None:
    (repo.path / "sub/.git").mkdir(parents=True)
    assert discover(repo.path / "sub").work_tree == str(repo.path)
    (repo.path / "sub2").mkdir()
    (repo.path / "sub2/.git").write_text("no such thing\n")
    assert discover(repo.path / "sub2").work_tree == str(repo.path)


def test_a_ceiling_stops_the_search(repo: Repo) -> None:
    (repo.path / "a/b").mkdir(parents=True)
    env = {"GIT_CEILING_DIRECTORIES": str(repo.path)}
    with pytest.raises(NotARepository):
        discover(repo.path / "a/b", env)
    assert discover(repo.path, env).work_tree == str(repo.path)


def test_places_of_git(repo: Repo) -> None:
    found = discover(repo.path)
    assert found.path_for("hooks") == str(repo.path / ".git/hooks")
    repo.git("config", "core.hooksPath", "my/hooks")
    assert found.path_for("hooks") == str(repo.path / "my/hooks")


def test_sequences_that_are_under_way(repo: Repo) -> None:
    repo.write("a", b"1")
    repo.commit("one")
    repo.write("a", b"2")
    repo.commit("two")
    found = discover(repo.path)
    assert not found.in_sequence()
    repo.run("rebase", "-i", "HEAD~1", env={"GIT_SEQUENCE_EDITOR": "sed -i 1s/pick/edit/"})
    assert found.in_sequence()
    repo.git("rebase", "--continue")
    assert not found.in_sequence()


def test_branch_and_detached_head(repo: Repo) -> None:
    repo.write("a", b"1")
    commit = repo.commit()
    repo.git("checkout", "-q", "-b", "topic/x")
    assert discover(repo.path).head_branch() == "topic/x"
    repo.git("checkout", "-q", commit)
    assert discover(repo.path).head_branch() is None


def test_alternates_of_alternates(repo: Repo, tmp_path: Path) -> None:
    repo.write("a", b"1")
    repo.commit()
    one = clone(str(repo.path), tmp_path / "one", "--shared")
    two = clone(str(one.path), tmp_path / "two", "--shared")
    assert sorted(discover(two.path).alternates()) == [
        str(one.path / ".git/objects"),
        str(repo.path / ".git/objects"),
    ]
    assert discover(repo.path).alternates() == []
    # A loop, a comment, a quoted path, and a directory that is not there.
    (repo.path / ".git/objects/info").mkdir(exist_ok=True)
    (repo.path / ".git/objects/info/alternates").write_text(
        f'# note\n"{two.path}/.git/objects"\n../nowhere\n'
    )
    assert discover(repo.path).alternates() == [
        str(two.path / ".git/objects"),
        str(one.path / ".git/objects"),
    ]


def test_partial_clones_are_known(repo: Repo, tmp_path: Path) -> None:
    repo.write("a", b"1")
    repo.commit()
    repo.git("config", "uploadpack.allowFilter", "true")
    part = clone(f"file://{repo.path}", tmp_path / "part", "--filter=blob:none")
    assert discover(part.path).partial
    assert not discover(repo.path).partial
