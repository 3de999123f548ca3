"""What is wrong with a file of values."""

from __future__ import annotations

from git_mlvers.errors import MlversError


class ValuesError(MlversError):
    """A file of values cannot be read; the message names the file and, where known, the line."""

    @classmethod
    def at(cls, name: str, line: int | None, what: str, hint: str | None = None) -> ValuesError:
        """The error `what` in the file `name` at `line`, counted from 1."""
        where = name if not line else f"{name}, line {line}"
        return cls(f"{where}: {what}", hint)
