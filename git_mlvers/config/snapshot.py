"""`Config`: everything that is configured for one repository, at one moment."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from git_mlvers.config import beside, committed, remotes
from git_mlvers.config.remotes import RemoteSettings
from git_mlvers.config.source import Source
from git_mlvers.config.values import (
    ConfigError,
    Value,
    read_bool,
    read_choice,
    read_list,
    read_size,
    read_span,
)

if TYPE_CHECKING:
    from git_mlvers.git.repository import Repository

CACHE_LINKS = ("auto", "copy", "hardlink")
POPULATE_MIN = 8 << 20
"""Files of at least so many bytes are put into the working tree directly, not through git."""
PRUNE_DAYS = 7
"""Prune keeps what commits of so many days need."""

GC_GRACE = "7d"
"""So long a collection leaves on the remote what it has marked for deletion."""

_SHARED_GROUP, _SHARED_ALL = 0o660, 0o664


class Config(Source):
    """The configuration of one repository: git config over the committed ``.mlversconfig``.

    Values that cannot be read raise `ConfigError` when they are asked for.
    """

    __slots__ = ()

    @property
    def cache_dir(self) -> str | None:
        """The directory of a cache shared by several repositories; ``None`` for the own one."""
        path = self.get("mlvers.cachedir")
        if not path:
            return None
        base = self._repo.common_dir if self._repo is not None else ""
        return os.path.normpath(os.path.join(base, self.expanded(path)))

    @property
    def cache_link(self) -> str:
        """How files come from the cache: ``auto``, ``copy`` or ``hardlink``."""
        value = self.origin_of("mlvers.cachelink")
        return "auto" if value is None else read_choice("mlvers.cacheLink", value, CACHE_LINKS)

    @property
    def fetch_include(self) -> tuple[str, ...]:
        """Patterns of paths whose content is wanted; empty for all."""
        return read_list(self.values("mlvers.fetchinclude"))

    @property
    def fetch_exclude(self) -> tuple[str, ...]:
        """Patterns of paths whose content is not wanted."""
        return read_list(self.values("mlvers.fetchexclude"))

    @property
    def skip_smudge(self) -> bool:
        """Whether a checkout leaves pointers where the content would come."""
        return self._bool("mlvers.skipSmudge", False)

    @property
    def strict(self) -> bool:
        """Whether missing content fails a checkout; on by default where ``CI`` is set."""
        return self._bool("mlvers.strict", self.in_ci)

    @property
    def in_ci(self) -> bool:
        """Whether a continuous integration runs us."""
        return self._env.get("CI", "").strip().lower() not in ("", "0", "false", "no", "off")

    @property
    def notes(self) -> bool:
        """Whether params and metrics are recorded on commits, and exchanged."""
        return self._bool("mlvers.notes", True)

    @property
    def sparse(self) -> bool:
        """Whether the working tree has only a part of the files (``core.sparseCheckout``)."""
        return self._bool("core.sparseCheckout", False)

    @property
    def fsync(self) -> bool:
        """Whether content in the cache is made to survive a power failure."""
        return self._bool("mlvers.fsync", True)

    @property
    def hooks_wanted(self) -> bool:
        """Whether the filter puts the hooks into a repository at its first use."""
        return self._bool("mlvers.hooks", True)

    @property
    def autostage(self) -> bool:
        """Whether repro stages what stages made, as ``git add --force`` does."""
        return self._bool("mlvers.autostage", True)

    @property
    def populate_min(self) -> int:
        """Size from which a file is put into the working tree directly; bytes."""
        value = self.origin_of("mlvers.populatemin")
        return POPULATE_MIN if value is None else read_size("mlvers.populateMin", value)

    @property
    def concurrency(self) -> int | None:
        """How many transfers run at once; ``None`` to leave it to the remote."""
        value = self.origin_of("mlvers.concurrency")
        return None if value is None else max(1, read_size("mlvers.concurrency", value))

    @property
    def prune_days(self) -> int:
        """How old content must be before prune deletes it; days."""
        value = self.origin_of("mlvers.prunedays")
        return PRUNE_DAYS if value is None else read_size("mlvers.pruneDays", value)

    @property
    def gc_grace(self) -> float:
        """How long what a collection marked for deletion stays on the remote; seconds."""
        value = self.origin_of("mlvers.gcgrace")
        found = read_span(GC_GRACE if value is None else value.text or "")
        if value is not None and found is None:
            raise ConfigError(
                f"mlvers.gcGrace is {value.text!r} in {value.place}, which is no span of time",
                "write a number of days, or a whole number with s, m, h, d or w: 7d",
            )
        return found or 0.0

    @property
    def program(self) -> str | None:
        """The installed program, where it is not found on ``PATH``."""
        return self.get("mlvers.program")

    @property
    def shared(self) -> int | None:
        """``core.sharedRepository`` as the permission bits of a file; ``None`` for the umask's.

        Negative for bits that replace those of the umask instead of adding to them.
        """
        value = self.origin_of("core.sharedrepository")
        return _shared("umask" if value is None else value.text or "true")

    def shared_at(self, git_dir: str) -> int | None:
        """The same of the repository with the common directory `git_dir`, on this machine."""
        if self._repo is None:
            return None
        file = os.path.join(git_dir, "config")
        said = self._repo.git(
            "config", "--file", file, "--get", "core.sharedRepository", check=False
        )
        return _shared(said.decode("utf-8", "replace") or "umask")

    @property
    def hooks_dir(self) -> str | None:
        """``core.hooksPath`` made absolute; ``None`` when the repository's own hooks run.

        It is set to nothing to turn hooks off, as is the null device, which is given for it.
        """
        path = self.get("core.hookspath")
        if path is None or self._repo is None:
            return None
        if not path:
            return os.devnull
        base = self._repo.work_tree or self._repo.git_dir
        return os.path.normpath(os.path.join(base, self.expanded(path)))

    def remote_names(self) -> list[str]:
        """The names of all configured remotes, sorted; raises `ConfigError`."""
        self.raise_fault()
        names = set()
        for key in (*self._git, *self._committed_values()):
            part = committed.split_remote_key(key)
            if part is not None and part[1] == "url":
                names.add(part[0])
        return sorted(names)

    def remote_settings(self, name: str) -> RemoteSettings:
        """What is configured for the remote `name`; raises `ConfigError`."""
        self.raise_fault()
        url = self.origin_of(f"mlvers.remote.{name}.url")
        if url is None or not url.text:
            raise remotes.no_such_remote(name, self.remote_names())
        options = {}
        for option in (*remotes.PLAIN_OPTIONS, *remotes.SECRET_OPTIONS):
            text = self.get(f"mlvers.remote.{name}.{option}")
            if text:
                options[option] = text
        # A file for everyone means no one's home directory.
        place = url.text if _is_committed(url) else self.expanded(url.text)
        if not committed.scheme_of(place) and self._repo is not None:
            place = committed.directory_of(self._repo, place)
        endpoint = self.origin_of(f"mlvers.remote.{name}.endpointurl")
        via = endpoint.text if endpoint is not None else None
        needs = remotes.needs_of(place, _is_committed(url), via, _is_committed(endpoint))
        if self.get(f"mlvers.trust.{name}.location") == remotes.trust_text(place, via):
            needs = None, None
        source = committed.FILE_NAME if _is_committed(url) else "git config"
        return RemoteSettings(name, place, options, source, *needs)

    def default_name(self) -> str | None:
        """The remote that is used when none is named; raises `ConfigError`."""
        self.raise_fault()
        name = self.get("mlvers.remote")
        if name:
            return name
        names = self.remote_names()
        return names[0] if len(names) == 1 else None

    def default_remote(self, git_remote: str | None = None) -> RemoteSettings | None:
        """The place for content that goes with `git_remote` (a name or an address).

        The configured default; without one, the store that the git remote is in,
        or the place beside a git remote that is a path of this machine; else
        ``None``. Raises `ConfigError`.
        """
        name = self.default_name()
        with_it = None
        if self._repo is not None:
            git_remote = git_remote or beside.usual_git_remote(self, self._repo)
            if git_remote is not None:
                with_it = self._place_of(self._repo, git_remote)
        if name is not None and not self._only_lends(name, with_it):
            local = None if with_it is None else with_it.local_cache
            return self.remote_settings(name)._replace(local_cache=local)
        if with_it is not None and with_it.local_cache is not None and self.remote_names():
            return None
        return with_it

    def options_for(self, url: str) -> dict[str, str]:
        """The options for the store at `url`, by lower-case key.

        They are those that git config (never the committed file) has for a remote
        at that address, or at the nearest place above it in the same store.
        """
        from git_mlvers.config import lent

        return lent.options_for(self._git, url)

    def sources(self, git_remote: str | None = None) -> list[RemoteSettings]:
        """All places from which content may be read, best first; raises `ConfigError`.

        First what `default_remote` gives. Then the others that are configured,
        unless the user has still to agree to one, and the places that go with the other
        git remotes: a branch that was fetched from a fork has its content there.
        """
        first = self.default_remote(git_remote)
        others = [self.remote_settings(name) for name in self.remote_names()]
        others += self._places_of_git_remotes()
        others += self.own_place()
        found = {} if first is None else {first.url: first}
        for place in others:
            if place.read_needs is None:
                found.setdefault(place.url, place)
        return list(found.values())

    def _places_of_git_remotes(self) -> list[RemoteSettings]:
        if self._repo is None:
            return []
        places = [self._place_of(self._repo, name) for name in self.git_remotes()]
        return [
            place
            for place in places
            if place is not None and (committed.scheme_of(place.url) or os.path.isdir(place.url))
        ]

    def _place_of(self, repo: Repository, git_remote: str) -> RemoteSettings | None:
        """The place for content that goes with a git remote whatever is configured."""
        near = beside.place_near(self, repo, git_remote)
        if near is None:
            return None
        options = {} if near.beside else self.options_for(near.url)
        local = near.url if near.beside else None
        return RemoteSettings(git_remote, near.url, options, "git remote", local_cache=local)

    def _only_lends(self, name: str, place: RemoteSettings | None) -> bool:
        """Whether the remote `name` is there for the options of the store at `place`.

        It is when nobody called it the default, and it is that store or a part of
        the store above it.
        """
        if place is None or place.local_cache is not None or self.get("mlvers.remote"):
            return False
        from git_mlvers.config import lent

        url = self.origin_of(f"mlvers.remote.{name}.url")
        if url is None or _is_committed(url):
            return False
        return lent.covers(url.text or "", place.url) is not None

    def own_place(self) -> list[RemoteSettings]:
        """What others have pushed into this repository lies in it, for who asked no other place."""
        if self._repo is None:
            return []
        place = os.path.join(self._repo.common_dir, "mlvers")
        if not os.path.isfile(os.path.join(place, "mlvers.json")):
            return []
        return [RemoteSettings("this repository", place, {}, "git remote", local_cache=place)]

    @staticmethod
    def check_allowed(settings: RemoteSettings, *, write: bool = False) -> None:
        """Raise `UntrustedRemote` unless the user has agreed to this use of the remote."""
        remotes.check_allowed(settings, write)

    def _bool(self, key: str, default: bool) -> bool:
        value = self.origin_of(key)
        return default if value is None else read_bool(key, value)

    def expanded(self, path: str) -> str:
        """`path` with the user's home directory for a ``~`` at its beginning."""
        home = self._env.get("HOME")
        return home + path[1:] if home and (path == "~" or path.startswith("~/")) else path


def _is_committed(value: Value | None) -> bool:
    return value is not None and value.scope == committed.FILE_NAME


def _shared(text: str) -> int | None:
    text = text.strip().lower()
    if text in ("group", "1", "true", "yes", "on"):
        return _SHARED_GROUP
    if text in ("all", "world", "everybody", "2"):
        return _SHARED_ALL
    if text in ("umask", "0", "false", "no", "off", ""):
        return None
    try:
        return -(int(text, 8) & 0o666)
    except ValueError:
        raise ConfigError(f"core.sharedRepository is {text!r}, which git does not know") from None
