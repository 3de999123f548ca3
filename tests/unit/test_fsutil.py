"""Whole files, copies and disk errors."""

from __future__ import annotations

import errno
import os
import stat
from typing import TYPE_CHECKING

import pytest

from git_mlvers import fsutil
from git_mlvers.errors import LocalIOError
from tests.support.content import noise

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CONTENT = noise(3 * (1 << 20) + 17)


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[tuple[int, int]]:
    """A file with `CONTENT` and a new one, as descriptors."""
    (tmp_path / "source").write_bytes(CONTENT)
    source = os.open(tmp_path / "source", os.O_RDONLY)
    target = os.open(tmp_path / "target", os.O_RDWR | os.O_CREAT)
    yield source, target
    os.close(source)
    os.close(target)


def content(fd: int) -> bytes:
    """All of a file."""
    return os.pread(fd, 1 << 30, 0)


class TestWriteAtomic:
    def test_makes_and_replaces(self, tmp_path: Path) -> None:
        path = tmp_path / "file"
        fsutil.write_atomic(str(path), b"one")
        fsutil.write_atomic(str(path), b"two", sync=False)
        assert path.read_bytes() == b"two"
        assert os.listdir(tmp_path) == ["file"]

    @pytest.mark.parametrize(("mode", "wanted"), [(0o666, 0o640), (0o777, 0o750), (0o600, 0o600)])
    def test_mode_is_cut_by_the_umask(self, tmp_path: Path, mode: int, wanted: int) -> None:
        os.umask(0o027)
        fsutil.write_atomic(str(tmp_path / "file"), b"", mode=mode)
        assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == wanted

    def test_full_disk_leaves_the_old_file(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = tmp_path / "file"
        path.write_bytes(b"old")

        def full(fd: int, data: bytes) -> int:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        monkeypatch.setattr(os, "write", full)
        with pytest.raises(LocalIOError, match=f"the disk is full while writing: {path}"):
            fsutil.write_atomic(str(path), b"new")
        assert path.read_bytes() == b"old"
        assert os.listdir(tmp_path) == ["file"]

    def test_directory_must_be_there(self, tmp_path: Path) -> None:
        with pytest.raises(FileNotFoundError):
            fsutil.write_atomic(str(tmp_path / "no" / "file"), b"")


class TestDiskErrors:
    @pytest.mark.parametrize(
        ("number", "words"),
        [
            (errno.ENOSPC, "the disk is full"),
            (errno.EDQUOT, "quota"),
            (errno.EROFS, "read-only"),
            (errno.EACCES, "permission denied"),
            (errno.EIO, "the disk reports an error"),
            (errno.ENAMETOOLONG, "File name too long"),
        ],
    )
    def test_cause_deed_and_path_are_told(self, number: int, words: str) -> None:
        with pytest.raises(LocalIOError) as caught, fsutil.disk_errors("/some/path", "sawing"):
            raise OSError(number, os.strerror(number))
        assert words in caught.value.message
        assert caught.value.message.endswith("while sawing: /some/path")
        assert caught.value.exit_code == 7

    @pytest.mark.parametrize(
        "kind", [FileNotFoundError, FileExistsError, BrokenPipeError, KeyError]
    )
    def test_what_no_disk_says_passes_through(self, kind: type[Exception]) -> None:
        with pytest.raises(kind), fsutil.disk_errors("/some/path", "sawing"):
            raise kind


class TestCopies:
    def test_whole(self, pair: tuple[int, int]) -> None:
        fsutil.copy_range(*pair, len(CONTENT))
        assert content(pair[1]) == CONTENT

    @pytest.mark.parametrize("share", [True, False])
    def test_part(self, pair: tuple[int, int], share: bool) -> None:
        os.write(pair[1], CONTENT[:1000])
        fsutil.copy_range(*pair, 2_000_000, 1000, share=share)
        assert content(pair[1]) == CONTENT[:2_001_000]

    @pytest.mark.parametrize("closed", [["copy_file_range"], ["copy_file_range", "sendfile"]])
    @pytest.mark.parametrize("number", [errno.ENOSYS, errno.EXDEV, errno.EOPNOTSUPP])
    def test_every_way_leads_there(
        self, pair: tuple[int, int], monkeypatch: pytest.MonkeyPatch, closed: list[str], number: int
    ) -> None:
        def refuse(*args: object) -> int:
            raise OSError(number, os.strerror(number))

        for name in closed:
            monkeypatch.setattr(os, name, refuse)
        fsutil.copy_range(*pair, len(CONTENT))
        assert content(pair[1]) == CONTENT

    @pytest.mark.parametrize("name", ["copy_file_range", "sendfile"])
    def test_a_way_that_stops_midway_is_taken_over(
        self, pair: tuple[int, int], monkeypatch: pytest.MonkeyPatch, name: str
    ) -> None:
        if name == "sendfile":
            monkeypatch.delattr(os, "copy_file_range")
        real, calls = getattr(os, name), []

        def short(*args: int) -> int:
            calls.append(args)
            at = 2 if name == "copy_file_range" else 3
            return int(real(*args[:at], 4096, *args[at + 1 :])) if len(calls) < 3 else 0

        monkeypatch.setattr(os, name, short)
        fsutil.copy_range(*pair, len(CONTENT))
        assert content(pair[1]) == CONTENT

    def test_full_disk_is_not_another_way(
        self, pair: tuple[int, int], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def full(*args: object) -> int:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        monkeypatch.setattr(os, "copy_file_range", full)
        with pytest.raises(OSError, match="No space"):
            fsutil.copy_range(*pair, len(CONTENT))

    def test_short_source_is_told(self, pair: tuple[int, int]) -> None:
        with pytest.raises(LocalIOError, match="ended after"):
            fsutil.copy_range(*pair, len(CONTENT) + 1)

    def test_reflink_says_whether(self, pair: tuple[int, int]) -> None:
        if fsutil.reflink(*pair):
            assert content(pair[1]) == CONTENT
        else:
            assert content(pair[1]) == b""


class TestShared:
    @pytest.mark.parametrize(
        ("mode", "shared", "wanted"),
        [
            (0o644, None, 0o644),
            (0o644, 0o660, 0o664),
            (0o600, 0o664, 0o664),
            (0o444, 0o660, 0o444),
            (0o400, 0o660, 0o440),
            (0o644, 0o640, 0o640),
            (0o444, 0o640, 0o440),
            (0o644, -0o660, 0o660),
            (0o755, 0o640, 0o750),
        ],
    )
    def test_files(self, mode: int, shared: int | None, wanted: int) -> None:
        assert fsutil.shared_mode(mode, shared) == wanted

    def test_directories(self, tmp_path: Path) -> None:
        os.umask(0o077)
        fsutil.make_dirs(str(tmp_path / "a" / "b"), 0o660)
        modes = {stat.S_IMODE(os.stat(tmp_path / name).st_mode) for name in ("a", "a/b")}
        assert modes == {0o2770}

    def test_umask_counts_without(self, tmp_path: Path) -> None:
        os.umask(0o027)
        fsutil.make_dirs(str(tmp_path / "a" / "b"))
        assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o750

    def test_file_in_the_way(self, tmp_path: Path) -> None:
        (tmp_path / "a").write_bytes(b"")
        with pytest.raises(LocalIOError, match="Not a directory"):
            fsutil.make_dirs(str(tmp_path / "a"))
        with pytest.raises(LocalIOError, match="Not a directory"):
            fsutil.make_dirs(str(tmp_path / "a" / "b"))


class TestNoDirectoryCanBeMade:
    def test_in_a_system_of_the_kernel(self) -> None:
        with pytest.raises(LocalIOError, match="no directory can be made here: /proc/none"):
            fsutil.make_dirs("/proc/none/cache")

    def test_one_above_is_removed_again_and_again(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        above, real, left = str(tmp_path / "a"), os.mkdir, [3]

        def mkdir(path: str) -> None:
            if path != above and left[0] and os.path.isdir(above):
                left[0] -= 1
                os.rmdir(above)
            real(path)

        monkeypatch.setattr(os, "mkdir", mkdir)
        fsutil.make_dirs(above + "/b")
        assert left == [0]
        assert os.path.isdir(above + "/b")


def test_temp_paths_differ(tmp_path: Path) -> None:
    assert len({fsutil.temp_path(str(tmp_path)) for _ in range(100)}) == 100
