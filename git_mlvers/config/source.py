"""Configured texts, and which of several counts: environment, git config, committed file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from git_mlvers.config import committed
from git_mlvers.config.values import ConfigError, Value
from git_mlvers.git import config as git_config

if TYPE_CHECKING:
    from collections.abc import Mapping

    from git_mlvers.git.repository import Repository

_ENVIRONMENT = {
    "MLVERS_SKIP_SMUDGE": "mlvers.skipsmudge",
    "MLVERS_STRICT": "mlvers.strict",
    "MLVERS_CACHE_DIR": "mlvers.cachedir",
}


class Source:
    """Every configured value of one repository, as text with its place.

    The environment and git config are read when it is loaded, the committed file
    when it is first needed; nothing is read twice.
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
    ) -> Self:
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

    def git_remotes(self) -> list[str]:
        """The names of the repository's git remotes, sorted."""
        names = [key[len("remote.") : -len(".url")] for key in self._git if _is_remote_url(key)]
        return sorted(names)

    def instead_of(self, url: str) -> str:
        """`url` as ``url.<base>.insteadOf`` rewrites it: the longest prefix wins."""
        best = ("", "")
        for key, values in self._git.items():
            if key.startswith("url.") and key.endswith(".insteadof"):
                for value in values:
                    prefix = value.text or ""
                    if url.startswith(prefix) and len(prefix) > len(best[0]):
                        best = (prefix, key[len("url.") : -len(".insteadof")])
        return best[1] + url[len(best[0]) :] if best[0] else url

    def raise_fault(self) -> None:
        """Raise the reason for which the committed file is refused, if it is."""
        fault = self.committed_fault()
        if fault is not None:
            raise fault

    def _committed_values(self) -> committed.Values:
        if self._committed is None:
            self._committed = {}
            if self._repo is not None:
                try:
                    self._committed = committed.load(self._repo, self._treeish)
                except ConfigError as error:
                    self._fault = error
        return self._committed


def _fold(key: str) -> str:
    """`key` as git prints it: section and variable in lower case, the middle as it is."""
    section, dot, rest = key.partition(".")
    middle, dot2, variable = rest.rpartition(".")
    return f"{section.lower()}{dot}{middle}{dot2}{variable.lower()}"


def _is_remote_url(key: str) -> bool:
    return key.startswith("remote.") and key.endswith(".url") and len(key) > len("remote..url")
