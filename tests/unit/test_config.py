"""Configuration: where values come from, and what a committed file may not do."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from git_mlvers.config import Config, ConfigError, UntrustedRemote
from git_mlvers.git.repository import Repository

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.git import Repo


def load(repo: Repo, treeish: str | None = None, **env: str) -> Config:
    environment = {**os.environ, **env}
    return Config.load(Repository.discover(str(repo.path), environment), environment, treeish)


def committed(repo: Repo, text: str) -> None:
    repo.write(".mlversconfig", text)


STORAGE = '[mlvers]\n\tremote = storage\n[mlvers "remote.storage"]\n\turl = s3://bucket/prefix\n'


class TestValues:
    def test_defaults(self, repo: Repo) -> None:
        config = load(repo)
        assert config.cache_dir is None
        assert config.cache_link == "auto"
        assert (config.fetch_include, config.fetch_exclude) == ((), ())
        assert not config.skip_smudge
        assert not config.strict
        assert config.fsync
        assert config.hooks_wanted
        assert config.populate_min == 8 * 1024 * 1024
        assert config.prune_days == 7
        assert config.concurrency is None
        assert config.program is None
        assert config.shared is None
        assert config.hooks_dir is None
        assert config.default_remote() is None

    def test_git_config_in_any_spelling(self, repo: Repo) -> None:
        repo.config("MLvers.PopulateMin", "3k")
        repo.config("mlvers.cacheLink", "HardLink")
        repo.config("mlvers.concurrency", "5")
        config = load(repo)
        assert (config.populate_min, config.cache_link, config.concurrency) == (3072, "hardlink", 5)

    def test_a_key_without_a_value_is_true(self, repo: Repo) -> None:
        with (repo.path / ".git/config").open("a") as file:
            file.write("[mlvers]\n\tstrict\n")
        assert load(repo).strict

    def test_the_command_line_of_git_counts(self, repo: Repo) -> None:
        assert load(repo, GIT_CONFIG_PARAMETERS="'mlvers.strict'='true'").strict

    def test_the_environment_counts_most(self, repo: Repo) -> None:
        repo.config("mlvers.strict", "true")
        config = load(repo, MLVERS_STRICT="0", MLVERS_SKIP_SMUDGE="1", MLVERS_CACHE_DIR="/c")
        assert not config.strict
        assert config.skip_smudge
        assert config.cache_dir == "/c"
        value = config.origin_of("mlvers.strict")
        assert value is not None
        assert value.place == "the environment variable MLVERS_STRICT"

    @pytest.mark.parametrize(("ci", "strict"), [("true", True), ("1", True), ("false", False)])
    def test_strict_in_ci(self, repo: Repo, ci: str, strict: bool) -> None:
        assert load(repo, CI=ci).strict is strict
        repo.config("mlvers.strict", "false")
        assert not load(repo, CI=ci).strict

    @pytest.mark.parametrize(
        ("key", "value", "read", "says"),
        [
            ("mlvers.strict", "perhaps", "strict", "neither true nor false"),
            ("mlvers.populateMin", "8 megs", "populate_min", "no number"),
            ("mlvers.pruneDays", "a week", "prune_days", "no number"),
            ("mlvers.cacheLink", "symlink", "cache_link", "auto, copy, hardlink"),
        ],
    )
    def test_a_bad_value_names_key_and_file(
        self, repo: Repo, key: str, value: str, read: str, says: str
    ) -> None:
        repo.config(key, value)
        with pytest.raises(ConfigError) as caught:
            getattr(load(repo), read)
        assert key in caught.value.message
        assert ".git/config" in caught.value.message or says in str(caught.value)
        assert says in str(caught.value)

    def test_cache_dir_paths(self, repo: Repo, home: Path) -> None:
        repo.config("mlvers.cacheDir", "~/cache")
        assert load(repo).cache_dir == str(home / "cache")
        repo.config("mlvers.cacheDir", "../../shared")
        assert load(repo).cache_dir == str(repo.path.parent / "shared")

    def test_patterns_are_lists(self, repo: Repo) -> None:
        repo.config("mlvers.fetchInclude", "data/**, *.bin")
        repo.git("config", "--add", "mlvers.fetchInclude", "more")
        assert load(repo).fetch_include == ("data/**", "*.bin", "more")

    @pytest.mark.parametrize(
        ("value", "mode"),
        [("group", 0o660), ("true", 0o660), ("all", 0o664), ("0640", -0o640), ("umask", None)],
    )
    def test_shared_repository(self, repo: Repo, value: str, mode: int | None) -> None:
        repo.config("core.sharedRepository", value)
        assert load(repo).shared == mode

    def test_hooks_path(self, repo: Repo, home: Path) -> None:
        repo.config("core.hooksPath", "ci/hooks")
        assert load(repo).hooks_dir == str(repo.path / "ci/hooks")
        repo.config("core.hooksPath", "~/hooks")
        assert load(repo).hooks_dir == str(home / "hooks")

    def test_outside_of_a_repository(self, home: Path) -> None:
        subprocess.run(["git", "config", "--global", "mlvers.strict", "true"], check=True)
        config = Config.load(None, os.environ)
        assert config.strict
        assert config.default_remote() is None
        value = config.origin_of("mlvers.strict")
        assert value is not None
        assert (value.scope, value.place) == ("global", str(home / ".gitconfig"))


class TestCommittedFile:
    def test_names_the_remote(self, repo: Repo) -> None:
        committed(repo, STORAGE + "\tregion = eu-west-1\n")
        settings = load(repo).default_remote()
        assert settings is not None
        assert (settings.name, settings.url) == ("storage", "s3://bucket/prefix")
        assert settings.options == {"region": "eu-west-1"}
        assert settings.source == ".mlversconfig"
        assert settings.read_needs is settings.write_needs is None

    def test_git_config_takes_precedence(self, repo: Repo) -> None:
        committed(repo, STORAGE)
        repo.config("mlvers.remote.storage.url", "s3://mine")
        repo.config("mlvers.remote.storage.secretAccessKey", "s")
        settings = load(repo).remote_settings("storage")
        assert settings.url == "s3://mine"
        assert settings.source == "git config"
        assert settings.options == {"secretaccesskey": "s"}

    def test_is_read_from_tree_then_index_then_head(self, repo: Repo) -> None:
        committed(repo, STORAGE)
        repo.commit()
        committed(repo, STORAGE.replace("bucket", "second"))
        repo.git("add", ".")
        assert load(repo, "HEAD").remote_settings("storage").url == "s3://bucket/prefix"
        repo.remove(".mlversconfig")
        assert load(repo).remote_settings("storage").url == "s3://second/prefix"
        repo.git("rm", "-q", "--cached", ".mlversconfig")
        assert load(repo).remote_settings("storage").url == "s3://bucket/prefix"

    def test_is_read_from_head_in_a_bare_repository(
        self, repo: Repo, make_repo: Callable[..., Repo], tmp_path: Path
    ) -> None:
        committed(repo, STORAGE)
        repo.commit()
        bare = repo.clone_to(tmp_path / "bare", "--bare")
        assert load(bare).remote_settings("storage").url == "s3://bucket/prefix"

    @pytest.mark.parametrize(
        ("text", "key", "why"),
        [
            ('[mlvers "remote.s"]\n\tsecretaccesskey = x', "secretaccesskey", "secret"),
            ('[mlvers "remote.s"]\n\tpassword = x', "password", "secret"),
            ('[mlvers "remote.s"]\n\tcredentialpath = x', "credentialpath", "secret"),
            ('[mlvers "remote.s"]\n\turl = ssh://me:pw@host/x', "url", "password"),
            ("[mlvers]\n\tprogram = /tmp/evil", "mlvers.program", "program"),
            ('[filter "mlvers"]\n\tprocess = evil', "filter.mlvers.process", "program"),
            ("[core]\n\thooksPath = x", "core.hookspath", "program"),
            ("[mlvers]\n\tcacheDir = /tmp", "mlvers.cachedir", "cannot|not a key"),
            ("[include]\n\tpath = /etc/passwd", "include.path", "program or a file"),
            ('[mlvers "trust.s"]\n\tlocation = x', "mlvers.trust.s.location", "not a key"),
            ("[mlvers]\n\tstrict = false", "mlvers.strict", "not a key"),
            ('[mlvers "remote.s"]\n\turl = ext::sh -c evil', "url", "no kind of address"),
            ('[mlvers "remote.s"]\n\turl = simplecache::s3://b', "url", "no kind of address"),
            ('[mlvers "remote.s"]\n\turl = https://host/x', "url", "no kind of address"),
            ('[mlvers "remote.s"]\n\turl = data/x', "url", "inside of the repository"),
            ('[mlvers "remote.s"]\n\turl = .git/mlvers', "url", "inside of the repository"),
            ('[mlvers "remote.s"]\n\turl = "s3://b/\\tx"', "url", "control characters"),
            ('[mlvers "remote.s"]\n\tendpointurl = file:///etc', "endpointurl", "no http"),
            ('[mlvers "remote.s"]\n\tendpointurl = https://u@h', "endpointurl", "user name"),
            ('[mlvers "remote.s"]\n\turl =', "url", "no value"),
        ],
    )
    def test_is_refused_with_key_and_reason(
        self, repo: Repo, text: str, key: str, why: str
    ) -> None:
        committed(repo, text + "\n")
        config = load(repo)
        fault = config.committed_fault()
        assert fault is not None
        assert key in fault.message
        assert any(word in fault.message for word in why.split("|"))
        assert "\t" not in fault.message
        with pytest.raises(ConfigError):
            config.default_remote()
        with pytest.raises(ConfigError):
            config.remote_settings("s")
        # What is not about remotes goes on.
        assert config.fetch_include == ()
        assert config.cache_dir is None

    def test_a_bad_remote_name_is_refused(self, repo: Repo) -> None:
        committed(repo, '[mlvers "remote.-x"]\n\turl = s3://b\n')
        with pytest.raises(ConfigError, match="cannot be the name"):
            load(repo).remote_names()

    def test_a_file_that_is_not_git_config_is_a_config_error(self, repo: Repo) -> None:
        committed(repo, "{ json? }\n")
        with pytest.raises(ConfigError, match=r"\.mlversconfig"):
            load(repo).default_remote()

    def test_a_link_in_its_place_is_not_followed(self, repo: Repo, tmp_path: Path) -> None:
        (tmp_path / "elsewhere").write_text(STORAGE)
        (repo.path / ".mlversconfig").symlink_to(tmp_path / "elsewhere")
        with pytest.raises(ConfigError, match="symbolic link"):
            load(repo).default_remote()

    def test_a_link_to_the_inside_is_inside(self, repo: Repo, tmp_path: Path) -> None:
        (tmp_path / "link").symlink_to(repo.path)
        committed(repo, f'[mlvers "remote.s"]\n\turl = {tmp_path}/link/x\n')
        with pytest.raises(ConfigError, match="inside of the repository"):
            load(repo).default_remote()


class TestTrust:
    @pytest.mark.parametrize("url", ["ssh://host/x", "sftp://host/x", "webdavs://host/x"])
    def test_a_committed_host_needs_the_users_word(self, repo: Repo, url: str) -> None:
        committed(repo, f'[mlvers "remote.s"]\n\turl = {url}\n')
        config = load(repo)
        settings = config.remote_settings("s")
        for write in (False, True):
            with pytest.raises(UntrustedRemote, match="host of " + url) as caught:
                config.check_allowed(settings, write=write)
            assert caught.value.hint == "git mlvers remote trust s"
        repo.config("mlvers.trust.s.location", url)
        config.check_allowed(load(repo).remote_settings("s"), write=True)

    def test_a_committed_endpoint_needs_it_too(self, repo: Repo) -> None:
        committed(repo, STORAGE + "\tendpointurl = https://minio.example:9000\n")
        config = load(repo)
        with pytest.raises(UntrustedRemote, match=r"https://minio\.example:9000"):
            config.check_allowed(config.remote_settings("storage"))
        repo.config(
            "mlvers.trust.storage.location", "s3://bucket/prefix https://minio.example:9000"
        )
        config.check_allowed(load(repo).remote_settings("storage"), write=True)
        committed(repo, STORAGE + "\tendpointurl = https://evil.example\n")
        with pytest.raises(UntrustedRemote):
            config.check_allowed(load(repo).remote_settings("storage"))

    def test_a_committed_endpoint_under_an_own_url_needs_it_too(self, repo: Repo) -> None:
        committed(repo, STORAGE + "\tendpointurl = https://evil.example\n")
        repo.config("mlvers.remote.storage.url", "s3://mine")
        config = load(repo)
        with pytest.raises(UntrustedRemote, match="evil"):
            config.check_allowed(config.remote_settings("storage"))

    @pytest.mark.parametrize(
        ("endpoint", "own"),
        [
            ("https://s3.eu-west-1.amazonaws.com", True),
            ("https://s3.us-gov-west-1.amazonaws.com:443/", True),
            ("https://ec2-1-2-3-4.compute-1.amazonaws.com", False),
            ("https://s3-x.us-east-1.elb.amazonaws.com", False),
            ("https://evil.example?.s3.amazonaws.com", False),
            ("https://s3.eu-west-1.amazonaws.com:9000", False),
            ("https://s3.cn-north-1.amazonaws.com.cn", True),
            ("http://s3.eu-west-1.amazonaws.com", False),
            ("https://amazonaws.com.evil.example", False),
            ("https://evilamazonaws.com", False),
            ("https://evil.example/.amazonaws.com", False),
        ],
    )
    def test_only_the_clouds_own_endpoint_is_free(
        self, repo: Repo, endpoint: str, own: bool
    ) -> None:
        committed(repo, STORAGE + f"\tendpointurl = {endpoint}\n")
        assert (load(repo).remote_settings("storage").read_needs is None) is own

    def test_a_committed_directory_is_read_but_not_written(
        self, repo: Repo, tmp_path: Path
    ) -> None:
        committed(repo, '[mlvers "remote.s"]\n\turl = ../store\n')
        config = load(repo)
        settings = config.remote_settings("s")
        assert settings.url == str(tmp_path / "store")
        config.check_allowed(settings)
        with pytest.raises(UntrustedRemote, match="directory"):
            config.check_allowed(settings, write=True)

    def test_what_the_user_configured_needs_nothing(self, repo: Repo, tmp_path: Path) -> None:
        repo.config("mlvers.remote.s.url", f"file://{tmp_path}/store")
        config = load(repo)
        settings = config.remote_settings("s")
        assert settings.url == str(tmp_path / "store")
        config.check_allowed(settings, write=True)


class TestRemotes:
    def test_an_unknown_remote_names_the_known_ones(self, repo: Repo) -> None:
        committed(repo, STORAGE)
        with pytest.raises(ConfigError, match="no remote named 'other'") as caught:
            load(repo).remote_settings("other")
        assert caught.value.hint == "there is storage"

    def test_a_default_that_is_not_there_is_an_error(self, repo: Repo) -> None:
        repo.config("mlvers.remote", "gone")
        with pytest.raises(ConfigError, match="gone"):
            load(repo).default_remote()

    def test_the_only_remote_is_the_default(self, repo: Repo) -> None:
        repo.config("mlvers.remote.one.url", "s3://one")
        settings = load(repo).default_remote()
        assert settings is not None
        assert settings.name == "one"
        repo.config("mlvers.remote.two.url", "s3://two")
        assert load(repo).default_remote() is None

    def test_a_relative_directory_is_the_same_in_every_worktree(
        self, repo: Repo, tmp_path: Path
    ) -> None:
        repo.config("mlvers.remote.s.url", "../store")
        repo.write("a", "a")
        repo.commit()
        (tmp_path / "deep/er").mkdir(parents=True)
        repo.git("worktree", "add", "-q", str(tmp_path / "deep/er/w"))
        found = Repository.discover(str(tmp_path / "deep/er/w"), os.environ)
        settings = Config.load(found, os.environ).remote_settings("s")
        assert settings.url == str(tmp_path / "store")

    def test_content_goes_beside_a_local_git_remote(
        self, repo: Repo, make_repo: Callable[..., Repo], tmp_path: Path
    ) -> None:
        make_repo("bare.git", "--bare")
        make_repo("other")
        repo.git("remote", "add", "origin", "../bare.git")
        repo.git("remote", "add", "second", f"file://{tmp_path}/other")
        repo.git("remote", "add", "far", "https://example.com/x.git")
        config = load(repo)
        implicit = config.default_remote()
        assert implicit is not None
        assert implicit.url == implicit.local_cache == str(tmp_path / "bare.git/mlvers")
        assert (implicit.name, implicit.source) == ("origin", "git remote")
        config.check_allowed(implicit, write=True)
        second = config.default_remote("second")
        assert second is not None
        assert second.url == str(tmp_path / "other/.git/mlvers")
        assert config.default_remote("far") is None
        by_path = config.default_remote(str(tmp_path / "bare"))
        assert by_path is not None
        assert by_path.url == str(tmp_path / "bare.git/mlvers")

    @pytest.mark.parametrize(
        "url",
        [
            *("host:path", "git@host:x.git", "ssh://h/x", "/nonexistent", "x.bundle"),
            *("mlvers::https://h/x", "mlvers::host:x", "mlvers::", "mlvers::-x", "mlvers://x"),
        ],
    )
    def test_no_content_place_beside_what_is_not_a_local_repository(
        self, repo: Repo, url: str
    ) -> None:
        repo.git("remote", "add", "origin", url)
        assert load(repo).default_remote() is None

    def test_beside_a_worktree_and_through_instead_of(self, repo: Repo, tmp_path: Path) -> None:
        repo.write("a", "a")
        repo.commit()
        repo.git("worktree", "add", "-q", str(tmp_path / "w"))
        clone = repo.clone_to(tmp_path / "clone")
        clone.git("remote", "set-url", "origin", "short:w")
        clone.git("config", f"url.{tmp_path}/.insteadOf", "short:")
        settings = load(clone).default_remote()
        assert settings is not None
        assert settings.url == str(repo.path / ".git/mlvers")

    def test_a_configured_remote_wins_but_the_near_cache_is_known(
        self, repo: Repo, tmp_path: Path
    ) -> None:
        clone = repo.clone_to(tmp_path / "clone")
        clone.config("mlvers.remote.s.url", "s3://b")
        settings = load(clone).default_remote()
        assert settings is not None
        assert (settings.url, settings.local_cache) == ("s3://b", str(repo.path / ".git/mlvers"))

    def test_the_branch_says_which_git_remote(
        self, repo: Repo, make_repo: Callable[..., Repo], tmp_path: Path
    ) -> None:
        for name in ("origin", "other"):
            make_repo(f"{name}.git", "--bare")
            repo.git("remote", "add", name, f"../{name}.git")
        repo.config("branch.main.remote", "other")
        settings = load(repo).default_remote()
        assert settings is not None
        assert settings.url == str(tmp_path / "other.git/mlvers")


class TestGitRemotesOfTheHelper:
    """Git remotes ``mlvers::…``: content is in the store, or beside the repository behind it."""

    def test_a_store_has_the_content_too(self, repo: Repo) -> None:
        repo.git("remote", "add", "origin", "mlvers::s3://bucket/team/repo")
        settings = load(repo).default_remote()
        assert settings is not None
        assert (settings.name, settings.url) == ("origin", "s3://bucket/team/repo")
        assert (settings.source, settings.local_cache) == ("git remote", None)
        load(repo).check_allowed(settings, write=True)
        assert load(repo).sources() == [settings]

    def test_so_has_a_directory_without_a_repository(self, repo: Repo, tmp_path: Path) -> None:
        repo.git("remote", "add", "origin", "mlvers::../share")
        settings = load(repo).default_remote()
        assert settings is not None
        assert (settings.url, settings.local_cache) == (str(tmp_path / "share"), None)

    def test_an_address_instead_of_a_name(self, repo: Repo) -> None:
        settings = load(repo).default_remote("mlvers::gs://bucket/x")
        assert settings is not None
        assert settings.url == "gs://bucket/x"

    @pytest.mark.parametrize("prefix", ["mlvers::", "mlvers::file://"])
    def test_a_repository_has_it_beside_as_without_the_prefix(
        self, repo: Repo, make_repo: Callable[..., Repo], prefix: str
    ) -> None:
        bare = make_repo("bare.git", "--bare")
        repo.git("remote", "add", "plain", str(bare.path))
        repo.git("remote", "add", "origin", f"{prefix}{bare.path}")
        with_prefix, plain = load(repo).default_remote(), load(repo).default_remote("plain")
        assert with_prefix is not None
        assert plain is not None
        assert with_prefix._replace(name="plain") == plain
        assert with_prefix.local_cache == str(bare.path / "mlvers")

    def test_instead_of_may_bring_the_prefix(self, repo: Repo) -> None:
        repo.config("url.mlvers::s3://bucket/.insteadOf", "team:")
        repo.git("remote", "add", "origin", "team:repo")
        settings = load(repo).default_remote()
        assert settings is not None
        assert settings.url == "s3://bucket/repo"

    def test_instead_of_reaches_behind_the_prefix(
        self, repo: Repo, make_repo: Callable[..., Repo], tmp_path: Path
    ) -> None:
        make_repo("bare.git", "--bare")
        repo.config(f"url.{tmp_path}/.insteadOf", "near:")
        repo.git("remote", "add", "origin", "mlvers::near:bare.git")
        settings = load(repo).default_remote()
        assert settings is not None
        assert settings.url == str(tmp_path / "bare.git/mlvers")

    def test_what_is_called_the_default_wins(self, repo: Repo) -> None:
        repo.git("remote", "add", "origin", "mlvers::s3://bucket/repo")
        committed(repo, STORAGE)
        settings = load(repo).default_remote()
        assert settings is not None
        assert settings.url == "s3://bucket/prefix"
        urls = [place.url for place in load(repo).sources()]
        assert urls == ["s3://bucket/prefix", "s3://bucket/repo"]

    def test_so_does_the_only_one_that_is_committed(self, repo: Repo) -> None:
        repo.git("remote", "add", "origin", "mlvers::s3://bucket/repo")
        committed(repo, '[mlvers "remote.s"]\n\turl = s3://bucket\n')
        settings = load(repo).default_remote()
        assert settings is not None
        assert settings.url == "s3://bucket"

    def test_the_only_one_of_the_user_lends_its_options(self, repo: Repo, home: Path) -> None:
        repo.git("remote", "add", "origin", "mlvers::s3://bucket/repo")
        lend(repo, "store", "s3://bucket", endpointUrl="https://minio:9000", secretAccessKey="k")
        settings = load(repo).default_remote()
        assert settings is not None
        assert settings.url == "s3://bucket/repo"
        assert settings.options == {"endpointurl": "https://minio:9000", "secretaccesskey": "k"}
        repo.config("mlvers.remote", "store")
        called = load(repo).default_remote()
        assert called is not None
        assert called.url == "s3://bucket"

    def test_others_of_the_user_do_not_stand_in_the_way(self, repo: Repo) -> None:
        repo.git("remote", "add", "origin", "mlvers::s3://bucket/repo")
        lend(repo, "one", "s3://one")
        lend(repo, "two", "s3://two")
        settings = load(repo).default_remote()
        assert settings is not None
        assert (settings.url, settings.options) == ("s3://bucket/repo", {})

    def test_another_store_of_the_user_alone_is_the_default(self, repo: Repo) -> None:
        repo.git("remote", "add", "origin", "mlvers::s3://bucket/repo")
        lend(repo, "one", "s3://bucket/rep")
        settings = load(repo).default_remote()
        assert settings is not None
        assert settings.url == "s3://bucket/rep"


def lend(repo: Repo, remote: str, url: str, **options: str) -> None:
    """Configure a remote for the user, with the repository left alone."""
    for option, value in {"url": url, **options}.items():
        repo.git("config", "--global", f"mlvers.remote.{remote}.{option}", value)


class TestOptionsFor:
    """Options of the user's remotes that serve other addresses in the same store."""

    @pytest.mark.parametrize(
        ("above", "url"),
        [
            ("s3://bucket", "s3://bucket"),
            ("s3://bucket/", "S3://bucket/a/b"),
            ("s3://bucket/a", "s3://bucket//a/b/"),
            ("sftp://host/data", "sftp://me@host/data/x"),
            ("ssh://me@host/data", "sftp://me@host/data/x"),
            ("webdavs://host:8443", "webdavs://host:8443/dav"),
        ],
    )
    def test_serve_what_is_there_or_below(self, repo: Repo, above: str, url: str) -> None:
        lend(repo, "store", above, region="r")
        assert load(repo).options_for(url) == {"region": "r"}

    @pytest.mark.parametrize(
        ("above", "url"),
        [
            ("s3://bucket/a", "s3://bucket/ab"),
            ("s3://bucket/a/b", "s3://bucket/a"),
            ("s3://bucket", "s3://bucket2/a"),
            ("s3://bucket", "gs://bucket/a"),
            ("sftp://host/x", "sftp://host.evil.example/x"),
            ("sftp://host/x", "sftp://host:2222/x"),
            ("sftp://me@host/x", "sftp://you@host/x"),
            ("webdavs://host/x", "webdav://host/x"),
            ("/data", "/data/repo"),
            ("no scheme::", "s3://bucket"),
            ("s3://bucket", "https://bucket/x"),
        ],
    )
    def test_serve_nothing_else(self, repo: Repo, above: str, url: str) -> None:
        lend(repo, "store", above, region="r", secretAccessKey="k")
        assert load(repo).options_for(url) == {}

    def test_the_nearest_counts_and_no_other(self, repo: Repo) -> None:
        lend(repo, "far", "s3://bucket", region="far", profile="p")
        lend(repo, "near", "s3://bucket/a", region="near")
        assert load(repo).options_for("s3://bucket/a/b") == {"region": "near"}
        assert load(repo).options_for("s3://bucket/b") == {"region": "far", "profile": "p"}

    def test_a_committed_file_lends_nothing(self, repo: Repo) -> None:
        committed(repo, STORAGE + "\tendpointurl = https://evil.example\n")
        assert load(repo).options_for("s3://bucket/prefix/x") == {}
        # Nor does it draw the user's keys to an address that he did not give them for.
        lend(repo, "storage", "s3://mine", secretAccessKey="k")
        assert load(repo).options_for("s3://bucket/prefix/x") == {}
        assert load(repo).options_for("s3://mine/x") == {"secretaccesskey": "k"}

    def test_outside_of_a_repository(self, repo: Repo) -> None:
        lend(repo, "store", "s3://bucket", profile="p")
        assert Config.load(None, os.environ).options_for("s3://bucket/x") == {"profile": "p"}


def test_importing_is_cheap() -> None:
    code = "import sys, git_mlvers.config; print(*sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    heavy = {"dataclasses", "pathlib", "subprocess", "json", "argparse", "fsspec", "logging"}
    assert not heavy & set(ran.stdout.split())
