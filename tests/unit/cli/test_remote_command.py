"""git mlvers remote: what it writes, where, and what it refuses."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.support.git import Repo

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def committed(repo: Repo) -> dict[str, str]:
    """What .mlversconfig says."""
    if not repo.file(".mlversconfig").exists():
        return {}
    return _pairs(repo.git("config", "--file", ".mlversconfig", "--list"))


def local(repo: Repo) -> dict[str, str]:
    """What the clone's own git configuration says of git-mlvers."""
    pairs = _pairs(repo.git("config", "--local", "--list"))
    return {key: value for key, value in pairs.items() if key.startswith("mlvers.")}


def _pairs(listed: str) -> dict[str, str]:
    return {key: value for key, _, value in (line.partition("=") for line in listed.splitlines())}


class TestAdd:
    def test_the_first_is_the_default(self, repo: Repo) -> None:
        said = repo.mlvers("remote", "add", "storage", "s3://bucket/prefix")
        assert said.splitlines() == [
            "remote storage is s3://bucket/prefix, in .mlversconfig",
            "storage is the default remote",
        ]
        assert committed(repo) == {
            "mlvers.remote": "storage",
            "mlvers.remote.storage.url": "s3://bucket/prefix",
        }
        assert local(repo) == {}

    def test_the_second_is_not_unless_asked(self, repo: Repo) -> None:
        repo.mlvers("remote", "add", "one", "s3://one")
        repo.mlvers("remote", "add", "two", "s3://two")
        assert repo.mlvers("remote", "default") == "one"
        repo.mlvers("remote", "add", "-d", "three", "s3://three")
        assert repo.mlvers("remote", "default") == "three"

    def test_keeps_the_comments_of_the_file(self, repo: Repo) -> None:
        repo.mlvers("init")
        before = repo.read(".mlversconfig")
        repo.mlvers("remote", "add", "storage", "s3://bucket/prefix")
        assert repo.read(".mlversconfig").startswith(before)

    def test_local_stays_in_the_clone(self, repo: Repo) -> None:
        repo.mlvers("remote", "add", "--local", "mine", "s3://mine")
        assert committed(repo) == {}
        assert local(repo) == {"mlvers.remote": "mine", "mlvers.remote.mine.url": "s3://mine"}

    def test_from_a_subdirectory(self, repo: Repo, tmp_path: Path) -> None:
        repo.write("sub/x", "x")
        repo.mlvers("remote", "add", "s", "../../store", cwd="sub")
        assert committed(repo)["mlvers.remote.s.url"] == "../store"
        [found] = json.loads(repo.mlvers("remote", "list", "--json"))
        assert found["url"] == str(tmp_path / "store")

    def test_a_directory_inside_is_named_as_it_was_typed(self, repo: Repo) -> None:
        repo.write("sub/x", "x")
        for typed, where in (("./inside", "."), ("../.git/x", "sub")):
            ran = repo.fails("mlvers", "remote", "add", "e", typed, cwd=where)
            assert f"the directory {typed} is inside of the repository" in ran.stderr
            assert "hint: choose one outside, or keep it to this clone with --local" in ran.stderr
            assert not repo.file(".mlversconfig").exists()
        repo.mlvers("remote", "add", "--local", "e", "./inside")

    def test_a_home_directory(self, repo: Repo, home: Path) -> None:
        repo.mlvers("remote", "add", "one", "~/store")
        assert committed(repo)["mlvers.remote.one.url"] == str(home / "store")
        repo.config("mlvers.remote.two.url", "~/other")
        found = json.loads(repo.mlvers("remote", "list", "--json"))
        assert [item["url"] for item in found] == [str(home / "store"), str(home / "other")]

    def test_a_directory_that_the_user_typed_is_trusted(self, repo: Repo, tmp_path: Path) -> None:
        repo.mlvers("remote", "add", "s", str(tmp_path / "store"))
        assert local(repo) == {"mlvers.trust.s.location": str(tmp_path / "store")}

    @pytest.mark.parametrize(
        ("words", "says"),
        [
            (("s", "s3://u:secret@bucket"), "remote modify --local s secretaccesskey VALUE"),
            (("s", "webdavs://u:secret@host"), "remote modify --local s password VALUE"),
            (("s", "ftp://host/x"), "ftp"),
            (("s", "store"), "inside of the repository"),
            (("s", ".git/x"), "inside of the repository"),
            (("-s", "s3://b"), ""),
            (("a b", "s3://b"), "cannot be the name"),
            (("a/b", "s3://b"), "cannot be the name"),
            (("s",), "URL"),
        ],
    )
    def test_refuses_and_writes_nothing(
        self, repo: Repo, words: tuple[str, ...], says: str
    ) -> None:
        ran = repo.fails("mlvers", "remote", "add", *words)
        assert ran.returncode == 2
        assert says in ran.stderr
        assert committed(repo) == {}
        assert local(repo) == {}

    def test_a_name_twice(self, repo: Repo) -> None:
        repo.mlvers("remote", "add", "s", "s3://one")
        ran = repo.fails("mlvers", "remote", "add", "s", "s3://two")
        assert "there is a remote s already" in ran.stderr
        assert "remote modify s url s3://two" in ran.stderr

    def test_in_a_bare_repository_only_locally(self, make_repo: Callable[..., Repo]) -> None:
        bare = make_repo("bare.git", "--bare")
        assert "no working tree" in bare.fails("mlvers", "remote", "add", "s", "s3://b").stderr
        bare.mlvers("remote", "add", "--local", "s", "s3://b")
        assert bare.mlvers("remote", "default") == "s"

    def test_a_missing_library_is_named_with_its_extra(self, repo: Repo) -> None:
        ran = repo.run("mlvers", "remote", "add", "s", "gdrive://folder")
        assert "hint: pip install 'git-mlvers[gdrive]'" in ran.stderr


