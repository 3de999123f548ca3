"""``git mlvers status``: what is changed, not pushed, or without its content."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from git_mlvers.cli import reasons
from git_mlvers.cli.options import add_json
from git_mlvers.errors import UsageError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Sequence

    from git_mlvers.cli.context import Context
    from git_mlvers.config import RemoteSettings
    from git_mlvers.git.scan import Entry, Found
    from git_mlvers.maintain.changes import Change, Version
    from git_mlvers.maintain.status import Status
    from git_mlvers.pipeline.standing import Standing
    from git_mlvers.workspace import Workspace

SUMMARY = "Show what is not pushed, and what is missing"
HELP = """
Of the tracked files, shows

- what is changed and staged, or not staged, with the beginning of the oids, and
  where a file passes from Git to git-mlvers or back;
- the commits that no git remote has, and the content that they brought;
- files in the working tree that are pointers, because their content was not to be had;
- files that are committed as they are although their path is tracked;
- where there is a `dvc.yaml` or `mlvers.yaml`, the stages that `git mlvers repro` would
  run, and why: which dependency changed, which param with its old and its new value,
  which output is missing or edited.

No network is used, and the filter is not started for files that Git knows to be
unchanged. `--remote` asks the remote which content of the commit that is checked out,
and of those that are not pushed, it has: commits may have been pushed without it
(`git push --no-verify`), and content without commits (`git mlvers push`).

`--porcelain` prints changed paths alone, as `git status --porcelain` does.

## Examples

    git mlvers status
    git mlvers status --remote
    git mlvers status --json

## Exit codes

