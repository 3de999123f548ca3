"""Content before refs, when the remote helper is about to push."""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_mlvers.backend.url import BadAddress
from git_mlvers.config import address, beside
from git_mlvers.config.committed import printable
from git_mlvers.errors import MlversError
from git_mlvers.filter.report import say
from git_mlvers.hooks.pre_push import remarks
from git_mlvers.pushing import before_push
from git_mlvers.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from git_mlvers.config import Config
    from git_mlvers.git.refs import RefUpdate
    from git_mlvers.progress import Progress
    from git_mlvers.remote_helper.job import Job

REASON_SIZE = 200
"""Bytes. Git shows a reason in one line, behind the names of the refs."""


def send_content(
    job: Job, updates: Sequence[RefUpdate], advertised: Collection[str], progress: Progress
) -> str | None:
    """Bring to the content remote what `updates`, about to be pushed, need.

    `advertised` are the ids that the refs of the git remote name (not those of
    repositories that it borrows from, ``.have``: their content may be elsewhere).
    Returns ``None`` when all is there; else why every ref that is not deleted has
    to stay where it is: one line of at most `REASON_SIZE` bytes. What the user
    can do about it is written to standard error.
    """
    if job.repo is None or all(update.deletes for update in updates):
        return None
    try:
        with Workspace(job.repo, job.env) as workspace:
            git_remote = _git_remote(workspace.config, job)
            pushed = before_push(workspace, git_remote, updates, progress, advertised=advertised)
    except MlversError as error:
        return _refusal(error)
    say(remarks(pushed))
    return None


def _git_remote(config: Config, job: Job) -> str:
    """The name of the git remote, or the address where that is not the one it is fetched from."""
    urls = config.values(f"remote.{job.name}.url")
    first = config.instead_of((urls[0].text if urls else None) or job.name)
    if job.repo is not None and address.is_ours(first):
        try:
            if beside.behind(config, first, job.repo.top) == job.address:
                return job.name
        except BadAddress:
            pass  # it is pushed to another URL, which is one
    return address.PREFIX + job.address.inner


def _refusal(error: MlversError) -> str:
    whole = "mlvers: " + printable(" ".join(error.message.split()))
    reason = _cut(whole)
    lines = [] if reason == whole else [f"git-mlvers: {whole.removeprefix('mlvers: ')}"]
    if error.hint:
        lines.append(f"hint: {error.hint}")
    say(lines)
    return reason


def _cut(text: str) -> str:
    data = text.encode("utf-8", "backslashreplace")
    if len(data) <= REASON_SIZE:
        return data.decode()
    return data[: REASON_SIZE - 3].decode("utf-8", "ignore") + "…"
