"""Which kind of git remote is meant, and what becomes of an error.

This is the only place of the helper where an error turns into a sentence, a
hint and an exit code.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING, NoReturn

from git_mlvers.backend.url import parse
from git_mlvers.config import Config
from git_mlvers.config.address import Kind
from git_mlvers.config.beside import behind
from git_mlvers.errors import LocalIOError, MlversError, UsageError
from git_mlvers.git.process import inherited
from git_mlvers.git.repository import Repository
from git_mlvers.remote_helper import connect_address, policy
from git_mlvers.remote_helper.job import Job

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from git_mlvers.config.address import Address

EXIT_INTERRUPTED = 130
EXIT_BROKEN_PIPE = 141
EXIT_BUG = 70


def program() -> NoReturn:
    """Run the helper on our own arguments and streams, and end."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_DFL:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    code = run(sys.argv[1:], inherited())
    # All is done: Ctrl-C could only make the interpreter complain about its own end.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.exit(code)


def run(argv: Sequence[str], env: Mapping[str, str]) -> int:
    """Do what git asks for in `argv` (name and address of a git remote) and on our streams.

    Every error becomes a message on standard error; the exit status.
    """
    try:
        try:
            return _run(argv, env)
        except BaseException:
            if env.get("MLVERS_DEBUG"):
                import traceback

                traceback.print_exc()
            raise
    except MlversError as error:
        _tell(error.message, error.hint)
        return error.exit_code
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        return EXIT_BROKEN_PIPE  # git has gone
    except OSError as error:
        reason = error.strerror or str(error)
        where = f": {os.fsdecode(error.filename)}" if error.filename else ""
        _tell(reason + where, None)
        return LocalIOError.exit_code
    except Exception as error:
        summary = f"{type(error).__name__}: {error}".splitlines()[0]
        _tell(
            f"an unexpected error, which is a fault of the program: {summary}",
            "MLVERS_DEBUG=1 shows the details",
        )
        return EXIT_BUG


def _run(argv: Sequence[str], env: Mapping[str, str]) -> int:
    if len(argv) != 2:
        raise UsageError(
            "git-remote-mlvers takes the name and the address of a git remote",
            "git starts it for addresses mlvers::ADDRESS",
        )
    # git sets it wherever it has a repository; what is around us is not meant without it.
    repo = Repository.discover(env=env) if env.get("GIT_DIR") else None
    config = Config.load(repo, env)
    address = behind(config, argv[1], os.getcwd())
    job = Job(argv[0], address, repo, env)
    policy.check(_protocol_of(address), config, env)
    from git_mlvers.remote_helper import setup

    setup.prepare(job, config)
    if address.kind is Kind.STORE:
        from git_mlvers.remote_helper import serverless

        return serverless.run(job, config)
    from git_mlvers.remote_helper import wrapper

    return wrapper.run(job, config)


def _protocol_of(address: Address) -> str:
    """What git's ``protocol.<name>.allow`` is to be asked for."""
    if address.kind is Kind.GIT:
        return connect_address.protocol_of(connect_address.parse(address.inner))
    return parse(address.inner).scheme or "file"


def _tell(message: str, hint: str | None) -> None:
    sys.stderr.write(f"git-mlvers: {message}\n")
    if hint:
        sys.stderr.write(f"hint: {hint}\n")
    sys.stderr.flush()
