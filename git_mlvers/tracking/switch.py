"""Turning notes on for a repository: when hooks start, and what git does with notes by itself.

A hook starts a program only for a commit that touches certain paths. Which, stands
in ``<git common dir>/mlvers/on/<hook>``, one pathspec a line, for git to read.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from git_mlvers.errors import MlversError
from git_mlvers.fsutil import make_dirs, remove_quietly, write_atomic
from git_mlvers.git import config as git_config
from git_mlvers.git import notes
from git_mlvers.tracking import seen
from git_mlvers.tracking.news import switch_path

if TYPE_CHECKING:
    from collections.abc import Iterable

    from git_mlvers.config import Config
    from git_mlvers.git.repository import Repository

HOOKS = ("post-commit", "post-merge", "post-rewrite")
"""Those that start only where there is a file of their name."""

NAMES = (
    *("params.yaml", "params.yml", "params.json", "params.toml", "params.py"),
    *("metrics.json", "metrics.yaml", "metrics.yml", "metrics.toml", "metrics.csv", "metrics.tsv"),
    *("dvc.yaml", "mlvers.yaml", "dvc.lock", "mlvers.lock"),
)
"""Files that have something to record, in any folder, also where no pipeline names them."""

# More would not fit on a command line; then every commit starts the program. Pathspecs.
_MOST = 1000

# Git copies notes when it rewrites commits, joins them line by line, and shows those for people.
# Of a ref that is not there yet Git warns at each turn, unless its name is a pattern.
_ADDED = (
    ("notes.rewriteRef", notes.REF[:-1] + f"[{notes.REF[-1]}]"),
    ("notes.displayRef", notes.VIEW[:-1] + f"[{notes.VIEW[-1]}]"),
)
_MODE = ("notes.rewriteMode", "cat_sort_uniq")


def ensure(repo: Repository, config: Config) -> None:
    """Turn notes on if they are not, or off where ``mlvers.notes`` is false; cheap when done.

    Nothing is written in a bare repository, in which nobody commits. Raises `LocalIOError`
    or `GitError`.
    """
    if repo.work_tree is None:
        return
    if not config.notes:
        undo(repo, config)
        return
    for key, text in _ADDED:
        if all(value.text != text for value in config.values(key)):
            git_config.add(repo, key, text)
    if not config.values(_MODE[0]):
        git_config.set_value(repo, *_MODE)
    for name in config.git_remotes():
        ensure_fetched(repo, config, name)
    if not os.path.exists(switch_path(repo, HOOKS[0])):
        # What was committed before is not recorded by itself.
        seen.mark_all(repo, config.shared)
        write(repo, config, ())


def ensure_quietly(repo: Repository, config: Config) -> None:
    """The same beside what the user has asked for: what does not work now is done later."""
    if not config.hooks_wanted:
        return
    try:
        ensure(repo, config)
    except MlversError:
        pass  # a configuration that another process is writing, or that is not ours to write


def ensure_fetched(repo: Repository, config: Config, git_remote: str) -> None:
    """See to it that ``git fetch`` brings the notes of `git_remote`, a name."""
    key, text = f"remote.{git_remote}.fetch", notes.REFSPEC.format(git_remote)
    if all(value.text != text for value in config.values(key)):
        git_config.add(repo, key, text)


def undo(repo: Repository, config: Config) -> bool:
    """Take back what `ensure` has written, and leave the notes; whether there was anything."""
    changed = False
    for key, text in (*_ADDED, *_fetched(config)):
        if any(value.text == text and value.scope == "local" for value in config.values(key)):
            changed |= git_config.unset(repo, key, value=text)
    mode = config.origin_of(_MODE[0])
    others = [v for v in config.values(_ADDED[0][0]) if v.text != _ADDED[0][1]]
    if changed and mode is not None and (mode.text, mode.scope) == (_MODE[1], "local"):
        # Another ref that is copied may count on it.
        changed |= not others and git_config.unset(repo, _MODE[0])
    for hook in HOOKS:
        if os.path.exists(switch_path(repo, hook)):
            remove_quietly(switch_path(repo, hook))
            changed = True
    seen.forget(repo)
    try:
        os.rmdir(os.path.dirname(switch_path(repo, HOOKS[0])))
    except OSError:
        pass  # another feature has its own there, or it was not there
    return changed


def is_on(repo: Repository) -> bool:
    """Whether commits are recorded here."""
    return os.path.exists(switch_path(repo, HOOKS[0]))


def pathspecs(repo: Repository) -> list[str]:
    """The paths that make a commit worth a look."""
    try:
        with open(switch_path(repo, HOOKS[0]), "rb") as file:
            return [os.fsdecode(line) for line in file.read().splitlines() if line]
    except FileNotFoundError:
        return []


def write(repo: Repository, config: Config, paths: Iterable[str]) -> None:
    """Let the hooks start for `paths` (relative to the top) too, and no longer for earlier ones."""
    named = sorted({path for path in paths if os.path.basename(path) not in NAMES})
    lines = [f":(top,glob)**/{name}" for name in NAMES]
    lines += [f":(top,literal){path}" for path in named if "\n" not in path and path[:1] != "/"]
    if len(lines) > _MOST:
        lines = [":(top)"]
    if lines == pathspecs(repo):
        return
    make_dirs(os.path.dirname(switch_path(repo, HOOKS[0])), config.shared)
    data = os.fsencode("".join(f"{line}\n" for line in lines))
    for hook in HOOKS:
        write_atomic(switch_path(repo, hook), data, sync=False, shared=config.shared)


def _fetched(config: Config) -> list[tuple[str, str]]:
    names = config.git_remotes()
    return [(f"remote.{name}.fetch", notes.REFSPEC.format(name)) for name in names]
