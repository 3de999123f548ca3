"""Repositories made and looked at with the real git.

Everything here goes around git-mlvers: pointers are parsed and content is
hashed by hand, so that a test does not ask the code under test about itself.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from tests.support.content import (
    POINTER_START,
    PointerText,
    noise,
    oid_of,
    parse_pointer,
    pointer_of,
)
from tests.support.trace import Trace

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["ATTRIBUTES", "POINTER_START", "Repo", "Trace", "clone", "noise", "oid_of", "pointer_of"]

RepoPath: TypeAlias = str | bytes
Ran: TypeAlias = subprocess.CompletedProcess[str]

ATTRIBUTES = "filter=mlvers diff=mlvers merge=mlvers -text"
TIMEOUT = 120
"""Seconds after which a git command counts as hung."""


class Repo:
    """A repository at `path` (a directory), with git run in it.

    Paths inside the repository are text, or bytes when they are not UTF-8.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def init(cls, path: Path, *options: str) -> Repo:
        """``git init`` with `options` (``--bare``, ``--object-format=sha256``) in `path`."""
        path.mkdir(parents=True, exist_ok=True)
        created = cls(path)
        created.git("init", "-q", *options)
        return created

    # Running

    def run(
        self,
        *args: RepoPath,
        check: bool = True,
        stdin: bytes | str | None = None,
        env: Mapping[str, str] | None = None,
        cwd: str | Path = ".",
    ) -> Ran:
        """Run ``git ARGS`` in the repository's directory `cwd`.

        Output is text in which bytes that are not UTF-8 survive; `env` is added
        to the environment. With `check`, a failing command fails the test and
        shows what it said.
        """
        return self.program("git", *args, check=check, stdin=stdin, env=env, cwd=cwd)

    def program(
        self,
        *argv: RepoPath,
        check: bool = True,
        stdin: bytes | str | None = None,
        env: Mapping[str, str] | None = None,
        cwd: str | Path = ".",
    ) -> Ran:
        """Run any program as `run` runs git."""
        ran = subprocess.run(
            argv,
            cwd=self.path / cwd,
            input=os.fsencode(stdin) if isinstance(stdin, str) else stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            env={**os.environ, **env} if env else None,
            timeout=TIMEOUT,
            check=False,
        )
        done = subprocess.CompletedProcess(
            ran.args, ran.returncode, os.fsdecode(ran.stdout), os.fsdecode(ran.stderr)
        )
        if check and done.returncode != 0:
            words = " ".join(os.fsdecode(word) for word in argv)
            raise AssertionError(
                f"`{words}` exited with {done.returncode}\n"
                f"stdout: {done.stdout[-3000:]}\nstderr: {done.stderr[-3000:]}"
            )
        return done

    def git(self, *args: RepoPath, **options: object) -> str:
        """What ``git ARGS`` wrote to its standard output, less the last line's end."""
        return self.run(*args, **options).stdout.rstrip("\n")  # type: ignore[arg-type]

    def git_bytes(self, *args: RepoPath) -> bytes:
        """What ``git ARGS`` wrote to its standard output, as it is."""
        return os.fsencode(self.run(*args).stdout)

    def fails(self, *args: RepoPath, **options: object) -> Ran:
        """Run ``git ARGS``, which must fail with a sentence and no Python traceback."""
        ran = self.run(*args, check=False, **options)  # type: ignore[arg-type]
        assert ran.returncode != 0, f"succeeded, and should not have: {ran.args}\n{ran.stdout}"
        assert "Traceback" not in ran.stderr, ran.stderr
        return ran

    def mlvers(self, *args: RepoPath, **options: object) -> str:
        """What ``git mlvers ARGS`` wrote to its standard output."""
        return self.git("mlvers", *args, **options)

    # Writing

    def file(self, path: RepoPath) -> Path:
        """Where `path` of the repository is on the disk."""
        return self.path / os.fsdecode(path)

    def write(self, path: RepoPath, data: bytes | str, mode: int | None = None) -> Path:
        """Write a file of the working tree, with its directories; where it is."""
        target = self.file(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data.encode() if isinstance(data, str) else data)
        if mode is not None:
            target.chmod(mode)
        return target

    def write_all(self, files: Mapping[str, bytes]) -> None:
        """Write several files of the working tree."""
        for path, data in files.items():
            self.write(path, data)

    def remove(self, path: RepoPath) -> None:
        """Remove a file of the working tree."""
        self.file(path).unlink()

    def attributes(self, *patterns: str, attributes: str = ATTRIBUTES, at: str = ".") -> None:
        """Append `patterns` to the .gitattributes in the directory `at`."""
        with (self.file(at) / ".gitattributes").open("a", encoding="utf-8") as out:
            out.writelines(f"{pattern} {attributes}\n" for pattern in patterns)

    def config(self, key: str, value: str) -> None:
        """Set `key` in the configuration of this repository alone."""
        self.git("config", "--local", key, value)

    def commit(self, message: str = "change", *options: str) -> str:
        """Add everything and commit it; the commit's id."""
        self.git("add", "-A")
        self.git("commit", "-q", "-m", message, *options)
        return self.head()

    def hook(self, name: str, script: str) -> Path:
        """Put an sh `script` in the place of the hook `name`."""
        target = self.path / self.git("rev-parse", "--git-path", "hooks") / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(f"#!/bin/sh\n{script}\n")
        target.chmod(0o755)
        return target

    def clone_to(self, path: Path, *options: str) -> Repo:
        """``git clone`` this repository to `path`, by its path."""
        return clone(str(self.path), path, *options)

    def settle(self) -> None:
        """Let git see all files as unchanged for long.

        A file written in the second of its ``git add`` is one that git reads
        again at the next status, with a filter or without.
        """
        for path in self.tracked():
            target = self.file(path)
            if target.is_file() and not target.is_symlink():
                age = target.stat().st_mtime - 10
                os.utime(target, (age, age))
        self.git("update-index", "-q", "--refresh")

    # Looking

    def head(self, rev: str = "HEAD") -> str:
        """The full id that `rev` names."""
        return self.git("rev-parse", "--verify", f"{rev}")

    def git_path(self, name: str) -> Path:
        """Where git keeps `name` of this repository ("index", "hooks", "mlvers")."""
        return (self.path / self.git("rev-parse", "--git-path", name)).resolve()

    def common_dir(self) -> Path:
        """The directory that all worktrees share."""
        return (self.path / self.git("rev-parse", "--git-common-dir")).resolve()

    def read(self, path: RepoPath) -> bytes:
        """The bytes of a file of the working tree."""
        return self.file(path).read_bytes()

    def blob(self, path: RepoPath, rev: str = "HEAD") -> bytes:
        """What git itself stores for `path` in `rev` ("" for the index)."""
        return self.git_bytes("cat-file", "blob", os.fsencode(f"{rev}:") + os.fsencode(path))

    def pointer(self, path: RepoPath, rev: str = "HEAD") -> PointerText | None:
        """The pointer that git stores for `path` in `rev`; ``None`` if that is none."""
        return parse_pointer(self.blob(path, rev))

    def tracked(self) -> list[bytes]:
        """The paths in the index, those skipped by a sparse checkout left out."""
        listed = self.git_bytes("ls-files", "-z", "-t", "--cached").split(b"\0")
        return [line[2:] for line in listed if line[:2] == b"H "]

    def pointers_on_disk(self) -> list[str]:
        """Paths of the working tree whose file is a pointer and not its content."""
        found = []
        for path in _walk(self.path):
            with path.open("rb") as file:
                if file.read(len(POINTER_START)) == POINTER_START:
                    found.append(str(path.relative_to(self.path)))
        return sorted(found)

    def cache_dir(self) -> Path:
        """Where this repository's cache is when no configuration moves it."""
        return self.common_dir() / "mlvers"

    def cached_objects(self) -> set[str]:
        """The oids (hex) of large objects that stand in the cache as files."""
        return {path.name for path in (self.cache_dir() / "objects").glob("??/??/*")}

    def drop_cache(self) -> None:
        """Remove all local content of this repository, as if it had never been fetched."""
        for name in ("objects", "packs", "tmp", "bad"):
            _remove_tree(self.cache_dir() / name)

    def filter_starts(self, *args: RepoPath, **options: object) -> int:
        """How many filter processes ``git ARGS``, which must succeed, started."""
        with Trace(self.path.parent / f"{self.path.name}.trace") as trace:
            self.run(*args, env=trace.env, **options)  # type: ignore[arg-type]
            return trace.filters()

    # Asserting

    def assert_pointer(
        self, path: RepoPath, data: bytes | None = None, rev: str = "HEAD"
    ) -> PointerText:
        """Git stores a canonical pointer for `path` in `rev`, that of `data` if given."""
        text = self.blob(path, rev)
        found = parse_pointer(text)
        assert found is not None, f"{rev}:{os.fsdecode(path)} is no pointer: {text[:200]!r}"
        if data is not None:
            assert found == PointerText(oid_of(data), len(data))
        return found

    def assert_not_pointer(self, path: RepoPath, data: bytes, rev: str = "HEAD") -> None:
        """Git stores `data` itself for `path` in `rev`."""
        assert self.blob(path, rev) == data

    def assert_content(self, path: RepoPath, data: bytes) -> None:
        """The working tree has exactly `data` at `path`, in a regular file."""
        target = self.file(path)
        assert target.is_file(), f"{target} is not there"
        assert not target.is_symlink()
        found = target.read_bytes()
        if found != data:
            start = "a pointer" if found.startswith(POINTER_START) else repr(found[:40])
            raise AssertionError(
                f"{os.fsdecode(path)} has {len(found)} bytes ({start}), wanted {len(data)}"
            )

    def assert_contents(self, files: Mapping[str, bytes]) -> None:
        """`assert_content` for each of `files`."""
        for path, data in files.items():
            self.assert_content(path, data)

    def assert_status(self, *lines: str) -> None:
        """``git status --porcelain`` says exactly `lines`, in any order."""
        found = self.git("status", "--porcelain", "--untracked-files=all")
        assert sorted(found.splitlines()) == sorted(lines)

    def assert_clean(self) -> None:
        """``git status`` has nothing to say and starts no filter to find that out."""
        with Trace(self.path.parent / f"{self.path.name}.trace") as trace:
            found = self.run("status", "--porcelain", env=trace.env).stdout
            starts, filtered = trace.filters(), trace.filtered()
        assert found == "", f"not clean:\n{found}"
        assert starts == 0, f"git status started a filter, for {filtered}"

    def assert_whole(self) -> None:
        """No pointer in the working tree, a clean status without a filter, a sound repository."""
        left = self.pointers_on_disk()
        assert left == [], f"pointers left in the working tree: {left[:10]} ({len(left)} in all)"
        self.assert_clean()
        self.fsck()

    def fsck(self) -> None:
        """The repository is sound for git."""
        said = self.run("fsck", "--strict", "--no-dangling", "--no-progress")
        assert "error" not in said.stderr, said.stderr


def clone(url: str, path: Path, *options: str, env: Mapping[str, str] | None = None) -> Repo:
    """``git clone OPTIONS URL PATH``, which must succeed."""
    parent = Repo(path.parent)
    path.parent.mkdir(parents=True, exist_ok=True)
    parent.run("clone", "-q", *options, url, str(path), env=env)
    return Repo(path)


def _walk(root: Path) -> Iterator[Path]:
    """Regular files under `root`, without what belongs to git."""
    for directory, names, files in os.walk(root):
        if ".git" in names:
            names.remove(".git")
        for name in files:
            path = Path(directory, name)
            if name != ".git" and path.is_file() and not path.is_symlink():
                yield path


def _remove_tree(root: Path) -> None:
    for directory, names, files in os.walk(root, topdown=False):
        for name in files:
            Path(directory, name).unlink()
        for name in names:
            Path(directory, name).rmdir()
    if root.exists():
        root.rmdir()
