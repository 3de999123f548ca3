"""What a repository on a store needs of the rest: options of the store, and content before refs."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Protocol, cast

from git_mlvers.progress import Silent

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from git_mlvers.git.refs import RefUpdate
    from git_mlvers.progress import Progress
    from git_mlvers.remote_helper.job import Job
    from git_mlvers.serverless.push import Send


class _Sending(Protocol):
    """The module `content`."""

    def send_content(
        self,
        job: Job,
        updates: Sequence[RefUpdate],
        advertised: Collection[str],
        progress: Progress,
    ) -> str | None:
        """Bring the content that `updates` need; a reason when that failed."""


class _Configured(Protocol):
    """What is asked of a `Config`."""

    def options_for(self, url: str) -> dict[str, str]:
        """The options that are configured for the store at `url`."""


def store_options(job: Job) -> dict[str, str]:
    """What the user has configured for the store of `job`; a directory has no options."""
    if "://" not in job.address.inner:
        return {}
    from git_mlvers.config import Config

    return cast("_Configured", Config.load(job.repo, job.env)).options_for(job.address.inner)


def content_sender(job: Job) -> Send:
    """How the content of a push of `job` is brought to its place."""

    def send(updates: Sequence[RefUpdate], advertised: Collection[str]) -> str | None:
        # Nothing of this is loaded for a fetch.
        module = cast("_Sending", import_module("git_mlvers.remote_helper.content"))
        return module.send_content(job, updates, advertised, Silent())

    return send
