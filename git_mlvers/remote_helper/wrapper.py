"""``mlvers::<any address of git>``: git's own transport, with content before refs."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from git_mlvers.bars import choose
from git_mlvers.config.source import Source
from git_mlvers.remote_helper.connect_address import Helper, parse
from git_mlvers.remote_helper.wrapper_content import send_content

if TYPE_CHECKING:
    from git_mlvers.remote_helper.job import Job
    from git_mlvers.remote_helper.wrapper_content import SendContent


def run(job: Job, config: Source | None = None, send: SendContent = send_content) -> int:
    """Do what git asks for on the streams of `job`; the exit status.

    `send` brings content to where it belongs before any ref moves. Does not
    return when git is connected with a service that it only reads from.
    """
    target = parse(job.address.inner)
    progress = choose(sys.stderr, quiet=False, json=False)
    if isinstance(target, Helper):
        from git_mlvers.remote_helper.relay import Relay

        return Relay(job, target, send, progress).run()
    from git_mlvers.remote_helper.connect import Connector

    if config is None:
        config = Source.load(job.repo, job.env)
    return Connector(job, target, config, send, progress).run()
