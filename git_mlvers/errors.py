"""The one root of all errors that a user is meant to read.

Every such error is one sentence (what is wrong, and where), an optional hint
(what to do), and the exit code of the program. Errors that belong to one part
stand beside the code that raises them; here are only the root and the kinds
that several parts share.
"""


class MlversError(Exception):
    """An error with a sentence for the user, a hint, and an exit code."""

    exit_code = 1

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return self.message if self.hint is None else f"{self.message} ({self.hint})"


class UsageError(MlversError):
    """The words of the command line, or a value in the configuration, are not usable."""

    exit_code = 2


class NotARepository(MlversError):
    """The command needs a Git repository and was started outside of one."""

    exit_code = 3


class ContentMissing(MlversError):
    """Content that was asked for is neither in the cache nor on a remote."""

    exit_code = 4


class RemoteError(MlversError):
    """A remote refused, failed, or could not be reached."""

    exit_code = 5


class CorruptError(MlversError):
    """Bytes are not what their name says: a damaged cache, pack or index."""

    exit_code = 6


class LocalIOError(MlversError):
    """The local disk is full, read-only, or fails."""

    exit_code = 7
