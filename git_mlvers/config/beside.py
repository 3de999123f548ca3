"""The place for content that goes with a git remote, without any set-up.

Beside a git remote that is a path of this machine it is ``<git dir>/mlvers`` over
there; a store without a git server has the content too.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from git_mlvers.config.address import Address
    from git_mlvers.config.source import Source
    from git_mlvers.git.repository import Repository

_ESCAPED = re.compile(rb"%(0[1-9A-Fa-f]|[1-9A-Fa-f][0-9A-Fa-f])")


def usual_git_remote(source: Source, repo: Repository) -> str | None:
    """The git remote that plain ``git push`` uses, as far as configuration tells."""
    names = source.git_remotes()
    if not names:
        return None
    head = repo.head_branch()
    for key in (f"branch.{head}.pushremote", "remote.pushdefault", f"branch.{head}.remote"):
        name = source.get(key)
        if name in names:
            return name
    return "origin" if "origin" in names else names[0] if len(names) == 1 else None


class Near(NamedTuple):
    """A place for content that goes with a git remote.

    `url` is one of `backend.url`. `beside` tells whether it is the cache
    directory of a repository on this machine; else it is the store in which the
    git remote itself is.
    """

    url: str
    beside: bool


def place_near(source: Source, repo: Repository, git_remote: str) -> Near | None:
    """The content place that goes with `git_remote` (a name or an address), if there is one."""
    # git fetches from the first of several, and pushes to all.
    urls = source.values(f"remote.{git_remote}.url")
    url = source.instead_of((urls[0].text if urls else None) or git_remote)
    if url.startswith("mlvers:"):
        from git_mlvers.backend.url import BadAddress
        from git_mlvers.config.address import Kind

        try:
            kind, url = behind(source, url, repo.top)
        except BadAddress:
            return None
        if kind is Kind.STORE:
            return Near(url, False)
    git_dir = git_dir_at(url, repo.top)
    return None if git_dir is None else Near(os.path.join(git_dir, "mlvers"), True)


def behind(source: Source, url: str, base: str) -> Address:
    """What stands behind an address ``mlvers::…``, of which git has rewritten only the whole.

    What follows the prefix is rewritten as git does it for any address. Raises `BadAddress`.
    """
    from git_mlvers.config.address import PREFIX, parse

    return parse(source.instead_of(url.removeprefix(PREFIX)), base)


def git_dir_at(url: str, base: str) -> str | None:
    """The common git directory of the repository at `url`, if that is a path of this machine."""
    if url.startswith("file://"):
        path = path_of_file_url(url)
    elif "://" in url or "::" in url or _is_ssh_short(url):
        return None
    else:
        path = url
    path = os.path.normpath(os.path.join(base, path))
    # The order in which git itself looks for the repository of a path.
    for candidate in (path + "/.git", path, path + ".git/.git", path + ".git"):
        found = _as_git_dir(candidate)
        if found is not None:
            return found
    return None


def path_of_file_url(url: str) -> str:
    """The path in ``file://…``, as git takes it: escapes are decoded, a host does not count."""
    rest = _ESCAPED.sub(
        lambda match: bytes([int(match[1], 16)]), os.fsencode(url[len("file://") :])
    )
    return os.fsdecode(rest[max(0, rest.find(b"/")) :])


def _as_git_dir(path: str) -> str | None:
    if os.path.isfile(path):
        try:
            with open(path, "rb") as file:
                text = os.fsdecode(file.read(4096))
        except OSError:
            return None
        if not text.startswith("gitdir: "):
            return None
        path = os.path.join(os.path.dirname(path), text[len("gitdir: ") :].rstrip("\n"))
    try:
        with open(os.path.join(path, "commondir"), "rb") as file:
            path = os.path.normpath(os.path.join(path, os.fsdecode(file.read(4096)).rstrip("\n")))
    except OSError:
        pass  # no linked worktree: the directory is the common one itself
    if os.path.isfile(os.path.join(path, "HEAD")) and os.path.isdir(os.path.join(path, "objects")):
        return path
    return None


def _is_ssh_short(url: str) -> bool:
    """``host:path``: git takes a colon before the first slash for a host."""
    colon = url.find(":")
    slash = url.find("/")
    return colon >= 0 and (slash < 0 or colon < slash)
