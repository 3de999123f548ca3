"""Repositories as DVC 3 leaves them, made without DVC: pointers, lock, cache and remote."""

from __future__ import annotations

import hashlib
import json
import os
from typing import TYPE_CHECKING

from tests.support.pipelines import Pipelines

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


class DvcRepo(Pipelines):
    """A repository with a ``.dvc`` folder, whose cache is filled by `keep`."""

    def begin(self, config: str = "") -> None:
        """Do what ``dvc init`` does, with more of `config`."""
        self.write(".dvc/config", config)
        self.write(".dvc/.gitignore", "/config.local\n/tmp\n/cache\n")
        self.write(".dvcignore", "")

    @property
    def store(self) -> Path:
        """DVC's cache."""
        return self.path / ".dvc" / "cache" / "files" / "md5"

    def keep(self, data: bytes, suffix: str = "") -> str:
        """Put an object into the cache; its name."""
        md5 = hashlib.md5(data, usedforsecurity=False).hexdigest()
        path = self.store / md5[:2] / (md5[2:] + suffix)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return md5 + suffix

    def keep_folder(self, files: Mapping[str, bytes]) -> str:
        """Put a folder into the cache; its name."""
        entries = [{"md5": self.keep(data), "relpath": path} for path, data in files.items()]
        entries.sort(key=lambda entry: entry["relpath"])
        return self.keep(json.dumps(entries, sort_keys=True).encode(), ".dir")

    def dvc_add(self, path: str, content: bytes | Mapping[str, bytes], more: str = "") -> str:
        """Do what ``dvc add`` does, in the working tree too; the name of the object."""
        folder, _, name = path.rpartition("/")
        if isinstance(content, bytes):
            self.write(path, content)
            md5 = self.keep(content)
        else:
            for file, data in content.items():
                self.write(f"{path}/{file}", data)
            md5 = self.keep_folder(content)
        self.write(f"{path}.dvc", f"outs:\n- md5: {md5}\n  hash: md5\n  path: {name}\n{more}")
        self.ignore(folder, name)
        return md5

    def ignore(self, folder: str, name: str) -> None:
        """Add the line to ``.gitignore`` that DVC adds for its data."""
        path = self.file(os.path.join(folder, ".gitignore"))
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a") as file:
            file.write(f"/{name}\n")

    def import_dvc(self, *words: str, code: int = 0) -> str:
        """What ``git mlvers migrate import dvc`` says, on both streams."""
        ran = self.run("mlvers", "migrate", "import", "dvc", *words, check=False)
        said = ran.stdout + ran.stderr
        assert ran.returncode == code, said
        assert "Traceback" not in said
        return said
