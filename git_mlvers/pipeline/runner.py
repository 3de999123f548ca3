"""The commands of stages, run one stage after the other, or several at once."""

from __future__ import annotations

import queue
import threading
from typing import TYPE_CHECKING

from git_mlvers.pipeline import steps

if TYPE_CHECKING:
    from git_mlvers.pipeline.guard import Groups
    from git_mlvers.pipeline.model import Stage
    from git_mlvers.pipeline.report import Report
    from git_mlvers.pipeline.session import Session
    from git_mlvers.pipeline.shell import Commands


class Runner:
    """Runs the commands of up to `jobs` stages at once; `wait` tells which has ended."""

    def __init__(self, session: Session, report: Report, groups: Groups, jobs: int) -> None:
        self._session = session
        self._report = report
        self._groups = groups
        self._aside = jobs > 1
        self._ended: queue.SimpleQueue[tuple[str, Exception | None]] = queue.SimpleQueue()
        self._commands: Commands | None = None

    def start(self, stage: Stage) -> None:
        """Begin with the commands of `stage`; with one job they have ended when this returns."""
        if self._commands is None:
            # A repro with nothing to do never starts a program of the user.
            from git_mlvers.pipeline.shell import Commands

            self._commands = Commands()
        args = (stage, self._commands)
        if self._aside:
            threading.Thread(target=self._run, args=args, name=f"stage {stage.address}").start()
        else:
            self._run(*args)

    def wait(self) -> tuple[str, Exception | None]:
        """The address of a stage whose commands have ended, and why they failed, or ``None``."""
        address, error = self._ended.get()
        self._groups.ended(address)
        return address, error

    def stop(self) -> None:
        """End all commands that still run."""
        if self._commands is not None:
            self._commands.stop()
            self._groups.clear()

    def _run(self, stage: Stage, commands: Commands) -> None:
        address, report = stage.address, self._report

        def show(cmd: str) -> None:
            for line in cmd.splitlines() or [""]:
                if self._aside:
                    report.output(address, f"> {line}".encode("utf-8", "surrogateescape"))
                else:
                    report.line(f"> {line}")

        error = None
        try:
            commands.run(
                steps.job_of(self._session, stage),
                before=show,
                line=(lambda text: report.output(address, text)) if self._aside else None,
                stdout=report.stdout,
                started=lambda group: self._groups.began(address, group),
            )
        except Exception as caught:  # whoever waits for the stage has to hear of it
            error = caught
        self._ended.put((address, error))
