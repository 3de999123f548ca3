"""How long work shows itself: a bar on a terminal, lines of JSON for programs, else nothing."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from git_mlvers.progress import Silent

if TYPE_CHECKING:
    from typing import TextIO

    from rich.progress import Progress as RichProgress
    from rich.progress import TaskID

    from git_mlvers.progress import Progress

SHOW_AFTER = 0.5
"""Work that ends sooner shows no bar. Seconds."""

EVENT_EVERY = 0.5
"""At most one progress event in this time. Seconds."""


def choose(stream: TextIO, *, quiet: bool, json: bool) -> Progress:
    """The progress for `stream` (standard error)."""
    if json:
        return Events(stream)
    if quiet or not stream.isatty():
        return Silent()
    return Bar(stream)


class Bar:
    """One bar at a time on a terminal; what finishes leaves nothing behind."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._lock = threading.Lock()
        self._bar: RichProgress | None = None
        self._task: TaskID | None = None
        self._verb = ""
        self._files = self._size = self._files_done = self._size_done = 0
        self._began = 0.0

    def start(self, verb: str, files: int, size: int) -> None:
        """Begin a new bar for `files` files of `size` bytes."""
        self.finish()
        with self._lock:
            self._verb, self._files, self._size = verb, files, size
            self._files_done = self._size_done = 0
            self._began = time.monotonic()

    def advance(self, files: int, size: int) -> None:
        """Move the bar on."""
        with self._lock:
            self._files_done += files
            self._size_done += size
            if self._bar is None:
                if time.monotonic() - self._began < SHOW_AFTER:
                    return
                self._open()
            assert self._bar is not None and self._task is not None
            self._bar.update(
                self._task,
                completed=self._size_done,
                description=f"{self._verb} {self._files_done}/{self._files} files",
            )

    def finish(self) -> None:
        """Take the bar off the screen."""
        with self._lock:
            if self._bar is not None:
                self._bar.stop()
            self._bar = self._task = None

    def _open(self) -> None:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            DownloadColumn,
            Progress,
            TextColumn,
            TimeRemainingColumn,
            TransferSpeedColumn,
        )

        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=None),
            DownloadColumn(binary_units=True),
            TransferSpeedColumn(),
            TimeRemainingColumn(),
            console=Console(file=self._stream, highlight=False),
            transient=True,
        )
        self._bar.start()
        self._task = self._bar.add_task(self._verb, total=self._size or None)


class Events:
    """Progress as lines of JSON: ``start``, now and then ``progress``, ``finish``."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._lock = threading.Lock()
        self._verb: str | None = None
        self._files = self._size = self._files_done = self._size_done = 0
        self._told = 0.0

    def start(self, verb: str, files: int, size: int) -> None:
        """Write a ``start`` event."""
        self.finish()
        with self._lock:
            self._verb, self._files, self._size = verb, files, size
            self._files_done = self._size_done = 0
            self._told = time.monotonic()
            self._write("start")

    def advance(self, files: int, size: int) -> None:
        """Write a ``progress`` event, unless the last one was just now."""
        with self._lock:
            self._files_done += files
            self._size_done += size
            now = time.monotonic()
            if now - self._told >= EVENT_EVERY:
                self._told = now
                self._write("progress")

    def finish(self) -> None:
        """Write a ``finish`` event for what was started."""
        with self._lock:
            if self._verb is not None:
                self._write("finish")
            self._verb = None

    def _write(self, event: str) -> None:
        import json

        record = {
            "event": event,
            "verb": self._verb,
            "files": self._files,
            "bytes": self._size,
            "files_done": self._files_done,
            "bytes_done": self._size_done,
        }
        self._stream.write(json.dumps(record) + "\n")
        self._stream.flush()
