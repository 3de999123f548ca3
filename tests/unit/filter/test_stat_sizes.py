"""git is asked for its version only where its index records a size in a way of its own."""

from __future__ import annotations

import os

import pytest

from git_mlvers.filter import stat
from git_mlvers.git.index import StatChange

GIB_4 = 1 << 32


def change(size: int) -> dict[bytes, StatChange]:
    found = os.stat_result((0o100644, 1, 1, 1, 0, 0, size, 0, 0, 0))
    return {b"a.bin": StatChange("0" * 40, found)}


@pytest.mark.parametrize("version", [(2, 39, 5), (2, 43, 0)])
@pytest.mark.parametrize("size", [GIB_4, 2 * GIB_4])
def test_multiple_of_4_gib(
    monkeypatch: pytest.MonkeyPatch, version: tuple[int, ...], size: int
) -> None:
    monkeypatch.setattr(stat.command, "version", lambda: version)
    assert stat._munges_size(change(size)) == (version >= (2, 43))


@pytest.mark.parametrize("size", [0, 1, 10_240, GIB_4 - 1, GIB_4 + 1])
def test_other_sizes_start_no_git(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    monkeypatch.setattr(stat.command, "version", lambda: pytest.fail("git was started"))
    assert not stat._munges_size(change(size))
