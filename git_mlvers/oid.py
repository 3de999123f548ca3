"""Names of content: the BLAKE3 hash of the whole file."""

from __future__ import annotations

from blake3 import blake3

from git_mlvers.errors import MlversError

ALGORITHM = "blake3"
SIZE = 32
"""Length of a raw oid in bytes."""


class InvalidOid(MlversError):
    """A text or byte string that is not an oid."""


class Oid(bytes):
    """The raw 32-byte BLAKE3 hash of a file or of a chunk.

    It is ``bytes``, so that it sorts, hashes and goes into databases as such;
    ``str()`` gives the form that pointers and messages use, ``blake3:<64 hex>``.
    """

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> Oid:
        """Read ``blake3:<64 lower-case hex>``; raise `InvalidOid` for anything else."""
        algorithm, _, digits = text.partition(":")
        if algorithm != ALGORITHM or len(digits) != 2 * SIZE or digits.strip("0123456789abcdef"):
            raise InvalidOid(f"not an oid: {text!r}")
        return cls(bytes.fromhex(digits))

    @classmethod
    def of(cls, data: bytes | memoryview) -> Oid:
        """The oid of `data`."""
        return cls(blake3(data).digest())

    def __str__(self) -> str:
        return f"{ALGORITHM}:{self.hex()}"

    def __repr__(self) -> str:
        return f"Oid({self.hex()!r})"

    @property
    def short(self) -> str:
        """The first 10 hex digits, for messages."""
        return self.hex()[:10]
