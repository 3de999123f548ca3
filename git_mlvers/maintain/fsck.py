"""Checking the cache, the pointers in history, and the remote."""

from __future__ import annotations

from contextlib import closing
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

from git_mlvers.config import beside
from git_mlvers.errors import MlversError
from git_mlvers.git import refs, scan
from git_mlvers.maintain import stores
from git_mlvers.maintain.listing import absent_from, ends_of
from git_mlvers.maintain.pointers import faults_of_commit, faults_of_range
from git_mlvers.remote import Item
from git_mlvers.serverless.check import check
from git_mlvers.serverless.local import Local

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from git_mlvers.cache.check import Problem as Damage
    from git_mlvers.config import RemoteSettings
    from git_mlvers.git.scan import Entry, Found
    from git_mlvers.maintain.pointers import Fault
    from git_mlvers.oid import Oid
    from git_mlvers.pointer import Pointer
    from git_mlvers.progress import Progress
    from git_mlvers.remote import Problem as Trouble
    from git_mlvers.workspace import Workspace

DAMAGED = "damaged"
MISSING = "missing"
POINTER = "pointer"
REMOTE = "remote"
LOST = "lost"
GIT = "git"


class Problem(NamedTuple):
    """One thing that is wrong: its kind, a clause that says what, and where.

    `path` and `commit` (hex id) are empty where they mean nothing; so is `place`,
    which names a file of the cache or an object of the remote.
    """

    kind: str
    message: str
    path: bytes = b""
    commit: str = ""
    oid: Oid | None = None
    place: str = ""


class Report(NamedTuple):
    """What a check found. `failure` is why it could not be finished, if so.

    `sent` are files that were lost on the remote and have been sent again.
    """

    problems: list[Problem]
    warnings: list[Problem]
    failure: MlversError | None = None
    sent: Sequence[Item] = ()

    def __add__(self, other: tuple[object, ...]) -> Report:
        """Both reports in one, with the first failure."""
        if not isinstance(other, Report):
            return NotImplemented
        return Report(
            self.problems + other.problems,
            self.warnings + other.warnings,
            self.failure or other.failure,
            (*self.sent, *other.sent),
        )


def check_pointers(workspace: Workspace, revision: str | None) -> Report:
    """Check that tracked paths hold pointers: in the tree of a commit, or in a range's commits.

    Without `revision` in HEAD, if there is a commit. Raises `UnknownRevision`.
    """
    repo = workspace.repo
    if revision is not None and ".." in revision:
        faults = faults_of_range(repo, revision)
    else:
        commit = refs.head(repo) if revision is None else refs.resolve(repo, revision)
        faults = [] if commit is None else faults_of_commit(repo, commit)
    return Report(
        [_of_fault(fault) for fault in faults if fault.is_error],
        [_of_fault(fault) for fault in faults if not fault.is_error],
    )


def check_objects(
    workspace: Workspace, revision: str | None, progress: Progress, dry_run: bool
) -> Report:
    """Hash all of the cache, and look whether what `revision` needs is anywhere.

    Damaged content is moved away unless it is a `dry_run`. `revision` is a
    commit or a range; without one it is HEAD and the index. The remote is asked
    only for what the cache lacks; when that fails it is the report's `failure`.
    Raises `UnknownRevision`.
    """
    needed = _needed(workspace, revision)
    paths = {pointer.oid: path for pointer, path in needed.items()}
    report = _damaged(workspace.cache.fsck(progress, dry_run=dry_run), paths)
    # Asking the cache for one of these would move it away.
    gone = {problem.oid for problem in report.problems}
    absent = [item for item in needed if item.oid in gone]
    absent += workspace.cache.missing(item for item in needed if item.oid not in gone)
    if not absent:
        return report
    try:
        return report + _lost(workspace, absent, paths)
    except MlversError as error:
        return report._replace(failure=error)


def _damaged(found: Iterable[Damage], paths: Mapping[Oid, bytes]) -> Report:
    report = Report([], [])
    for item in found:
        if item.oid is None:
            # Only what the cache remembers of itself, and has made anew.
            report.warnings.append(Problem(DAMAGED, item.message, place=item.path))
            continue
        path = paths.get(item.oid, b"")
        message = "its content in the cache is damaged"
        report.problems.append(Problem(DAMAGED, message, path, oid=item.oid, place=item.path))
    return report


