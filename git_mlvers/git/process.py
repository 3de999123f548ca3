"""A started git, without the cost of the `subprocess` module.

A filter and a hook are started often, and importing `subprocess` takes longer
than git itself does. What is needed here is little: a program, an environment,
and pipes. Input that is known beforehand is given to git as an anonymous file
and its messages are collected in one, so that nobody ever waits for both ends
of two pipes at once: no thread, no poll, no deadlock.
"""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING, NamedTuple, NoReturn

from git_mlvers.errors import MlversError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

PIPE = -1
NULL = -2
CAPTURE = -3
_BLOCK = 1 << 17
_MESSAGE = 1 << 14
# Python ignores these, and git would inherit that.
_DEFAULT_SIGNALS = [
    number for name in ("SIGPIPE", "SIGXFSZ") if (number := getattr(signal, name, None)) is not None
]


class GitMissing(MlversError):
    """There is no git to run."""


class ProgramMissing(MlversError):
    """There is no such program to run."""


class Streams(NamedTuple):
    """Where git's three streams lead: a file descriptor, `PIPE`, `NULL`, or ``None`` (ours).

    `CAPTURE`, for stderr only, keeps it for `Process.messages`.
    """

    stdin: int | None = NULL
    stdout: int | None = PIPE
    stderr: int | None = CAPTURE


class Process:
    """One running git. `stdin` and `stdout` are our ends of its pipes, or -1.

    Used in a ``with`` statement it is stopped at the end if it is still running.
    """

    def __init__(
        self, argv: Sequence[str | bytes], env: Mapping[str, str], streams: Streams
    ) -> None:
        self.argv = argv
        self.returncode: int | None = None
        self.stdin = self.stdout = -1
        self._messages = -1
        theirs: list[int] = []
        try:
            places = [self._place(number, where, theirs) for number, where in enumerate(streams)]
            self._pid = _spawn(argv, env, places)
        except BaseException:
            self._close_all()
            raise
        finally:
            for fd in theirs:
                os.close(fd)

    def _place(self, number: int, where: int | None, theirs: list[int]) -> int | None:
        """The descriptor that git gets as its stream `number`; ours is kept, theirs closed."""
        if where is None or where >= 0:
            return where
        if where == NULL:
            fd = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
            theirs.append(fd)
        elif where == CAPTURE:
            fd = self._messages = anonymous_file()
        elif number == 0:
            fd, self.stdin = os.pipe()
            theirs.append(fd)
        else:
            self.stdout, fd = os.pipe()
            theirs.append(fd)
        return fd

    def blocks(self, size: int = _BLOCK) -> Iterator[bytes]:
        """What git writes to stdout, as it comes, up to `size` bytes at a time."""
        while block := os.read(self.stdout, size):
            yield block

    def close_stdin(self) -> None:
        """Tell git that nothing more will come."""
        if self.stdin >= 0:
            os.close(self.stdin)
            self.stdin = -1

    def wait(self) -> int:
        """Wait for git's end; its exit code, or minus the signal that stopped it."""
        self.close_stdin()
        if self.stdout >= 0:
            os.close(self.stdout)
            self.stdout = -1
        if self.returncode is None:
            _, status = os.waitpid(self._pid, 0)
            self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode

    def messages(self) -> str:
        """What git has written to stderr, at most some KiB of it."""
        if self._messages < 0:
            return ""
        return os.fsdecode(os.pread(self._messages, _MESSAGE, 0))

    def terminate(self) -> None:
        """Ask for its end, if it is still running, and do not wait for it."""
        if self.returncode is None:
            # It may have ended on its own: until it was waited for, its id is still its own.
            os.kill(self._pid, signal.SIGTERM)

    def stop(self) -> None:
        """End git if it is still running, and give back what it used."""
        if self.returncode is None:
            self.terminate()
            self.wait()
        self._close_all()

    def __enter__(self) -> Process:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _close_all(self) -> None:
        for name in ("stdin", "stdout", "_messages"):
            fd = getattr(self, name)
            if fd >= 0:
                os.close(fd)
                setattr(self, name, -1)


def this_program(*words: str) -> list[str]:
    """What starts this very git-mlvers once more, with the arguments `words`.

    It may not be on the PATH, or be another version there.
    """
    import sys

    # By the place of this file: the package itself is no lower layer.
    place = os.path.abspath(__file__)
    for _ in __name__.split("."):
        place = os.path.dirname(place)
    start = (
        f"import sys; sys.path.insert(0, {place!r}); from git_mlvers.__main__ import entry; entry()"
    )
    # -P: what lies in the directory where it starts is not ours, and is not to be imported.
    return [sys.executable, "-P", "-c", start, *words]


def inherited() -> Mapping[str, str]:
    """The environment that we were started with, which programs we start have by default."""
    return os.environ


def anonymous_file(blocks: Iterable[bytes] = ()) -> int:
    """A descriptor of a file without a name that holds `blocks`, to be read from its start."""
    if hasattr(os, "memfd_create"):
        fd = os.memfd_create("git-mlvers", os.MFD_CLOEXEC)
    else:
        import tempfile

        with tempfile.TemporaryFile() as file:
            fd = os.dup(file.fileno())
    try:
        for block in blocks:
            rest = memoryview(block)
            while rest:
                rest = rest[os.write(fd, rest) :]
        os.lseek(fd, 0, os.SEEK_SET)
    except BaseException:
        os.close(fd)
        raise
    return fd


def _spawn(
    argv: Sequence[str | bytes], env: Mapping[str, str], places: Sequence[int | None]
) -> int:
    """Start `argv` with the descriptors `places` as its streams; its process id."""
    lifted = []
    actions = []
    try:
        for number, place in enumerate(places):
            if place is None:
                continue
            if place < 3:
                # It must not be overwritten by a stream that is put in place before it.
                place = _lift(place)
                lifted.append(place)
            actions.append((os.POSIX_SPAWN_DUP2, place, number))
        return os.posix_spawnp(
            argv[0], tuple(argv), env, file_actions=actions, setsigdef=_DEFAULT_SIGNALS
        )
    except FileNotFoundError:
        raise _missing(argv[0]) from None
    finally:
        for fd in lifted:
            os.close(fd)


def become(
    argv: Sequence[str | bytes], env: Mapping[str, str], stdin: int, stdout: int
) -> NoReturn:
    """Go on as the program `argv`, with these descriptors as its streams.

    So its bytes do not pass through us, and its end is ours. Raises `GitMissing`
    or `ProgramMissing`.
    """
    # Both are lifted first: one of them may be in the other's place.
    for number, fd in enumerate([_lift(stdin), _lift(stdout)]):
        os.dup2(fd, number)
    for number in _DEFAULT_SIGNALS:
        signal.signal(number, signal.SIG_DFL)
    try:
        os.execvpe(argv[0], tuple(argv), env)
    except FileNotFoundError:
        raise _missing(argv[0]) from None


def _missing(program: str | bytes) -> MlversError:
    name = os.fsdecode(program)
    if name == "git":
        return GitMissing("git is not on the PATH", "install git 2.39 or newer")
    return ProgramMissing(f"{name} is not on the PATH")


def _lift(fd: int) -> int:
    import fcntl

    return int(fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 3))
