"""How git is told about the filter: the values in git config, whose they are, and where.

Every value is put, recognised and removed here, for `install`, `uninstall`,
`init`, `env` and the remote helper.
"""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from typing import TYPE_CHECKING, NamedTuple

from git_mlvers.errors import UsageError
from git_mlvers.git import config as git_config

if TYPE_CHECKING:
    from collections.abc import Mapping

    from git_mlvers.config import Config
    from git_mlvers.git.repository import Repository

NAME = "git-mlvers"
PROCESS = "filter.mlvers.process"

_HELPER = "git-remote-mlvers"

_COMMANDS = {
    PROCESS: "filter-process",
    "filter.mlvers.clean": "clean -- %f",
    "filter.mlvers.smudge": "smudge -- %f",
    "merge.mlvers.driver": "merge-driver %O %A %B %L %P %S %X %Y",
}
_CONSTANTS = {
    # Without it, git stores the raw file when the filter fails, and says nothing.
    "filter.mlvers.required": "true",
    "merge.mlvers.name": "git-mlvers: merge of pointers",
}
_OWN = ("mlvers.program", "mlvers.skipsmudge")


class Program(NamedTuple):
    """This program as git can start it: `command` for a shell, and its `path` when that is
    needed to find it."""

    command: str
    path: str | None


class Change(NamedTuple):
    """What was done in one place: whether anything, and what was left alone because foreign."""

    changed: bool
    foreign: list[str]


def find_program(env: Mapping[str, str]) -> Program:
    """This installation as git should start it; raises `UsageError` when it has no program.

    The plain name when ``PATH`` leads to this very program, and will do so in
    other shells too; else the absolute path.
    """
    own = _own_path()
    found = shutil.which(NAME, path=env.get("PATH", os.defpath))
    if found is not None and os.path.realpath(found) == os.path.realpath(own):
        environment = env.get("VIRTUAL_ENV")
        # The bin directory of an activated environment is on PATH in this shell only.
        if not environment or not _is_inside(found, environment):
            return Program(NAME, None)
    return Program(shlex.quote(own), own)


def wanted(program: Program) -> dict[str, str]:
    """Every value of git config that makes git use `program`."""
    values = {key: f"{program.command} {words}" for key, words in _COMMANDS.items()}
    return values | _CONSTANTS


def is_ours(key: str, text: str | None) -> bool:
    """Whether the value `text` of `key` is one that some installation of git-mlvers wrote."""
    if key in _CONSTANTS:
        return True
    try:
        words = shlex.split(text or "")
    except ValueError:
        return False
    return os.path.basename(words[0] if words else "") == NAME and words[1:2] == [
        _COMMANDS[key].split()[0]
    ]


def in_scope(config: Config, scope: str) -> dict[str, str | None]:
    """The values of our keys that stand in git's `scope` (``global``, ``local``, ``system``)."""
    keys = (*_COMMANDS, *_CONSTANTS, *_OWN)
    found = {}
    for key in keys:
        for value in config.values(key):
            if value.scope == scope:
                found[key] = value.text
    return found


def scopes(config: Config) -> list[str]:
    """The scopes in which the filter of git-mlvers is set, lowest rank first."""
    return [value.scope for value in config.values(PROCESS) if is_ours(PROCESS, value.text)]


def install(
    config: Config,
    repo: Repository | None,
    scope: str,
    program: Program,
    *,
    force: bool = False,
    skip_smudge: bool = False,
) -> bool:
    """Write our values into `scope`; false when all of them were there. Idempotent.

    Raises `UsageError` when a foreign value is in the way, unless `force`.
    """
    present = in_scope(config, scope)
    for key in _COMMANDS:
        if key in present and not is_ours(key, present[key]) and not force:
            raise UsageError(
                f"{key} is {present[key]!r} in the {scope} configuration of git, "
                "which git-mlvers did not write",
                "give --force to replace it",
            )
    values: dict[str, str | None] = dict(wanted(program))
    values["mlvers.program"] = program.path
    values["mlvers.skipsmudge"] = "true" if skip_smudge else None
    changed = False
    for key, text in values.items():
        if present.get(key) != text:
            put(repo, scope, key, text)
            changed = True
    return changed


def uninstall(config: Config, repo: Repository | None, scope: str) -> Change:
    """Take our values out of `scope`, and leave foreign ones."""
    present = in_scope(config, scope)
    foreign = [key for key in _COMMANDS if key in present and not is_ours(key, present[key])]
    changed = False
    for key in present:
        section = key.partition(".")[0]
        # What names a foreign filter belongs to it, the constants included.
        if any(other.startswith(section + ".") for other in foreign):
            continue
        put(repo, scope, key, None)
        changed = True
    return Change(changed, foreign)


def put(repo: Repository | None, where: str, key: str, text: str | None) -> None:
    """Set `key` to `text` in a scope or file of git config; remove it for ``None``."""
    if text is None:
        git_config.unset(repo, key, where)
    else:
        git_config.set_value(repo, key, text, where)


def _own_path() -> str:
    """The absolute path of the program of this installation, whichever way it was started."""
    checkout = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    started = os.path.abspath(sys.argv[0])
    candidates = []
    if os.path.basename(started) in (NAME, _HELPER):  # the two stand side by side
        candidates.append(os.path.join(os.path.dirname(started), NAME))
    candidates.append(os.path.join(os.path.dirname(os.path.abspath(sys.executable)), NAME))
    candidates.append(os.path.join(checkout, "bin", NAME))
    for path in candidates:
        if os.access(path, os.X_OK):
            return path
    raise UsageError(
        "this installation of git-mlvers has no program that git could start",
        "install it with pip, or put the bin directory of its checkout on PATH",
    )


def _is_inside(path: str, root: str) -> bool:
    return os.path.abspath(path).startswith(os.path.abspath(root) + os.sep)
