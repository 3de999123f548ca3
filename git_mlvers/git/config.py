"""Git configuration: all of it at once, single files, and changes.

Values are texts as git gives them, ``None`` for a key that stands without
``=``. Keys are as git prints them: section and variable in lower case, a
subsection between them as written.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from git_mlvers.git import command
from git_mlvers.git.command import GitError, zsplit
from git_mlvers.git.process import inherited

if TYPE_CHECKING:
    from git_mlvers.git.repository import Repository

SCOPES = ("system", "global", "local", "worktree")

_NOT_THERE = 5
_NO_SECTION = 128


def read_all(repo: Repository | None) -> dict[str, list[tuple[str, str, str | None]]]:
    """Everything that is configured, includes followed: for each key its (scope, origin, value).

    Of several values the last counts. `scope` is a word of git (``system global
    local worktree command``), `origin` names the file (``file:…``) or says
    ``command line:``. Without a repository it is what counts for the user.
    """
    args = ("config", "--list", "-z", "--show-scope", "--show-origin", "--includes")
    if repo is not None:
        output = repo.git(*args)
    else:
        # A directory that is none keeps git from looking for a repository around us.
        nowhere = {**inherited(), "GIT_DIR": os.path.join(os.devnull, "none")}
        output = command.run(*args, cwd=os.sep, env=nowhere)
    found: dict[str, list[tuple[str, str, str | None]]] = {}
    fields = iter(zsplit(output))
    for scope, origin, setting in zip(fields, fields, fields, strict=True):
        key, value = _split(setting)
        found.setdefault(key, []).append((os.fsdecode(scope), os.fsdecode(origin), value))
    return found


def read_blob_config(repo: Repository, name: str) -> list[tuple[str, str | None]] | None:
    """The settings in the blob `name` (``HEAD:.mlversconfig``), in order.

    ``None`` when there is no such blob; raises `GitError` when it is not in
    git's configuration syntax. Includes are not followed: whoever committed
    the blob must not make us read other files.
    """
    try:
        return _read(repo.git("config", f"--blob={name}", "--no-includes", "--list", "-z"))
    except GitError as error:
        if "unable to resolve config blob" in error.stderr:
            return None
        raise


def read_file_config(path: str) -> list[tuple[str, str | None]]:
    """The settings in the file `path`, in order, includes not followed.

    Raises `GitError` when it is not there or not in git's configuration syntax.
    """
    path = os.path.abspath(path)
    return _read(command.run("config", "--file", path, "--no-includes", "--list", "-z", cwd=os.sep))


def get(repo: Repository | None, key: str, where: str | None = None) -> str | None:
    """The last value of `key`; ``None`` when it is not set (or set without a value).

    `where` is one of `SCOPES` or the absolute path of a file; all count without it.
    """
    try:
        output = _run(repo, where, "-z", "--get", key)
    except GitError as error:
        if error.returncode == 1:
            return None
        raise
    return os.fsdecode(output.removesuffix(b"\0"))


def set_value(repo: Repository | None, key: str, value: str, where: str = "local") -> None:
    """Set `key` to `value` alone, in a scope or a file."""
    _run(repo, where, "--replace-all", key, value)


def add(repo: Repository | None, key: str, value: str, where: str = "local") -> None:
    """Give `key` the further value `value`, in a scope or a file."""
    _run(repo, where, "--add", key, value)


def unset(
    repo: Repository | None, key: str, where: str = "local", *, value: str | None = None
) -> bool:
    """Remove all values of `key`, or those that are `value`, from a scope or a file; whether
    there were any."""
    fixed = () if value is None else ("--fixed-value",)
    words = (key,) if value is None else (key, value)
    return _unless_absent(repo, where, *fixed, "--unset-all", *words)


def remove_section(repo: Repository | None, name: str, where: str = "local") -> bool:
    """Remove a section (``mlvers.remote.storage``) from a scope or a file; whether it was there."""
    return _unless_absent(repo, where, "--remove-section", name)


def rename_section(repo: Repository | None, old: str, new: str, where: str = "local") -> bool:
    """Rename a section in a scope or a file; whether it was there."""
    return _unless_absent(repo, where, "--rename-section", old, new)


def _run(repo: Repository | None, where: str | None, *args: str) -> bytes:
    if where is None:
        place = []
    elif where in SCOPES:
        place = [f"--{where}"]
    else:
        place = ["--file", os.path.abspath(where)]
    if repo is not None:
        return repo.git("config", *place, *args)
    return command.run("config", *place, *args, cwd=os.sep, env=command.local_env_dropped())


def _unless_absent(repo: Repository | None, where: str, *args: str) -> bool:
    try:
        _run(repo, where, *args)
    except GitError as error:
        no_section = error.returncode == _NO_SECTION and "no such section" in error.stderr
        if error.returncode == _NOT_THERE or no_section:
            return False
        raise
    return True


def _read(output: bytes) -> list[tuple[str, str | None]]:
    return [_split(setting) for setting in zsplit(output)]


def _split(setting: bytes) -> tuple[str, str | None]:
    key, newline, value = setting.partition(b"\n")
    return os.fsdecode(key), os.fsdecode(value) if newline else None
