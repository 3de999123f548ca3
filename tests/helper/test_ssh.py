"""ssh is called as git calls it."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

_FAKE = """\
#!/bin/sh
for word; do test "$word" = -G && exit {status}; done
printf '%s\\n' "$0" "$@" "protocol:$GIT_PROTOCOL" "dir:$GIT_DIR" >"$SSH_LOG"
exit 1
"""
URLS = ("ssh://u@host:2222/p'a!th/x y", "host:~/x", "ssh://[::1]/p")


@pytest.fixture
def fake(tmp_path: Path) -> Path:
    """A directory with programs that only note how they are called."""
    directory = tmp_path / "fakes"
    directory.mkdir()
    for name in ("ssh", "plink", "TortoisePlink.exe", "other", "openssh-like", "a b"):
        program = directory / name
        program.write_text(_FAKE.format(status=int(name == "other")))
        program.chmod(0o755)
    return directory


def called(fake: Path, prefix: str, url: str, env: dict[str, str], *words: str) -> list[str]:
    """What the program was called with, when git was asked for `url`."""
    log = fake / "log"
    log.write_text("")
    path = f"{fake}{os.pathsep}{os.environ['PATH']}"
    ran = subprocess.run(
        ["git", *words, "ls-remote", prefix + url],
        cwd=fake, env={**os.environ, **env, "PATH": path, "SSH_LOG": str(log)},
        capture_output=True, timeout=20, check=False,
    )  # fmt: skip
    assert ran.returncode != 0
    assert b"Traceback" not in ran.stderr
    return log.read_text().splitlines()


@pytest.mark.parametrize("url", URLS)
@pytest.mark.parametrize(
    ("env", "words"),
    [
        ({}, ()),
        ({}, ("-c", "protocol.version=0")),
        ({}, ("-c", "protocol.version=1")),
        ({}, ("-c", "core.sshCommand=plink -x 'a b'")),
        ({}, ("-c", "core.sshCommand=ssh -v", "-c", "ssh.variant=simple")),
        ({}, ("-c", "ssh.variant=putty")),
        ({"GIT_SSH_COMMAND": "ssh -v 'a  b' $HOME"}, ("-c", "core.sshCommand=plink")),
        ({"GIT_SSH_COMMAND": "A=1 ssh"}, ()),
        ({"GIT_SSH_COMMAND": "unbalanced '"}, ()),
        ({"GIT_SSH": "a b"}, ()),
        ({"GIT_SSH": "plink"}, ()),
        ({"GIT_SSH": "TortoisePlink.exe"}, ()),
        ({"GIT_SSH": "other"}, ()),
        ({"GIT_SSH": "openssh-like"}, ()),
        ({"GIT_SSH": "other", "GIT_SSH_VARIANT": "ssh"}, ()),
        ({"GIT_SSH": "other", "GIT_SSH_VARIANT": "unknown"}, ()),
        ({"GIT_SSH": "ssh", "GIT_SSH_VARIANT": "auto"}, ()),
        ({"GIT_SSH": "nothing-there"}, ()),
    ],
)  # fmt: skip
def test_as_git_calls_it(fake: Path, url: str, env: dict[str, str], words: tuple[str, ...]) -> None:
    wanted = called(fake, "", url, env, *words)
    assert called(fake, "mlvers::", url, env, *words) == wanted


def test_another_program_at_the_other_end(fake: Path) -> None:
    for program in ("/opt/git upload", "git-upload-pack --timeout=5"):
        said = []
        for prefix in ("", "mlvers::"):
            log = fake / "log"
            subprocess.run(
                ["git", "ls-remote", f"--upload-pack={program}", prefix + "host:x"],
                cwd=fake, env={**os.environ, "GIT_SSH": str(fake / "ssh"), "SSH_LOG": str(log)},
                capture_output=True, timeout=20, check=False,
            )  # fmt: skip
            said.append(log.read_text())
        assert said[0] == said[1]
        assert f"{program} 'x'" in said[1]
