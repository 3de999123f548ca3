"""Content before refs: what a push through any transport asks before it lets refs go."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Protocol

from git_mlvers.errors import MlversError

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from git_mlvers.git.refs import RefUpdate
    from git_mlvers.progress import Progress
    from git_mlvers.remote_helper.job import Job

WITH_OTHERS = "not deleted, because other refs of this push were rejected"
_BREAKS = re.compile(r"[\x00-\x1f\x7f]+")
_LONGEST = 1000  # of a reason; a packet takes some 65,000


class SendContent(Protocol):
    """Brings content to its remote; returns why it could not, or ``None``."""

    def __call__(
        self,
        job: Job,
        updates: Sequence[RefUpdate],
        advertised: Collection[str],
        progress: Progress,
    ) -> str | None:
        """See `content.send_content`."""


def send_content(
    job: Job, updates: Sequence[RefUpdate], advertised: Collection[str], progress: Progress
) -> str | None:
    """`content.send_content`, imported when there is something to send."""
    from git_mlvers.remote_helper import content

    return content.send_content(job, updates, advertised, progress)


def verdict(
    send: SendContent,
    job: Job,
    updates: Sequence[RefUpdate],
    advertised: Collection[str],
    progress: Progress,
) -> dict[str, str]:
    """Send what `updates` need; for each ref that must not move the reason, none if all may.

    One ref whose content is not there keeps all of them where they are.
    """
    if all(update.deletes for update in updates):
        return {}
    try:
        reason = send(job, updates, advertised, progress)
    except MlversError as error:
        reason = str(error)
    except OSError as error:
        reason = f"{error.strerror or error}: {error.filename}" if error.filename else str(error)
    if reason is None:
        return {}
    reason = _BREAKS.sub(" ", reason)[:_LONGEST].strip() or "the content could not be stored"
    return {update.remote_ref: WITH_OTHERS if update.deletes else reason for update in updates}
