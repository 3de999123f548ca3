"""A clone without the whole history must not leave a hole in a repository that has it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from git_mlvers.git.command import joined
from git_mlvers.serverless.packing import REAL_OBJECTS

if TYPE_CHECKING:
    from collections.abc import Collection

    from git_mlvers.git.repository import Repository

REFUSED = "shallow update not allowed"


def boundary(repo: Repository) -> set[str]:
    """The commits whose parents are not here, because the history was cut there."""
    try:
        with open(os.path.join(repo.common_dir, "shallow"), encoding="ascii") as file:
            return set(file.read().split())
    except FileNotFoundError:
        return set()


def leaves_hole(repo: Repository, new: str, without: Collection[str]) -> bool:
    """Whether a store that has what `without` reach would lack parents of what `new` brings."""
    cut = boundary(repo)
    if not cut:
        return False
    wanted = joined([new, *(f"^{oid}" for oid in without)])
    listed = repo.git("rev-list", "--stdin", input=wanted, env=REAL_OBJECTS)
    return not cut.isdisjoint(listed.decode("ascii").split())
