"""The git hooks: what is put into a repository, and what happens when git runs one.

`install`, `ensure`, `uninstall` and `states` look after the small shims of the
top directory ``hooks/``; a shim starts ``git-mlvers hook NAME``, which is `run_hook`.
"""

from git_mlvers.hooks.dispatch import run_hook
from git_mlvers.hooks.install import Report, ensure, install, uninstall
from git_mlvers.hooks.place import BEFORE_CHECKOUT, NAMES, State, states

__all__ = [
    "BEFORE_CHECKOUT",
    "NAMES",
    "Report",
    "State",
    "ensure",
    "install",
    "run_hook",
    "states",
    "uninstall",
]
