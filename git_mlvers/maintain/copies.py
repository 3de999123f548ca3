"""A copy of a git remote for a moment, with all its refs and objects, to see what it needs.

Remote-tracking refs may be out of date, and a clone may have only a part of the
branches, of the history or of the blobs. So what a git remote needs is looked up in a bare
repository of its own, made anew each time. It borrows the objects of this clone, if that has
all of its own, so that little has to be sent.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from typing import TYPE_CHECKING

from git_mlvers.backend.url import redact
from git_mlvers.errors import RemoteError
from git_mlvers.fsutil import disk_errors, make_dirs, temp_path
from git_mlvers.git import command, refs
from git_mlvers.git.command import GitError
from git_mlvers.git.repository import Repository
from git_mlvers.serverless import shallow

if TYPE_CHECKING:
    from collections.abc import Iterator

_TEMP = "tmp-"
_STALE = 24 * 3600.0
_FETCH = (
    *("fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-auto-maintenance"),
    *("--recurse-submodules=no", "--refmap="),
)
_ALL = "+refs/*:refs/*"
_HEAD = "+HEAD:refs/mlvers-copy/HEAD"
# What of the clone's own configuration tells how to reach a git remote.
_REACHING = (
    *("credential.", "http.", "url.", "ssh.", "protocol.", "mlvers."),
    *("core.sshcommand", "core.askpass", "core.gitproxy"),
)


class Unread(RemoteError):
    """The refs of a git remote cannot be read."""


def lends(repo: Repository) -> bool:
    """Whether `repo` has all objects that its refs reach, so that a copy can borrow them."""
    return not repo.partial and not shallow.boundary(repo)


@contextlib.contextmanager
def copied(repo: Repository, folder: str, url: str) -> Iterator[Repository]:
    """A copy, in `folder`, of the git remote at `url`; it is gone afterwards.

    `url` is asked for with the configuration of `repo`. Raises `Unread`.
    """
    _sweep(folder)
    try:
        listed = _listed(repo, url)
    except GitError as error:
        raise _unread(url, error) from error
    path = temp_path(folder, _TEMP)
    make_dirs(folder)
    try:
        copy = _made(repo, path, _format_of(listed, repo))
        if listed:
            heads = (_HEAD,) if "HEAD" in listed else ()
            try:
                copy.git(*_FETCH, "--", url, _ALL, *heads)
            except GitError as error:
                raise _unread(url, error) from error
        yield copy
    finally:
        shutil.rmtree(path, ignore_errors=True)


def _listed(repo: Repository, url: str) -> dict[str, str]:
    output = repo.git("ls-remote", "--quiet", "--", url)
    pairs = (os.fsdecode(line).split("\t", 1) for line in output.split(b"\n") if line)
    return {name: oid for oid, name in pairs}


def _format_of(listed: dict[str, str], repo: Repository) -> str:
    if not listed:
        return repo.object_format
    return "sha256" if len(next(iter(listed.values()))) == 64 else "sha1"


def _made(repo: Repository, path: str, object_format: str) -> Repository:
    env = command.local_env_dropped()
    command.run(
        "init",
        "-q",
        "--bare",
        "--template=",
        f"--object-format={object_format}",
        path,
        cwd=os.path.dirname(path),
        env=env,
    )
    if lends(repo) and object_format == repo.object_format:
        info = os.path.join(path, "objects", "info")
        with disk_errors(info, "writing"):
            os.makedirs(info, exist_ok=True)
            with open(os.path.join(info, "alternates"), "wb") as file:
                file.write(os.fsencode(repo.objects_dir) + b"\n")
    return Repository.discover(path, _configured(repo))


def _configured(repo: Repository) -> dict[str, str]:
    """The environment that gives git what the clone's configuration says about reaching others."""
    said = repo.git("config", "--list", "-z", "--includes", check=False)
    pairs = (os.fsdecode(entry).partition("\n") for entry in said.split(b"\0") if entry)
    chosen = [(key, value) for key, _, value in pairs if key.startswith(_REACHING)]
    env = {"GIT_CONFIG_COUNT": str(len(chosen))}
    for number, (key, value) in enumerate(chosen):
        env[f"GIT_CONFIG_KEY_{number}"] = key
        env[f"GIT_CONFIG_VALUE_{number}"] = value
    return env


def _unread(url: str, error: GitError) -> Unread:
    return Unread(
        f"the refs of the git remote {redact(url)} cannot be read, and so nothing is deleted:"
        f" {error.message}",
        error.hint or f"git ls-remote {redact(url)} tells more",
    )


def _sweep(folder: str) -> None:
    """Remove what others that were killed have left."""
    oldest = time.time() - _STALE
    with contextlib.suppress(FileNotFoundError):
        for entry in os.scandir(folder):
            if entry.name.startswith(_TEMP) and entry.stat().st_mtime < oldest:
                shutil.rmtree(entry.path, ignore_errors=True)


def tips(copy: Repository) -> list[str]:
    """The ids that all refs of a copy name."""
    return list(dict.fromkeys(ref.oid for ref in refs.for_each_ref(copy)))
