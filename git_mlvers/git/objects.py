"""Git's names for objects, computed without Git."""

from __future__ import annotations


def blob_id(data: bytes, object_format: str) -> str:
    """The hex id of a blob that holds `data`; `object_format` is ``sha1`` or ``sha256``."""
    import hashlib

    # The hash is a name here; usedforsecurity would have it refused under FIPS.
    hasher = hashlib.new(object_format, b"blob %d\0" % len(data), usedforsecurity=False)
    hasher.update(data)
    return hasher.hexdigest()
