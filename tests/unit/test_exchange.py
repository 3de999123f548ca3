"""A file in the place of another one."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from git_mlvers import exchange

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("size", [0, exchange.LARGE])
@pytest.mark.parametrize("able", [True, False])
def test_the_new_file_is_there_and_the_old_one_gone(
    tmp_path: Path, size: int, able: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not able:
        monkeypatch.setattr(exchange, "_exchanged", lambda one, other: False)
    new, old = tmp_path / "new", tmp_path / "old"
    new.write_bytes(b"new")
    old.write_bytes(b"")
    found = new.stat()
    exchange.replace(os.fsencode(new), os.fsencode(old), size)
    assert os.listdir(tmp_path) == ["old"]
    assert old.read_bytes() == b"new"
    assert old.stat().st_ino == found.st_ino
    assert old.stat().st_mtime_ns == found.st_mtime_ns


def test_names_that_are_not_there_are_not_exchanged(tmp_path: Path) -> None:
    new = tmp_path / "new"
    new.write_bytes(b"new")
    exchange.replace(os.fsencode(new), os.fsencode(tmp_path / "old"), exchange.LARGE)
    assert (tmp_path / "old").read_bytes() == b"new"
