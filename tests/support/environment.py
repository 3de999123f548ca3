"""A home of its own for each test, so that neither side sees the other's settings."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

CHECKOUT = Path(__file__).resolve().parents[2]

# A variable with such a name steers git, a cloud's client, Python or git-mlvers itself.
_STEERING_PREFIXES = ("GIT_", "AWS_", "MLVERS_", "XDG_", "GITHUB_", "PYTHON", "LC_", "COV_")
_STEERING_PREFIXES += ("AZURE_", "GOOGLE_", "GCSFS_", "GDRIVE_", "FSSPEC_", "STORAGE_EMULATOR_")
_STEERING_NAMES = frozenset(
    {"CI", "EDITOR", "VISUAL", "PAGER", "LANG", "LANGUAGE", "HTTP_PROXY", "HTTPS_PROXY"}
    | {"ALL_PROXY", "NO_PROXY", "BOTO_CONFIG", "SSH_AUTH_SOCK", "SSH_ASKPASS", "EMAIL", "LESS"}
    | {"NO_COLOR", "FORCE_COLOR", "CLICOLOR", "COLUMNS", "LINES"}
)

GLOBAL_CONFIG = """\
[user]
    name = Test Author
    email = author@example.com
[init]
    defaultBranch = main
[protocol "file"]
    allow = always
[commit]
    gpgsign = false
[tag]
    gpgsign = false
[gc]
    auto = 0
[maintenance]
    auto = false
[core]
    pager = cat
[advice]
    detachedHead = false
[merge]
    renames = true
"""


def sealed(home: Path, outer: Mapping[str, str]) -> dict[str, str]:
    """The environment of a test whose home directory is `home`.

    Takes what is harmless from `outer`, drops what steers git, Python or a
    cloud's client, and puts this checkout's programs first on the path.
    """
    kept = {
        name: value
        for name, value in outer.items()
        if not name.upper().startswith(_STEERING_PREFIXES) and name.upper() not in _STEERING_NAMES
    }
    programs = [str(CHECKOUT / "bin"), os.path.dirname(sys.executable)]
    return kept | {
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home / ".config"),
        "XDG_CACHE_HOME": str(home / ".cache"),
        "XDG_DATA_HOME": str(home / ".local/share"),
        "XDG_STATE_HOME": str(home / ".local/state"),
        "TMPDIR": str(home / "tmp"),
        "GIT_CONFIG_GLOBAL": str(home / ".gitconfig"),
        # Reading is off; writing with --system lands in the home of the test too.
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_SYSTEM": str(home / "system.gitconfig"),
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_EDITOR": "true",
        "GIT_MERGE_AUTOEDIT": "no",
        "LC_ALL": "C.UTF-8",
        "AWS_EC2_METADATA_DISABLED": "true",
        "NO_PROXY": "127.0.0.1,localhost",
        "PATH": os.pathsep.join([*programs, outer.get("PATH", os.defpath)]),
    }


def make_home(home: Path) -> None:
    """Fill the empty directory `home` with what `sealed` points at."""
    (home / "tmp").mkdir()
    (home / ".gitconfig").write_text(GLOBAL_CONFIG)


class Fingerprint(NamedTuple):
    """Enough of a file's state to see that someone wrote to it."""

    exists: bool
    size: int = 0
    mtime_ns: int = 0
    inode: int = 0


class OuterConfig:
    """The git configuration of whoever runs the tests, which no test may touch."""

    def __init__(self, outer: Mapping[str, str]) -> None:
        home = Path(outer.get("HOME", "/nonexistent"))
        xdg = Path(outer.get("XDG_CONFIG_HOME", home / ".config"))
        self._paths = [
            Path("/etc/gitconfig"),
            home / ".gitconfig",
            xdg / "git/config",
            xdg / "git/attributes",
            CHECKOUT / ".git/config",
            CHECKOUT / ".git/hooks",
        ]
        self._before = [_fingerprint(path) for path in self._paths]

    def changed(self) -> list[Path]:
        """Those files that differ from when this object was made."""
        pairs = zip(self._paths, self._before, strict=True)
        return [path for path, before in pairs if _fingerprint(path) != before]


def _fingerprint(path: Path) -> Fingerprint:
    try:
        found = path.stat()
    except OSError:
        return Fingerprint(exists=False)
    return Fingerprint(True, found.st_size, found.st_mtime_ns, found.st_ino)
