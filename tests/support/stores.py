"""For tests of remotes: a source and sink in memory, and stores that misbehave."""

from __future__ import annotations

import io
import os
import random
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from git_mlvers import frame
from git_mlvers.backend.base import Unreachable
from git_mlvers.backend.counting import Counting
from git_mlvers.backend.directory import Directory
from git_mlvers.backend.wrapper import Wrapper
from git_mlvers.errors import ContentMissing, CorruptError
from git_mlvers.oid import Oid
from git_mlvers.progress import Silent
from git_mlvers.remote import Item, Remote
from git_mlvers.remote.model import SMALL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from git_mlvers.errors import MlversError


class Memory:
    """What a cache is to a remote, without a cache: content by oid, temporary files in `folder`."""

    def __init__(self, folder: Path, *, ready_frames: bool = True) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.content: dict[Oid, bytes] = {}
        self.ready_frames = ready_frames
        self._temps = 0

    def put(self, data: bytes | bytearray) -> Item:
        """Have `data`."""
        oid = Oid.of(bytes(data))
        self.content[oid] = bytes(data)
        return Item(oid, len(data))

    def has(self, oid: Oid, size: int) -> bool:
        return oid in self.content

    def open(self, oid: Oid, size: int) -> BinaryIO:
        if oid not in self.content:
            raise ContentMissing(f"no content {oid.short}")
        return io.BytesIO(self.content[oid])

    def frame(self, oid: Oid, size: int) -> bytes | None:
        if not self.ready_frames or size > SMALL or oid not in self.content:
            return None
        return frame.encode(self.content[oid], oid)

    def add_frame(self, data: bytes) -> None:
        header, chunk = frame.decode(data)
        if header.length != len(data):
            raise CorruptError("a frame of another length")
        self.content[header.id] = chunk

    def add_frames(self, framed: Sequence[bytes]) -> list[CorruptError | None]:
        faults: list[CorruptError | None] = []
        for data in framed:
            try:
                self.add_frame(data)
                faults.append(None)
            except CorruptError as error:
                faults.append(error)
        return faults

    def new_file(self, size: int) -> tuple[int, str]:
        self._temps += 1
        path = self.folder / f"temp-{self._temps}"
        return os.open(path, os.O_CREAT | os.O_RDWR | os.O_EXCL), os.fspath(path)

    def adopt(self, path: str, oid: Oid, size: int) -> None:
        data = Path(path).read_bytes()
        assert len(data) == size and Oid.of(data) == oid, "a wrong file was given to the sink"
        self.content[oid] = data
        Path(path).unlink()

    @property
    def temps(self) -> list[str]:
        """Temporary files that are left."""
        return sorted(os.listdir(self.folder))


class Place:
    """A store in a directory, and remotes on it as several machines see them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.root = folder / "store"
        self.counting = Counting(Directory(str(self.root), fsync=False))
        self._open: list[Remote] = []

    def remote(
        self, machine: str = "one", wrap: Callable[[Counting], Wrapper] | None = None
    ) -> Remote:
        """The remote as a new process on `machine` opens it."""
        backend = self.counting if wrap is None else wrap(self.counting)
        remote = Remote(backend, str(self.folder / "state" / machine))
        self._open.append(remote)
        return remote

    def close(self) -> None:
        for remote in self._open:
            remote.close()

    def objects(self, part: str = "") -> list[Path]:
        """The objects of the store, those whose key starts with `part`."""
        found = sorted(path for path in self.root.rglob("*") if path.is_file())
        return [path for path in found if str(path.relative_to(self.root)).startswith(part)]

    @property
    def packs(self) -> list[Path]:
        return self.objects("content/packs/")

    @property
    def indexes(self) -> list[Path]:
        return self.objects("content/index/")


class Flaky(Wrapper):
    """A store that cannot be reached any more after some requests with the verb `verb`."""

    def __init__(self, inner: Counting, verb: str, after: int) -> None:
        super().__init__(inner)
        self._verb = verb
        self._left = after

    def _use(self, verb: str) -> None:
        if verb == self._verb:
            if self._left <= 0:
                raise Unreachable("the store does not answer")
            self._left -= 1

    def get(self, key: str, start: int = 0, length: int | None = None) -> bytes:
        self._use("get")
        return super().get(key, start, length)

    def put(self, key: str, data: bytes | memoryview) -> None:
        self._use("put")
        super().put(key, data)


class Progress(Silent):
    """Adds up what it is told."""

    def __init__(self) -> None:
        self.files = 0
        self.size = 0

    def advance(self, files: int, size: int) -> None:
        self.files += files
        self.size += size


def some_bytes(size: int, seed: int) -> bytes:
    """Content that does not compress, the same for the same `seed`."""
    return random.Random(seed).randbytes(size)


def some_text(size: int, seed: int) -> bytes:
    """Content that compresses well."""
    words = random.Random(seed)
    return b"".join(b"%d,%d\n" % (i, words.randrange(100)) for i in range(size // 4 + 1))[:size]


def edited(data: bytes, seed: int, share: float = 0.01, places: int = 1) -> bytes:
    """`data` with `share` of its bytes replaced, in this many places."""
    out, where = bytearray(data), random.Random(seed)
    length = max(1, int(len(data) * share / places))
    for _ in range(places):
        start = where.randrange(max(1, len(data) - length))
        out[start : start + length] = where.randbytes(length)
    return bytes(out)


def fetched(remote: Remote, items: Sequence[Item], sink: Memory) -> dict[Oid, MlversError | None]:
    """Download `items`; the error of each, or ``None``."""
    outcomes = list(remote.download(items, sink))
    errors = {outcome.oid: outcome.error for outcome in outcomes}
    assert len(outcomes) == len(errors) == len({item.oid for item in items})
    for oid, error in errors.items():
        assert error is not None or Oid.of(sink.content[oid]) == oid
    assert sink.temps == []
    return errors


def well(errors: Iterable[MlversError | None]) -> bool:
    """Whether there is no error."""
    return all(error is None for error in errors)
