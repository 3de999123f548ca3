"""The notes in plain words, with what changed since the commit before, for ``git log``.

    test_accuracy 0.44509 (+0.00578)  test_recall 0.46103 | train.C=10

They stand under a ref of their own that never leaves this repository.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_mlvers.git import notes, notes_line, notes_write
from git_mlvers.git.command import joined
from git_mlvers.tracking.speaking import best, number, telling
from git_mlvers.values.compare import Change

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from git_mlvers.git.notes_line import Line
    from git_mlvers.git.repository import Repository

# How far back the commit is looked for with which one is compared. Commits.
_BACK = 100
# Of more commits at once only the newest are shown: Git reads a note of few much faster than
# one of very many, and nobody scrolls through all of them. Commits.
_SHOWN = 1000
# Of so many commits the search back goes no further for each. Commits.
_MANY = 200
_METRICS, _PARAMS, _RUNS = 12, 8, 3


def update(repo: Repository, commits: Collection[str]) -> None:
    """Bring the words for `commits` (full hex ids) in line with their notes.

    Of very many at once it is done for the newest that are here.
    """
    tip = notes.tip(repo) if commits else None
    if tip is None:
        return
    if len(commits) > _SHOWN:
        commits = _newest(repo, commits)
    parents = _parents(repo, commits)
    known = notes.read(repo, {*commits, *parents.values()}, tip)
    texts = {}
    for commit in commits:
        before = _before(commit, parents, known)
        texts[commit] = words(known.get(commit, b""), commit, before).encode()
    notes_write.replace(repo, notes.VIEW, texts, why="Show params and metrics")
    if len(texts) >= _MANY:
        trim(repo)


def trim(repo: Repository) -> None:
    """Let only the newest commits have words, where there are twice as many as that."""
    tip = notes.tip(repo, notes.VIEW)
    shown = set(notes.blobs(repo, tip)) if tip is not None else set()
    if len(shown) > 2 * _SHOWN:
        old = shown.difference(_newest(repo, shown))
        notes_write.replace(repo, notes.VIEW, dict.fromkeys(old, b""), why="Keep the newest")


def _newest(repo: Repository, commits: Iterable[str]) -> list[str]:
    """Those of `commits` that were made last, as far as they are here."""
    said = repo.git(
        *("rev-list", "--no-walk=sorted", "--ignore-missing", "--stdin"),
        *(f"--max-count={_SHOWN}",),
        input=joined(commits),
    )
    return said.decode("ascii").split()


def words(note: bytes, commit: str, before: Line | None = None) -> str:
    """What a note says of `commit`, compared with the line `before`; one line for each run."""
    lines = notes_line.lines_of(note)
    main = best(note, commit)
    if main is None:
        return ""
    said = [_sentence(main, before) + _origin(main, commit)]
    others = [line for line in telling(lines, commit) if line.id != main.id]
    said += [f"{_name(line)}: {_sentence(line, main)}" for line in others[-_RUNS:]]
    if len(others) > _RUNS:
        said.append(f"and {len(others) - _RUNS} more: git mlvers notes show {commit[:10]}")
    return "".join(f"{text}\n" for text in said)


def _sentence(line: Line, before: Line | None) -> str:
    old = {} if before is None else before.metrics
    metrics = [
        f"{key} {number(value)}{_delta(value, old.get(key))}"
        for key, value in sorted(line.metrics.items())
    ]
    params = [
        f"{key}={number(value)}"
        for key, value in sorted(line.params.items())
        if before is None or key not in before.params or before.params[key] != value
    ]
    if before is not None:
        params += [f"{key} is gone" for key in sorted(before.params) if key not in line.params]
    left = "  ".join(_first(metrics, _METRICS))
    right = " ".join(_first(params, _PARAMS))
    return " | ".join(part for part in (left, right) if part) or "nothing changed"


def _delta(new: object, old: object) -> str:
    diff = Change(old, new).diff
    return f" ({diff:+.3g})" if diff else ""


def _first(items: list[str], most: int) -> list[str]:
    return items if len(items) <= most else [*items[:most], f"and {len(items) - most} more"]


def _origin(line: Line, commit: str) -> str:
    return "" if line.commit == commit else f" (of {line.commit[:10]})"


def _name(line: Line) -> str:
    return f"{line.source or 'run'} {line.id[:8]}"


def _before(commit: str, parents: Mapping[str, str], known: Mapping[str, bytes]) -> Line | None:
    """The line of the nearest commit before on the same branch that has one."""
    at = parents.get(commit)
    for _ in range(_BACK):
        if at is None:
            return None
        if at in known:
            line = best(known[at], at)
            if line is not None:
                return line
        at = parents.get(at)
    return None


def _parents(repo: Repository, commits: Iterable[str]) -> dict[str, str]:
    """The first parent of these commits and of those before them, as far as that is looked at."""
    wanted = list(commits)
    said = repo.git(
        *("rev-list", "--first-parent", "--parents", "--ignore-missing", "--stdin"),
        f"--max-count={_BACK * min(len(wanted), _MANY)}",
        input=joined(wanted),
    )
    entries = (line.split(" ") for line in said.decode("ascii").splitlines())
    return {entry[0]: entry[1] for entry in entries if len(entry) > 1}
