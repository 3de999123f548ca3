"""Names of what Git does not look at: paths outside of the repository, or ignored, or behind links.

Such files are read, and not again while their size, times and place on the disk stay the same.
"""

from __future__ import annotations

import os
import stat
import time
from typing import TYPE_CHECKING

from blake3 import blake3

from git_mlvers.errors import LocalIOError
from git_mlvers.fsutil import disk_errors
from git_mlvers.pipeline.contents import FILE, LINK, folder_name
from git_mlvers.pipeline.errors import PipelineError

if TYPE_CHECKING:
    from git_mlvers.pipeline.memo import Memo

_BLOCK = 1 << 20
_SETTLED = 2_000_000_000
"""A file changed within so many nanoseconds may change again without its times telling so."""


def outside_name(path: str, memo: Memo) -> str | None:
    """The name of the content at `path` (absolute), links followed; ``None`` if none is there."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    if stat.S_ISREG(found.st_mode):
        return _names([(path, found)], memo)[path]
    if not stat.S_ISDIR(found.st_mode):
        raise PipelineError(
            f"{path} is neither a file nor a folder, so its content has no name",
            "take it out of the deps and outs",
        )
    files, links = [], []
    for folder, names, inside in os.walk(path, onerror=_unreadable):
        for name in (*inside, *(name for name in names if os.path.islink(f"{folder}/{name}"))):
            full = os.path.join(folder, name)
            try:
                facts = os.lstat(full)
            except FileNotFoundError:
                continue
            if stat.S_ISLNK(facts.st_mode):
                links.append(full)
            elif stat.S_ISREG(facts.st_mode):
                files.append((full, facts))
    named = _names(files, memo)
    start = len(path.rstrip("/")) + 1
    inside_names = [(FILE, name, full[start:]) for full, name in named.items()]
    for full in links:
        target = blake3(os.fsencode(os.readlink(full))).hexdigest()
        inside_names.append((LINK, f"link {target}", full[start:]))
    return folder_name(inside_names).hex()


def _unreadable(error: OSError) -> None:
    """A folder that cannot be looked into is not an empty one."""
    raise LocalIOError(f"cannot read {error.filename}: {error.strerror}") from error


def _names(files: list[tuple[str, os.stat_result]], memo: Memo) -> dict[str, str]:
    keys = {path: _key(path, facts) for path, facts in files}
    known = memo.get(keys.values())
    now = time.time_ns()
    names, news = {}, {}
    for path, facts in files:
        name = known.get(keys[path])
        if name is None:
            name = _hash(path)
            if now - max(facts.st_mtime_ns, facts.st_ctime_ns) > _SETTLED:
                news[keys[path]] = name
        names[path] = name.hex()
    memo.put(news)
    return names


def _key(path: str, facts: os.stat_result) -> bytes:
    times = (facts.st_ino, facts.st_dev, facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns)
    return blake3(b"file\0" + os.fsencode(path) + repr(times).encode("ascii")).digest()


def _hash(path: str) -> bytes:
    hasher = blake3()
    with disk_errors(path, "reading"), open(path, "rb", buffering=0) as file:
        while block := file.read(_BLOCK):
            hasher.update(block)
    return hasher.digest()
