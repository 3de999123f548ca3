"""``git mlvers merge-driver``: what git starts for a tracked file that both sides changed."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from git_mlvers.errors import UsageError

if TYPE_CHECKING:
    import argparse

    from git_mlvers.cli.context import Context
    from git_mlvers.maintain.merge import Job, Merged

SUMMARY = "Merge two versions of a tracked file"
HELP = """
Git starts this program when both sides of a merge changed a tracked file;
`git mlvers init` sets that up as `merge.mlvers.driver`. The arguments are those
that gitattributes(5) tells: `%O %A %B %L %P`, and after them the labels
`%S %X %Y`, which Git before 2.44 does not fill in.

Text of at most 10 MiB is merged line by line, as Git itself would do it; the
result becomes a pointer, and where both sides changed the same lines the file in
the working tree has the usual conflict markers. Of anything else our version
stays in the working tree, and you choose:

    git checkout --theirs -- PATH
    git add -- PATH

## Exit codes

`0` merged; `1` conflict; `129` and more: the merge could not be tried.
"""

EXIT_CONFLICT = 1
EXIT_FAILED = 129
"""Git takes codes up to 128 for a conflict, and larger ones for a failed driver."""

_MARKER_SIZE = 7
_DEFAULT_LABELS = ("ours", "base", "theirs")


def configure(parser: argparse.ArgumentParser) -> None:
    """Add what git fills in."""
    parser.add_argument("words", nargs="*", metavar="%O %A %B %L %P", help="as git gives them")


def run(args: argparse.Namespace, context: Context) -> int:
    """Merge."""
    return run_words(args.words, context)


def run_words(words: list[str], context: Context) -> int:
    """Merge what the words name, and say how it ended unless it ended well."""
    from git_mlvers.errors import MlversError
    from git_mlvers.filter.report import say, shown
    from git_mlvers.maintain.merge import merge
    from git_mlvers.workspace import Workspace

    try:
        job = _read(words)
    except UsageError as error:
        say([f"git-mlvers: {error.message}", *_hint(error.hint)])
        return EXIT_FAILED
    try:
        with Workspace.open(context.cwd, context.env) as workspace:
            merged = merge(workspace, job)
    except MlversError as error:
        say([f"git-mlvers: {shown(job.path)}: {error.message}", *_hint(error.hint)])
        return EXIT_FAILED
    except OSError as error:
        reason = error.strerror or str(error)
        where = "" if error.filename is None else f": {shown(os.fsencode(error.filename))}"
        say([f"git-mlvers: {shown(job.path)}: {reason}{where}"])
        return EXIT_FAILED
    if merged.conflict is None:
        return 0
    say([f"git-mlvers: {shown(job.path)}: {merged.conflict}", *_hint(_what_to_do(job, merged))])
    return EXIT_CONFLICT


def _read(words: list[str]) -> Job:
    from git_mlvers.maintain.merge import Job

    if len(words) < 3:
        raise UsageError("merge-driver is started by git", "git mlvers help merge-driver")
    ancestor, ours, theirs = words[:3]
    marker = words[3] if len(words) > 3 and words[3].isdigit() else str(_MARKER_SIZE)
    path = words[4] if len(words) > 4 else ours
    return Job(ancestor, ours, theirs, int(marker), os.fsencode(path), _labels(words[5:8]))


def _labels(words: list[str]) -> tuple[str, str, str]:
    """Names of ours, base and theirs, from what git put for ``%S %X %Y``.

    A git that does not know one of these leaves it as it stands.
    """
    base, ours, theirs = ((*words, "", "", "")[at] for at in range(3))
    given = zip((ours, base, theirs), _DEFAULT_LABELS, strict=True)
    first, second, third = (
        default if not word or word.startswith("%") else word for word, default in given
    )
    return first, second, third


def _hint(text: str | None) -> list[str]:
    return [f"hint: {text}"] if text else []


def _what_to_do(job: Job, merged: Merged) -> str:
    import shlex

    path = shlex.quote(os.fsdecode(job.path))
    if merged.marked:
        return f"edit the lines between the conflict markers, then git add -- {path}"
    return (
        f"our version stays; git checkout --theirs -- {path} takes the other,"
        f" then git add -- {path}"
    )
