"""What a command is given: where it runs, and how it speaks."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import TextIO

    from git_mlvers.progress import Progress


class Context:
    """The surroundings of one command.

    `quiet` and `json` follow the options ``-q`` and ``--json`` where a command
    has them. Answers go to standard output, everything else to standard error.
    """

    __slots__ = ("cwd", "env", "json", "quiet", "stderr", "stdout")

    def __init__(
        self,
        env: Mapping[str, str] | None = None,
        cwd: str | None = None,
        stdout: TextIO | None = None,
        stderr: TextIO | None = None,
    ) -> None:
        self.env: Mapping[str, str] = os.environ if env is None else env
        self.cwd = os.getcwd() if cwd is None else cwd
        self.stdout = sys.stdout if stdout is None else stdout
        self.stderr = sys.stderr if stderr is None else stderr
        self.quiet = False
        self.json = False

    def out(self, text: str = "") -> None:
        """Print what the user asked for; always shown."""
        self.stdout.write(text + "\n")

    def say(self, text: str) -> None:
        """Print what was done; not shown with ``-q`` or ``--json``."""
        if not self.quiet and not self.json:
            self.stdout.write(text + "\n")

    def note(self, text: str) -> None:
        """Print a remark on standard error; not shown with ``-q``."""
        if not self.quiet:
            self._remark(text)

    def warn(self, text: str, hint: str | None = None) -> None:
        """Print a warning, and what to do about it; always shown."""
        self._remark(f"warning: {text}" if hint is None else f"warning: {text}\nhint: {hint}")

    def out_json(self, value: object) -> None:
        """Print `value` as one line of JSON."""
        import json

        self.stdout.write(json.dumps(value, ensure_ascii=True) + "\n")

    def _remark(self, text: str) -> None:
        # Into a pipe or a file, answers wait in a buffer; they were given first.
        self.stdout.flush()
        self.stderr.write(text + "\n")
        self.stderr.flush()

    def progress(self) -> Progress:
        """How long work shows itself: a bar on a terminal, events with ``--json``, or nothing."""
        from git_mlvers.bars import choose

        return choose(self.stderr, quiet=self.quiet, json=self.json)
