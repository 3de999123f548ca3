"""What scenarios of trouble start from."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.support.s3server import s3
from tests.support.scene import Scene, make_scene

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

__all__ = ["pushed", "s3", "scene", "small_disk"]


@pytest.fixture
def scene(installed: Path, tmp_path: Path) -> Scene:
    """Committed content, nothing pushed yet."""
    return make_scene(tmp_path, installed, pushed=False)


@pytest.fixture
def pushed(installed: Path, tmp_path: Path) -> Scene:
    """The same, and everything is pushed."""
    return make_scene(tmp_path, installed, pushed=True)


@pytest.fixture
def small_disk() -> Iterator[Callable[[Path, int], None]]:
    """Mounts a file system of so many KiB on a directory; root alone can do that."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small disk")
    mounted: list[Path] = []

    def mount(path: Path, kib: int) -> None:
        path.mkdir(parents=True, exist_ok=True)
        subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={kib}k,mode=0777", "tmpfs", path], check=True
        )
        mounted.append(path)

    yield mount
    for path in reversed(mounted):
        subprocess.run(["umount", "-l", path], check=True)
