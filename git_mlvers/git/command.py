"""Running git: its output as bytes, its failures as errors with a sentence.

git is never started through a shell. Its messages are asked for in English,
because some are read; they reach the user inside of ours.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from git_mlvers.errors import LocalIOError, MlversError
from git_mlvers.git.process import (
    CAPTURE,
    NULL,
    PIPE,
    Process,
    Streams,
    anonymous_file,
    inherited,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

LOCAL_VARIABLES = (
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_CONFIG",
    "GIT_CONFIG_PARAMETERS",
    "GIT_CONFIG_COUNT",
    "GIT_OBJECT_DIRECTORY",
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_IMPLICIT_WORK_TREE",
    "GIT_GRAFT_FILE",
    "GIT_INDEX_FILE",
    "GIT_NO_REPLACE_OBJECTS",
    "GIT_REPLACE_REF_BASE",
    "GIT_PREFIX",
    "GIT_INTERNAL_SUPER_PREFIX",
    "GIT_SHALLOW_FILE",
    "GIT_COMMON_DIR",
)
"""What ``git rev-parse --local-env-vars`` lists (git 2.39): variables that speak of one
repository and must not reach a git that works on another one."""

_NOISE = ("warning: ", "hint: ", "remote: ")


# How lines of git end that tell of the disk. "Permission denied (publickey)." is another matter.
_LOCAL = (
    *(": Permission denied", ": Read-only file system", ": No space left on device"),
    *(": Disk quota exceeded", ": Input/output error"),
)


class GitError(MlversError):
    """git failed; `argv`, `returncode` (negative for a signal) and `stderr` tell how.

    The exit code is that of `LocalIOError` if the disk is to blame.
    """

    def __init__(
        self, argv: tuple[str, ...], returncode: int, stderr: str, hint: str | None = None
    ) -> None:
        said = _first_line(stderr)
        if returncode < 0:
            said = f"stopped by signal {-returncode}"
        name = next((word for word in _words(argv) if not word.startswith("-")), "git")
        super().__init__(
            f"git {name} failed: {said or f'exit code {returncode}'}", hint or _hint(stderr)
        )
        if any(_is_local(line) for line in stderr.splitlines()):
            self.exit_code = LocalIOError.exit_code
        self.argv = argv
        self.returncode = returncode
        self.stderr = stderr


def run(
    *args: str | bytes,
    cwd: str | None = None,
    input: bytes | None = None,  # noqa: A002, the word that subprocess uses
    check: bool = True,
    env: Mapping[str, str] | None = None,
) -> bytes:
    """Run ``git ARGS`` in the directory `cwd` with `input` on its stdin; its output.

    `env` is the whole environment (ours if not given). Raises `GitError` when
    git fails, unless `check` is off; then what it wrote before counts.
    """
    source = NULL if input is None else anonymous_file((input,))
    try:
        with start(*args, cwd=cwd, env=env, stdin=source) as process:
            output = b"".join(process.blocks())
            if process.wait() != 0 and check:
                raise failure(process)
            return output
    finally:
        if source >= 0:
            os.close(source)


def succeeds(
    *args: str | bytes, cwd: str | None = None, env: Mapping[str, str] | None = None
) -> bool:
    """Whether ``git ARGS`` exits with 0; what it says is not looked at."""
    with start(*args, cwd=cwd, env=env, stdout=NULL) as process:
        return process.wait() == 0


def lines(
    *args: str | bytes,
    cwd: str | None = None,
    input: bytes | None = None,  # noqa: A002
    env: Mapping[str, str] | None = None,
) -> list[bytes]:
    """The lines of ``git ARGS``, without their ends."""
    return run(*args, cwd=cwd, input=input, env=env).splitlines()


def zsplit(output: bytes) -> list[bytes]:
    """The NUL-terminated records of `output`, which a git with ``-z`` wrote."""
    records = output.split(b"\0")
    if records[-1] == b"":
        records.pop()
    return records


def start(
    *args: str | bytes,
    cwd: str | None = None,
    env: Mapping[str, str] | None = None,
    stdin: int | None = NULL,
    stdout: int | None = PIPE,
    stderr: int | None = CAPTURE,
) -> Process:
    """Start ``git ARGS`` and give it while it runs; for the streams see `Streams`."""
    place = ("-C", cwd) if cwd else ()
    environment = dict(inherited() if env is None else env)
    if stderr == CAPTURE:
        environment["LC_ALL"] = "C"
    return Process(("git", *place, *args), environment, Streams(stdin, stdout, stderr))


def failure(process: Process) -> GitError:
    """The error that tells why the ended `process` failed."""
    argv = tuple(os.fsdecode(word) for word in process.argv)
    return GitError(argv, process.returncode or 0, process.messages())


def finish(process: Process) -> None:
    """Wait for `process`; raise `GitError` when it failed."""
    if process.wait() != 0:
        raise failure(process)


def local_env_dropped(env: Mapping[str, str] | None = None) -> dict[str, str]:
    """`env` (ours if not given) without what ties git to one repository."""
    found = inherited() if env is None else env
    # GIT_CONFIG_KEY_<n> and GIT_CONFIG_VALUE_<n> count only with GIT_CONFIG_COUNT.
    return {name: value for name, value in found.items() if name not in LOCAL_VARIABLES}


_version: tuple[int, ...] | None = None


def version() -> tuple[int, ...]:
    """The version of git as numbers, (2, 39, 5); asked for once."""
    global _version
    if _version is None:
        _version = parse_version(run("version").decode("utf-8", "replace"))
    return _version


def parse_version(text: str) -> tuple[int, ...]:
    """The numbers in what ``git version`` says; ``(0,)`` when there are none.

    "git version 2.39.5 (Apple Git-154)" and "2.55.0.rc1.windows.1" are read up to what
    is no number.
    """
    numbers = []
    for part in text.removeprefix("git version ").split(" ")[0].strip().split("."):
        if not part.isdigit():
            break
        numbers.append(int(part))
    return tuple(numbers) or (0,)


def joined(words: Iterable[str]) -> bytes:
    """`words`, one a line: the input of git commands with ``--stdin``."""
    return b"".join(os.fsencode(word) + b"\n" for word in words)


def _words(argv: tuple[str, ...]) -> Iterable[str]:
    """The words of a command line after git and its own options with a value."""
    words = iter(argv[1:])
    for word in words:
        if word in ("-C", "-c"):
            next(words, None)
        else:
            yield word


def _is_local(line: str) -> bool:
    """Whether git says in `line` that it cannot write, or read, something on this machine."""
    if "could not lock config file" in line:
        return not line.endswith(": File exists")
    return line.endswith(_LOCAL) or "insufficient permission for adding an object" in line


def _first_line(stderr: str) -> str:
    said = [line.strip() for line in stderr.splitlines() if line.strip()]
    telling = [line for line in said if not line.startswith(_NOISE)] or said
    fatal = [line for line in telling if line.startswith(("fatal: ", "error: "))] or telling
    return fatal[0].removeprefix("fatal: ").removeprefix("error: ") if fatal else ""


def _hint(stderr: str) -> str | None:
    if "dubious ownership" not in stderr:
        return None
    # git spells out the command that allows it, with the directory.
    remedy = next((line.strip() for line in stderr.splitlines() if " --add safe" in line), "")
    return f"the directory belongs to another user; if you trust it: {remedy}"