class TestModify:
    @pytest.fixture(autouse=True)
    def one_remote(self, repo: Repo) -> None:
        repo.mlvers("remote", "add", "s", "s3://bucket")

    def test_a_directory_has_no_options(self, repo: Repo, tmp_path: Path) -> None:
        repo.mlvers("remote", "add", "d", str(tmp_path / "store"))
        ran = repo.fails("mlvers", "remote", "modify", "d", "region", "x")
        assert "is at a directory, where region means nothing" in ran.stderr

    def test_what_does_not_belong_there_can_be_taken_out(self, repo: Repo) -> None:
        repo.config("mlvers.remote.s.password", "x")
        repo.mlvers("remote", "modify", "--local", "--unset", "s", "password")
        assert local(repo) == {}

    def test_plain_values_are_committed(self, repo: Repo) -> None:
        repo.mlvers("remote", "modify", "s", "region", "eu-west-1")
        assert committed(repo)["mlvers.remote.s.region"] == "eu-west-1"
        repo.mlvers("remote", "modify", "--unset", "s", "region")
        assert "mlvers.remote.s.region" not in committed(repo)

    def test_secrets_only_locally(self, repo: Repo) -> None:
        before = repo.read(".mlversconfig")
        ran = repo.fails("mlvers", "remote", "modify", "s", "secretaccesskey", "hunter2")
        assert ran.returncode == 2
        assert "must not be committed" in ran.stderr
        assert "--local s secretaccesskey VALUE" in ran.stderr
        assert repo.read(".mlversconfig") == before
        repo.mlvers("remote", "modify", "--local", "--", "s", "secret_access_key", "-hunter2=")
        assert local(repo)["mlvers.remote.s.secretaccesskey"] == "-hunter2="
        assert repo.read(".mlversconfig") == before

    def test_a_profile_is_a_matter_of_the_machine(self, repo: Repo) -> None:
        assert "--local" in repo.fails("mlvers", "remote", "modify", "s", "profile", "x").stderr

    def test_an_endpoint_that_the_user_typed_is_trusted(self, repo: Repo) -> None:
        repo.mlvers("remote", "modify", "s", "endpoint_url", "http://localhost:9000")
        assert committed(repo)["mlvers.remote.s.endpointurl"] == "http://localhost:9000"
        assert local(repo)["mlvers.trust.s.location"] == "s3://bucket http://localhost:9000"

    @pytest.mark.parametrize(
        ("words", "says"),
        [
            (("gone", "region", "x"), "no remote named 'gone'"),
            (("s", "colour", "x"), "'colour' is nothing that a remote has"),
            (("s", "region"), "takes a VALUE"),
            (("--unset", "s", "region", "x"), "takes a VALUE"),
            (("--unset", "s", "url"), "cannot be without url"),
            (("s", "endpointurl", "localhost:9000"), "no http or https"),
            (("--local", "s", "password", "x"), "is at s3://, where password means nothing"),
            (("--local", "s", "accountkey", "x"), "secretaccesskey"),
        ],
    )
    def test_refuses(self, repo: Repo, words: tuple[str, ...], says: str) -> None:
        before = repo.read(".mlversconfig")
        ran = repo.fails("mlvers", "remote", "modify", *words)
        assert ran.returncode == 2
        assert says in ran.stderr
        assert repo.read(".mlversconfig") == before


