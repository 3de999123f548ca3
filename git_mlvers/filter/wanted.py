"""Which paths a user wants the content of: ``mlvers.fetchInclude`` and ``fetchExclude``."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def wanted(include: Sequence[str], exclude: Sequence[str]) -> Callable[[bytes], bool]:
    """A test for paths (relative to the working tree's root) against patterns as in .gitignore.

    A path is wanted when it matches one of `include`, or that is empty, and none of `exclude`.
    """
    if not include and not exclude:
        return lambda _path: True
    from pathspec import GitIgnoreSpec

    inside = GitIgnoreSpec.from_lines(include)
    outside = GitIgnoreSpec.from_lines(exclude)

    def test(path: bytes) -> bool:
        name = os.fsdecode(path)
        return (not include or inside.match_file(name)) and not outside.match_file(name)

    return test
