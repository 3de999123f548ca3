"""Git configuration: everything at once, committed files, changes."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from git_mlvers.git import config
from git_mlvers.git.command import GitError
from git_mlvers.git.format import read_format
from git_mlvers.git.repository import Repository

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.git import Repo


def found(repo: Repo) -> Repository:
    return Repository.discover(str(repo.path), os.environ)


def test_everything_with_its_origin(
    repo: Repo, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "more").write_text("[mlvers]\n\tconcurrency = 3\n")
    repo.git("config", "--global", "mlvers.remote", "mine")
    repo.git("config", "mlvers.remote", "ours")
    repo.git("config", "mlvers.Remote.Storage.URL", "s3://bucket/a=b\nc")
    repo.git("config", "include.path", str(tmp_path / "more"))
    with (repo.path / ".git/config").open("a") as file:
        file.write("[mlvers]\n\tstrict\n")
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "mlvers.remote")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", "once")
    values = config.read_all(found(repo))
    assert values["mlvers.remote"] == [
        ("global", f"file:{home}/.gitconfig", "mine"),
        ("local", "file:.git/config", "ours"),
        ("command", "command line:", "once"),
    ]
    assert values["mlvers.Remote.Storage.url"][0][2] == "s3://bucket/a=b\nc"
    assert values["mlvers.concurrency"] == [("local", f"file:{tmp_path}/more", "3")]
    assert values["mlvers.strict"] == [("local", "file:.git/config", None)]


def test_without_a_repository_the_user_s_own(
    repo: Repo, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo.git("config", "--global", "mlvers.remote", "mine")
    repo.git("config", "mlvers.remote", "ours")
    monkeypatch.chdir(repo.path)
    assert config.read_all(None)["mlvers.remote"] == [("global", f"file:{home}/.gitconfig", "mine")]
    assert config.get(None, "mlvers.remote", "global") == "mine"


def test_a_broken_file_is_an_error_that_names_it(repo: Repo) -> None:
    with (repo.path / ".git/config").open("a") as file:
        file.write("[broken\n")
    with pytest.raises(GitError, match=r"bad config line \d+ in file \.git/config"):
        config.read_all(found(repo))


def test_a_committed_file(repo: Repo) -> None:
    repo.write(
        ".mlversconfig", '[mlvers]\n remote = a\n[mlvers "remote.a"]\n url = s3://b\n flag\n'
    )
    repo.commit()
    assert config.read_blob_config(found(repo), "HEAD:.mlversconfig") == [
        ("mlvers.remote", "a"),
        ("mlvers.remote.a.url", "s3://b"),
        ("mlvers.remote.a.flag", None),
    ]
    assert config.read_blob_config(found(repo), ":.mlversconfig") is not None
    assert config.read_blob_config(found(repo), "HEAD:no-such-file") is None
    assert config.read_blob_config(found(repo), "no-such-branch:.mlversconfig") is None


def test_a_committed_file_cannot_make_us_read_others(repo: Repo, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("[secret]\n\tkey = value\n")
    repo.write(".mlversconfig", f"[include]\n\tpath = {tmp_path}/secret\n[mlvers]\n\tremote = a\n")
    repo.commit()
    expected = [("include.path", f"{tmp_path}/secret"), ("mlvers.remote", "a")]
    assert config.read_blob_config(found(repo), "HEAD:.mlversconfig") == expected
    assert config.read_file_config(str(repo.path / ".mlversconfig")) == expected


def test_a_committed_file_that_is_no_configuration(repo: Repo) -> None:
    repo.write(".mlversconfig", "<<<<<<< HEAD\n")
    repo.commit()
    with pytest.raises(GitError, match="bad config line 1"):
        config.read_blob_config(found(repo), "HEAD:.mlversconfig")
    with pytest.raises(GitError, match="bad config line 1"):
        config.read_file_config(str(repo.path / ".mlversconfig"))


def test_changes_go_where_they_are_meant_to(repo: Repo, tmp_path: Path) -> None:
    here = found(repo)
    config.set_value(here, "mlvers.remote", "a")
    config.set_value(here, "mlvers.remote", "b")
    config.set_value(here, "mlvers.remote", "g", "global")
    assert repo.git("config", "--local", "--get-all", "mlvers.remote") == "b"
    assert repo.git("config", "--global", "mlvers.remote") == "g"
    assert config.get(here, "mlvers.remote") == "b"
    assert config.get(here, "mlvers.remote", "global") == "g"
    assert config.get(here, "mlvers.nothing") is None
    file = str(tmp_path / "file")
    config.set_value(None, "mlvers.remote.a b.url", "s3://x", file)
    assert config.read_file_config(file) == [("mlvers.remote.a b.url", "s3://x")]


def test_what_is_not_there_is_not_removed(repo: Repo) -> None:
    here = found(repo)
    config.set_value(here, "mlvers.remote.a.url", "s3://x")
    config.set_value(here, "mlvers.remote.a.region", "y")
    assert config.unset(here, "mlvers.remote.a.region")
    assert not config.unset(here, "mlvers.remote.a.region")
    assert not config.unset(here, "no.such")
    assert config.rename_section(here, "mlvers.remote.a", "mlvers.remote.b")
    assert not config.rename_section(here, "mlvers.remote.a", "mlvers.remote.b")
    assert config.get(here, "mlvers.remote.b.url") == "s3://x"
    assert config.remove_section(here, "mlvers.remote.b")
    assert not config.remove_section(here, "mlvers.remote.b")


@pytest.mark.parametrize(
    "text",
    [
        "[core]\n\tbare = true\n",
        "[core] bare\n",
        "[CORE]\n\tBare = Yes ; note\n",
        "\ufeff[core]\r\n\tbare = true\r\n\tworktree = /a b \r\n",
        '[core]\n\tworktree = "/a ; b" # c\n',
        '[core]\n\tworktree = /a\\\n  b "  c" d\t\n',
        '[core]\n\tworktree = /a\\\\b\\"c\\tq\n',
        '[remote "or]ig\\"in"]\n\tpromisor = true\n[core]\n\tbare = false\n',
        "# [core]\n; x\n[core]\n#bare = true\n\tworktree = x#y\n",
        "[core]\n\tbare = 1\n\tbare = 0\n[extensions]\n\tobjectFormat = sha256\n",
        '[core "sub"]\n\tbare = true\n',
        "[core]\n\tworktree =\n\tbare =\n",
    ],
)
def test_the_format_is_read_as_git_reads_it(tmp_path: Path, text: str) -> None:
    (tmp_path / "config").write_bytes(text.encode())
    listed = dict(config.read_file_config(str(tmp_path / "config")))
    bare = "core.bare" in listed and listed["core.bare"] in (None, "true", "Yes", "1")
    read = read_format(str(tmp_path), str(tmp_path))
    assert read.bare == bare
    assert read.work_tree == listed.get("core.worktree")
    assert read.object_format == listed.get("extensions.objectformat", "sha1")
    assert read.partial == any(key.endswith(".promisor") for key in listed)
