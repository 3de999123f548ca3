"""What was found at paths is remembered only for the very same state and paths."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from git_mlvers.git.scratch import Entry
from git_mlvers.pipeline.remembered import Looked, Remembered

if TYPE_CHECKING:
    from pathlib import Path

LOOKED = Looked({"a": [Entry(b"100644", "1" * 40, "a")], "b": []}, {"a": "name"})


def test_comes_back_for_the_same_state_and_paths(tmp_path: Path) -> None:
    kept = Remembered(str(tmp_path / "folder" / "file"))
    assert kept.get("state", ["a", "b"]) is None
    kept.keep("state", ["a", "b"], LOOKED)
    assert kept.get("state", ["a", "b"]) == LOOKED
    assert kept.get("other", ["a", "b"]) is None
    assert kept.get("state", ["b", "a"]) is None
    assert kept.get("state", ["a"]) is None


@pytest.mark.parametrize("place", [0, 40, -1])
def test_damage_is_noticed(tmp_path: Path, place: int) -> None:
    path = tmp_path / "file"
    kept = Remembered(str(path))
    kept.keep("state", ["a", "b"], LOOKED)
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(data)
    assert kept.get("state", ["a", "b"]) is None
    path.write_bytes(b"")
    assert kept.get("state", ["a", "b"]) is None


def test_a_place_that_cannot_be_written_is_no_fault(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    kept = Remembered(str(tmp_path / "file" / "below"))
    kept.keep("state", ["a", "b"], LOOKED)
    assert kept.get("state", ["a", "b"]) is None
