"""Packs become part of a repository: git checks each object and makes the index."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from git_mlvers.fsutil import disk_errors
from git_mlvers.git import config
from git_mlvers.git.command import failure

if TYPE_CHECKING:
    from git_mlvers.git.repository import Repository

_REASON = "git-mlvers fetches"


class Indexer:
    """Adds packs to `repo`; `keeps` are the files that keep git from collecting them."""

    def __init__(self, repo: Repository, *, verbose: bool = False) -> None:
        self._repo = repo
        self._verbose = verbose
        self._strict: bool | None = None
        self.keeps: list[str] = []

    def index(self, path: str, *, alone: bool = False) -> bool:
        """Add the pack in the file `path`; raises `GitError` when git finds fault with it.

        With `alone`, whether it has everything that its objects name; else `False`.
        """
        whole = ("--check-self-contained-and-connected",) if alone else ()
        strict = ("--strict",) if self.strict else ()
        verbose = ("-v",) if self._verbose else ()
        with disk_errors(path, "reading a pack"):
            source = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            args = ("index-pack", "--stdin", "--fix-thin", f"--keep={_REASON}")
            # Messages are ours to tell, but progress is for the terminal.
            streams = {"stderr": None} if self._verbose else {}
            with self._repo.start(
                *args, *whole, *strict, *verbose, stdin=source, **streams
            ) as process:
                said = b"".join(process.blocks())
                # 1 is the answer to the question whether it is whole, and no failure.
                code = process.wait()
                if code != 0 and not (alone and code == 1):
                    raise failure(process)
        finally:
            os.close(source)
        self._note(said.decode("ascii", "replace").split())
        return alone and code == 0

    @property
    def strict(self) -> bool:
        """Whether the user wants objects checked beyond their hashes when they are fetched."""
        if self._strict is None:
            given = config.read_all(self._repo)
            values = given.get("fetch.fsckobjects") or given.get("transfer.fsckobjects") or []
            value = values[-1][2] if values else "false"
            self._strict = value is None or value.lower() in ("true", "yes", "on", "1")
        return self._strict

    def _note(self, words: list[str]) -> None:
        """git says "keep <hash>" when it made a file to keep the pack, else "pack <hash>"."""
        if len(words) == 2 and words[0] == "keep":
            folder = os.path.join(self._repo.objects_dir, "pack")
            self.keeps.append(os.path.join(folder, f"pack-{words[1]}.keep"))
