"""``git mlvers fsck``: is everything there, and what it says it is?"""

from __future__ import annotations

import argparse
import os
from typing import TYPE_CHECKING

from git_mlvers.cli.options import add_json, add_quiet
from git_mlvers.errors import CorruptError, UsageError

if TYPE_CHECKING:
    from git_mlvers.cli.context import Context
    from git_mlvers.config import RemoteSettings
    from git_mlvers.maintain.fsck import Problem, Report
    from git_mlvers.workspace import Workspace

SUMMARY = "Check the cache, the pointers and the remote"
HELP = """
Checks objects and pointers, or only what is named by the options:

- `--objects`: every file in the cache is read and compared with its oid. A damaged
  one is moved to `bad/` in the cache; `git mlvers fetch` brings it anew. Content
  that REF needs (without one, HEAD and the index) and that is neither in the
  cache nor on the remote is listed.
- `--pointers`: every tracked path of REF, or of the commits in `A..B`, must hold a
  pointer. Content that somebody committed without git-mlvers, damaged pointers,
  pointers of git-lfs and pointers with conflict markers are problems; a pointer at
  a path that is not tracked is a warning. The attributes of each commit count, and
  no network is used: this is the check for CI.
- `--remote`: every pack that the remote's index names must be there. With
  `--read-data` all of them are read and verified, with `--read-data=10%` every tenth,
  others each time. `--repair` takes out of the index what is lost (with `--read-data`
  also what is damaged), sends it again as far as the cache has it, and lists what
  packs hold and the index lacks. It deletes no content. When the git remote is a
  store without a server, such as `mlvers::s3://bucket/prefix`, its packs of git must be
  there too, each in its size; with all of `--read-data` they are fetched, and every
  object is checked.

`--dry-run` moves nothing.

## Examples

    git mlvers fsck
    git mlvers fsck --pointers origin/main..HEAD
    git mlvers fsck --remote --read-data=5%
    git mlvers fsck --remote --read-data --repair

## Exit codes

`0` no problem; `5` the remote refused or could not be reached; `6` problems.
"""

_SHOWN = 200