def _needed(workspace: Workspace, revision: str | None) -> dict[Pointer, bytes]:
    """The content that `revision` needs, each with one of its paths."""
    repo = workspace.repo
    found: Iterator[Entry | Found]
    if revision is None:
        tip = refs.head(repo)
        trees = () if tip is None else scan.tree_pointers(repo, tip)
        found = chain(trees, scan.index_pointers(repo) if repo.work_tree else ())
    elif ".." in revision:
        first, last = ends_of(repo, revision)
        found = scan.pointers(repo, [last], [first])
    else:
        found = scan.tree_pointers(repo, refs.resolve(repo, revision))
    needed: dict[Pointer, bytes] = {}
    for item in found:
        needed.setdefault(item.pointer, item.path)
    return needed


def _lost(workspace: Workspace, absent: Iterable[Pointer], paths: Mapping[Oid, bytes]) -> Report:
    """What is nowhere, of what the cache lacks; raises `RemoteError`."""
    oids = {pointer.oid for pointer in absent}
    settings = workspace.config.default_remote(None)
    if settings is None:
        message = "its content is not in the cache, and there is no remote"
    else:
        message = "its content is neither in the cache nor on the remote"
        oids = absent_from(workspace, settings, oids)
    ordered = sorted(oids, key=lambda oid: paths[oid])
    return Report([Problem(MISSING, message, paths[oid], oid=oid) for oid in ordered], [])


def check_remote(
    workspace: Workspace, settings: RemoteSettings, progress: Progress, read_data: float
) -> Report:
    """Check a remote's packs against its index; this share (up to 1) of its content, too.

    Raises `RemoteError`.
    """
    found = workspace.remote(settings).fsck(read_data, progress)
    return Report([_of_remote(problem) for problem in found], [])


def check_git(workspace: Workspace, read_data: bool) -> Report:
    """Check the git part of the store that the usual git remote is, if it is one.

    With `read_data` all packs are fetched and all objects checked. Raises `BackendError`.
    """
    name = beside.usual_git_remote(workspace.config, workspace.repo)
    store = None if name is None else stores.open_store(workspace, name)
    if store is None:
        return Report([], [])
    with closing(store.backend):
        local = Local(workspace.repo.common_dir, store.url)
        found = check(store, deep=read_data, local=local)
    return Report([Problem(GIT, message) for message in found], [])


def repair_remote(
    workspace: Workspace, settings: RemoteSettings, progress: Progress, read_data: bool
) -> Report:
    """Make a remote's index list what its packs hold, and that only.

    With `read_data` all content is read, and what is damaged not listed. Each
    file that is lost by that is sent again from the cache, or reported, if it is not
    there, since it has to be pushed by others. Raises `RemoteError`.
    """
    found = workspace.remote(settings, write=True).rebuild_index(read_data, progress)
    lost = {oid for trouble in found for oid in trouble.oids}
    sent, failure = _send_again(workspace, settings, lost, progress)
    lost -= {item.oid for item in sent}
    paths = _paths_of(workspace, lost)
    rest = (_of_remote(trouble) for trouble in found if not trouble.oids)
    report = Report([problem._replace(kind=LOST) for problem in rest], [], failure, sent)
    message = "its content is lost on the remote and has to be pushed again"
    report.problems.extend(
        Problem(LOST, message, paths.get(oid, b""), oid=oid, place=trouble.key)
        for trouble in found
        for oid in sorted(trouble.oids, key=lambda oid: paths.get(oid, b""))
        if oid in lost
    )
    return report


def _send_again(
    workspace: Workspace, settings: RemoteSettings, lost: set[Oid], progress: Progress
) -> tuple[list[Item], MlversError | None]:
    """Send what of `lost` the cache has; returns it, and why it could not be sent, if so."""
    cache = workspace.cache
    here = [Item(oid, size) for oid, size in cache if oid in lost] if lost else []
    here = [item for item in here if cache.has(item.oid, item.size)]
    if not here:
        return [], None
    progress.start("Uploading", len(here), sum(item.size for item in here))
    try:
        workspace.remote(settings, write=True).upload(here, cache, progress=progress)
    except MlversError as error:
        return [], error
    finally:
        progress.finish()
    return here, None


def _paths_of(workspace: Workspace, oids: set[Oid]) -> dict[Oid, bytes]:
    """A path for each of `oids` that any ref reaches."""
    if not oids:
        return {}
    found = scan.pointers(workspace.repo, refs.all_tips(workspace.repo), [])
    return {item.pointer.oid: item.path for item in found if item.pointer.oid in oids}


def _of_fault(fault: Fault) -> Problem:
    return Problem(POINTER, fault.what, fault.path, fault.commit)


def _of_remote(problem: Trouble) -> Problem:
    oid = problem.oids[0] if problem.oids else None
    suffer = f" ({len(problem.oids)} files suffer)" if len(problem.oids) > 1 else ""
    return Problem(REMOTE, problem.message + suffer, oid=oid, place=problem.key)
