"""Logging never stops a training: what goes wrong is said once, and that is all."""

from __future__ import annotations

import functools
import logging
import threading
from typing import TYPE_CHECKING, Any, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Callable

    F = TypeVar("F", bound=Callable[..., Any])

_told: set[str] = set()
_guard = threading.Lock()


def harmless(call: F) -> F:
    """Make of `call` one that raises no exception, and returns ``None`` instead.

    The same complaint is made once in a process, by the logger ``git_mlvers``.
    """

    @functools.wraps(call)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        try:
            return call(*args, **kwargs)
        except Exception as error:  # a disk, a value, a fault of ours: the training goes on
            _complain(f"git-mlvers: not logged: {type(error).__name__}: {error}")
            return None

    return cast("F", wrapped)


def _complain(text: str) -> None:
    with _guard:
        if text in _told:
            return
        _told.add(text)
    logging.getLogger("git_mlvers").warning("%s", text)
