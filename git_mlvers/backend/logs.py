"""What clients of clouds tell Python's log: nothing that a user should see as it is."""

from __future__ import annotations

import logging


def keep_to_itself(*names: str) -> None:
    """Let the loggers `names` speak only to handlers that somebody has set up.

    Without this, Python itself prints their warnings to stderr, in the middle
    of git's output. What went wrong is raised as well, and told in our words.
    """
    for name in names:
        logger = logging.getLogger(name)
        if not any(isinstance(handler, logging.NullHandler) for handler in logger.handlers):
            logger.addHandler(logging.NullHandler())
