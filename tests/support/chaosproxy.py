"""A proxy between a client and an HTTP server on loopback that does what networks do.

It reads requests and answers one by one, so that it can count them and hurt
exactly those that a test means::

    with ChaosProxy("127.0.0.1", port) as proxy:
        proxy.hurt("status", times=2, status=503)
        ...talk to proxy.url...
        assert proxy.methods() == ["GET", "GET", "GET"]
"""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time
from typing import IO, TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from types import TracebackType

Kind = Literal[
    "refuse",  # the connection is reset when the request has come
    "hang",  # the request is taken, and nothing is ever answered
    "hang_upload",  # nothing more is read in the middle of the request's body
    "status",  # another status in place of the server's answer
    "lose_answer",  # the server does it, but the connection is reset before it can tell
    "cut",  # the answer's body ends `at` bytes, and the connection with it
    "stall",  # the answer's body stops for ever after `at` bytes
    "flip",  # one bit of the answer's body at `at` is another
    "no_ranges",  # the server does not understand that only a part is wanted
    "no_conditions",  # the server does not understand conditions on writes
    "delay",  # everything takes `seconds` longer
]

_BLOCK = 65536


class Fault(NamedTuple):
    """One kind of trouble, for how many requests, and for those of which method."""

    kind: Kind
    times: int = 1 << 30
    method: str | None = None
    at: int = 0
    status: int = 503
    seconds: float = 0.0


class Request(NamedTuple):
    """A request that came by."""

    method: str
    target: str


class ChaosProxy:
    """Forwards connections to a server, with or without trouble. Thread-safe."""

    def __init__(self, host: str, port: int) -> None:
        self._server = (host, port)
        self._lock = threading.Lock()
        self._fault: Fault | None = None
        self._left = 0
        self._seen: list[Request] = []
        self._sockets: set[socket.socket] = set()
        self._closing = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> ChaosProxy:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._closing.set()
        # Closing alone does not wake a thread that accepts.
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            for each in self._sockets:
                with contextlib.suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)

    def hurt(
        self,
        kind: Kind,
        *,
        times: int = 1 << 30,
        method: str | None = None,
        at: int = 0,
        status: int = 503,
        seconds: float = 0.0,
    ) -> None:
        """Make trouble for the next `times` requests, of `method` alone if it is given."""
        with self._lock:
            self._fault = Fault(kind, times, method, at, status, seconds)
            self._left = times

    def heal(self) -> None:
        """No more trouble, and the list of requests begins anew."""
        with self._lock:
            self._fault = None
            self._seen = []

    @property
    def requests(self) -> list[Request]:
        """The requests so far, in the order in which they came."""
        with self._lock:
            return list(self._seen)

    def methods(self) -> list[str]:
        """The methods of the requests so far."""
        return [request.method for request in self.requests]

    def _accept(self) -> None:
        while not self._closing.is_set():
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._converse, args=(client,), daemon=True).start()

    def _converse(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError, ConnectionError), client:
            server = socket.create_connection(self._server)
            for each in (client, server):
                each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                self._sockets |= {client, server}
            try:
                with server, client.makefile("rb") as asked, server.makefile("rb") as answered:
                    while self._one_request(client, server, asked, answered):
                        pass
            finally:
                with self._lock:
                    self._sockets -= {client, server}

    def _one_request(
        self,
        client: socket.socket,
        server: socket.socket,
        asked: IO[bytes],
        answered: IO[bytes],
    ) -> bool:
        """Bring one request over and its answer back; `False` when the connection is over."""
        head = _read_head(asked)
        if not head:
            return False
        method, target = head.split(b"\r\n", 1)[0].decode("latin-1").split(" ")[:2]
        fault = self._draw(Request(method, target))
        length = _length(head)
        if fault is not None and fault.kind == "delay":
            time.sleep(fault.seconds)
        if fault is not None and fault.kind == "hang_upload":
            asked.read(min(length, _BLOCK))
            return self._hang()
        body = asked.read(length)
        if fault is not None and fault.kind == "refuse":
            return _reset(client)
        if fault is not None and fault.kind == "hang":
            return self._hang()
        if fault is not None and fault.kind == "status":
            client.sendall(b"HTTP/1.1 %d Trouble\r\nContent-Length: 0\r\n\r\n" % fault.status)
            return True
        if fault is not None:
            head = _without(head, _IGNORED.get(fault.kind, ()))
        server.sendall(head)
        server.sendall(body)
        return self._answer(client, answered, method, fault)

    def _answer(
        self, client: socket.socket, answered: IO[bytes], method: str, fault: Fault | None
    ) -> bool:
        head = _read_head(answered)
        while head.startswith(b"HTTP/1.1 100"):
            head = _read_head(answered)
        if not head:  # the server has given up, since whoever asked was killed meanwhile
            return False
        status = int(head.split(b" ", 2)[1])
        bodiless = method == "HEAD" or status in (204, 304)
        body = b"" if bodiless else _read_body(answered, head)
        if fault is not None and fault.kind == "lose_answer":
            return _reset(client)
        client.sendall(head)
        if fault is not None and body and fault.kind in ("cut", "stall"):
            client.sendall(body[: fault.at])
            return self._hang() if fault.kind == "stall" else False
        if fault is not None and body and fault.kind == "flip":
            at = fault.at % len(body)
            body = body[:at] + bytes([body[at] ^ 1]) + body[at + 1 :]
        client.sendall(body)
        return b"\r\nconnection: close" not in head.lower()

    def _draw(self, request: Request) -> Fault | None:
        """Note the request, and take a fault for it if one is left."""
        with self._lock:
            self._seen.append(request)
            fault = self._fault
            if fault is None or self._left <= 0 or fault.method not in (None, request.method):
                return None
            self._left -= 1
            return fault

    def _hang(self) -> bool:
        self._closing.wait()
        return False


_IGNORED = {"no_ranges": (b"range",), "no_conditions": (b"if-match", b"if-none-match")}


def _without(head: bytes, names: tuple[bytes, ...]) -> bytes:
    """The head of a request without some of its lines."""
    lines = head.split(b"\r\n")
    kept = [line for line in lines if line.partition(b":")[0].strip().lower() not in names]
    return b"\r\n".join(kept) if names else head


def _read_head(stream: IO[bytes]) -> bytes:
    lines = []
    while line := stream.readline(_BLOCK):
        lines.append(line)
        if line == b"\r\n":
            return b"".join(lines)
    return b""


def _read_body(stream: IO[bytes], head: bytes) -> bytes:
    """The body that comes after `head`, with its chunk lines if it has some."""
    if b"\r\ntransfer-encoding: chunked" not in head.lower():
        return stream.read(_length(head))
    parts = []
    while line := stream.readline(_BLOCK):
        size = int(line.split(b";")[0], 16)
        parts += [line, stream.read(size + 2)]
        if size == 0:
            break
    return b"".join(parts)


def _length(head: bytes) -> int:
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length":
            return int(value)
    return 0


def _reset(client: socket.socket) -> bool:
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    return False