class TestOthers:
    def test_list(self, repo: Repo, tmp_path: Path) -> None:
        assert "there is no remote" in repo.run("mlvers", "remote").stderr
        repo.mlvers("remote", "add", "storage", "s3://bucket/prefix")
        repo.mlvers("remote", "add", "--local", "disk", str(tmp_path / "disk"))
        lines = [line.split() for line in repo.mlvers("remote").splitlines()]
        assert lines == [
            ["disk", f"{tmp_path}/disk", "git", "config"],
            ["*", "storage", "s3://bucket/prefix", ".mlversconfig"],
        ]
        found = json.loads(repo.mlvers("remote", "list", "--json"))
        assert [(item["name"], item["default"]) for item in found] == [
            ("disk", False),
            ("storage", True),
        ]

    def test_list_names_the_implicit_place(
        self, repo: Repo, make_repo: Callable[..., Repo], tmp_path: Path
    ) -> None:
        make_repo("origin.git", "--bare")
        repo.git("remote", "add", "origin", "../origin.git")
        assert f"into {tmp_path}/origin.git/mlvers" in repo.run("mlvers", "remote", "list").stderr

    def test_list_names_the_store_of_the_git_remote(self, repo: Repo) -> None:
        repo.git("remote", "add", "origin", "mlvers::s3://bucket/repo")
        said = repo.run("mlvers", "remote", "list").stderr
        assert said.endswith("content goes where the git remote is, into s3://bucket/repo\n")

    def test_rename_takes_everything_along(self, repo: Repo) -> None:
        repo.mlvers("remote", "add", "old", "s3://bucket")
        repo.mlvers("remote", "modify", "old", "endpointurl", "https://s3.example.com")
        repo.mlvers("remote", "modify", "--local", "old", "profile", "work")
        repo.mlvers("remote", "rename", "old", "new")
        assert committed(repo) == {
            "mlvers.remote": "new",
            "mlvers.remote.new.url": "s3://bucket",
            "mlvers.remote.new.endpointurl": "https://s3.example.com",
        }
        assert local(repo) == {
            "mlvers.remote.new.profile": "work",
            "mlvers.trust.new.location": "s3://bucket https://s3.example.com",
        }

    def test_remove_leaves_nothing(self, repo: Repo) -> None:
        repo.mlvers("remote", "add", "s", "s3://bucket")
        repo.mlvers("remote", "modify", "--local", "s", "profile", "work")
        ran = repo.run("mlvers", "remote", "remove", "s")
        assert "now there is none" in ran.stderr
        assert committed(repo) == local(repo) == {}
        assert repo.fails("mlvers", "remote", "remove", "s").returncode == 2

    def test_default_is_set_and_shown(self, repo: Repo) -> None:
        repo.mlvers("remote", "add", "one", "s3://one")
        repo.mlvers("remote", "add", "two", "s3://two")
        repo.mlvers("remote", "default", "two")
        assert committed(repo)["mlvers.remote"] == "two"
        repo.mlvers("remote", "default", "--local", "one")
        assert repo.mlvers("remote", "default") == "one"
        assert repo.fails("mlvers", "remote", "default", "three").returncode == 2

    def test_a_default_that_git_config_overrides(self, repo: Repo) -> None:
        repo.mlvers("remote", "add", "shared", "s3://one")
        repo.mlvers("remote", "add", "--local", "-d", "own", "s3://two")
        for words in (["add", "-d", "third", "s3://three"], ["default", "third"]):
            ran = repo.run("mlvers", "remote", *words)
            assert "third is the default remote in .mlversconfig" in ran.stdout
            assert "note: in this clone it is own, since .git/config (local) says" in ran.stderr
            assert "hint: git mlvers remote default --local third" in ran.stderr
        ran = repo.run("mlvers", "remote", "remove", "own")
        assert "own was the default remote; now it is third" in ran.stderr
        assert repo.mlvers("remote", "default") == "third"
        assert "was the default" not in repo.run("mlvers", "remote", "remove", "shared").stderr

    def test_trust_is_asked_for_in_another_clone(self, repo: Repo, tmp_path: Path) -> None:
        repo.mlvers("remote", "add", "s", "s3://bucket")
        repo.mlvers("remote", "modify", "s", "endpointurl", "https://s3.example.com")
        repo.commit()
        clone = repo.clone_to(tmp_path / "clone")
        assert "not trusted" in clone.mlvers("remote")
        said = clone.mlvers("remote", "trust", "s")
        assert "s3://bucket by way of https://s3.example.com" in said
        assert "not trusted" not in clone.mlvers("remote")
        clone.write(
            ".mlversconfig", clone.read(".mlversconfig").replace(b"s3.example", b"evil.example")
        )
        assert "not trusted" in clone.mlvers("remote")

    def test_a_refused_file_is_a_sentence(self, repo: Repo) -> None:
        repo.write(".mlversconfig", '[mlvers "remote.s"]\n\tpassword = x\n')
        ran = repo.fails("mlvers", "remote", "list")
        assert ran.returncode == 2
        assert "mlvers.remote.s.password: it is a secret" in ran.stderr
