"""``post-commit``, ``post-merge`` and ``post-rewrite``: params and metrics go onto commits.

Whatever goes wrong is one line on standard error. Git has made its commit by then.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from git_mlvers.errors import MlversError
from git_mlvers.filter.report import say

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import BinaryIO

    from git_mlvers.git.repository import Repository
    from git_mlvers.progress import Progress
    from git_mlvers.workspace import Workspace

# While one of these is there, a rebase goes on; it ends with post-rewrite.
_REBASE = ("rebase-merge", os.path.join("rebase-apply", "rebasing"))


def run(workspace: Workspace, words: Sequence[str], stdin: BinaryIO, progress: Progress) -> int:
    """Record what the hook was started for; always 0. `stdin` has what was rewritten, if that."""
    try:
        _run(workspace, words, stdin)
    except MlversError as error:
        say([f"git-mlvers: nothing is recorded of this commit: {error.message}"])
    except Exception as error:
        said = " ".join(f"{type(error).__name__}: {error}".split())
        say([f"git-mlvers: nothing is recorded of this commit, by a fault of the program: {said}"])
    return 0


def _run(workspace: Workspace, words: Sequence[str], stdin: BinaryIO) -> None:
    repo = workspace.repo
    config = workspace.config
    rewritten = _rewritten(stdin) if words[:1] in (["amend"], ["rebase"]) else []
    if not config.notes or (not rewritten and _is_rebased(repo)):
        return
    from git_mlvers.tracking import adopt, record, sync, view

    sync.merge_fetched(repo)
    done = record.catch_up(workspace, [new for _, new in rewritten])
    changed = dict.fromkeys([*done.commits, *adopt.carry(repo, rewritten)])
    view.update(repo, list(changed))
    if done.problems:
        more = f", and {len(done.problems) - 1} more" if len(done.problems) > 1 else ""
        say([f"git-mlvers: not all of this commit is recorded: {done.problems[0]}{more}"])


def _rewritten(stdin: BinaryIO) -> list[tuple[str, str]]:
    """The old and the new id of each commit, from what git gives to post-rewrite."""
    pairs = (line.split() for line in stdin.read().decode("ascii", "replace").splitlines())
    return [(pair[0], pair[1]) for pair in pairs if len(pair) >= 2]


def _is_rebased(repo: Repository) -> bool:
    return any(os.path.exists(os.path.join(repo.git_dir, name)) for name in _REBASE)
