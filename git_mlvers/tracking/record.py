"""Recording what a commit's own files say: its params, metrics and the facts of its stages.

The line follows from the commit alone, its time and id included. So it does not matter
where or how often it is made: two clones that record the same commit write the same line.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, NamedTuple

from blake3 import blake3

from git_mlvers.git import notes, notes_write
from git_mlvers.git.catfile import objects
from git_mlvers.git.notes_line import Line
from git_mlvers.tracking import seen, switch
from git_mlvers.tracking.speaking import own_id

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from git_mlvers.git.repository import Repository
    from git_mlvers.pipeline.readings import Readings
    from git_mlvers.workspace import Workspace

LOCKS = ("mlvers.lock", "dvc.lock")


class Recorded(NamedTuple):
    """What was recorded: the commits, and what the user is told of them, one sentence each."""

    commits: list[str]
    problems: list[str]


NOTHING = Recorded([], [])


def catch_up(workspace: Workspace, more: Iterable[str] = ()) -> Recorded:
    """Record the commits made here that were not looked at yet, and `more` (full hex ids)."""
    fresh = seen.unseen(workspace.repo)
    wanted = list(dict.fromkeys([*fresh, *more]))
    if not wanted:
        return NOTHING
    done = record(workspace, wanted)
    seen.mark(workspace.repo, fresh[:1], workspace.config.shared)
    return done


def record(workspace: Workspace, commits: Sequence[str]) -> Recorded:
    """Write a line for each of `commits` in which something to record has changed.

    That is, against its first parent: a params file, a metrics file or a lock. One that
    has such a line is passed over.
    """
    repo, config = workspace.repo, workspace.config
    touched = _touched(repo, commits)
    written = notes.read(repo, touched) if touched else {}
    todo = [oid for oid in touched if not has_own(written.get(oid, b""), oid)]
    lines: dict[str, list[Line]] = {}
    problems: list[str] = []
    source = "ci" if config.in_ci else "hook"
    for commit in _commits(repo, todo):
        line, readings = _line(workspace, commit, touched[commit.oid], source)
        problems += readings.problems
        if commit.oid == todo[0] and switch.is_on(repo):  # the newest: what pipelines name now
            switch.write(repo, config, (*readings.params, *readings.metrics))
        if line is not None:
            lines[commit.oid] = [line]
    if lines:
        notes_write.append(repo, lines, why="Record params and metrics")
    return Recorded(list(lines), list(dict.fromkeys(problems)))


def has_own(note: bytes, commit: str) -> bool:
    """Whether the note has the line that follows from `commit`, living or taken back."""
    # Within a text of JSON no quote stands unescaped: this is a field, and no part of a value.
    return b'"id":"%b"' % own_id(commit).encode() in note


class _Commit(NamedTuple):
    oid: str
    tree: str
    time: str


def _touched(repo: Repository, commits: Sequence[str]) -> dict[str, list[str]]:
    """Those of `commits` that changed one of the paths looked at, and which, in their order."""
    specs = switch.pathspecs(repo) or [f":(top,glob)**/{name}" for name in switch.NAMES]
    said = repo.git(
        *("diff-tree", "--stdin", "-r", "-z", "--root", "--diff-merges=first-parent"),
        *("--name-only", "--no-renames", "--", *specs),
        input="".join(f"{oid}\n" for oid in commits).encode(),
    )
    asked, found, paths = set(commits), dict[str, list[str]](), list[str]()
    for field in said.split(b"\0"):
        name = os.fsdecode(field)
        if name in asked:
            paths = found.setdefault(name, [])
        elif name:
            paths.append(name)
    return found


def _commits(repo: Repository, oids: Iterable[str]) -> list[_Commit]:
    found = []
    for commit in objects(repo, oids):
        if commit is None:
            continue
        header = commit.data.partition(b"\n\n")[0].split(b"\n")
        tree = header[0].removeprefix(b"tree ").decode("ascii", "replace")
        who = next((line for line in header if line.startswith(b"committer ")), b"")
        found.append(_Commit(commit.oid, tree, _utc(who)))
    return found


def _utc(who: bytes) -> str:
    """The time in "committer NAME <MAIL> 1700000000 +0100"."""
    words = who.rpartition(b"> ")[2].split()
    try:
        when = time.gmtime(int(words[0]))
    except (IndexError, ValueError, OverflowError, OSError):
        when = time.gmtime(0)
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", when)


def _line(
    workspace: Workspace, commit: _Commit, touched: Sequence[str], source: str
) -> tuple[Line | None, Readings]:
    """The line of a commit that changed the paths `touched`; ``None`` when there is nothing."""
    # The readers of YAML and the like cost more than everything else here.
    from git_mlvers.pipeline.readings import cached, read
    from git_mlvers.pipeline.source import Commit

    repo = workspace.repo
    tree = Commit(repo, commit.oid)
    # A metrics file may be a large one, whose content Git does not have.
    readings = read(tree, content=cached(workspace))
    files = {*readings.params, *readings.metrics}
    if not any(path in files or os.path.basename(path) in LOCKS for path in touched):
        return None, readings
    ids = _listed(repo, commit.tree)
    locks = [path for path in ids if os.path.basename(path) in LOCKS]
    line = Line(
        time=commit.time,
        id=own_id(commit.oid),
        commit=commit.oid,
        tree=commit.tree,
        inputs=_inputs(readings, ids, locks),
        source=source,
        params=by_key(readings.params),
        metrics=by_key(readings.metrics),
        stages=_facts({path: tree.read(path) or b"" for path in locks}),
    )
    return (line if line.params or line.metrics or line.stages else None), readings


def by_key(files: Mapping[str, Mapping[str, object]]) -> dict[str, object]:
    """Values by their dotted key, with the file before it (``file:key``) where two have it."""
    count: dict[str, int] = {}
    for values in files.values():
        for key in values:
            count[key] = count.get(key, 0) + 1
    return {
        key if count[key] == 1 else f"{path}:{key}": value
        for path, values in files.items()
        for key, value in values.items()
    }


def _listed(repo: Repository, tree: str) -> dict[str, str]:
    said = repo.git("ls-tree", "-r", "-z", "--full-tree", tree)
    entries = (entry.partition(b"\t") for entry in said.split(b"\0") if entry)
    return {os.fsdecode(path): info.split()[2].decode("ascii") for info, _, path in entries}


def _inputs(readings: Readings, ids: Mapping[str, str], locks: Sequence[str]) -> str:
    """A hash of what led to the metrics: params, and the locks that hold what stages read.

    Without a lock it is all files but those with metrics.
    """
    chosen = locks or [path for path in ids if path not in readings.metrics]
    hasher = blake3(Line("", "", "", params=dict(readings.params)).text().encode())
    for path in sorted(chosen):
        hasher.update(os.fsencode(f"{path}\0{ids[path]}\0"))
    return hasher.hexdigest()[:40]


def _facts(locks: Mapping[str, bytes]) -> dict[str, object]:
    """What ``mlvers.lock`` files know, "K O" by stage; of several facts of a stage a list."""
    found: dict[str, object] = {}
    for path, data in locks.items():
        folder, _, name = path.rpartition("/")
        if name != LOCKS[0]:
            continue
        for text in data.decode("utf-8", "replace").splitlines():
            stage, _, fact = text.partition(" ")
            if len(fact.split()) != 2:
                continue
            key = f"{folder}:{stage}" if folder else stage
            old = found.get(key)
            found[key] = fact if old is None else [*(old if isinstance(old, list) else [old]), fact]
    return found
