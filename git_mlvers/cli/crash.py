"""What the user gets when the program itself is at fault: a sentence and a report file."""

from __future__ import annotations

import os
import platform
import shlex
import sys
import tempfile
import time
import traceback
from typing import TYPE_CHECKING

from git_mlvers import __version__
from git_mlvers.errors import MlversError

if TYPE_CHECKING:
    from collections.abc import Sequence


_LIBRARIES = {
    "blake3": "blake3",
    "pyfastcdc": "pyfastcdc",
    "backports": "backports.zstd",
    "fsspec": "fsspec",
    "tenacity": "tenacity",
    "pathspec": "pathspec",
    "rich": "rich",
    "ruamel": "ruamel.yaml",
    "tomlkit": "tomlkit",
    "yaml": "pyyaml",
}
"""What must be installed in any case: the modules, and the packages that have them."""


class MissingLibrary(MlversError):
    """The Python that runs the program has not the packages that it needs."""


def missing_library(error: ModuleNotFoundError) -> MissingLibrary | None:
    """What to tell when `error` is no fault of the program: a package is not installed."""
    package = _LIBRARIES.get((error.name or "").partition(".")[0])
    if package is None:
        return None
    python = shlex.quote(sys.executable or "python3")
    packages = " ".join(dict.fromkeys([package, *_absent_packages()]))
    return MissingLibrary(
        f"the Python package {package} is not installed for {python}, which runs git-mlvers",
        f"{python} -m pip install {packages}, or install git-mlvers",
    )


def _absent_packages() -> list[str]:
    from importlib.util import find_spec

    modules = dict(_LIBRARIES)
    if sys.version_info >= (3, 14):
        del modules["backports"]
    return [package for module, package in modules.items() if find_spec(module) is None]


def report(error: Exception, words: Sequence[str]) -> str:
    """Write a report on `error` to a file; returns the lines for the user that name it."""
    summary = f"{type(error).__name__}: {error}".splitlines()[0]
    lines = f"git-mlvers: an unexpected error, which is a fault of the program: {summary}\n"
    text = _compose(error, words)
    try:
        path = _write(text)
    except OSError as failure:
        return lines + f"hint: MLVERS_DEBUG=1 shows the details (no report: {failure.strerror})\n"
    return lines + f"hint: please report it together with {path}\n"


def _compose(error: Exception, words: Sequence[str]) -> str:
    trace = "".join(traceback.format_exception(error))
    return (
        f"git-mlvers {__version__}, Python {platform.python_version()}, {platform.platform()}\n"
        f"time: {time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())}\n"
        f"program: {sys.argv[0]}\n"
        # Values may be secrets (`remote modify … secretaccesskey …`); the first words are not.
        f"command: {' '.join(words[:2])} and {max(0, len(words) - 2)} more words\n\n{trace}"
    )


def _write(text: str) -> str:
    """Write `text` into the repository's directory, or else a temporary one; returns the path."""
    prefix = time.strftime("git-mlvers-report-%Y%m%d-%H%M%S-")
    for directory in (_repository_place(), None):
        try:
            handle, path = tempfile.mkstemp(".txt", prefix, directory)
        except OSError:
            if directory is None:
                raise
            continue
        with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(text)
        return path
    raise OSError("no place for a report")


def _repository_place() -> str | None:
    """``<git common dir>/mlvers`` where that can be told without trusting more code."""
    try:
        from git_mlvers.git.repository import Repository

        place = os.path.join(Repository.discover(os.getcwd(), os.environ).common_dir, "mlvers")
    except Exception:
        # The report is about a fault already: another one must not hide it.
        return None
    return place if os.path.isdir(place) else None
