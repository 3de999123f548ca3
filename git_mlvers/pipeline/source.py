"""Where pipeline, params and metrics files are read from: the working tree, or a commit."""

from __future__ import annotations

import os
from bisect import bisect_left as bisect
from typing import TYPE_CHECKING, Protocol

from git_mlvers.errors import LocalIOError
from git_mlvers.git.catfile import objects
from git_mlvers.pipeline.model import FILES
from git_mlvers.values import yaml_memo

if TYPE_CHECKING:
    from collections.abc import Sequence

    from git_mlvers.git.repository import Repository


FILE_MODE = b"100"
"""How the mode of a file begins in a tree."""


class Source(Protocol):
    """Files by their path relative to the top of the working tree."""

    @property
    def top(self) -> str:
        """Where paths start: the top of the working tree, absolute."""

    def read_all(self, paths: Sequence[str]) -> None:
        """Tell that `read` will be asked for these, which may be cheaper at once."""

    def pipeline_files(self) -> Sequence[str]:
        """The paths of all pipeline files, sorted."""

    def read(self, path: str) -> bytes | None:
        """The whole content of a file; ``None`` when there is no such file."""

    def below(self, folder: str) -> Sequence[str]:
        """The paths of all files in a directory and in those below it, sorted."""

    def inside(self, path: str) -> bool:
        """Whether `path` is in the repository: a committed file may name any path there is."""


class WorkingTree:
    """The files as they are now, uncommitted ones included."""

    def __init__(self, repo: Repository) -> None:
        _remember_yaml(repo)
        self._repo = repo
        self.top = repo.top

    def read_all(self, paths: Sequence[str]) -> None:
        """Nothing: files that are there are read when they are asked for."""

    def pipeline_files(self) -> Sequence[str]:
        """Those that git tracks or would add: what it ignores is not looked at."""
        patterns = [word for name in FILES for word in (f":(top,glob)**/{name}",)]
        said = self._repo.git(
            *("ls-files", "-z", "--cached", "--others", "--exclude-standard", "--full-name", "--"),
            *patterns,
        )
        found = {os.fsdecode(path) for path in said.split(b"\0") if path}
        top = self._repo.top
        return sorted(path for path in found if os.path.isfile(os.path.join(top, path)))

    def read(self, path: str) -> bytes | None:
        """Raises `LocalIOError` for a file that is there and cannot be read."""
        try:
            with open(os.path.join(self._repo.top, path), "rb") as file:
                return file.read()
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            return None
        except OSError as error:
            raise LocalIOError(f"cannot read {path}: {error.strerror}") from error

    def below(self, folder: str) -> Sequence[str]:
        """Symbolic links to directories are not followed."""
        found = []
        for directory, names, files in os.walk(os.path.join(self.top, folder)):
            names[:] = [name for name in names if name != ".git"]
            found += [os.path.relpath(os.path.join(directory, name), self.top) for name in files]
        return sorted(found)

    def inside(self, path: str) -> bool:
        """Also where symbolic links lead counts, and what belongs to git is not inside."""
        if not is_inside(path):
            return False
        top = os.path.realpath(self.top)
        real = os.path.realpath(os.path.join(top, path))
        return real.startswith(os.path.join(top, "")) and is_inside(os.path.relpath(real, top))


class Commit:
    """The files of the tree of one commit (or of any tree), listed once and read on demand."""

    def __init__(self, repo: Repository, treeish: str) -> None:
        _remember_yaml(repo)
        self._repo = repo
        self.top = repo.top
        self._treeish = treeish
        self._blobs: dict[str, str] | None = None
        self._paths: list[str] | None = None
        self._read: dict[str, bytes | None] = {}

    def pipeline_files(self) -> Sequence[str]:
        """Those of the tree."""
        return sorted(path for path in self._listed() if path.rpartition("/")[2] in FILES)

    def read(self, path: str) -> bytes | None:
        """What Git stores: for a large file that is its pointer."""
        if path not in self._read:
            self.read_all([path])
        return self._read[path]

    def read_all(self, paths: Sequence[str]) -> None:
        """Read many at once, so that `read` has them."""
        listed = self._listed()
        wanted = [path for path in dict.fromkeys(paths) if path not in self._read]
        self._read.update((path, None) for path in wanted if path not in listed)
        here = [path for path in wanted if path in listed]
        if here:
            found = objects(self._repo, (listed[path] for path in here))
            for path, blob in zip(here, found, strict=True):
                self._read[path] = None if blob is None else blob.data

    def below(self, folder: str) -> Sequence[str]:
        """Those of the tree."""
        if self._paths is None:
            self._paths = sorted(self._listed())
        start = f"{folder}/"
        # "0" comes after "/".
        return self._paths[bisect(self._paths, start) : bisect(self._paths, f"{folder}0")]

    def inside(self, path: str) -> bool:
        """A tree has nothing else."""
        return is_inside(path)

    def _listed(self) -> dict[str, str]:
        """The files by path; a symbolic link is no file of the tree."""
        if self._blobs is None:
            said = self._repo.git("ls-tree", "-r", "-z", "--full-tree", self._treeish)
            self._blobs = {}
            for line in said.split(b"\0"):
                if line.startswith(FILE_MODE):
                    info, _, path = line.partition(b"\t")
                    self._blobs[os.fsdecode(path)] = info.split()[2].decode("ascii")
        return self._blobs


def is_inside(path: str) -> bool:
    """Whether `path`, taken as it is written, leads to a place in the working tree."""
    parts = path.lower().split("/")
    return not os.path.isabs(path) and "://" not in path and not {"..", ".git"} & set(parts)


def _remember_yaml(repo: Repository) -> None:
    yaml_memo.keep_in(os.path.join(repo.common_dir, "mlvers", "yaml"))
