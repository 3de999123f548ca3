"""Tree objects: what one folder of a commit has."""

from __future__ import annotations

import os
from typing import NamedTuple

_TREE = b"40000"
_RAW = {"sha1": 20, "sha256": 32}


class Item(NamedTuple):
    """One line of a tree: its mode as git stores it, its name, and the hex id."""

    mode: bytes
    name: str
    oid: str

    @property
    def is_tree(self) -> bool:
        """Whether it is a folder."""
        return self.mode == _TREE


def parse_tree(data: bytes, object_format: str) -> list[Item]:
    """Read the content of a tree object."""
    size = _RAW[object_format]
    found, at = [], 0
    while at < len(data):
        end = data.index(b"\0", at)
        mode, _, name = data[at:end].partition(b" ")
        at = end + 1 + size
        found.append(Item(mode, os.fsdecode(name), data[end + 1 : at].hex()))
    return found
