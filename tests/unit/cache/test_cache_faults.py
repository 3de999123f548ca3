"""Full disks, disks that may not be written, and processes that die at the worst moment."""

from __future__ import annotations

import ctypes
import os
import resource
import signal
from typing import TYPE_CHECKING

import pytest

from git_mlvers.cache import Cache
from git_mlvers.errors import LocalIOError
from git_mlvers.oid import Oid
from tests.support.content import noise
from tests.support.powers import permissions_do_not_count
from tests.unit.cache.conftest import large, small

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from git_mlvers.pointer import Pointer
    from tests.unit.cache.conftest import RunChild

MIB = 1 << 20

ADD = """
cache = Cache(sys.argv[1])
for number in range(10, 20):
    for data in (small(number), large(number)):
        with cache.writer() as writer:
            writer.write(data)
            say(writer.finish().oid.hex())
cache.flush()
say("flushed")
cache.close()
"""

COMPACT = """
cache = Cache(sys.argv[1])
cache.remove([Oid.of(small(number)) for number in range(0, 10, 2)])
say("removed")
cache.compact(0.1)
cache.close()
"""


@pytest.fixture
def tiny(tmp_path: Path) -> Iterator[Path]:
    """A directory in which some two MiB have room; else a limit on the size of files."""
    folder = tmp_path / "tiny"
    folder.mkdir()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(b"none", os.fsencode(folder), b"tmpfs", 0, b"size=2m") == 0:
        yield folder
        libc.umount2(os.fsencode(folder), 2)
        return
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2 * MIB, before[1]))
    yield folder
    resource.setrlimit(resource.RLIMIT_FSIZE, before)
    signal.signal(signal.SIGXFSZ, handler)


class TestFullDisk:
    def test_large_content(self, tiny: Path) -> None:
        with Cache(str(tiny / "cache")) as cache:
            kept = cache.add_bytes(noise(300_000))
            for size in (4 * MIB, 20 * MIB):
                with pytest.raises(LocalIOError, match="while adding to the cache"):
                    cache.add_bytes(noise(size))
            assert list(cache) == [kept]
            assert os.listdir(tiny / "cache" / "tmp") == []
            assert cache.read(*kept) == noise(300_000)

    def test_small_content(self, tiny: Path) -> None:
        cache = Cache(str(tiny / "cache"))
        kept = []
        with pytest.raises(LocalIOError, match="while adding to the cache"):
            for number in range(1000):
                kept.append(cache.add_bytes(noise(50_000, number)))  # noqa: PERF401
        assert len(kept) > 20
        assert cache.missing(kept) == []
        with pytest.raises(LocalIOError):
            cache.add_bytes(noise(100_000))
        cache.close()
        with Cache(str(tiny / "cache")) as cache:
            assert cache.missing(kept) == []
            assert [cache.read(*item) for item in kept] == [
                noise(50_000, number) for number in range(len(kept))
            ]
            assert cache.fsck() == []

    @pytest.fixture
    def stored(self, cache: Cache) -> list[Pointer]:
        """Content in a cache that has room; before `tiny`, which may bound all files."""
        return [cache.add_bytes(noise(size)) for size in (9 * MIB, 100_000)]

    def test_materialise(self, cache: Cache, stored: list[Pointer], tiny: Path) -> None:
        for pointer in stored:
            dest = tiny / "out"
            if pointer.size < MIB:
                (tiny / "rest").write_bytes(b"")
                with open(tiny / "rest", "ab", buffering=0) as file:
                    while _can_write(file.fileno()):
                        pass
                if _has_room(tiny):
                    continue  # Without a file system of its own only large files are refused.
            with pytest.raises(LocalIOError, match=f"while writing: {dest}"):
                cache.materialise(*pointer, str(dest), 0o644)
            assert not dest.exists()


def _can_write(fd: int) -> bool:
    try:
        return os.write(fd, bytes(4096)) > 0
    except OSError:
        return False


def _has_room(folder: Path) -> bool:
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize > MIB


