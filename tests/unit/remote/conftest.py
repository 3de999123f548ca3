"""A place for content in each test's own directory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.stores import Memory, Place

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """A store in a directory that is not there yet."""
    place = Place(tmp_path)
    yield place
    place.close()


@pytest.fixture
def source(tmp_path: Path) -> Memory:
    """What the pusher has."""
    return Memory(tmp_path / "source")


@pytest.fixture
def sink(tmp_path: Path) -> Memory:
    """What somebody else has: nothing yet."""
    return Memory(tmp_path / "sink")
