"""Staging what a stage made, as ``git add --force`` would, without reading it a second time."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from git_mlvers.filter.stat import write_stats
from git_mlvers.git.index import StatChange
from git_mlvers.git.scratch import Entry, ScratchIndex
from git_mlvers.pipeline.source import is_inside

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from git_mlvers.git.repository import Repository

_SHA_ZEROS = {"sha1": 40, "sha256": 64}


def stats_below(top: str, paths: Iterable[str]) -> dict[str, os.stat_result]:
    """What `lstat` says of all files at and below `paths`, which are relative to `top`."""
    found = {}
    for path in paths:
        full = os.path.join(top, path)
        files = [full] if os.path.islink(full) or not os.path.isdir(full) else _files_in(full)
        for file in files:
            try:
                found[os.path.relpath(file, top)] = os.lstat(file)
            except OSError:
                continue  # it is gone again: then it is not staged either
    return found


def stage_entries(
    repo: Repository,
    paths: Sequence[str],
    entries: Sequence[Entry],
    stats: Mapping[str, os.stat_result],
) -> None:
    """Let the index have just `entries` at and below `paths`.

    `stats` are from before their content was read, so that Git need not read it again.
    Raises `GitError`.
    """
    wanted = {entry.path: entry for entry in entries}
    zeros = b"0" * _SHA_ZEROS[repo.object_format]
    lines = [
        b"0 %b\t%b\0" % (zeros, os.fsencode(old.path))
        for old in ScratchIndex(repo, repo.index_path).entries(paths)
        if old.path not in wanted
    ]
    lines.extend(
        b"%b %b\t%b\0" % (entry.mode, entry.oid.encode("ascii"), os.fsencode(entry.path))
        for entry in entries
    )
    if not lines:
        return
    repo.git("update-index", "-z", "--add", "--replace", "--index-info", input=b"".join(lines))
    changes = {
        os.fsencode(path): StatChange(entry.oid, stats[path])
        for path, entry in wanted.items()
        if path in stats
    }
    write_stats(repo, changes, wait=True)


def unstaged(repo: Repository, paths: Iterable[str]) -> list[str]:
    """What at and below `paths` a commit would leave out, sorted; what is ignored is not."""
    inside = list(dict.fromkeys(filter(is_inside, paths)))
    if not inside:
        return []
    said = repo.git(
        *("--literal-pathspecs", "status", "--porcelain", "-z", "--no-renames"),
        *("--untracked-files=all", "--", *inside),
    )
    # "XY path": Y tells how the working tree differs from the index.
    entries = (entry for entry in said.split(b"\0") if entry)
    return sorted(os.fsdecode(entry[3:]) for entry in entries if entry[1:2] != b" ")


def _files_in(folder: str) -> Iterable[str]:
    for above, names, files in os.walk(folder):
        yield from (os.path.join(above, name) for name in files)
        yield from (path for name in names if os.path.islink(path := os.path.join(above, name)))
