"""What is read of a push, and what is answered in a server's place."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from git_mlvers.git.process import anonymous_file
from git_mlvers.remote_helper import connect_commands as commands
from git_mlvers.remote_helper.relay_bytes import Buffered

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

A, B, ZERO = "a" * 40, "b" * 40, "0" * 40


@pytest.fixture
def feed() -> Iterator[Callable[[bytes], Buffered]]:
    """Make streams that hold some bytes."""
    opened = []

    def make(data: bytes) -> Buffered:
        opened.append(anonymous_file((data,)))
        return Buffered(opened[-1])

    yield make
    for fd in opened:
        os.close(fd)


def lines(*payloads: str | bytes) -> bytes:
    """Packets and a flush."""
    texts = [text.encode() if isinstance(text, str) else text for text in payloads]
    return b"".join(map(commands.packet, texts)) + b"0000"


def test_updates(feed: Callable[[bytes], Buffered]) -> None:
    data = lines(
        f"shallow {A}\n",
        f"{A} {B} refs/heads/a\0 report-status side-band-64k quiet agent=git/2",
        f"{A} {ZERO} refs/heads/b c",
        f"{ZERO} {B} refs/heads/\u00e4",
    )
    stream = feed(data + b"PACK and so on")
    found = commands.read_commands(stream)
    assert found.raw == data
    assert stream.rest() == b"PACK and so on"
    assert [tuple(update) for update in found.updates] == [
        ("refs/heads/a", B, "refs/heads/a", A),
        ("refs/heads/b c", ZERO, "refs/heads/b c", A),
        ("refs/heads/\u00e4", B, "refs/heads/\u00e4", ZERO),
    ]
    assert [update.deletes for update in found.updates] == [False, True, False]
    assert {"report-status", "side-band-64k", "quiet"} <= found.capabilities


def test_a_signed_push(feed: Callable[[bytes], Buffered]) -> None:
    data = lines(
        "push-cert\0 report-status push-options",
        "certificate version 0.1\n",
        "pusher A B <a@b> 1 +0000\n",
        "push-option " + f"{A} {B} refs/heads/not\n",
        "nonce 1-2\n",
        "\n",
        f"{A} {B} refs/heads/a\n",
        "-----BEGIN PGP SIGNATURE-----\n",
        "push-cert-end\n",
    )
    found = commands.read_commands(feed(data))
    assert [update.remote_ref for update in found.updates] == ["refs/heads/a"]
    assert "report-status" in found.capabilities


def test_longer_ids(feed: Callable[[bytes], Buffered]) -> None:
    found = commands.read_commands(feed(lines(f"{'0' * 64} {'c' * 64} refs/tags/x\0 atomic")))
    assert [tuple(update) for update in found.updates] == [
        ("refs/tags/x", "c" * 64, "refs/tags/x", "0" * 64)
    ]
    assert found.updates[0].creates


@pytest.mark.parametrize("data", [b"", b"000", b"zzzz", b"0005", b"0003", b"0001", b"0006a"])
def test_what_is_no_message(feed: Callable[[bytes], Buffered], data: bytes) -> None:
    with pytest.raises(commands.Broken) as caught:
        commands.read_commands(feed(data))
    assert data.startswith(caught.value.seen[:4])


def test_offers() -> None:
    ref = commands.advertised_ref
    assert ref(f"{A} refs/heads/x\0report-status".encode()) == ("refs/heads/x", A)
    assert ref(f"{A} refs/heads/x\n".encode()) == ("refs/heads/x", A)
    for other in (f"{ZERO} capabilities^{{}}\0x", f"{A} .have", "version 1\n", f"shallow {A}"):
        assert ref(other.encode()) is None


@pytest.mark.parametrize("side_band", [False, True])
def test_refusals(feed: Callable[[bytes], Buffered], side_band: bool) -> None:
    names = [f"refs/heads/{number:04}" for number in range(2000)]
    words = "report-status" + " side-band-64k" * side_band
    asked = commands.read_commands(
        feed(lines(*(f"{A} {B} {name}\0{words}" for name in names[:300])))
    )
    said = commands.refusal(asked, dict.fromkeys(names, "no" * 300))
    if side_band:
        pieces = [payload for _, payload in commands.packets(feed(said))]
        assert pieces.pop() is None
        assert {piece[:1] for piece in pieces if piece} == {b"\1"}
        assert len(pieces) > 1
        said = b"".join(piece[1:] for piece in pieces if piece)
    report = [payload for _, payload in commands.packets(feed(said))]
    assert report[0] == b"unpack ok\n"
    assert report[1] == f"ng refs/heads/0000 {'no' * 300}\n".encode()
    assert len(report) == 302