`0` always, but for errors; `5` with `--remote`, when it could not be reached.
"""

_SHOWN = 20

T = TypeVar("T")


class _Section(NamedTuple):
    """A heading, how many lines belong under it, and those of them that are shown."""

    title: str
    total: int
    lines: list[str]


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("-p", "--porcelain", action="store_true", help="changed paths, for scripts")
    parser.add_argument("--remote", action="store_true", help="ask the remote what it has")
    add_json(parser)


def run(args: argparse.Namespace, context: Context) -> int:
    """Look, and tell."""
    from git_mlvers.git.repository import require_work_tree
    from git_mlvers.maintain.changes import look
    from git_mlvers.maintain.status import status
    from git_mlvers.pipeline.standing import standings
    from git_mlvers.workspace import Workspace

    if args.porcelain and (args.json or args.remote):
        raise UsageError("--porcelain goes with neither --json nor --remote")
    with Workspace.open(context.cwd, context.env) as workspace:
        if args.porcelain:
            require_work_tree(workspace.repo)
            for change in look(workspace.repo).changes:
                context.out(f"{change.staged}{change.unstaged} {_moved(change)}")
            return 0
        found = status(workspace, _remote(workspace) if args.remote else None)
        pipelines = standings(workspace)
    if context.json:
        shown = _as_json(found)
        if pipelines is not None:
            shown["pipelines"] = reasons.as_json(pipelines)
        context.out_json(shown)
    else:
        _tell(found, pipelines, context)
    return 0


def _remote(workspace: Workspace) -> RemoteSettings:
    settings = workspace.config.default_remote(None)
    if settings is None:
        raise UsageError("no remote is configured", "git mlvers remote add -d NAME URL")
    return settings


def _tell(found: Status, pipelines: Sequence[Standing] | None, context: Context) -> None:
    from git_mlvers.maintain.pointers import RAW

    context.out("HEAD detached" if found.branch is None else f"On branch {_path(found.branch)}")
    if not found.born:
        context.out("No commits yet")
    sections = _change_sections(found.changes)
    if found.commits:
        sections.append(_not_pushed(found))
    if found.not_sent:
        title = "Pushed, but the content is not on the remote (git mlvers push sends it):"
        sections.append(
            _section(
                title,
                found.not_sent,
                lambda item: f"{_path(item.path)} (mlvers: {item.pointer.oid.short})",
            )
        )
    if found.without_content:
        title = "Pointers in the working tree, without content (git mlvers pull brings it):"
        sections.append(_section(title, found.without_content, _path))
    if found.not_pointers:
        # Of content it does that; of what is damaged, fsck knows what to do.
        raw = all(item.what == RAW for item in found.not_pointers)
        what = "git add --renormalize . makes pointers" if raw else "see git mlvers fsck --pointers"
        title = f"Committed as they are, though tracked ({what}):"
        sections.append(
            _section(title, found.not_pointers, lambda item: f"{_path(item.path)}: {item.what}")
        )
    stale = reasons.stale_lines(pipelines or ())
    if stale:
        title = "Pipelines, stages that are not up to date (git mlvers repro runs them):"
        sections.append(_section(title, stale, str))
    for section in sections:
        context.out()
        context.out(section.title)
        for line in section.lines:
            context.out(f"  {line}")
        if section.total > len(section.lines):
            context.out(f"  and {section.total - len(section.lines)} more; --json lists all")
    if not sections:
        # Whether the content went with the commits, only the remote can say.
        where = "and its commits are pushed" if found.absent is None else "and on the remote"
        context.out(f"Nothing to report: what is tracked is unchanged, here, {where}.")
    if pipelines and not stale:
        context.out("Pipelines are up to date.")


def _section(title: str, items: Sequence[T], show: Callable[[T], str]) -> _Section:
    return _Section(title, len(items), [show(item) for item in items[:_SHOWN]])


def _change_sections(changes: Sequence[Change]) -> list[_Section]:
    def both(change: Change) -> str:
        return f"{_moved(change)} ({_versions(change.in_head, change.in_index)})"

    def last(change: Change) -> str:
        return f"{_path(change.path)} ({_versions(change.in_index, change.in_tree)})"

    settled = [change for change in changes if not change.unmerged]
    sections = [
        _section("Unmerged paths:", [item for item in changes if item.unmerged], both),
        _section("Changes to be committed:", [c for c in settled if c.staged != " "], both),
        _section("Changes not staged for commit:", [c for c in settled if c.unstaged != " "], last),
    ]
    return [section for section in sections if section.total]


def _versions(before: Version | None, after: Version | None) -> str:
    if before is None or before == after:
        return str(after)
    if after is None:
        return f"{before} -> deleted"
    # What is only in the working tree has no id yet.
    return f"{before} -> {after if after.id or after.tracked != before.tracked else 'edited'}"


def _not_pushed(found: Status) -> _Section:
    from git_mlvers.cli.render import count, size

    total = sum(item.pointer.size for item in found.not_pushed)
    files = count(len(found.not_pushed), "file")
    title = f"Not pushed: {count(found.commits, 'commit')} with {files}, {size(total)}"
    new = {item.pointer.oid for item in found.not_pushed}
    if found.absent is not None and new and not new & found.absent:
        title += "; the content is on the remote already"
    return _section(
        f"{title}:" if found.not_pushed else title,
        found.not_pushed,
        lambda item: f"{_path(item.path)} (mlvers: {item.pointer.oid.short}){_where(item, found)}",
    )


def _where(item: Found, found: Status) -> str:
    if found.absent is None:
        return ""
    return (
        ", not on the remote" if item.pointer.oid in found.absent else ", content is on the remote"
    )


def _moved(change: Change) -> str:
    path = _path(change.path)
    return path if change.old_path is None else f"{_path(change.old_path)} -> {path}"


def _path(path: bytes | str) -> str:
    from git_mlvers.cli.render import path as quoted

    return quoted(os.fsdecode(path))


def _as_json(found: Status) -> dict[str, object]:
    shown: dict[str, object] = {
        "branch": found.branch,
        "staged": [
            _change_as_json(change, change.staged, change.in_head, change.in_index)
            for change in found.changes
            if change.staged != " "
        ],
        "unstaged": [
            _change_as_json(change, change.unstaged, change.in_index, change.in_tree)
            for change in found.changes
            if change.unstaged != " "
        ],
        "commits_not_pushed": found.commits,
        "not_pushed": [_found_as_json(item, found) for item in found.not_pushed],
        "without_content": [{"path": os.fsdecode(path)} for path in found.without_content],
        "not_pointers": [
            {"path": os.fsdecode(fault.path), "problem": fault.what} for fault in found.not_pointers
        ],
    }
    if found.absent is not None:
        shown["not_sent"] = [_found_as_json(item, found) for item in found.not_sent]
    return shown


def _change_as_json(
    change: Change, letter: str, before: Version | None, after: Version | None
) -> dict[str, object]:
    shown: dict[str, object] = {"path": os.fsdecode(change.path), "status": letter}
    if change.old_path is not None:
        shown["old_path"] = os.fsdecode(change.old_path)
    for name, version in (("before", before), ("after", after)):
        if version is not None:
            shown[name] = {"in": "mlvers" if version.tracked else "git", "id": version.id}
    return shown


def _found_as_json(item: Found | Entry, found: Status) -> dict[str, object]:
    shown: dict[str, object] = {
        "path": os.fsdecode(item.path),
        "oid": str(item.pointer.oid),
        "size": item.pointer.size,
    }
    if found.absent is not None:
        shown["on_remote"] = item.pointer.oid not in found.absent
    return shown
