"""How a repro is asked for, what it tells while it works, and what came of it."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from git_mlvers.errors import MlversError


class StageError(MlversError):
    """A stage could not be run, or did not do what its pipeline file says of it."""


class Options(NamedTuple):
    """What `reproduce` may do; the words are those of the command line."""

    dry: bool = False
    force: bool = False
    force_downstream: bool = False
    downstream: bool = False
    single: bool = False
    keep_going: bool = False
    pull: bool = False
    allow_missing: bool = False
    run_cache: bool = True
    all_pipelines: bool = False
    jobs: int = 1
    keep: bool = True
    """Whether outputs that are nowhere else are kept before they go."""


class Result(NamedTuple):
    """The addresses of the stages by what became of them, in their order."""

    ran: tuple[str, ...] = ()
    restored: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()
    blocked: tuple[str, ...] = ()
    """Not tried, because a stage that they depend on failed."""

    unstaged: tuple[str, ...] = ()
    """Paths of what the outputs were made of, as far as a commit now would leave it out."""

    @property
    def changed(self) -> bool:
        """Whether anything was made or restored."""
        return bool(self.ran or self.restored)


class Report(Protocol):
    """Told of each step; `output` from any thread.

    `stdout` is the descriptor that commands write to, ``None`` for our own output.
    """

    stdout: int | None

    def line(self, text: str = "") -> None:
        """Show what is done; it must be out before a command writes to the same place."""

    def warn(self, text: str, hint: str | None = None) -> None:
        """Show a warning."""

    def output(self, stage: str, line: bytes) -> None:
        """Show a line that a command of `stage` wrote, beside those of others."""


class Silent:
    """A `Report` that shows nothing but what commands write."""

    stdout: int | None = None

    def line(self, text: str = "") -> None:
        """Show nothing."""

    def warn(self, text: str, hint: str | None = None) -> None:
        """Show nothing."""

    def output(self, stage: str, line: bytes) -> None:
        """Show nothing."""
