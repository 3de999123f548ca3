"""A git-remote-mlvers that prepares the repository and hands the rest to git's own services.

It stands in for the program where a test is about the preparation alone.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from tests.support.environment import CHECKOUT

if TYPE_CHECKING:
    from pathlib import Path

_SCRIPT = """\
#!{python}
import os, sys
sys.path.insert(0, {checkout!r})
from git_mlvers.config.address import parse
from git_mlvers.errors import NotARepository
from git_mlvers.git.command import local_env_dropped
from git_mlvers.git.lines import LineReader
from git_mlvers.git.repository import Repository
from git_mlvers.remote_helper import setup
from git_mlvers.remote_helper.job import Job

try:
    repo = Repository.discover(None, os.environ) if "GIT_DIR" in os.environ else None
except NotARepository:
    repo = None
job = Job(sys.argv[1], parse(sys.argv[2], os.getcwd()), repo, os.environ)
setup.prepare(job)
lines = LineReader(0)
while line := lines.read():
    command, _, rest = line.decode().partition(" ")
    if command == "connect":
        os.write(1, b"\\n")
        words = ["git", rest.removeprefix("git-"), job.address.inner]
        os.execvpe("git", words, local_env_dropped())
    os.write(1, b"connect\\noption\\n\\n" if command == "capabilities" else b"unsupported\\n")
"""


def write_relay(directory: Path) -> Path:
    """Put it, and git-mlvers beside it, into the new `directory`, which is meant for ``PATH``."""
    directory.mkdir()
    script = directory / "git-remote-mlvers"
    script.write_text(_SCRIPT.format(python=sys.executable, checkout=str(CHECKOUT)))
    script.chmod(0o755)
    (directory / "git-mlvers").symlink_to(CHECKOUT / "bin/git-mlvers")
    return directory
