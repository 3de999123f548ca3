"""Taking over a repository of DVC: content, facts, and what Git is told about both.

The order lets a take-over that was killed be run again: content comes first, each
file under its name when it is whole, and what DVC needs goes last.
"""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from git_mlvers.config import FILE_NAME as CONFIG
from git_mlvers.fsutil import make_dirs, remove_quietly, write_atomic
from git_mlvers.git import attributes
from git_mlvers.git.command import zsplit
from git_mlvers.git.repository import require_work_tree
from git_mlvers.migrate import dvcfacts, dvcplan
from git_mlvers.migrate.dvcdata import Sums, bring
from git_mlvers.migrate.dvcstore import OfBackend, Store

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from git_mlvers.errors import MlversError
    from git_mlvers.migrate.dvcconfig import DvcRemote
    from git_mlvers.migrate.dvcfiles import Data
    from git_mlvers.migrate.dvcplan import Plan
    from git_mlvers.migrate.dvcstore import Source
    from git_mlvers.pipeline.report import Report
    from git_mlvers.workspace import Workspace

_MARK = "taking-over-dvc"
"""A file in ``<git common dir>/mlvers``: a take-over has begun, and not ended."""


class Taken(NamedTuple):
    """What was done, as paths and addresses, and sentences about what was `left`."""

    tracked: list[str]
    brought: list[str]
    recorded: list[str]
    left: list[str]


def begin(workspace: Workspace, cwd: str) -> Plan:
    """Find what there is around `cwd`. Raises `NotDvc` where nothing can be taken over now."""
    plan = dvcplan.read(workspace.repo, cwd)
    if not os.path.exists(_mark(workspace)):
        dvcplan.require_clean(workspace.repo)
    return plan


def take_over(workspace: Workspace, plan: Plan, report: Report, *, keep_dvc: bool = False) -> Taken:
    """Take over what `plan` has found. Raises `LocalIOError`, and can be run again then."""
    repo = workspace.repo
    top = require_work_tree(repo)
    make_dirs(workspace.home, workspace.config.shared)
    write_atomic(_mark(workspace), b"", shared=workspace.config.shared)
    left = list(plan.left)
    store = Store([plan.config.cache], _openers(plan), lambda error: left.append(_told(error)))
    sums = Sums(top)
    data = {each.path: each for each in [*plan.made, *plan.tracked]}
    cached = list(data.values())
    came = bring(cached, top, store, sums)
    left += [
        f"{path}: its content is neither in the cache nor on a remote" for path in came.missing
    ]
    left += [
        f"{path}: it is not what DVC recorded, and is taken as it is" for path in came.differing
    ]
    sums.forget()
    here = [each for each in cached if os.path.exists(os.path.join(top, each.path))]
    tracked = [each.path for each in here if _track(top, each)]
    ignoring = _uncover(top, cached)
    _stage(workspace, [each.path for each in here], ignoring)
    facts = dvcfacts.record(workspace, plan.stages, sums, report)
    left += facts.stale
    if not keep_dvc:
        _remove_dvc_files(workspace, plan, [*came.missing])
    remove_quietly(_mark(workspace))
    return Taken(tracked, came.brought, facts.recorded, left)


def _mark(workspace: Workspace) -> str:
    return os.path.join(workspace.home, _MARK)


def _told(error: MlversError) -> str:
    return f"a remote of DVC cannot be read: {error.message}"


def _openers(plan: Plan) -> list[partial[Source]]:
    """What opens DVC's remotes, the default one first."""
    default = plan.config.default
    remotes = sorted(plan.config.remotes, key=lambda remote: remote.name != default)
    return [partial(_open, remote) for remote in remotes if remote.web or remote.ours is not None]


def _open(remote: DvcRemote) -> Source:
    if remote.web:
        return _open_web(remote)
    from git_mlvers.backend.registry import open_backend
    from git_mlvers.backend.schemes import SCHEMES

    scheme = remote.url.partition("://")[0] if "://" in remote.url else "file"
    known = SCHEMES[scheme].options
    options = {key: value.text for key, value in remote.options.items() if key in known}
    return OfBackend(open_backend(remote.url, options))


def _open_web(remote: DvcRemote) -> Source:
    from git_mlvers.backend.web import Login, WebFolder

    user, password = remote.options.get("user"), remote.options.get("password")
    login = None
    if password is not None and remote.header is not None:
        login = Login(remote.header, password.text)
    elif password is not None and user is not None:
        login = Login.basic(user.text, password.text)
    return WebFolder(remote.url, login)


def _track(top: str, data: Data) -> bool:
    pattern = "/" + attributes.literal(data.path) + ("/**" if data.folder else "")
    return attributes.track(os.path.join(top, attributes.FILE_NAME), pattern)


def _uncover(top: str, data: Sequence[Data]) -> list[str]:
    """Take the lines that DVC wrote out of the ``.gitignore`` files; those that were changed."""
    changed = []
    names: dict[str, set[bytes]] = {}
    for each in data:
        folder, _, name = each.path.rpartition("/")
        names.setdefault(folder, set()).add(os.fsencode(f"/{name}"))
    for folder, lines in names.items():
        path = os.path.join(folder, ".gitignore")
        full = os.path.join(top, path)
        try:
            with open(full, "rb") as file:
                before = file.readlines()
        except FileNotFoundError:
            continue
        after = [line for line in before if line.rstrip(b"\r\n") not in lines]
        if after == before:
            continue
        if after:
            write_atomic(full, b"".join(after))
        else:
            os.unlink(full)
        changed.append(path)
    return changed


def _stage(workspace: Workspace, paths: Sequence[str], ignoring: Sequence[str]) -> None:
    repo = workspace.repo
    known = set(map(os.fsdecode, zsplit(repo.git("ls-files", "-z"))))
    names = [attributes.FILE_NAME, CONFIG, *paths, *ignoring]
    # What is neither here nor in the index git would mind.
    asked = [
        path for path in names if path in known or os.path.lexists(os.path.join(repo.top, path))
    ]
    if asked:
        # -f: a user's own line may hide data that DVC kept.
        repo.git("add", "-A", "-f", *_LISTED, input=_listed(asked))


def _remove_dvc_files(workspace: Workspace, plan: Plan, missing: Sequence[str]) -> None:
    """Remove the ``.dvc`` files, but those that are the only word of content that is nowhere."""
    repo = workspace.repo
    nowhere = {above for path in missing for above in _with_parents(path)}
    gone = [
        file.path
        for file in plan.files
        if not file.unknown and nowhere.isdisjoint(out.path for out in file.outs)
    ]
    repo.git("rm", "-q", "-f", "--ignore-unmatch", *_LISTED, input=_listed(gone))
    for path in gone:
        remove_quietly(os.path.join(repo.top, path))


def _with_parents(path: str) -> Iterator[str]:
    while path:
        yield path
        path = os.path.dirname(path)


_LISTED = ("--pathspec-from-file=-", "--pathspec-file-nul")


def _listed(paths: Iterable[str]) -> bytes:
    """Input for git that names `paths`, of which there may be more than a command line holds."""
    return b"".join(b":(top,literal)" + os.fsencode(path) + b"\0" for path in paths)
