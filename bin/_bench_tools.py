"""The tools that `bench` compares, each told to do the same work in its own way."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING, ClassVar, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

Commands = list[list[str]]

BUCKET = "bench"

PIPELINE = ("repro", "status", "metrics diff", "params diff", "exp run", "exp save", "exp show")
"""Commands about a pipeline that are measured."""


class Place(NamedTuple):
    """Where content goes: a directory, or a prefix on the S3 server at `endpoint`."""

    url: str
    endpoint: str | None = None


class Tool:
    """Plain git, and what the others have in common with it.

    Methods that return `Commands` are the work that is timed; the others get a
    repository ready for it.
    """

    name = "git"
    speaks_s3: ClassVar[bool] = False
    """Whether content can go to S3; without that, the tool is left out of rows about S3."""

    def __init__(self, env: dict[str, str]) -> None:
        self.env = env

    def version(self) -> str | None:
        """The version of the tool, or ``None`` when it is not on this machine."""
        return self.output("git", "version").removeprefix("git version ").strip()

    def install(self, cwd: Path) -> None:
        """Set the tool up for the user, once; `cwd` is any directory."""

    def init(self, repo: Path, server: Path, place: Place) -> None:
        """Make `repo` with the git remote `server`, and content going to `place`."""
        repo.mkdir()
        self.do(repo, "git", "init", "-q")
        self.do(repo, "git", "init", "-q", "--bare", str(server))
        self.do(repo, "git", "remote", "add", "origin", server.as_uri())
        self.track(repo, place)

    def track(self, repo: Path, place: Place) -> None:
        """Set the tool up in `repo`."""

    def add(self) -> Commands:
        """Add all files."""
        return [["git", "add", "."]]

    def commit(self, repo: Path) -> None:
        """Commit what was added."""
        self.do(repo, "git", "add", "-A")
        self.do(repo, "git", "commit", "-q", "-m", "change")

    def checkout(self) -> Commands:
        """Bring back all files, which have been removed from the working tree."""
        return [["git", "checkout", "-q", "--", "."]]

    def push(self) -> Commands:
        """Send commits and content."""
        return [["git", "push", "-q", "-u", "origin", "main"]]

    def clone(self, server: Path) -> Commands:
        """Clone with content, into the directory ``clone``."""
        return [["git", "clone", "-q", server.as_uri(), "clone"]]

    def pull(self) -> Commands:
        """Bring new commits and their content."""
        return [["git", "pull", "-q"]]

    def pipeline(self) -> dict[str, list[str]]:
        """The commands about pipelines by the words of DVC; none for a tool that has none."""
        return {}

    def do(self, cwd: Path, *argv: str) -> None:
        """Run a command that is not timed."""
        subprocess.run(argv, cwd=cwd, env=self.env, check=True, stdout=subprocess.DEVNULL)

    def output(self, *argv: str) -> str:
        """What a command that is not timed writes."""
        return subprocess.run(
            argv, env=self.env, check=True, stdout=subprocess.PIPE, text=True
        ).stdout


class GitLfs(Tool):
    """git-lfs, with its own agent for a remote that is a directory."""

    name = "git-lfs"

    def version(self) -> str | None:
        """The version of git-lfs, or ``None``."""
        if shutil.which("git-lfs", path=self.env["PATH"]) is None:
            return None
        return self.output("git", "lfs", "version").split()[0].removeprefix("git-lfs/")

    def install(self, cwd: Path) -> None:
        """Write its filter into git's configuration."""
        self.do(cwd, "git", "lfs", "install", "--skip-repo")

    def track(self, repo: Path, place: Place) -> None:
        """Put its hooks into `repo`, and track."""
        self.do(repo, "git", "lfs", "install")
        self.do(repo, "git", "lfs", "track", "data/**")


