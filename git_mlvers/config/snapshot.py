"""`Config`: everything that is configured for one repository, at one moment."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from git_mlvers.config import committed, remotes
from git_mlvers.config.remotes import RemoteSettings
from git_mlvers.config.values import (
    ConfigError,
    Value,
    read_bool,
    read_choice,
    read_list,
    read_size,
)
from git_mlvers.git import config as git_config

if TYPE_CHECKING:
    from collections.abc import Mapping

    from git_mlvers.git.repository import Repository

CACHE_LINKS = ("auto", "copy", "hardlink")
POPULATE_MIN = 8 << 20
"""Files of at least so many bytes are put into the working tree directly, not through git."""

_ENVIRONMENT = {
    "MLVERS_SKIP_SMUDGE": "mlvers.skipsmudge",
    "MLVERS_STRICT": "mlvers.strict",
    "MLVERS_CACHE_DIR": "mlvers.cachedir",
}
_SHARED_GROUP, _SHARED_ALL = 0o660, 0o664


class Config:
    """The configuration of one repository: git config over the committed ``.mlversconfig``.

    The environment and git config are read when it is loaded, the committed file
    when it is first needed; nothing is read twice. Values that cannot be read
    raise `ConfigError` when they are asked for.
    """

    __slots__ = ("_committed", "_env", "_fault", "_git", "_repo", "_treeish")

    def __init__(
        self,
        repo: Repository | None,
        env: Mapping[str, str],
        git: Mapping[str, list[Value]],
        treeish: str | None = None,
    ) -> None:
        self._repo = repo
        self._env = env
        self._git = git
        self._treeish = treeish
        self._committed: committed.Values | None = None
        self._fault: ConfigError | None = None

    @classmethod
    def load(
        cls, repo: Repository | None, env: Mapping[str, str], treeish: str | None = None
    ) -> Config:
        """Read the configuration that counts in `repo`, or for the user when there is none.

        `treeish` names the tree whose committed file counts, for a checkout in
        which the working tree does not have that file yet.
        """
        read = git_config.read_all(repo)
        git = {
            key: [Value(text, scope, origin) for scope, origin, text in values]
            for key, values in read.items()
        }
        return cls(repo, env, git, treeish)

    # --- raw values ---

    def values(self, key: str) -> list[Value]:
        """All values of `key` from the environment, else git config, else the committed file.

        Those of git config are of every scope, the one that counts last.
        """
        key = _fold(key)
        for variable, name in _ENVIRONMENT.items():
            if name == key and self._env.get(variable):
                return [Value(self._env[variable], "environment", variable)]
        found = self._git.get(key)
        if found:
            return found
        if key in committed.TOP_KEYS or key.startswith("mlvers.remote."):
            return self._committed_values().get(key, [])
        return []

    def every(self, key: str) -> list[Value]:
        """All values of `key` at all places, those that count last."""
        key = _fold(key)
        values = [*self._committed_values().get(key, []), *self._git.get(key, [])]
        counting = self.values(key)
        return values + [value for value in counting if value not in values]

    def origin_of(self, key: str) -> Value | None:
        """The value of `key` that counts, and where it comes from."""
        found = self.values(key)
        return found[-1] if found else None

    def get(self, key: str) -> str | None:
        """The text of `key`, or ``None`` when it is nowhere set."""
        value = self.origin_of(key)
        return None if value is None else value.text

    def committed_fault(self) -> ConfigError | None:
        """Why the committed file is refused; ``None`` when it is fine or absent."""
        self._committed_values()
        return self._fault

    def committed_place(self) -> str | None:
        """Which committed file counts: its path, or git's name for it; ``None`` for none."""
        return None if self._repo is None else committed.place(self._repo, self._treeish)

    def known_keys(self) -> list[str]:
        """Every ``mlvers.*`` key that is set anywhere, sorted."""
        keys = {key for key in self._git if key.startswith("mlvers.")}
        keys.update(self._committed_values())
        keys.update(name for variable, name in _ENVIRONMENT.items() if self._env.get(variable))
        return sorted(keys)

    # --- settings of the repository ---

    @property
    def cache_dir(self) -> str | None:
        """The directory of a cache shared by several repositories; ``None`` for the own one."""
        path = self.get("mlvers.cachedir")
        if not path:
            return None
        base = self._repo.common_dir if self._repo is not None else ""
        return os.path.normpath(os.path.join(base, self._expand(path)))

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
        in_ci = self._env.get("CI", "").strip().lower() not in ("", "0", "false", "no", "off")
        return self._bool("mlvers.strict", in_ci)

    @property
    def fsync(self) -> bool:
        """Whether content in the cache is made to survive a power failure."""
        return self._bool("mlvers.fsync", True)

    @property
    def hooks_wanted(self) -> bool:
        """Whether the filter puts the hooks into a repository at its first use."""
        return self._bool("mlvers.hooks", True)

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
    def program(self) -> str | None:
        """The installed program, where it is not found on ``PATH``."""
        return self.get("mlvers.program")

    @property
    def shared(self) -> int | None:
        """``core.sharedRepository`` as the permission bits of a file; ``None`` for the umask's.

        Negative for bits that replace those of the umask instead of adding to them.
        """
        value = self.origin_of("core.sharedrepository")
        text = "umask" if value is None else (value.text or "true").strip().lower()
        if text in ("group", "1", "true", "yes", "on"):
            return _SHARED_GROUP
        if text in ("all", "world", "everybody", "2"):
            return _SHARED_ALL
        if text in ("umask", "0", "false", "no", "off", ""):
            return None
        try:
            return -(int(text, 8) & 0o666)
        except ValueError:
            raise ConfigError(
                f"core.sharedRepository is {text!r}, which git does not know"
            ) from None

    @property
    def hooks_dir(self) -> str | None:
        """``core.hooksPath`` made absolute; ``None`` when the repository's own hooks run."""
        path = self.get("core.hookspath")
        if not path or self._repo is None:
            return None
        base = self._repo.work_tree or self._repo.git_dir
        return os.path.normpath(os.path.join(base, self._expand(path)))

    # --- remotes ---

    def remote_names(self) -> list[str]:
        """The names of all configured remotes, sorted; raises `ConfigError`."""
        self._raise_fault()
        names = set()
        for key in (*self._git, *self._committed_values()):
            part = committed.split_remote_key(key)
            if part is not None and part[1] == "url":
                names.add(part[0])
        return sorted(names)

    def remote_settings(self, name: str) -> RemoteSettings:
        """What is configured for the remote `name`; raises `ConfigError`."""
        self._raise_fault()
        url = self.origin_of(f"mlvers.remote.{name}.url")
        if url is None or not url.text:
            raise remotes.no_such_remote(name, self.remote_names())
        options = {}
        for option in (*remotes.PLAIN_OPTIONS, *remotes.SECRET_OPTIONS):
            text = self.get(f"mlvers.remote.{name}.{option}")
            if text:
                options[option] = text
        place = url.text
        if not committed.scheme_of(place) and self._repo is not None:
            place = committed.directory_of(self._repo, place)
        endpoint = self.origin_of(f"mlvers.remote.{name}.endpointurl")
        endpoint_committed = endpoint is not None and endpoint.scope == committed.FILE_NAME
        url_committed = url.scope == committed.FILE_NAME
        needs = remotes.needs_of(
            place, url_committed, options.get("endpointurl"), endpoint_committed
        )
        if self.get(f"mlvers.trust.{name}.location") == remotes.trust_text(
            place, options.get("endpointurl")
        ):
            needs = None, None
        source = committed.FILE_NAME if url_committed else "git config"
        return RemoteSettings(name, place, options, source, *needs)

    def default_name(self) -> str | None:
        """The remote that is used when none is named; raises `ConfigError`."""
        self._raise_fault()
        name = self.get("mlvers.remote")
        if name:
            return name
        names = self.remote_names()
        return names[0] if len(names) == 1 else None

    def default_remote(self, git_remote: str | None = None) -> RemoteSettings | None:
        """The place for content that goes with `git_remote` (a name or an address).

        The configured default; without one, the place beside a git remote that
        is a path of this machine; else ``None``. Raises `ConfigError`.
        """
        name = self.default_name()
        local = self._beside_git_remote(git_remote)
        if name is not None:
            return self.remote_settings(name)._replace(local_cache=local)
        if local is None or self.remote_names():
            return None
        return RemoteSettings(
            git_remote or self._usual_git_remote() or local,
            local,
            {},
            "git remote",
            local_cache=local,
        )

    @staticmethod
    def check_allowed(settings: RemoteSettings, *, write: bool = False) -> None:
        """Raise `UntrustedRemote` unless the user has agreed to this use of the remote."""
        remotes.check_allowed(settings, write)

    # --- inside ---

    def _bool(self, key: str, default: bool) -> bool:
        value = self.origin_of(key)
        return default if value is None else read_bool(key, value)

    def _expand(self, path: str) -> str:
        home = self._env.get("HOME")
        return home + path[1:] if home and (path == "~" or path.startswith("~/")) else path

    def _committed_values(self) -> committed.Values:
        if self._committed is None:
            self._committed = {}
            if self._repo is not None:
                try:
                    self._committed = committed.load(self._repo, self._treeish)
                except ConfigError as error:
                    self._fault = error
        return self._committed

    def _raise_fault(self) -> None:
        fault = self.committed_fault()
        if fault is not None:
            raise fault

    def _usual_git_remote(self) -> str | None:
        """The git remote that plain ``git push`` uses, as far as configuration tells."""
        names = {
            key.split(".", 1)[1].rpartition(".")[0] for key in self._git if _is_remote_url(key)
        }
        if self._repo is None or not names:
            return None
        head = self._repo.head_branch()
        for key in (f"branch.{head}.pushremote", "remote.pushdefault", f"branch.{head}.remote"):
            name = self.get(key)
            if name in names:
                return name
        return "origin" if "origin" in names else names.pop() if len(names) == 1 else None

    def _beside_git_remote(self, git_remote: str | None) -> str | None:
        if self._repo is None:
            return None
        name = git_remote or self._usual_git_remote()
        if name is None:
            return None
        url = self.get(f"remote.{name}.url") or name
        return remotes.beside_git_remote(
            self._instead(url), self._repo.work_tree or self._repo.git_dir
        )

    def _instead(self, url: str) -> str:
        """`url` as ``url.<base>.insteadOf`` rewrites it: the longest prefix wins."""
        best = ("", "")
        for key, values in self._git.items():
            if key.startswith("url.") and key.endswith(".insteadof"):
                for value in values:
                    prefix = value.text or ""
                    if url.startswith(prefix) and len(prefix) > len(best[0]):
                        best = (prefix, key[len("url.") : -len(".insteadof")])
        return best[1] + url[len(best[0]) :] if best[0] else url


def _fold(key: str) -> str:
    """`key` as git prints it: section and variable in lower case, the middle as it is."""
    section, dot, rest = key.partition(".")
    middle, dot2, variable = rest.rpartition(".")
    return f"{section.lower()}{dot}{middle}{dot2}{variable.lower()}"


def _is_remote_url(key: str) -> bool:
    return key.startswith("remote.") and key.endswith(".url") and len(key) > len("remote..url")
