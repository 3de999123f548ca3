"""What ``metrics``, ``params`` and ``plots`` share: revisions, targets, and how tables look."""

from __future__ import annotations

import argparse
import os
from typing import TYPE_CHECKING, NamedTuple

from git_mlvers.cli.options import add_json
from git_mlvers.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from git_mlvers.cli.context import Context
    from git_mlvers.git.repository import Repository
    from git_mlvers.pipeline.history import History
    from git_mlvers.pipeline.readings import Readings, Wanted
    from git_mlvers.pipeline.source import Source
    from git_mlvers.values.compare import Change
    from git_mlvers.view.tables import Table
    from git_mlvers.workspace import Workspace

WORKSPACE = "workspace"
"""What the working tree is called among revisions."""

_SHORT = 7


class Revision(NamedTuple):
    """A commit, or the working tree, and what it is called; `source` is ``None`` if empty."""

    label: str
    source: Source | None


def add_pair(parser: argparse.ArgumentParser) -> None:
    """Add the two revisions of a ``diff``."""
    parser.add_argument(
        "a", nargs="?", default="HEAD", metavar="A", help="before; HEAD if left out"
    )
    parser.add_argument(
        "b", nargs="?", default=WORKSPACE, metavar="B", help="after; the working tree if left out"
    )
    parser.add_argument("--all", action="store_true", help="also what is the same in both")
    parser.add_argument("--no-path", action="store_true", help="leave out the column of paths")
    parser.add_argument("--targets", nargs="+", metavar="PATH", help="only these files")


def add_look(parser: argparse.ArgumentParser, *, precision: bool) -> None:
    """Add how the answer looks: ``--json --csv --md`` and, of numbers, ``--precision``."""
    add_json(parser)
    parser.add_argument("--csv", action="store_true", help="as CSV, with all digits")
    parser.add_argument("--md", action="store_true", help="as a table in Markdown")
    if precision:
        parser.add_argument(
            "--precision", type=int, metavar="N", help="digits after the decimal point (5)"
        )


def revision(repo: Repository, name: str) -> Revision:
    """The commit that `name` means; raises `UnknownRevision`.

    ``workspace`` is the working tree. HEAD before the first commit is empty.
    """
    from git_mlvers.git import refs
    from git_mlvers.git.repository import require_work_tree
    from git_mlvers.pipeline.source import Commit, WorkingTree

    if name == WORKSPACE:
        require_work_tree(repo)
        return Revision(name, WorkingTree(repo))
    if name == "HEAD" and refs.head(repo) is None:
        return Revision(name, None)
    return Revision(name, Commit(repo, commit_of(repo, name)))


def commit_of(repo: Repository, name: str) -> str:
    """The hex id of the commit, or else of the experiment, that `name` means.

    Raises `UnknownRevision`.
    """
    from git_mlvers.git import refs

    try:
        return refs.resolve(repo, name)
    except refs.UnknownRevision as unknown:
        from git_mlvers.experiments import find

        try:
            return find.find(repo, name).commit
        except find.Ambiguous:
            raise
        except find.UnknownExperiment as error:
            if error.near is None:
                raise unknown from None
            raise refs.UnknownRevision(
                f"there is no commit or experiment named {name!r}", f"did you mean {error.near}?"
            ) from None


def many(
    repo: Repository, history: History, *, branches: bool, tags: bool, commits: bool
) -> list[Revision]:
    """The working tree, then the tips of branches and tags, then all other commits.

    Names of the same commit stand together, with commas. `history` reads the commits.
    A bare repository has no working tree, and is asked for commits alone.
    """
    names: dict[str, list[str]] = {}
    for wanted, place in ((branches, "refs/heads/"), (tags, "refs/tags/")):
        for oid, name in _tips(repo, place) if wanted else ():
            names.setdefault(oid, []).append(name)
    if commits:
        for line in repo.git("rev-list", "--all", "--date-order").split():
            oid = line.decode("ascii")
            names.setdefault(oid, [oid[:_SHORT]])
    found = [Revision(",".join(labels), history.at(oid)) for oid, labels in names.items()]
    if found and repo.work_tree is None:
        return found
    return [revision(repo, WORKSPACE), *found]


