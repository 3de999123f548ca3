"""What scenarios of trouble start from."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING, Protocol

import pytest

from tests.support.s3server import s3
from tests.support.scene import Scene, make_scene

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["MountDisk", "pushed", "s3", "scene", "small_disk"]


class MountDisk(Protocol):
    """Mount a file system of `kib` KiB on `path`, or give the one there another size."""

    def __call__(self, path: Path, kib: int, more: str = "rw") -> None: ...


@pytest.fixture
def scene(installed: Path, tmp_path: Path) -> Scene:
    """Committed content, nothing pushed yet."""
    return make_scene(tmp_path, installed, pushed=False)


@pytest.fixture
def pushed(installed: Path, tmp_path: Path) -> Scene:
    """The same, and everything is pushed."""
    return make_scene(tmp_path, installed, pushed=True)


@pytest.fixture
def small_disk() -> Iterator[MountDisk]:
    """Mounts a file system on a directory; root alone can do that."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small disk")
    mounted: dict[Path, bool] = {}

    def mount(path: Path, kib: int, more: str = "rw") -> None:
        path.mkdir(parents=True, exist_ok=True)
        again = "remount," if path in mounted else ""
        options = f"{again}size={kib}k,mode=0777,{more}"
        subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", path], check=True)
        mounted[path] = True

    yield mount
    for path in reversed(list(mounted)):
        subprocess.run(["umount", "-l", path], check=True)
