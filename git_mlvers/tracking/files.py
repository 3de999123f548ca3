"""The two open files that logging writes: ``metrics.csv`` and ``params.yml``.

Their form is DagsHub's (``dagshub/logger.py``, 0.7): a heading without quotes that
ends in a line feed, then rows of `csv` with everything quoted but numbers; and
``yaml.safe_dump`` with sorted keys.
"""

from __future__ import annotations

import csv
import io
import os
from typing import TYPE_CHECKING, Any

from git_mlvers.fsutil import make_dirs, write_atomic

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

HEADING = "Name,Value,Timestamp,Step\n"

Row = tuple[str, Any, int, Any]
"""Name, value, milliseconds since 1970, step."""


class MetricsFile:
    """Rows at the end of one file, which is begun anew, or gone on with to `resume`.

    Each call of `add` is one write: rows of several threads and of forked
    processes do not get mixed, and what was added survives the end of the process.
    """

    def __init__(self, path: str, *, resume: bool = False, makes_folders: bool = True) -> None:
        if makes_folders:
            _make_folder(path)
        begin = 0 if resume else os.O_TRUNC
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | begin
        self._fd = os.open(path, flags, 0o666)
        try:
            if os.fstat(self._fd).st_size == 0:
                self._write(HEADING)
        except OSError:
            self.close()  # it is tried again at every call, and files are not without number
            raise

    def add(self, rows: Iterable[Row]) -> None:
        """Append `rows`."""
        text = io.StringIO(newline="")
        csv.writer(text, quoting=csv.QUOTE_NONNUMERIC).writerows(rows)
        self._write(text.getvalue())

    def close(self) -> None:
        """Close it; harmless a second time."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _write(self, text: str) -> None:
        data = memoryview(text.encode("utf-8", "surrogatepass"))
        done = 0
        try:
            while done < len(data):
                done += os.write(self._fd, data[done:])
        except OSError:
            self._take_back(done)
            raise

    def _take_back(self, count: int) -> None:
        """Remove the last `count` bytes: half a row would spoil the next one too."""
        end = os.lseek(self._fd, 0, os.SEEK_CUR)
        # Where another process has appended since, its rows are worth more.
        if count and os.fstat(self._fd).st_size == end:
            os.ftruncate(self._fd, end - count)


def write_params(path: str, params: Mapping[str, Any], *, makes_folders: bool = True) -> None:
    """Write all of `params`; whoever reads the file meanwhile finds it whole."""
    import yaml

    if makes_folders:
        _make_folder(path)
    write_atomic(path, yaml.safe_dump(dict(params)).encode("utf-8"), sync=False)


def _make_folder(path: str) -> None:
    if folder := os.path.dirname(path):
        make_dirs(folder)
