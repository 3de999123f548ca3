"""Where the hooks of a repository are, and what is there."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from git_mlvers.errors import LocalIOError

if TYPE_CHECKING:
    from git_mlvers.config import Config
    from git_mlvers.git.repository import Repository

NAMES = ("post-checkout", "post-commit", "post-merge", "post-rewrite", "pre-push")
"""The hooks that have a shim."""

BEFORE_CHECKOUT = tuple(name for name in NAMES if name != "post-checkout")
"""Those that can be put in place while ``git clone`` runs: some versions of git (2.39.4, 2.45.1
and of that day) refuse to go on when a hook has appeared that the clone itself would run."""

KEPT = ".before-mlvers"
"""What is added to the name of a hook that was there before ours."""

LEGACY = ".legacy"
"""What pre-commit adds to the name of a hook that it takes the place of, and runs."""

_MARK = b"# git-mlvers hook "
_VERSION = b"2"
_HEAD_SIZE = 160
_CALLS = (b"git-mlvers hook", b"git mlvers hook")

OURS, OUTDATED, FOREIGN, CHAINED, MISSING = "ours", "outdated", "foreign", "chained", "missing"
UNREADABLE = "unreadable"

OWN, SHARED, WORKING_TREE, NOWHERE = "own", "shared", "working tree", "nowhere"


class Place(NamedTuple):
    """The directory from which git runs hooks.

    `kind` is ``own`` (inside of the git directory), ``shared`` (``core.hooksPath``
    leads outside of the repository, maybe for many), ``working tree`` (the user's
    own files, not ours to write) or ``nowhere`` (``/dev/null``: no hooks are run).
    """

    directory: str
    kind: str


class State(NamedTuple):
    """One hook: ``ours``, ``outdated``, ``foreign``, ``chained`` (another hook runs ours),
    ``unreadable`` (another user's, whatever it is) or ``missing``; `kept` tells whether a
    foreign hook is kept beside it."""

    name: str
    path: str
    state: str
    kept: bool


def place_of(repo: Repository, config: Config) -> Place:
    """Where git looks for the hooks of `repo`."""
    own = os.path.join(repo.common_dir, "hooks")
    path = config.hooks_dir
    if path is None or _same(path, own):
        return Place(own, OWN)
    if os.path.exists(path) and not os.path.isdir(path):
        return Place(path, NOWHERE)
    for root, kind in ((repo.common_dir, OWN), (repo.git_dir, OWN), (repo.work_tree, WORKING_TREE)):
        if root is not None and _is_inside(path, root):
            return Place(path, kind)
    return Place(path, SHARED)


def states(repo: Repository, config: Config) -> list[State]:
    """The state of every hook in `NAMES`."""
    place = place_of(repo, config)
    return [state_of(place, name) for name in NAMES]


def state_of(place: Place, name: str) -> State:
    """The state of the hook `name`."""
    path = os.path.join(place.directory, name)
    kept = os.path.lexists(path + KEPT)
    if is_ours(path, name):
        return State(name, path, OURS, kept)
    if not os.path.lexists(path):
        state = MISSING
    elif any_version(path):
        state = OUTDATED
    elif any_version(path + LEGACY) or _calls_us(path, name):
        state = CHAINED
    elif _is_closed(path):
        state = UNREADABLE
    else:
        state = FOREIGN
    if state in (FOREIGN, MISSING) and place.kind == WORKING_TREE:
        # husky runs the user's hooks from the directory above the one git looks into.
        above = os.path.join(os.path.dirname(place.directory), name)
        if _calls_us(above, name):
            state = CHAINED
    return State(name, path, state, kept)


def is_ours(path: str, name: str) -> bool:
    """Whether the file at `path` is this version's shim for `name`; cheap."""
    return b"%b%b: %b\n" % (_MARK, _VERSION, name.encode()) in _head(path)


def any_version(path: str) -> bool:
    """Whether the file at `path` is a shim of any version of git-mlvers."""
    return _MARK in _head(path)


def shim(name: str) -> bytes:
    """The text of the shim for `name`, as it stands in the package or in the checkout."""
    for directory in _sources():
        try:
            with open(os.path.join(directory, name), "rb") as file:
                return file.read()
        except FileNotFoundError:
            continue
    raise LocalIOError(
        f"the text of the hook {name} is missing from the installation of git-mlvers",
        "install git-mlvers again",
    )


def is_source(directory: str) -> bool:
    """Whether `directory` is where the shims come from, put to use as it is."""
    return any(_same(directory, source) for source in _sources())


def _sources() -> tuple[str, str]:
    package = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    # An editable installation has no _share: there the checkout is beside the package.
    return (
        os.path.join(package, "_share", "hooks"),
        os.path.join(os.path.dirname(package), "hooks"),
    )


def _head(path: str) -> bytes:
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return b""
    try:
        return os.read(handle, _HEAD_SIZE)
    except OSError:
        return b""
    finally:
        os.close(handle)


def _is_closed(path: str) -> bool:
    try:
        os.close(os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK))
    except PermissionError:
        return True
    except OSError:
        return False
    return False


def _calls_us(path: str, name: str) -> bool:
    try:
        with open(path, "rb") as file:
            text = file.read(1 << 16)
    except OSError:
        return False
    return any(call + b" " + name.encode() in text for call in _CALLS)


def _same(one: str, other: str) -> bool:
    return os.path.realpath(one) == os.path.realpath(other)


def _is_inside(path: str, root: str) -> bool:
    return (os.path.realpath(path) + os.sep).startswith(os.path.realpath(root) + os.sep)
