"""What of a repository of DVC there is to take over, found without changing anything."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from git_mlvers.backend.url import redact
from git_mlvers.errors import MlversError, UsageError
from git_mlvers.git.command import zsplit
from git_mlvers.git.repository import require_work_tree
from git_mlvers.migrate import dvcconfig, dvcfiles
from git_mlvers.migrate.dvcfiles import LOCK, PIPELINE, SUFFIX
from git_mlvers.pipeline.project import Project
from git_mlvers.pipeline.source import WorkingTree

if TYPE_CHECKING:
    from collections.abc import Sequence

    from git_mlvers.git.repository import Repository
    from git_mlvers.migrate.dvcconfig import DvcConfig
    from git_mlvers.migrate.dvcfiles import Data, DvcFile, LockedStage
    from git_mlvers.pipeline.model import Stage


class NotDvc(MlversError):
    """The repository is none of DVC, or not in a state to be taken over."""


class Plan(NamedTuple):
    """What DVC keeps in a repository, and `left`: sentences about what stays behind.

    `plain` are the outputs that DVC leaves to Git (``cache: false``).
    """

    config: DvcConfig
    files: list[DvcFile]
    stages: list[LockedStage]
    left: list[str]
    plain: frozenset[str]

    @property
    def tracked(self) -> list[Data]:
        """What the ``.dvc`` files name."""
        return [out for file in self.files for out in file.outs]

    @property
    def made(self) -> list[Data]:
        """What stages made, as ``dvc.lock`` has it."""
        outs = (out for stage in self.stages for out in stage.outs)
        return [out for out in outs if out.md5 and out.path not in self.plain]


def read(repo: Repository, cwd: str) -> Plan:
    """Find everything of the repository of DVC that `cwd` is in.

    Raises `NotDvc`, and `BadDvcFile` for a file that cannot be read.
    """
    top = require_work_tree(repo)
    roots = _roots(repo, top)
    root = _root_around(os.path.relpath(os.path.realpath(cwd), top), roots, top)
    config = dvcconfig.read(os.path.join(top, root))
    paths = [path for path in _paths(repo, top) if _nearest(path, roots) == root]
    files = [
        dvcfiles.read_dvc_file(path, _read(top, path))
        for path in paths
        if path.endswith(SUFFIX) and os.path.isfile(os.path.join(top, path))
    ]
    locks = [
        path
        for path in paths
        if os.path.basename(path) == LOCK and os.path.isfile(os.path.join(top, path))
    ]
    stages_of = _stages_beside(repo, locks)
    locked = [
        stage
        for path in locks
        for stage in dvcfiles.read_lock(
            path, _read(top, path), {each.name: each.wdir for each in stages_of[path]}
        )
    ]
    here = (stage for beside in stages_of.values() for stage in beside)
    plain = frozenset(out.path for stage in here for out in stage.outs if not out.cache)
    return Plan(config, files, locked, _left(config, files, roots - {root}), plain)


def require_clean(repo: Repository) -> None:
    """Raise `NotDvc` if something is staged, which could not be told from what is taken over."""
    said = zsplit(repo.git("diff-index", "--cached", "--name-only", "-z", _head(repo), "--"))
    if said:
        name = os.fsdecode(said[0])
        raise NotDvc(
            f"there are staged changes ({name}), which would be mixed with what is taken over",
            "git commit them, or git stash",
        )


def _head(repo: Repository) -> str:
    from git_mlvers.git import refs

    head = refs.head(repo)
    if head is None:
        raise UsageError("there are no commits yet", "git commit what DVC has written first")
    return head


def _roots(repo: Repository, top: str) -> set[str]:
    """The folders that ``dvc init`` was run in: one, or with ``--subdir`` any number."""
    said = repo.git(
        *("ls-files", "-z", "--cached", "--others", "--exclude-standard", "--"),
        f":(top,glob)**/{dvcconfig.FOLDER}/config",
    )
    found = {os.path.dirname(os.path.dirname(os.fsdecode(path))) for path in zsplit(said)}
    return found | ({""} if os.path.isdir(os.path.join(top, dvcconfig.FOLDER)) else set())


def _nearest(path: str, roots: set[str]) -> str | None:
    while path not in roots:
        if not path:
            return None
        path = os.path.dirname(path)
    return path


def _root_around(folder: str, roots: set[str], top: str) -> str:
    found = _nearest("" if folder == "." else folder, roots)
    if found is not None:
        return found
    if len(roots) == 1:
        return next(iter(roots))
    if not roots:
        raise NotDvc(
            f"{top} is not a repository of DVC: it has no .dvc folder",
            "run it in a clone that DVC has been used in",
        )
    raise NotDvc(
        f"there are several repositories of DVC here: {', '.join(sorted(roots))}",
        "run it in each of these folders, and git commit between",
    )


def _stages_beside(repo: Repository, locks: Sequence[str]) -> dict[str, list[Stage]]:
    """The stages of the pipeline beside each of `locks`.

    ``dvc.lock`` does not say where they run, and DVC looks at none that the pipeline has not.
    """
    found: dict[str, list[Stage]] = {path: [] for path in locks}
    if not locks:
        return found
    for stage in Project.load(WorkingTree(repo)).stages:
        lock = os.path.join(os.path.dirname(stage.file), LOCK)
        if lock in found and os.path.basename(stage.file) == PIPELINE:
            found[lock].append(stage)
    return found


def _paths(repo: Repository, top: str) -> list[str]:
    said = repo.git(
        *("ls-files", "-z", "--cached", "--others", "--exclude-standard", "--"),
        *(":(top,glob)**/*.dvc", f":(top,glob)**/{LOCK}"),
    )
    return sorted({os.fsdecode(path) for path in zsplit(said)})


def _read(top: str, path: str) -> bytes:
    with open(os.path.join(top, path), "rb") as file:
        return file.read()


def _left(config: DvcConfig, files: list[DvcFile], roots: set[str]) -> list[str]:
    """What cannot be taken over, a sentence each."""
    left = [
        f"{file.path}: imported from {file.source}; its data is taken over, where it is from is not"
        for file in files
        if file.source is not None and file.outs
    ]
    left += [
        f"{file.path}: it does not say what is in {path}, and stays as it is"
        for file in files
        for path in file.unknown
    ]
    for remote in config.remotes:
        place = f"the remote {remote.name} at {redact(remote.url)}"
        if remote.web:
            left.append(
                f"{place}: a web server can only be read; "
                "git mlvers remote add -d NAME URL adds a place to push to"
            )
        elif remote.ours is None:
            left.append(f"{place}: no such place is known here")
        left += [f"the remote {remote.name}: its option {key}" for key in remote.left]
    return left + [
        f"{folder or 'the top'}: another repository of DVC; run this in there after a git commit"
        for folder in sorted(roots)
    ]
