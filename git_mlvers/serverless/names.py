"""What git takes as the name of a ref and as an object id, checked without starting git."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

LONGEST = 1024
"""Bytes. git has no limit of its own, file systems have 255 for each part."""

_BAD = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//")
_HEX = {"sha1": re.compile(r"[0-9a-f]{40}"), "sha256": re.compile(r"[0-9a-f]{64}")}


def is_ref(name: str) -> bool:
    """Whether `name` is a full name of a ref (``refs/…``) as ``git check-ref-format`` has it."""
    return (
        name.startswith("refs/")
        and len(name.encode("utf-8", "surrogateescape")) <= LONGEST
        and not _BAD.search(name)
        and not name.endswith((".", "/"))
        and all(
            part and not part.startswith(".") and not part.endswith(".lock")
            for part in name.split("/")
        )
    )


def is_oid(text: str, object_format: str) -> bool:
    """Whether `text` is a full object id of `object_format`, and not all zeros."""
    return bool(_HEX[object_format].fullmatch(text)) and bool(text.strip("0"))


def clash(names: Iterable[str]) -> tuple[str, str] | None:
    """Two of `names` of which one is a directory of the other, so that git can have only one."""
    # What is below a name follows it at once where nothing comes before a slash.
    ordered = sorted(names, key=lambda name: name.replace("/", "\0"))
    for above, name in pairwise(ordered):
        if name.startswith(above + "/"):
            return above, name
    return None
