"""The parts of one repository, joined: Git, configuration, cache and remotes.

A `Workspace` holds parts only, no verbs; each is opened at its first use, so
that a command pays for what it needs and for nothing else.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from git_mlvers.cache import Cache
from git_mlvers.config import Config
from git_mlvers.errors import MlversError
from git_mlvers.git.repository import Repository

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from git_mlvers.config import RemoteSettings
    from git_mlvers.remote import Remote


class Workspace:
    """A repository with its configuration, cache and remotes.

    `treeish` names the tree whose committed ``.mlversconfig`` counts, for a
    checkout in which the working tree does not have the file yet.
    """

    def __init__(self, repo: Repository, env: Mapping[str, str]) -> None:
        self.repo = repo
        self.env = env
        self.treeish: str | None = None
        self._config: Config | None = None
        self._cache: Cache | None = None
        self._remotes: dict[str, Remote] = {}

    @classmethod
    def open(cls, cwd: str | None = None, env: Mapping[str, str] | None = None) -> Workspace:
        """The workspace around `cwd`; raises `NotARepository` outside of one."""
        environment = {} if env is None else env
        return cls(Repository.discover(cwd, environment), environment)

    @property
    def home(self) -> str:
        """Where this repository keeps what is its own: ``<git common dir>/mlvers``."""
        return os.path.join(self.repo.common_dir, "mlvers")

    @property
    def config(self) -> Config:
        """The configuration as it was at the first use."""
        if self._config is None:
            self._config = Config.load(self.repo, self.env, self.treeish)
        return self._config

    @property
    def cache(self) -> Cache:
        """The store of whole files that all worktrees of this repository share."""
        if self._cache is None:
            config = self.config
            self._cache = Cache(
                config.cache_dir or self.home,
                shared=config.shared,
                link=config.cache_link,
                alternates=self._alternates(),
                fsync=config.fsync,
            )
        return self._cache

    def remote(self, settings: RemoteSettings, *, write: bool = False) -> Remote:
        """The remote that `settings` describe, opened once; `write` asks for the right to push."""
        from git_mlvers.backend.registry import open_backend
        from git_mlvers.remote import Remote

        self.config.check_allowed(settings, write=write)
        if settings.name not in self._remotes:
            backend = open_backend(settings.url, settings.options)
            state = os.path.join(self.home, "remotes")
            self._remotes[settings.name] = Remote(
                backend, state, concurrency=self.config.concurrency
            )
        return self._remotes[settings.name]

    def sources(self, git_remote: str | None = None) -> Sequence[Callable[[], Remote]]:
        """What opens the remotes that content is read from, best first."""
        settings = self.config.default_remote(git_remote)
        return [] if settings is None else [lambda: self.remote(settings)]

    def close(self) -> None:
        """Give back what was opened; what was added to the cache is made durable."""
        try:
            if self._cache is not None:
                self._cache.close()
        finally:
            for remote in self._remotes.values():
                remote.close()
            self._remotes.clear()
            self._cache = None

    def __enter__(self) -> Workspace:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _alternates(self) -> list[str]:
        """Caches of repositories that this one borrows from, or was cloned from on this disk."""
        roots = [
            os.path.join(os.path.dirname(objects), "mlvers") for objects in self.repo.alternates()
        ]
        try:
            settings = self.config.default_remote(None)
        except MlversError:
            settings = None
        if settings is not None and settings.local_cache is not None:
            roots.append(settings.local_cache)
        return [root for root in dict.fromkeys(roots) if root != self.home]
