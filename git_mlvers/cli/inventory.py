"""What `env` shows: each function gathers one part, as plain values fit for JSON."""

from __future__ import annotations

import os
import platform
import threading
from importlib import metadata
from typing import TYPE_CHECKING, NotRequired, TypedDict

from git_mlvers import __version__, hooks, wiring
from git_mlvers.config import FILE_NAME
from git_mlvers.config.remotes import SECRET_OPTIONS
from git_mlvers.errors import MlversError
from git_mlvers.fsutil import disk_errors
from git_mlvers.git.command import version as git_version

if TYPE_CHECKING:
    from collections.abc import Mapping

    from git_mlvers.backend.probe import Found
    from git_mlvers.config import Config, RemoteSettings
    from git_mlvers.workspace import Workspace

REACH_TIMEOUT = 10.0
"""How long a remote may take to answer. Seconds."""

_LIBRARIES = ("blake3", "pyfastcdc", "backports.zstd", "fsspec", "tenacity", "pathspec", "rich")
_CLOUD_LIBRARIES = ("s3fs", "gcsfs", "adlfs", "pydrive2", "asyncssh", "httpx")


class Setting(TypedDict):
    """One configured value; that of a secret is not shown."""

    key: str
    value: str
    origin: str


class RemoteState(TypedDict):
    """One remote, in `state` whether it answers, and in `can` what it was seen to do."""

    name: str
    url: str
    source: str
    default: bool
    state: str
    can: str


class CacheState(TypedDict):
    """How many `files` of how many `bytes` the cache has, or the `problem` with it."""

    directory: str
    files: int
    bytes: int
    problem: str | None


class Inventory(TypedDict):
    """Everything; the last four only inside of a repository."""

    versions: dict[str, str]
    program: str
    filter: list[str]
    configuration: list[Setting]
    problem: str | None
    repository: NotRequired[dict[str, str]]
    hooks: NotRequired[dict[str, str]]
    remotes: NotRequired[list[RemoteState]]
    cache: NotRequired[CacheState]


def versions() -> dict[str, str]:
    """The versions of everything that takes part, clouds' libraries only where installed."""
    found = {
        "git-mlvers": __version__,
        "git": ".".join(map(str, git_version())),
        "Python": platform.python_version(),
        "system": platform.platform(),
    }
    for name in (*_LIBRARIES, *_CLOUD_LIBRARIES):
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            if name in _LIBRARIES and name != "backports.zstd":
                found[name] = "not installed"
    return found


def program(env: Mapping[str, str]) -> str:
    """How git would start this program, or why it could not."""
    try:
        return wiring.find_program(env).command
    except MlversError as error:
        return error.message


def settings(config: Config) -> list[Setting]:
    """Every configured value of git-mlvers that counts, and where it comes from."""
    found = []
    for key in config.known_keys():
        value = config.origin_of(key)
        if value is None:
            continue
        secret = key.rpartition(".")[2] in SECRET_OPTIONS
        text = "true" if value.text is None else value.text
        origin = value.place
        if value.scope not in (FILE_NAME, "environment"):
            origin += f" ({value.scope})"
        found.append(Setting(key=key, value="(not shown)" if secret else text, origin=origin))
    return found


def hook_states(workspace: Workspace) -> dict[str, str]:
    """The state of each hook, in words."""
    return {
        state.name: state.state + (", after the one that was there before" if state.kept else "")
        for state in hooks.states(workspace.repo, workspace.config)
    }


def remotes(workspace: Workspace, *, reach: bool) -> list[RemoteState]:
    """The remotes; with `reach`, each is asked and given `REACH_TIMEOUT` seconds to answer."""
    from git_mlvers.backend.url import redact

    config = workspace.config
    try:
        default = config.default_remote()
        found = [config.remote_settings(name) for name in config.remote_names()]
    except MlversError:
        return []  # the committed file is refused, which is shown with the configuration
    if default is not None and default.name not in [item.name for item in found]:
        found.append(default)
    return [
        RemoteState(
            name=item.name,
            url=redact(item.url),
            source=item.source,
            default=default is not None and item.name == default.name,
            state=_reach(config, item) if reach else "not asked",
            can=_can(workspace, item),
        )
        for item in found
    ]


def cache(workspace: Workspace) -> CacheState:
    """The cache of the repository, counted, or why it cannot be."""
    directory = workspace.config.cache_dir or workspace.home
    try:
        with disk_errors(directory, "looking into the cache"):
            sizes = [size for _, size in workspace.cache]
    except MlversError as error:
        return CacheState(directory=directory, files=0, bytes=0, problem=error.message)
    return CacheState(directory=directory, files=len(sizes), bytes=sum(sizes), problem=None)


def abilities(found: Found) -> str:
    """What a store was found to do, in words."""
    words = {
        "create-only writes": found.create_only,
        "replace-if writes": found.replace_if,
        "ranges": found.ranges,
        "prompt listings": found.lists,
    }
    return ", ".join(name if can else f"no {name}" for name, can in words.items())


def _can(workspace: Workspace, settings: RemoteSettings) -> str:
    from git_mlvers.backend.registry import open_backend
    from git_mlvers.remote.abilities import Abilities
    from git_mlvers.remote.settings import Cached

    folder = os.path.join(workspace.home, "remotes")
    try:
        backend = open_backend(settings.url, settings.options)  # Nothing is sent.
        made = Cached(folder).get(backend.url)
        backend.close()
    except MlversError:
        return ""
    found = None if made is None else Abilities(folder).get(made.id)
    return "not probed yet" if found is None else abilities(found)


def _reach(config: Config, settings: RemoteSettings) -> str:
    """Whether the remote answers; a client that hangs is left behind."""
    answer: list[str] = []

    def ask() -> None:
        answer.append(_ask(config, settings))

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(REACH_TIMEOUT)
    return answer[0] if answer else f"no answer within {REACH_TIMEOUT:.0f} seconds"


def _ask(config: Config, settings: RemoteSettings) -> str:
    from git_mlvers.backend.registry import open_backend

    try:
        config.check_allowed(settings)
        backend = open_backend(settings.url, settings.options)
        try:
            found = backend.stat("mlvers.json")
        finally:
            backend.close()
    except MlversError as error:
        return str(error)
    return "reachable" if found is not None else "reachable, and empty"
