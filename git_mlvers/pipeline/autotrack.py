"""Large outputs are tracked by themselves, as DVC caches what stages make without being told to."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from git_mlvers.git import attributes
from git_mlvers.pipeline.session import is_inside

if TYPE_CHECKING:
    from collections.abc import Mapping

    from git_mlvers.pipeline.model import Stage
    from git_mlvers.pipeline.report import Report
    from git_mlvers.pipeline.session import Session

LARGE = 1 << 20
"""An output with a file of at least so many bytes is tracked. Smaller ones are well off in Git."""


def track_large(
    session: Session, stage: Stage, stats: Mapping[str, os.stat_result], report: Report
) -> None:
    """Track those outputs of `stage` that are large and may be kept outside of Git.

    `stats` are those of all their files. Nothing is done where nothing is staged, or
    where the filter is not set up: then the files would go into Git as they are.
    """
    config = session.workspace.config
    large = [
        path
        for path, found in stats.items()
        if stat.S_ISREG(found.st_mode) and found.st_size >= LARGE
    ]
    if not large or not config.autostage or not config.get("filter.mlvers.process"):
        return
    tracked = attributes.filtered_paths(session.repo, map(os.fsencode, large))
    left = [path for path in large if os.fsencode(path) not in tracked]
    file = os.path.join(session.repo.top, attributes.FILE_NAME)
    for out in stage.outs:
        if not out.cache or not is_inside(out.path):
            continue
        if any(path == out.path or path.startswith(f"{out.path}/") for path in left):
            folder = out.path not in left
            pattern = "/" + attributes.literal(out.path) + ("/**" if folder else "")
            if attributes.track(file, pattern):
                session.attributes_changed = True
                report.line(f"Tracking {pattern}: content of that size is kept outside of Git")
