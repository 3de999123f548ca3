"""Notes made and looked at with git alone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

from tests.support.environment import CHECKOUT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.support.git import Repo

REF = "refs/notes/mlvers"
VIEW = "refs/notes/mlvers-view"

_WRITER = """
import os, sys
sys.path.insert(0, sys.argv[1])
from git_mlvers.git import notes_write
from git_mlvers.git.notes_line import Line
from git_mlvers.git.repository import Repository
repo = Repository.discover(os.getcwd(), os.environ)
sys.stdin.read()
for name in sys.argv[3:]:
    line = Line("2026-11-21T02:47:15Z", name, sys.argv[2], source="ci", metrics={name: 1})
    notes_write.append(repo, {sys.argv[2]: [line]}, why="test")
"""


def writer(repo: Repo, commit: str, *names: str) -> subprocess.Popen[bytes]:
    """A process that adds a line of each of these names to `commit` when its stdin is closed."""
    return subprocess.Popen(
        [sys.executable, "-c", _WRITER, str(CHECKOUT), commit, *names],
        cwd=repo.path,
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def write(repo: Repo, commit: str, *names: str) -> None:
    """Add a line of each of these names to `commit`."""
    process = writer(repo, commit, *names)
    _, said = process.communicate()
    assert process.returncode == 0, os.fsdecode(said)


def show(repo: Repo, commit: str = "HEAD", ref: str = REF) -> str:
    """The text of a note as git shows it; empty without one."""
    return repo.run("notes", f"--ref={ref}", "show", commit, check=False).stdout


def lines(repo: Repo, commit: str = "HEAD") -> list[dict[str, object]]:
    """The lines of a note."""
    return [json.loads(line) for line in show(repo, commit).splitlines() if line]


def names(repo: Repo, commit: str = "HEAD") -> list[object]:
    """The ids of the lines of a note, sorted."""
    return sorted(str(line["id"]) for line in lines(repo, commit))


def noted(repo: Repo, ref: str = REF) -> set[str]:
    """The commits that have a note."""
    listed = repo.run("notes", f"--ref={ref}", "list", check=False).stdout
    return {line.split()[1] for line in listed.splitlines()}


def bulk(repo: Repo, commits: Sequence[str], ref: str = REF) -> None:
    """Give each of `commits`, which need not be there, a note, in one go."""
    out = [f"commit {ref}\ncommitter T <t@example.com> 1700000000 +0000\ndata 0\n"]
    for number, commit in enumerate(commits):
        line = json.dumps(
            {
                "t": "2026-11-21T02:47:15Z",
                "id": commit[:16],
                "v": 1,
                "commit": commit,
                "metrics": {"acc": number / 7},
                "params": {"train.C": number},
            }
        )
        path = f"{commit[:2]}/{commit[2:]}"
        out.append(f"M 100644 inline {path}\ndata {len(line) + 1}\n{line}\n\n")
    repo.run("fast-import", "--quiet", "--date-format=raw", stdin="".join(out))
