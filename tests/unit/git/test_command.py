"""Running git: output, failures, environment, and processes that are stopped early."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from git_mlvers.git import command
from git_mlvers.git.process import GitMissing, anonymous_file
from tests.support.environment import CHECKOUT

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.git import Repo


def test_output_comes_back_as_bytes(repo: Repo) -> None:
    repo.write("a\xe9.txt", b"one")
    repo.git("add", "-A")
    said = command.run("ls-files", "-z", cwd=str(repo.path))
    assert command.zsplit(said) == ["a\xe9.txt".encode()]


def test_records_that_are_empty_are_kept() -> None:
    assert command.zsplit(b"") == []
    assert command.zsplit(b"a\0\0b\0") == [b"a", b"", b"b"]
    assert command.zsplit(b"a\0b") == [b"a", b"b"]


def test_input_larger_than_a_pipe_does_not_block(repo: Repo) -> None:
    names = b"".join(b"file-%06d\0" % n for n in range(60_000))
    said = command.run("check-attr", "-z", "--stdin", "text", cwd=str(repo.path), input=names)
    assert len(command.zsplit(said)) == 3 * 60_000


def test_a_failure_tells_what_git_said(repo: Repo) -> None:
    with pytest.raises(command.GitError) as caught:
        command.run("rev-parse", "--verify", "no-such-thing", cwd=str(repo.path))
    error = caught.value
    assert error.message == "git rev-parse failed: Needed a single revision"
    assert error.returncode == 128
    assert error.argv[-1] == "no-such-thing"
    assert "fatal" in error.stderr


def test_a_failure_without_words_tells_the_exit_code(repo: Repo) -> None:
    with pytest.raises(command.GitError) as caught:
        command.run("config", "--get", "no.such", cwd=str(repo.path))
    assert caught.value.message == "git config failed: exit code 1"


def test_warnings_do_not_hide_the_cause(repo: Repo) -> None:
    repo.git("config", "core.repositoryformatversion", "99")
    with pytest.raises(command.GitError, match=r"git status failed: .*version"):
        command.run("status", cwd=str(repo.path))


def test_messages_are_in_english_whatever_the_user_speaks(
    repo: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")
    monkeypatch.setenv("LANGUAGE", "de")
    with pytest.raises(command.GitError, match="Needed a single revision"):
        command.run("rev-parse", "--verify", "no-such-thing", cwd=str(repo.path))


def test_failing_may_be_an_answer(repo: Repo) -> None:
    assert command.run("rev-parse", "-q", "--verify", "x", cwd=str(repo.path), check=False) == b""
    assert not command.succeeds("rev-parse", "-q", "--verify", "x", cwd=str(repo.path))
    assert command.succeeds("rev-parse", "--git-dir", cwd=str(repo.path))


def test_a_stranger_s_repository_is_refused_with_the_remedy() -> None:
    stderr = (
        "fatal: detected dubious ownership in repository at '/x'\n"
        "To add an exception for this directory, call:\n\n"
        "\tgit config --global --add safe.directory /x\n"
    )
    error = command.GitError(("git", "status"), 128, stderr)
    assert error.message == ("git status failed: detected dubious ownership in repository at '/x'")
    assert error.hint is not None
    assert error.hint.endswith("git config --global --add safe.directory /x")


def test_the_command_is_named_and_not_its_options() -> None:
    argv = ("git", "-C", "/somewhere", "-c", "a.b=c", "--bare", "fetch", "origin")
    assert command.GitError(argv, 1, "").message == "git fetch failed: exit code 1"
    assert command.GitError(argv, -9, "").message == "git fetch failed: stopped by signal 9"


def test_without_git_there_is_a_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(GitMissing, match="git is not on the PATH"):
        command.run("version")


def test_variables_of_one_repository_are_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    listed = subprocess.run(
        ["git", "rev-parse", "--local-env-vars"], capture_output=True, text=True, check=True
    )
    known = set(listed.stdout.split())
    # A newer git may forget one that an older one knew.
    assert known <= set(command.LOCAL_VARIABLES)
    for name in known:
        monkeypatch.setenv(name, "x")
    kept = command.local_env_dropped()
    assert not known & kept.keys()
    assert kept["HOME"] == os.environ["HOME"]


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("git version 2.39.5", (2, 39, 5)),
        ("git version 2.39.5 (Apple Git-154)\n", (2, 39, 5)),
        ("git version 2.55.0.rc1.windows.1", (2, 55, 0)),
        ("git version 2.46.0.vfs.0.1", (2, 46, 0)),
        ("something else", (0,)),
    ],
)
def test_versions_are_numbers(text: str, numbers: tuple[int, ...]) -> None:
    assert command.parse_version(text) == numbers


def test_the_version_of_this_git() -> None:
    assert command.version() >= (2, 30)


def test_what_git_writes_comes_while_it_runs(repo: Repo) -> None:
    read, write = os.pipe()
    with command.start("cat-file", "--batch-check", cwd=str(repo.path), stdin=read) as process:
        os.close(read)
        os.write(write, b"4b825dc642cb6eb9a060e54bf8d69288fbee4904\n")
        assert next(process.blocks()).endswith(b" tree 0\n")
        os.close(write)
        command.finish(process)


def test_a_process_that_is_left_early_is_stopped(repo: Repo) -> None:
    read, write = os.pipe()
    with command.start("cat-file", "--batch-check", cwd=str(repo.path), stdin=read) as process:
        os.close(read)
    assert process.returncode == -signal.SIGTERM
    os.close(write)


def test_no_descriptor_is_left_open(repo: Repo) -> None:
    def count() -> int:
        return len(os.listdir("/proc/self/fd"))

    before = count()
    for _ in range(3):
        command.run("cat-file", "--batch-check", cwd=str(repo.path), input=b"HEAD\n")
        command.succeeds("status", cwd=str(repo.path))
        with pytest.raises(command.GitError):
            command.run("no-such-command", cwd=str(repo.path))
    assert count() == before


def test_it_works_when_our_own_streams_are_closed(repo: Repo) -> None:
    program = (
        "import os, sys\n"
        "os.close(0); os.close(1)\n"
        "from git_mlvers.git import command\n"
        "said = command.run('hash-object', '--stdin', input=b'x')\n"
        "os.write(2, said)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=repo.path,
        env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
        capture_output=True,
        check=True,
    )
    assert done.stderr == repo.run("hash-object", "--stdin", stdin=b"x").stdout.encode()


def test_git_dies_of_a_broken_pipe_as_it_should(repo: Repo) -> None:
    """Python ignores SIGPIPE; a git that did so too would go on writing for nothing."""
    for number in range(300):
        repo.write(f"{number:060d}", b"")
    repo.git("add", "-A")
    names = ["."] * 3000
    with command.start("ls-files", "-s", "--", *names, cwd=str(repo.path)) as process:
        os.read(process.stdout, 1)
        assert process.wait() in (0, -signal.SIGPIPE)


def test_an_anonymous_file_is_read_from_its_start() -> None:
    fd = anonymous_file((b"one", b"two"))
    assert os.read(fd, 100) == b"onetwo"
    os.close(fd)


@pytest.mark.parametrize(
    ("stderr", "code"),
    [
        ("error: could not lock config file .git/config: Permission denied\n", 7),
        ("error: could not lock config file .git/config: File exists\n", 1),
        ("fatal: Unable to create '/x/.git/index.lock': Read-only file system\n", 7),
        ("warning: x\nfatal: write error: No space left on device\n", 7),
        ("error: insufficient permission for adding an object to repository database .git\n", 7),
        ("git@host: Permission denied (publickey).\nfatal: Could not read from remote\n", 1),
        ("fatal: not a tree object\n", 1),
    ],
)
def test_exit_code_when_the_disk_is_to_blame(stderr: str, code: int) -> None:
    assert command.GitError(("git", "config"), 255, stderr).exit_code == code