def read(workspace: Workspace, item: Revision, wanted: Wanted | None, only: str) -> Readings:
    """What is `wanted` of one revision, or all that its pipelines name of one kind: `only`."""
    from git_mlvers.pipeline.history import Snapshot
    from git_mlvers.pipeline.readings import Readings, cached, read

    content = cached(workspace)
    if item.source is None:
        return Readings({}, {}, [])
    if isinstance(item.source, Snapshot):
        return item.source.readings(wanted=wanted, only=only, content=content)
    return read(item.source, wanted=wanted, only=only, content=content)


def from_top(repo: Repository, context: Context, names: Iterable[str]) -> list[str]:
    """Paths as the user gave them, as they are called from the top of the working tree."""
    here = os.path.realpath(context.cwd)
    top = os.path.realpath(repo.top)
    paths = [os.path.relpath(os.path.join(here, name), top) for name in names]
    for name, path in zip(names, paths, strict=True):
        if path.partition("/")[0] == "..":
            raise UsageError(f"{name} is outside of the repository")
    return paths


def from_here(repo: Repository, context: Context) -> Callable[[str], str]:
    """What turns a path from the top of the working tree into one that the user can type."""
    start = os.path.relpath(os.path.realpath(context.cwd), os.path.realpath(repo.top))
    return lambda path: os.path.relpath(path, start)


def check_found(targets: Iterable[str], found: Iterable[Iterable[str]]) -> None:
    """Raise `UsageError` for the first of `targets` that no revision has a file for."""
    known = {path for paths in found for path in paths}
    for target in targets:
        if not any(path == target or path.startswith(f"{target}/") for path in known):
            raise UsageError(f"there is no file {target} with values in any of these revisions")


def tell_problems(context: Context, found: Mapping[str, Readings]) -> bool:
    """Warn of what could not be read in each revision, by its label; whether there was any."""
    for label, readings in found.items():
        for problem in readings.problems:
            context.warn(problem if label == WORKSPACE else f"in {label}: {problem}")
    return any(readings.problems for readings in found.values())


def diff_table(
    changes: Mapping[str, Mapping[str, Change]],
    args: argparse.Namespace,
    title: str,
    name: Callable[[str], str],
) -> Table:
    """Columns as in DVC: ``Path``, `title`, the two revisions, ``Change``."""
    from git_mlvers.view.tables import Table

    rows = [
        [name(path), key, change.old, change.new, change.diff]
        for path, found in changes.items()
        for key, change in found.items()
    ]
    table = Table(["Path", title, args.a, args.b, "Change"], rows)
    return table.without("Path") if args.no_path else table


def diff_json(
    changes: Mapping[str, Mapping[str, Change]], name: Callable[[str], str]
) -> dict[str, object]:
    """``{FILE: {NAME: {"old": …, "new": …, "diff": …}}}``, as DVC writes it."""
    return {
        name(path): {key: change.as_json() for key, change in found.items()}
        for path, found in changes.items()
    }


def show(context: Context, args: argparse.Namespace, table: Table, precision: int | None) -> None:
    """Print `table` as the options say."""
    from git_mlvers.view.tables import render

    style = "csv" if args.csv else "md" if args.md else "plain"
    context.stdout.write(render(table, style, precision))


def _tips(repo: Repository, place: str) -> Iterator[tuple[str, str]]:
    """Commit and short name of each ref below `place`, for those that lead to a commit."""
    form = "%(objectname) %(objecttype) %(*objectname) %(*objecttype) %(refname)"
    for line in repo.git("for-each-ref", f"--format={form}", place).splitlines():
        own, kind, peeled, peeled_kind, ref = os.fsdecode(line).split(" ", 4)
        if "commit" in (kind, peeled_kind):
            yield own if kind == "commit" else peeled, ref.removeprefix(place)