class TestNotWritable:
    @pytest.fixture
    def unprivileged(self, root: str) -> Iterator[None]:
        """Permissions count in this test, though it may be run by root."""
        if permissions_do_not_count():
            for folder, _, names in os.walk(os.path.dirname(root)):
                for name in (folder, *(os.path.join(folder, n) for n in names)):
                    os.chown(name, 65534, 65534)
            above = os.path.dirname(root)
            while above != "/":
                if not (mode := os.stat(above).st_mode) & 0o001:
                    os.chmod(above, mode | 0o055)
                above = os.path.dirname(above)
            os.seteuid(65534)
        yield
        os.seteuid(os.getuid())

    @pytest.fixture
    def read_only(self, root: str, open_cache: Callable[..., Cache]) -> None:
        """A cache with something in it, in which nothing may be changed."""
        with Cache(root) as cache:
            for number in range(3):
                cache.add_bytes(small(number))
                cache.add_bytes(large(number))
        for folder, _, names in os.walk(root, topdown=False):
            for name in names:
                os.chmod(os.path.join(folder, name), 0o444)
            os.chmod(folder, 0o555)

    @pytest.mark.usefixtures("read_only", "unprivileged")
    def test_can_be_read(self, root: str, tmp_path: Path) -> None:
        cache = Cache(root)
        for number in range(3):
            for data in (small(number), large(number)):
                assert cache.has(Oid.of(data), len(data))
                assert cache.read(Oid.of(data), len(data)) == data
        cache.flush()
        assert len(list(cache)) == 6
        cache.close()

    @pytest.mark.usefixtures("read_only", "unprivileged")
    @pytest.mark.parametrize("make", [small, large])
    def test_adding_says_why_not(self, root: str, make: Callable[[int], bytes]) -> None:
        cache = Cache(root)
        with pytest.raises(LocalIOError, match="permission denied while"):
            cache.add_bytes(make(99))
        assert cache.add_bytes(small(1)).size == len(small(1))
        cache.close()

    def test_unreadable_index_is_read_from_the_packs(
        self, root: str, open_cache: Callable[..., Cache], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with Cache(root) as cache:
            pointer = cache.add_bytes(b"content")
        os.unlink(f"{root}/packs/index.db")
        os.mkdir(f"{root}/packs/index.db")
        with Cache(root) as cache:
            assert cache.read(*pointer) == b"content"
            other = cache.add_bytes(b"other")
        with Cache(root) as cache:
            assert cache.read(*other) == b"other"


KILLS = [
    ("os", "write", 5, "half"),
    ("os", "write", 8, "before"),
    ("os", "write", 8, "after"),
    ("os", "rename", 1, "before"),
    ("os", "rename", 3, "before"),
    ("os", "rename", 4, "after"),
    ("os", "utime", 2, "before"),
    ("os", "fdatasync", 1, "before"),
    ("os", "fdatasync", 11, "before"),
    ("os", "fsync", 1, "before"),
    ("index.PackIndex", "record", 1, "before"),
    ("index.PackIndex", "_lengthen", 1, "after"),
    ("index.PackIndex", "_delete", 1, "after"),
    ("index.PackIndex", "record", 1, "after"),
]

COMPACTION_KILLS = [
    ("os", "write", 2, "half"),
    ("os", "rename", 1, "before"),
    ("os", "rename", 1, "after"),
    ("os", "fsync", 1, "before"),
    ("index.PackIndex", "move", 1, "before"),
    ("index.PackIndex", "_ids", 1, "after"),
    ("index.PackIndex", "move", 1, "after"),
    ("os", "unlink", 1, "before"),
    ("os", "unlink", 1, "after"),
]


def dying(code: str, kill: tuple[str, str, int, str]) -> str:
    """`code`, with the process killed at a point."""
    owner, name, nth, when = kill
    return (
        "import git_mlvers.cache.index as index\n"
        f"die_at({owner}, {name!r}, {nth}, {when!r}, half={when == 'half'})\n" + code
    )


@pytest.mark.parametrize("warm", [True, False])
class TestKilled:
    """A process is killed; what it had finished and what was there before is whole."""

    def expect(self, root: str, finished: set[str]) -> None:
        """All that was finished is there and right; what is left over does no harm."""
        with Cache(root) as cache:
            contents = [make(number) for number in range(20) for make in (small, large)]
            by_oid = {Oid.of(data).hex(): data for data in contents}
            for digits in finished:
                data = by_oid[digits]
                assert cache.read(Oid.of(data), len(data)) == data
            assert cache.fsck() == []
            for data in contents:
                cache.add_bytes(data)
        with Cache(root) as cache:
            for data in contents:
                assert cache.read(Oid.of(data), len(data)) == data
            cache.clean_temps(age=-1)
            assert os.listdir(f"{root}/tmp") == []

    def fill(self, root: str) -> set[str]:
        """Something was there before."""
        with Cache(root) as cache:
            pointers = [cache.add_bytes(make(n)) for n in range(10) for make in (small, large)]
        return {pointer.oid.hex() for pointer in pointers}

    @pytest.mark.parametrize("kill", KILLS, ids=str)
    def test_while_adding(
        self, root: str, run_child: RunChild, kill: tuple[str, str, int, str], warm: bool
    ) -> None:
        before = self.fill(root) if warm else set()
        ran = run_child(dying(ADD, kill), root)
        assert ran.returncode == -signal.SIGKILL, ran.stderr
        self.expect(root, before | (set(ran.stdout.split()) - {"flushed"}))

    @pytest.mark.parametrize("kill", COMPACTION_KILLS, ids=str)
    def test_while_compacting(
        self, root: str, run_child: RunChild, kill: tuple[str, str, int, str], warm: bool
    ) -> None:
        before = self.fill(root)
        if not warm:
            os.unlink(f"{root}/packs/index.db")
        ran = run_child(dying(COMPACT, kill), root)
        assert ran.returncode == -signal.SIGKILL, ran.stdout + ran.stderr
        removed = {Oid.of(small(number)).hex() for number in range(0, 10, 2)}
        self.expect(root, before - removed)
