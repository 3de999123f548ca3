"""An experiment in the user's own working tree, and what is done about one that was killed.

Before anything is changed, all files and the index are kept under refs, and a journal
says so. They go when the experiment is there. If the journal is found and nobody runs,
somebody was killed: params are put back, and the user is told how to have the rest back.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, NamedTuple

from git_mlvers.errors import UsageError
from git_mlvers.experiments import params
from git_mlvers.experiments.before import put, way_back
from git_mlvers.experiments.run import run
from git_mlvers.fsutil import remove_quietly, write_atomic
from git_mlvers.git import refs
from git_mlvers.pipeline import guard
from git_mlvers.pipeline.errors import PipelineError
from git_mlvers.pipeline.source import WorkingTree
from git_mlvers.values.errors import ValuesError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from git_mlvers.experiments.params import Changed
    from git_mlvers.experiments.refs import Experiment
    from git_mlvers.experiments.run import Ran, Request
    from git_mlvers.git.repository import Repository
    from git_mlvers.pipeline.report import Report
    from git_mlvers.workspace import Workspace

LOCK = "exp.lock"
_BEFOREHAND = (UsageError, PipelineError, ValuesError)
"""Errors with which nothing has run yet."""
_JOURNAL = "exp.running"


class Before(NamedTuple):
    """What the working tree was: the name of the experiment, params as they were, and refs."""

    name: str
    changes: Sequence[Changed]
    refs: Sequence[str]

    @property
    def command(self) -> str:
        """What brings files and index back, wherever it is given."""
        return way_back(self.refs)


def run_in_place(
    workspace: Workspace,
    request: Request,
    report: Report,
    kept: Callable[[Experiment], None] = lambda experiment: None,
) -> Ran:
    """Run an experiment where the user works; see `run`.

    When it fails, params are as they were before; also when it is stopped. Raises
    `UnknownParam` and the like, with nothing changed.
    """
    if workspace.env.get("MLVERS_STAGE"):
        raise UsageError("this is a stage of a pipeline, which runs no experiment in its own tree",
                         "git mlvers exp run --temp")  # fmt: skip
    repo = workspace.repo
    folder = os.path.join(repo.git_dir, "mlvers")

    def wait_for(process: str) -> None:
        report.line(f"Another experiment runs here (process {process}); waiting for its end.")

    os.makedirs(folder, exist_ok=True)
    with guard.alone(folder, wait_for, LOCK):
        guard.Groups(folder).check()
        recover(repo, report)
        changes = params.plan(WorkingTree(repo), request.settings, request.folder)
        words = " ".join(setting.text for setting in request.settings)
        report.line(f"Running experiment '{request.name}'" + (f": {words}" if words else ""))
        before = _keep_before(repo, request.name, changes)
        try:
            ran = run(workspace, request, report, changes=changes, kept=kept, drop=before.refs)
        except BaseException as error:
            _put_back(repo, before, report)
            if isinstance(error, _BEFOREHAND):
                _forget(repo, before)
            else:
                report.line(_way_back(before))
            raise
        if ran.error is not None:
            _put_back(repo, before, report)
        remove_quietly(os.path.join(folder, _JOURNAL))
        return ran


def recover(repo: Repository, report: Report) -> None:
    """See to what an experiment has left behind that was killed; nobody runs one here now."""
    folder = os.path.join(repo.git_dir, "mlvers")
    before = _read(os.path.join(folder, _JOURNAL))
    if before is None:
        return
    if refs.resolve_ref(repo, before.refs[0]) is None:
        remove_quietly(os.path.join(folder, _JOURNAL))  # the experiment is there
        return
    report.warn(f"the experiment '{before.name}', which ran here before, was killed")
    _put_back(repo, before, report)
    report.line(_way_back(before))


def _way_back(before: Before) -> str:
    return (
        f"All files that were here before '{before.name}' are kept."
        f" To have them back:\n\t{before.command}"
    )


def _put_back(repo: Repository, before: Before, report: Report) -> None:
    """Put back the params that nobody has changed since, and forget the journal."""
    left = params.restore(repo.top, before.changes)
    if left:
        report.warn(f"{', '.join(left)} was changed meanwhile, and is left as it is")
    elif before.changes:
        files = ", ".join(change.path for change in before.changes)
        report.line(f"Params are as they were before: {files}")
    remove_quietly(os.path.join(repo.git_dir, "mlvers", _JOURNAL))


def _forget(repo: Repository, before: Before) -> None:
    lines = (f"delete {ref}\n" for ref in before.refs)
    repo.git("update-ref", "--stdin", input="".join(lines).encode())


def _keep_before(repo: Repository, name: str, changes: Sequence[Changed]) -> Before:
    found = Before(name, changes, list(put(repo, name)))
    path = os.path.join(repo.git_dir, "mlvers", _JOURNAL)
    write_atomic(path, json.dumps(_as_json(found)).encode("ascii"))
    return found


def _as_json(before: Before) -> dict[str, object]:
    files = [
        [change.path, *(data.decode("latin-1") for data in (change.before, change.after))]
        for change in before.changes
    ]
    return {"name": before.name, "refs": list(before.refs), "params": files}


def _read(path: str) -> Before | None:
    """The journal in the file `path`; ``None`` if there is none that can be read."""
    try:
        with open(path, "rb") as file:
            found = json.loads(file.read())
        changes = [
            params.Changed(name, old.encode("latin-1"), new.encode("latin-1"))
            for name, old, new in found["params"]
        ]
        return Before(str(found["name"]), changes, [str(ref) for ref in found["refs"]])
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None
