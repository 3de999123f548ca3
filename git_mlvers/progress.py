"""How long work tells how far it is: a small protocol, and the silent form of it."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Told of the work's extent and of each step; called from any thread."""

    def start(self, verb: str, files: int, size: int) -> None:
        """`verb` ("Uploading") is about to handle `files` files of `size` bytes in all."""

    def advance(self, files: int, size: int) -> None:
        """`files` more files are done, and `size` more bytes."""

    def finish(self) -> None:
        """The work that `start` announced is over, well or not."""


class Silent:
    """A `Progress` that shows nothing."""

    def start(self, verb: str, files: int, size: int) -> None:
        """Show nothing."""

    def advance(self, files: int, size: int) -> None:
        """Show nothing."""

    def finish(self) -> None:
        """Show nothing."""
