"""OpenSSH's own server on loopback, for tests; installed when it is missing and may be."""

from __future__ import annotations

import atexit
import fcntl
import functools
import getpass
import os
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Self

_PLACES = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/local/sbin"])
_PATIENCE = 10.0  # seconds until it listens
# Where a server that was started by root shuts itself in; its package makes it at the boot.
_PRIVILEGES = Path("/run/sshd")

_CONFIG = """\
ListenAddress 127.0.0.1:{port}
HostKey {directory}/host
AuthorizedKeysFile {directory}/user.pub
PidFile none
StrictModes no
UsePAM no
PermitRootLogin yes
PasswordAuthentication no
AcceptEnv GIT_PROTOCOL
Subsystem sftp internal-sftp
MaxStartups 100
SetEnv HOME={home} GIT_CONFIG_GLOBAL={home}/.gitconfig GIT_CONFIG_NOSYSTEM=1
"""
_CLIENT = """\
Host *
    IdentityFile {directory}/user
    IdentitiesOnly yes
    BatchMode yes
    StrictHostKeyChecking no
    UserKnownHostsFile {directory}/known
    LogLevel ERROR
Host place
    HostName 127.0.0.1
    Port {port}
"""


class SshServer:
    """A running sshd. `port` is where; ``ssh -F <config>`` may log in, also to the host "place"."""

    def __init__(self, directory: Path, home: Path) -> None:
        self._directory = directory
        self._home = home
        self.user = getpass.getuser()
        self.port = 0
        self.config = directory / "client"

    def __enter__(self) -> Self:
        program = find_sshd()
        if os.geteuid() == 0:
            _PRIVILEGES.mkdir(mode=0o755, exist_ok=True)
        for name in ("host", "user"):
            key = self._directory / name
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        names = {"directory": self._directory, "port": self.port, "home": self._home}
        config = self._directory / "server"
        config.write_text(_CONFIG.format(**names))
        self.config.write_text(_CLIENT.format(**names))
        log = self._directory / "log"
        with log.open("wb") as out:
            self._process = subprocess.Popen(
                [program, "-D", "-e", "-f", config], stdin=subprocess.DEVNULL, stderr=out
            )
        self._wait(log)
        return self

    def options(self) -> dict[str, str]:
        """What a remote on this server is configured with."""
        return {"user": self.user, "keyfile": str(self._directory / "user")}

    def make_known(self) -> None:
        """Let the user whose home it is now know the host."""
        key = (self._directory / "host.pub").read_text()
        known = Path.home() / ".ssh/known_hosts"
        known.parent.mkdir(mode=0o700, exist_ok=True)
        known.write_text(f"[127.0.0.1]:{self.port} {key}")

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait()

    def _wait(self, log: Path) -> None:
        end = time.monotonic() + _PATIENCE
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
            except OSError:
                if self._process.poll() is not None or time.monotonic() > end:
                    raise RuntimeError(f"sshd did not start: {log.read_text()}") from None
                time.sleep(0.05)
            else:
                return


@functools.cache
def shared_sshd() -> SshServer:
    """The one server of this test process, started at the first call."""
    directory = tempfile.mkdtemp(prefix="mlvers-sshd-", dir="/tmp")
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    server = SshServer(Path(directory), Path(directory))
    atexit.register(server.__exit__)
    return server.__enter__()


def find_sshd() -> str:
    """The path of sshd, which must be absolute for it; installs it where that is allowed."""
    found = shutil.which("sshd", path=_PLACES)
    if found is None and os.geteuid() == 0:
        with open(Path(tempfile.gettempdir(), "git-mlvers-tests.lock"), "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # several test processes start at once
            if shutil.which("sshd", path=_PLACES) is None:
                _install()
        found = shutil.which("sshd", path=_PLACES)
    if found is None:
        raise RuntimeError("sshd is missing: apt-get install openssh-server, or the like")
    return found


def _install() -> None:
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    install = ["apt-get", "install", "-y", "-q", "--no-install-recommends", "openssh-server"]
    if subprocess.run(install, env=quiet, capture_output=True, check=False).returncode != 0:
        subprocess.run(["apt-get", "update", "-q"], env=quiet, capture_output=True, check=False)
        subprocess.run(install, env=quiet, capture_output=True, check=False)
