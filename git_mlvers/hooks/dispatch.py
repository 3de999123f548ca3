"""Which code answers which hook."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Protocol, cast

from git_mlvers.errors import UsageError
from git_mlvers.hooks.place import NAMES

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import BinaryIO

    from git_mlvers.progress import Progress
    from git_mlvers.workspace import Workspace

_RECORDING = "git_mlvers.hooks.recording"
_MODULES = {
    "pre-push": "git_mlvers.hooks.pre_push",
    "post-commit": _RECORDING,
    "post-merge": _RECORDING,
    "post-rewrite": _RECORDING,
}
"""Module by hook. A hook that is not here has nothing to do; no shim starts it then."""


class HookModule(Protocol):
    """What the module of a hook offers."""

    def run(
        self, workspace: Workspace, words: Sequence[str], stdin: BinaryIO, progress: Progress
    ) -> int:
        """Do the hook's work; the exit code is what git gets."""


def run_hook(
    name: str, words: Sequence[str], workspace: Workspace, stdin: BinaryIO, progress: Progress
) -> int:
    """Do what the hook `name` is for; `words` and `stdin` are as git gave them to the hook.

    Returns the exit code. Raises `UsageError` for a name that is none of `NAMES`.
    """
    if name not in NAMES:
        raise UsageError(f"there is no hook {name!r}", f"there is {', '.join(NAMES)}")
    module = _MODULES.get(name)
    if module is None:
        return 0
    return cast("HookModule", import_module(module)).run(workspace, words, stdin, progress)