class Mlvers(Tool):
    """git-mlvers."""

    name = "git-mlvers"
    speaks_s3 = True

    def version(self) -> str | None:
        """The version of the checkout."""
        return self.output("git", "mlvers", "version").split()[-1]

    def install(self, cwd: Path) -> None:
        """Write its filter into git's configuration."""
        self.do(cwd, "git", "mlvers", "install")

    def track(self, repo: Path, place: Place) -> None:
        """Set it up in `repo`."""
        self.do(repo, "git", "mlvers", "init")
        self.do(repo, "git", "mlvers", "track", "data/**")
        name = "bucket" if place.endpoint else "storage"
        self.do(repo, "git", "mlvers", "remote", "add", "-d", name, place.url)
        if place.endpoint:
            # For the user, so that a clone needs no word of trust for a committed endpoint.
            key = f"mlvers.remote.{name}.endpointurl"
            self.do(repo, "git", "config", "--global", key, place.endpoint)

    def pipeline(self) -> dict[str, list[str]]:
        """The words of DVC after ``git mlvers``."""
        return {words: ["git", "mlvers", *words.split()] for words in PIPELINE}


class Dvc(Tool):
    """DVC, with the git commands that its user gives beside."""

    name = "DVC"
    speaks_s3 = True

    def __init__(self, env: dict[str, str]) -> None:
        self.program = env.get("DVC") or shutil.which("dvc", path=env["PATH"]) or ""
        home = env["HOME"]
        super().__init__({**env, "DVC_NO_ANALYTICS": "1", "DVC_SITE_CACHE_DIR": f"{home}/dvc-site"})

    def version(self) -> str | None:
        """The version of DVC, or ``None``."""
        return self.output(self.program, "--version").strip() if self.program else None

    def track(self, repo: Path, place: Place) -> None:
        """Set it up in `repo`."""
        self.do(repo, self.program, "init", "-q")
        self.do(repo, self.program, "remote", "add", "-q", "-d", "storage", place.url)
        if place.endpoint:
            self.do(
                repo,
                self.program,
                "remote",
                "modify",
                "-q",
                "storage",
                "endpointurl",
                place.endpoint,
            )

    def add(self) -> Commands:
        """Add all files, as one directory."""
        return [[self.program, "add", "-q", "data"]]

    def checkout(self) -> Commands:
        """Bring back all files."""
        return [[self.program, "checkout", "-q"]]

    def push(self) -> Commands:
        """Content first, then commits."""
        return [[self.program, "push", "-q"], *super().push()]

    def clone(self, server: Path) -> Commands:
        """Commits first, then content."""
        pull = ["sh", "-c", 'cd clone && exec "$0" pull -q', self.program]
        return [*super().clone(server), pull]

    def pull(self) -> Commands:
        """Commits first, then content."""
        return [*super().pull(), [self.program, "pull", "-q"]]

    def pipeline(self) -> dict[str, list[str]]:
        """Its own words."""
        return {words: [self.program, *words.split()] for words in PIPELINE}


class Copy(Tool):
    """``cp``: what no checkout can beat by much."""

    name = "cp"

    def version(self) -> str | None:
        """The first line of what ``cp --version`` says."""
        return self.output("cp", "--version").splitlines()[0].rpartition(" ")[2]

    def track(self, repo: Path, place: Place) -> None:
        """Nothing to set up."""

    def add(self) -> Commands:
        """Keep a copy outside of the working tree."""
        return [["cp", "-r", "data", os.path.join("..", "kept")]]

    def commit(self, repo: Path) -> None:
        """Nothing to commit."""

    def checkout(self) -> Commands:
        """Copy everything back."""
        return [["cp", "-r", os.path.join("..", "kept"), "data"]]


def present(env: dict[str, str], names: Sequence[str]) -> list[tuple[Tool, str]]:
    """Those of all tools that are called for and on this machine, with their versions."""
    found = []
    for kind in (Copy, Tool, GitLfs, Dvc, Mlvers):
        if not names or kind.name in names:
            tool = kind(env)
            version = tool.version()
            if version is not None:
                found.append((tool, version))
    return found
