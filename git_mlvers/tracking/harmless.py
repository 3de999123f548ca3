"""Logging never stops a training: what goes wrong is said once, and that is all."""

from __future__ import annotations

import functools
import logging
import os
import threading
from typing import TYPE_CHECKING, Any, TypeVar, cast
from weakref import WeakSet

if TYPE_CHECKING:
    from collections.abc import Callable

    F = TypeVar("F", bound=Callable[..., Any])


class Guard:
    """A lock for a ``with`` statement, which its holder may take again.

    In a forked process it is free: the thread that held it is not there any more, and
    would be waited for without an end. Copied or pickled, it is a new one.
    """

    def __init__(self) -> None:
        self.renew()
        _guards.add(self)

    def renew(self) -> None:
        """Be free, whoever holds it."""
        self._lock = threading.RLock()

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()

    def __reduce__(self) -> tuple[type[Guard], tuple[()]]:
        return Guard, ()


_guards: WeakSet[Guard] = WeakSet()


def _renew_all() -> None:
    for guard in list(_guards):
        guard.renew()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_all)

_told: set[str] = set()
_guard = Guard()


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