def _share(text: str) -> float:
    """A share of 1, written in percent."""
    number = text.removesuffix("%")
    if number == text or not number.isascii() or not number.isdigit() or not 0 < int(number) <= 100:
        raise argparse.ArgumentTypeError(f"{text!r} is no share from 1% to 100%")
    return int(number) / 100


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the revision and options."""
    parser.add_argument("ref", nargs="?", metavar="REF | A..B", help="what to check")
    parser.add_argument("--objects", action="store_true", help="check the cache")
    parser.add_argument("--pointers", action="store_true", help="check what commits hold")
    parser.add_argument("--remote", action="store_true", help="check the remote")
    parser.add_argument(
        *("--read-data",),
        nargs="?",
        const=1.0,
        default=0.0,
        type=_share,
        metavar="N%",
        help="read the remote's content, all or a part",
    )
    parser.add_argument("--repair", action="store_true", help="make the remote's index right")
    parser.add_argument("-d", "--dry-run", action="store_true", help="move nothing")
    add_quiet(parser)
    add_json(parser)


def run(args: argparse.Namespace, context: Context) -> int:
    """Check, say what is wrong and what to do, and give the exit code."""
    from git_mlvers.workspace import Workspace

    if (args.read_data or args.repair) and not args.remote:
        raise UsageError("--read-data and --repair are about the remote", "give --remote too")
    if args.repair and 0 < args.read_data < 1:
        raise UsageError("--repair reads all or nothing", "give --read-data without a share")
    if args.repair and args.dry_run:
        raise UsageError("--repair and --dry-run exclude each other", "leave out one of them")
    with Workspace.open(context.cwd, context.env) as workspace:
        report = _check(args, workspace, context)
    if context.json:
        context.out_json(
            {
                "problems": [_as_json(problem) for problem in report.problems],
                "warnings": [_as_json(problem) for problem in report.warnings],
                "sent": [str(item.oid) for item in report.sent],
            }
        )
    else:
        _tell(report, context)
    if report.problems:
        return CorruptError.exit_code
    if report.failure is not None:
        raise report.failure
    if not context.json:
        context.say("No problem found.")
    return 0


def _check(args: argparse.Namespace, workspace: Workspace, context: Context) -> Report:
    from git_mlvers.maintain import fsck

    everything = not (args.objects or args.pointers or args.remote)
    report = fsck.Report([], [])
    if args.pointers or everything:
        report += fsck.check_pointers(workspace, args.ref)
    if args.objects or everything:
        report += fsck.check_objects(workspace, args.ref, context.progress(), args.dry_run)
    if args.remote:
        settings = _remote(workspace)
        read_data = args.read_data
        report += fsck.check_git(workspace, read_data >= 1)
        if args.repair:
            report += fsck.repair_remote(workspace, settings, context.progress(), read_data > 0)
            read_data = 0.0  # It was read just now.
        report += fsck.check_remote(workspace, settings, context.progress(), read_data)
    return report


def _remote(workspace: Workspace) -> RemoteSettings:
    settings = workspace.config.default_remote(None)
    if settings is None:
        raise UsageError("no remote is configured", "git mlvers remote add -d NAME URL")
    return settings


def _tell(report: Report, context: Context) -> None:
    from git_mlvers.cli.render import count, size

    if report.sent:
        total = size(sum(item.size for item in report.sent))
        lost = count(len(report.sent), "file")
        context.say(f"{lost} lost on the remote and sent again from the cache, {total}.")
    for problem in report.problems[:_SHOWN]:
        context.out(_line(problem))
    if len(report.problems) > _SHOWN:
        context.out(f"and {len(report.problems) - _SHOWN} more; --json lists all")
    for warning in report.warnings[:_SHOWN]:
        context.note(f"warning: {_line(warning)}")
    if len(report.warnings) > _SHOWN:
        context.note(f"warning: and {len(report.warnings) - _SHOWN} more; --json lists all")
    if report.problems:
        context.note(f"git-mlvers: {count(len(report.problems), 'problem')} found")
    if report.problems and report.failure is not None:
        context.warn(report.failure.message, report.failure.hint)
    for hint in _hints(report):
        context.note(f"hint: {hint}")


def _hints(report: Report) -> list[str]:
    from git_mlvers.maintain.fsck import DAMAGED, GIT, LOST, MISSING, REMOTE

    hints = {
        DAMAGED: "git mlvers fetch brings damaged content anew from the remote",
        MISSING: "whoever has the missing content: git mlvers push --all",
        REMOTE: "git mlvers fsck --remote --repair makes the index right, and sends again what"
        " this cache still has",
        LOST: "whoever has it in a cache sends it again: git mlvers push --all",
        GIT: "git mlvers gc --all, in a clone that has every branch, puts a new pack in place of"
        " those that are damaged or missing",
    }
    kinds = {problem.kind for problem in report.problems}
    return [hint for kind, hint in hints.items() if kind in kinds] + _pointer_hints(report)


def _pointer_hints(report: Report) -> list[str]:
    """What to do about files that are no pointers: the filter makes one of content only."""
    from git_mlvers.maintain.fsck import POINTER
    from git_mlvers.maintain.pointers import RAW
    from git_mlvers.pointer import NEWER, OF_GIT_LFS

    hints = {
        RAW: "git add --renormalize . && git commit makes pointers of tracked files"
        " from now on; history stays as it is unless it is rewritten",
        OF_GIT_LFS: "pointers of git-lfs stay as they are until git-lfs has brought their content:"
        " see docs/how-to/migrate-from-git-lfs.md",
        NEWER: "pointers of a newer format need a newer git-mlvers: pip install -U git-mlvers",
        "": "a damaged pointer stays as it is until its file is put right:"
        " git checkout COMMIT -- PATH, from a commit in which it was whole",
    }
    found = {problem.message for problem in report.problems if problem.kind == POINTER}
    kinds = {message if message in hints else "" for message in found}
    return [hint for kind, hint in hints.items() if kind in kinds]


def _line(problem: Problem) -> str:
    from git_mlvers.cli.render import path

    words = [path(os.fsdecode(problem.path))] if problem.path else []
    if problem.oid is not None and not problem.path:
        words.append(problem.oid.hex())
    text = " ".join(words)
    text = f"{text}: {problem.message}" if text else problem.message
    if problem.oid is not None and problem.path:
        text += f": {problem.oid.hex()}"
    if problem.commit:
        text += f", in commit {problem.commit[:10]}"
    if problem.place:
        text += f" ({path(problem.place)})"
    return text


def _as_json(problem: Problem) -> dict[str, str]:
    shown = {
        "kind": problem.kind,
        "message": problem.message,
        "path": os.fsdecode(problem.path),
        "commit": problem.commit,
        "oid": "" if problem.oid is None else str(problem.oid),
        "place": problem.place,
    }
    return {key: value for key, value in shown.items() if value}
