"""Putting the shims in place beside other people's hooks, and taking them away again."""

from __future__ import annotations

import filecmp
import os
from typing import TYPE_CHECKING, NamedTuple

from git_mlvers.errors import LocalIOError
from git_mlvers.fsutil import disk_errors, make_dirs, write_atomic
from git_mlvers.hooks import place as places
from git_mlvers.hooks.place import KEPT, NAMES, Place, is_ours, place_of, shim, state_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from git_mlvers.config import Config
    from git_mlvers.git.repository import Repository

_ADVISED = "hooks-advised"
"""A file in ``<git common dir>/mlvers``: the user has been told once what to do by hand."""


class Report(NamedTuple):
    """What was done: names of hooks `changed`, and `remarks` for the user, one sentence each."""

    changed: list[str]
    remarks: list[str]


def install(repo: Repository, config: Config, names: Sequence[str] = NAMES) -> Report:
    """Put the shims of `names` in place; a foreign hook is kept beside it and runs first.

    Idempotent. A directory in the working tree is the user's and left alone; a
    remark tells what to add there. Raises `LocalIOError`.
    """
    place = place_of(repo, config)
    make_dirs(os.path.join(repo.common_dir, "mlvers"), config.shared)
    if place.kind == places.WORKING_TREE:
        return Report([], _advice(place))
    if place.kind == places.NOWHERE:
        path = config.get("core.hookspath") or "set to nothing"
        remark = f"core.hooksPath is {path}: git runs no hooks, and git push sends"
        return Report([], [f"{remark} no content; git mlvers push does"])
    remarks: list[str] = []
    with disk_errors(place.directory, "putting hooks in place"):
        # What is outside of the repository has rights of its own.
        shared = config.shared if place.kind == places.OWN else None
        make_dirs(place.directory, shared)
        changed = [name for name in names if _install_one(place, name, remarks, shared)]
    if changed and place.kind == places.SHARED:
        remarks.insert(
            0,
            f"core.hooksPath names {place.directory}, outside of this repository; the hooks of "
            "git-mlvers are there now, and do nothing in repositories that do not use it",
        )
    return Report(changed, remarks)


def ensure(repo: Repository, config: Config, names: Sequence[str] = NAMES) -> list[str]:
    """Put the shims of `names` in place if they are not; cheap when they are.

    Returns remarks for the user.

    Called at the end of each filter process, so that a plain clone gets its
    ``pre-push``. Nothing is done in a bare repository, nor with ``mlvers.hooks``
    off, and the user's own hooks in a working tree are remarked upon only once.
    What the disk refuses is a remark too: the files that git asked for are in place.
    """
    if repo.work_tree is None or not config.hooks_wanted:
        return []
    try:
        return _ensure(repo, config, names)
    except LocalIOError as error:
        return [f"{error.message}, so git push sends no content from here"]


def _ensure(repo: Repository, config: Config, names: Sequence[str]) -> list[str]:
    place = place_of(repo, config)
    path = config.origin_of("core.hookspath")
    if place.kind == places.NOWHERE or (path is not None and path.scope == "command"):
        return []  # hooks are off, or for this one command elsewhere
    if place.kind != places.WORKING_TREE:
        if all(is_ours(os.path.join(place.directory, name), name) for name in names):
            return []
        if all(state_of(place, name).state in (places.OURS, places.CHAINED) for name in names):
            return []
        return install(repo, config, names).remarks
    marker = os.path.join(repo.common_dir, "mlvers", _ADVISED)
    if os.path.exists(marker):
        return []
    remarks = install(repo, config).remarks
    write_atomic(marker, b"", sync=False, shared=config.shared)
    return remarks


def uninstall(repo: Repository, config: Config) -> Report:
    """Take the shims away, and put back the hooks that were there before. Raises `LocalIOError`."""
    place = place_of(repo, config)
    changed: list[str] = []
    remarks: list[str] = []
    if place.kind in (places.WORKING_TREE, places.NOWHERE) or places.is_source(place.directory):
        return Report(changed, remarks)
    with disk_errors(place.directory, "taking hooks away"):
        for name in NAMES:
            state = state_of(place, name)
            if state.state in (places.OURS, places.OUTDATED):
                if state.kept:
                    os.replace(state.path + KEPT, state.path)
                else:
                    os.unlink(state.path)
                changed.append(name)
            elif state.state == places.UNREADABLE:
                remarks.append(f"{state.path} is left, since it cannot be read")
            elif state.kept:
                remarks.append(f"{state.path}{KEPT} is left, since {name} is not git-mlvers's")
        _forget(os.path.join(repo.common_dir, "mlvers"))
    return Report(changed, remarks)


def _install_one(place: Place, name: str, remarks: list[str], shared: int | None) -> bool:
    state = state_of(place, name)
    if state.state in (places.OURS, places.CHAINED):
        return False
    if state.state == places.UNREADABLE:
        remarks.append(
            f"{state.path} is another user's and cannot be read, so git does not run the hook "
            f"{name} for you; whose it is can mend that: chmod a+rx {state.path}"
        )
        return False
    if state.state == places.FOREIGN:
        if os.path.isdir(state.path) and not os.path.islink(state.path):
            remarks.append(f"{state.path} is a directory; the hook {name} is not in place")
            return False
        if not _keep(state.path):
            remarks.append(
                f"both {state.path} and {name}{KEPT} are hooks of someone else; "
                f"the hook {name} of git-mlvers is not in place until one of them is removed"
            )
            return False
        remarks.append(f"the hook {name} that was there is kept as {name}{KEPT} and runs first")
    write_atomic(state.path, shim(name), mode=0o777, sync=False, shared=shared)
    return True


def _keep(path: str) -> bool:
    """Give the foreign hook at `path` its second name; false when another one has that name.

    It keeps the first name until the shim takes that over, so that no moment is
    without the hook, and two processes at once cannot keep each other's shim.
    """
    kept = path + KEPT
    if os.path.lexists(kept):
        return not os.path.islink(path) and os.path.isfile(kept) and filecmp.cmp(path, kept, False)
    try:
        os.link(path, kept, follow_symlinks=False)
    except FileExistsError:
        return _keep(path)
    except OSError:
        os.rename(path, kept)  # a file system without hard links
    return True


def _advice(place: Place) -> list[str]:
    state = state_of(place, "pre-push")
    if state.state in (places.CHAINED, places.OURS):
        return []
    # husky generates the directory that git looks into; the user's files are above it.
    generated = os.path.basename(place.directory) == "_"
    path = os.path.join(os.path.dirname(place.directory), "pre-push") if generated else state.path
    return [
        f"core.hooksPath names {place.directory}, which is in the working tree and so yours: "
        f'add the line  git mlvers hook pre-push "$@"  to {path}, else git push sends no content'
    ]


def _forget(home: str) -> None:
    """Remove what the hooks have left in `home`, and `home` itself if it is empty then."""
    try:
        os.unlink(os.path.join(home, _ADVISED))
    except FileNotFoundError:
        pass
    try:
        os.rmdir(home)
    except OSError:
        pass  # it has the cache, which stays
