"""A conversation between git and a service at the other end, in which we sit."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

from git_mlvers.progress import Silent
from git_mlvers.remote_helper import connect_commands as commands
from git_mlvers.remote_helper.relay_bytes import Buffered, drain, pump, write_all
from git_mlvers.remote_helper.wrapper_content import verdict

if TYPE_CHECKING:
    from git_mlvers.progress import Progress
    from git_mlvers.remote_helper.connect_service import Service
    from git_mlvers.remote_helper.job import Job
    from git_mlvers.remote_helper.wrapper_content import SendContent


class Session:
    """git speaks on the descriptors of `job`, the other end is `service`.

    `from_git` and `from_service` hold what was read of either before. What a
    method returns is the status with which the service ended.
    """

    def __init__(
        self,
        job: Job,
        service: Service,
        from_git: Buffered | None = None,
        from_service: Buffered | None = None,
    ) -> None:
        self._job = job
        self._service = service
        self._from_git = from_git or Buffered(job.stdin)
        self._from_service = from_service or Buffered(service.read_fd, job.stdout)
        self._thread: threading.Thread | None = None
        self._stop = -1

    def relay(self) -> int:
        """Let everything through, both ways, until the service has ended or git has gone."""
        self._start_upward(self._from_git.rest())
        return self._downward()

    def push(self, send: SendContent, progress: Progress) -> int:
        """Let a push through when the content that its refs need is where it belongs."""
        try:
            offered = self._offer()
            if offered is None:
                return self._downward()
            try:
                asked = commands.read_commands(self._from_git)
            except commands.Broken as broken:
                # git has gone without a word, or says something that the service shall judge.
                self._start_upward(broken.seen)
                return self._downward()
            shown = Silent() if "quiet" in asked.capabilities else progress
            reasons = verdict(send, self._job, asked.updates, offered, shown)
        except BaseException:
            self._hang_up()
            raise
        if reasons:
            return self._refuse(asked, reasons)
        self._start_upward(asked.raw + self._from_git.rest())
        return self._downward()

    def _offer(self) -> set[str] | None:
        """Hand the service's offer to git; the ids in it, or ``None`` if it is no offer."""
        ids = set()
        try:
            for whole, payload in commands.packets(self._from_service):
                write_all(self._job.stdout, whole)
                ref = commands.advertised_ref(payload) if payload is not None else None
                if ref is not None:
                    ids.add(ref[1])
        except commands.Broken as broken:
            # git tells what is wrong with it.
            write_all(self._job.stdout, broken.seen)
            return None
        return ids

    def _refuse(self, asked: commands.Commands, reasons: dict[str, str]) -> int:
        """Move nothing, and tell git in a server's words why."""
        self._hang_up()
        # git reads an answer only when it has sent its pack.
        drain(self._from_git.fd)
        if "report-status" in asked.capabilities or "report-status-v2" in asked.capabilities:
            write_all(self._job.stdout, commands.refusal(asked, reasons))
            return 0
        return 1

    def _hang_up(self) -> None:
        """End the service without an update and without its complaining of that."""
        try:
            write_all(self._service.write_fd, commands.FLUSH)
            self._service.close_write()
            drain(self._service.read_fd)
        except OSError:
            self._service.close_write()  # it has ended before
        self._service.end()

    def _start_upward(self, before: bytes) -> None:
        """Send `before` and all that git says, while somebody else listens to the service."""
        stop, self._stop = os.pipe()
        # Not waited for in the end: git may keep its side open until we are gone.
        self._thread = threading.Thread(target=self._upward, args=(before, stop), daemon=True)
        self._thread.start()

    def _upward(self, before: bytes, stop: int) -> None:
        try:
            write_all(self._service.write_fd, before)
            pump(self._from_git.fd, self._service.write_fd, stop)
        except OSError:
            pass  # the service has ended; its status tells why
        # Here and nowhere else: a descriptor that is waited for stays open when it is closed.
        self._service.close_write()

    def _downward(self) -> int:
        """Hand git what the service says, to its end; its status."""
        try:
            write_all(self._job.stdout, self._from_service.rest())
            pump(self._service.read_fd, self._job.stdout)
        except BrokenPipeError:
            # git has heard enough. Its last words are on their way.
            if self._thread is not None:
                self._thread.join()
        if self._thread is None:
            self._service.close_write()
        else:
            os.close(self._stop)
        return self._service.end()
