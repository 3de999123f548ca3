"""What a git server offers and what a client asks of it in a push, packet by packet.

See gitprotocol-pack(5): the server names its refs, then the client names the
refs to update, each time up to a flush packet.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, NamedTuple

from git_mlvers.git.refs import RefUpdate

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from git_mlvers.remote_helper.relay_bytes import Buffered

FLUSH = b"0000"
_HEADER = 4
_BAND_DATA = 65515
_OID = rb"[0-9a-f]{40}(?:[0-9a-f]{24})?"
_REF = re.compile(rb"(%b) (.+)" % _OID, re.S)
_UPDATE = re.compile(rb"(%b) (%b) (.+)" % (_OID, _OID), re.S)


class Broken(Exception):
    """The stream is not made of packets, or ends inside of one. `seen` is what was read of it."""

    def __init__(self, seen: bytes) -> None:
        super().__init__(seen)
        self.seen = seen


class Commands(NamedTuple):
    """The first part of a push: `raw` as it came, up to its flush."""

    raw: bytes
    updates: list[RefUpdate]
    capabilities: frozenset[str]


def packet(payload: bytes) -> bytes:
    """`payload` with its length before it."""
    return b"%04x%b" % (len(payload) + _HEADER, payload)


def packets(stream: Buffered) -> Iterator[tuple[bytes, bytes | None]]:
    """The packets up to and with the first flush: each as it came, and its payload.

    The flush has no payload. Raises `Broken`.
    """
    while True:
        header = stream.exactly(_HEADER)
        if header is None:
            raise Broken(stream.rest())
        try:
            size = int(header, 16)
        except ValueError:
            raise Broken(header + stream.rest()) from None
        if size == 0:
            yield header, None
            return
        payload = stream.exactly(size - _HEADER) if size >= _HEADER else None
        if payload is None:
            raise Broken(header + stream.rest())
        yield header + payload, payload


def advertised_ref(payload: bytes) -> tuple[str, str] | None:
    """Name and id of the ref in one packet of a server's offer; ``None`` if it holds none."""
    match = _REF.fullmatch(payload.partition(b"\0")[0].rstrip(b"\n"))
    if match is None or match[2] in (b"capabilities^{}", b".have"):
        return None
    return os.fsdecode(match[2]), match[1].decode("ascii")


def read_commands(stream: Buffered) -> Commands:
    """Read what the client asks for, signed or not; raises `Broken`."""
    raw = bytearray()
    updates: list[RefUpdate] = []
    capabilities: frozenset[str] = frozenset()
    for whole, payload in packets(stream):
        raw += whole
        if payload is None:
            break
        line, nul, words = payload.partition(b"\0")
        if nul:
            capabilities = frozenset(words.decode("utf-8", "replace").split())
        match = _UPDATE.fullmatch(line.rstrip(b"\n"))
        if match is not None:
            old, new = (match[number].decode("ascii") for number in (1, 2))
            name = os.fsdecode(match[3])
            updates.append(RefUpdate(name, new, name, old))
    return Commands(bytes(raw), updates, capabilities)


def refusal(commands: Commands, reasons: Mapping[str, str]) -> bytes:
    """What a server answers that moves no ref: for each the reason why."""
    report = packet(b"unpack ok\n")
    for update in commands.updates:
        name = update.remote_ref
        report += packet(os.fsencode(f"ng {name} {reasons[name]}\n"))
    report += FLUSH
    if "side-band-64k" not in commands.capabilities:
        return report
    pieces = (report[at : at + _BAND_DATA] for at in range(0, len(report), _BAND_DATA))
    return b"".join(packet(b"\1" + piece) for piece in pieces) + FLUSH
