"""The parts of one repository, joined: Git, configuration, cache and remotes.

A `Workspace` holds parts only, no verbs; each is opened at its first use, so
that a command pays for what it needs and for nothing else.
"""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING

from git_mlvers.config import Config
from git_mlvers.errors import MlversError
from git_mlvers.git.repository import Repository

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from git_mlvers.cache import Cache
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
        self._remotes: dict[tuple[str, str], Remote] = {}

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
            # A hook that has nothing to send does not pay for it.
            from git_mlvers.cache import Cache

            config = self.config
            self._cache = Cache(
                config.cache_dir or self.home,
                shared=config.shared,
                link=config.cache_link,
                alternates=self._borrowed(),
                neighbours=self._neighbours(),
                fsync=config.fsync,
            )
        return self._cache

    def remote(self, settings: RemoteSettings, *, write: bool = False) -> Remote:
        """The remote that `settings` describe, opened once; `write` asks for the right to push."""
        from git_mlvers.backend.registry import open_backend
        from git_mlvers.remote import Remote

        self.config.check_allowed(settings, write=write)
        # A remote may have the name of the git remote beside which another one is.
        key = settings.name, settings.url
        if key not in self._remotes:
            # In a repository on this disk, a place that is not there is one that is not made yet.
            beside = settings.url == settings.local_cache
            theirs = os.path.dirname(settings.url)
            shared = self.config.shared_at(theirs) if beside and write else None
            backend = open_backend(settings.url, settings.options, shared=shared)
            state = os.path.join(self.home, "remotes")
            self._remotes[key] = Remote(
                backend,
                state,
                concurrency=self.config.concurrency,
                optional=beside,
                shared=self.config.shared,
            )
        return self._remotes[key]

    def sources(self, git_remote: str | None = None) -> Sequence[Callable[[], Remote]]:
        """What opens the remotes that content is read from, best first."""
        return [partial(self.remote, settings) for settings in self.config.sources(git_remote)]

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

    def _borrowed(self) -> Iterator[str]:
        """Caches of repositories on this disk that this one borrows from.

        They, and those of `_neighbours`, are found out when they are needed: that may
        start git several times.
        """
        for objects in self.repo.alternates():
            yield os.path.join(os.path.dirname(objects), "mlvers")

    def _neighbours(self) -> Iterator[str]:
        """Caches of repositories on this disk that this one has as git remotes."""
        try:
            places = self.config.sources()
        except MlversError:
            return  # who needs a remote is told
        for place in places:
            if place.local_cache not in (None, self.home):
                yield place.local_cache
