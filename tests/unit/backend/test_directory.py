"""A store in a directory: what is left on disk, who may use it, and what goes wrong with disks."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from git_mlvers.backend import directory as module
from git_mlvers.backend.base import (
    BackendError,
    Conflict,
    Forbidden,
    KeyMissing,
    StoreFull,
    StoreMissing,
    StoreNotMade,
    Unreachable,
)
from git_mlvers.backend.directory import Directory

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

VERBS: dict[str, Callable[[Directory], object]] = {
    "get": lambda store: store.get("a/key"),
    "put": lambda store: store.put("a/key", b"x"),
    "create": lambda store: store.create("a/other", b"x"),
    "stat": lambda store: store.stat("a/key"),
    "list": lambda store: list(store.list("")),
    "delete": lambda store: store.delete("a/key"),
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Where the store is going to be."""
    return tmp_path / "store"


@pytest.fixture
def store(root: Path) -> Directory:
    """A store with one object in it, ``a/key``."""
    store = Directory(str(root))
    store.put("a/key", b"content")
    return store


def _files(root: Path) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if not path.is_dir())


# --- the place itself ---


def test_the_directory_is_made_by_the_first_write_and_not_before(root: Path) -> None:
    store = Directory(str(root))
    assert list(store.list("")) == []
    assert store.stat("key") is None
    with pytest.raises(StoreNotMade) as caught:
        store.get("key")
    assert isinstance(caught.value, KeyMissing)
    assert str(root) in caught.value.message
    assert "mounted" in (caught.value.hint or "")
    assert not root.exists()
    assert store.create("key", b"x")
    assert root.is_dir()


@pytest.mark.parametrize("verb", VERBS)
def test_a_share_that_is_not_mounted_is_missing_and_nothing_is_made(
    tmp_path: Path, verb: str
) -> None:
    store = Directory(str(tmp_path / "mount" / "store"))
    with pytest.raises(StoreMissing) as caught:
        VERBS[verb](store)
    assert not isinstance(caught.value, KeyMissing)
    assert "mount/store" in caught.value.message
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("verb", VERBS)
def test_a_file_where_the_directory_should_be_is_told(root: Path, verb: str) -> None:
    root.write_text("not a directory")
    with pytest.raises(StoreMissing, match="is not a directory"):
        VERBS[verb](Directory(str(root)))
    assert root.read_text() == "not a directory"


def test_a_root_behind_a_symbolic_link_is_used(tmp_path: Path, root: Path) -> None:
    (tmp_path / "disk").mkdir()
    root.symlink_to(tmp_path / "disk")
    Directory(str(root)).put("a/key", b"x")
    assert (tmp_path / "disk" / "a" / "key").read_bytes() == b"x"


def test_a_path_with_any_bytes_is_fine(tmp_path: Path) -> None:
    path = os.path.join(str(tmp_path), "-rf nön \udcff\n'")
    store = Directory(path)
    store.put("a/key", b"x")
    assert store.get("a/key") == b"x"
    assert [entry.key for entry in store.list("")] == ["a/key"]


# --- what is written, and how ---


def test_nothing_but_the_objects_is_left(store: Directory, root: Path) -> None:
    store.put("a/key", b"again")
    store.create("a/new", b"x")
    store.create("a/new", b"y")
    data, token = store.get_versioned("a/key")
    store.replace("a/key", data + b"!", token)
    with pytest.raises(Conflict):
        store.replace("a/key", data, token)
    assert _files(root) == [".lock", "a/key", "a/new"]


def test_unfinished_and_foreign_files_are_not_listed(store: Directory, root: Path) -> None:
    (root / "a" / ".tmp-1234").write_bytes(b"half")
    (root / "a" / "with space").write_bytes(b"x")
    (root / ".DS_Store").write_bytes(b"x")
    (root / "a" / "link").symlink_to(root / "a" / "key")
    os.mkfifo(root / "a" / "fifo")
    assert [entry.key for entry in store.list("")] == ["a/key"]
    assert store.stat("a/link") is None
    assert store.stat("a/fifo") is None


def test_what_a_dead_writer_left_is_removed_after_a_day(store: Directory, root: Path) -> None:
    old, new = root / "a" / ".tmp-old", root / "a" / ".tmp-new"
    old.write_bytes(b"half")
    new.write_bytes(b"half")
    os.utime(old, (0, 0))
    Directory(str(root)).put("a/other", b"x")
    assert not old.exists()
    assert new.exists()


def test_a_reader_keeps_what_it_has_opened_while_it_is_replaced(store: Directory) -> None:
    with store._open("a/key") as file:
        store.put("a/key", b"another")
        assert os.read(file, 100) == b"content"


def test_without_hard_links_create_is_exclusive_all_the_same(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_links(*_: object, **__: object) -> None:
        raise OSError(errno.EOPNOTSUPP, "Operation not supported")

    monkeypatch.setattr(os, "link", no_links)
    store = Directory(str(root))
    results: list[bool] = []
    start = threading.Barrier(6)

    def create(number: int) -> None:
        start.wait()
        results.append(store.create("key", b"%d" % number))

    threads = [threading.Thread(target=create, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results.count(True) == 1
    assert _files(root) == [".lock", "key"]


def test_a_link_that_was_made_though_the_server_denies_it_counts(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.link

    def denied(*args: object, **names: object) -> None:
        real(*args, **names)  # type: ignore[arg-type]
        raise FileExistsError(errno.EEXIST, "File exists")

    monkeypatch.setattr(os, "link", denied)
    store = Directory(str(root))
    assert store.create("key", b"mine")
    assert store.get("key") == b"mine"


def test_replace_does_not_wait_for_ever_for_another_writer(
    store: Directory, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LOCK_WAIT", 0.05)
    _, token = store.get_versioned("a/key")
    with open(root / ".lock", "wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(BackendError, match="locked") as caught:
            store.replace("a/key", b"x", token)
    assert caught.value.hint
    assert store.replace("a/key", b"x", token)


def test_processes_that_replace_at_once_lose_nothing(store: Directory, root: Path) -> None:
    store.put("counter", b"0")
    code = (
        "import sys\n"
        "from git_mlvers.backend.base import Conflict\n"
        "from git_mlvers.backend.directory import Directory\n"
        "store = Directory(sys.argv[1])\n"
        "done = 0\n"
        "while done < 20:\n"
        "    data, token = store.get_versioned('counter')\n"
        "    try:\n"
        "        store.replace('counter', b'%d' % (int(data) + 1), token)\n"
        "    except Conflict:\n"
        "        continue\n"
        "    done += 1\n"
    )
    running = [subprocess.Popen([sys.executable, "-c", code, str(root)]) for _ in range(3)]
    assert [process.wait() for process in running] == [0, 0, 0]
    assert store.get("counter") == b"60"


# --- who may use it ---


def test_in_a_directory_of_a_group_all_that_is_made_is_for_the_group(root: Path) -> None:
    root.mkdir()
    root.chmod(0o2770)
    os.umask(0o077)
    store = Directory(str(root))
    store.put("content/packs/ab/key", b"x")
    store.replace("content/packs/ab/key", b"y", store.get_versioned("content/packs/ab/key")[1])
    for path in root.rglob("*"):
        mode = stat.S_IMODE(path.stat().st_mode)
        assert mode == (0o2770 if path.is_dir() else 0o660), path


def test_elsewhere_the_umask_counts(root: Path) -> None:
    os.umask(0o077)
    Directory(str(root)).put("content/key", b"x")
    modes = {stat.S_IMODE(path.stat().st_mode) for path in [root, *root.rglob("*")]}
    assert modes == {0o700, 0o600}


def test_links_inside_lead_nowhere(store: Directory, root: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "key").write_bytes(b"precious")
    (root / "content").symlink_to(outside)
    (root / "link").symlink_to(outside / "key")
    for act in (
        lambda: store.put("content/key", b"x"),
        lambda: store.create("content/new", b"x"),
        lambda: store.delete("content/key"),
        lambda: store.get("content/key"),
        lambda: store.get("link"),
    ):
        with pytest.raises(BackendError, match="symbolic link"):
            act()
    store.put("link", b"x")
    assert _files(outside) == ["key"]
    assert (outside / "key").read_bytes() == b"precious"
    assert not (root / "link").is_symlink()


# --- disks ---


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
@pytest.mark.parametrize("verb", ["put", "create"])
def test_a_full_disk_leaves_nothing_by_halves(
    store: Directory, root: Path, monkeypatch: pytest.MonkeyPatch, verb: str, number: int
) -> None:
    real = os.write
    calls = iter([100])

    def full(file: int, data: bytes | memoryview) -> int:
        some = next(calls, None)
        if some is None:
            raise OSError(number, os.strerror(number))
        return real(file, memoryview(data)[:some])

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(StoreFull) as caught:
        getattr(store, verb)("a/large", b"x" * 1000)
    assert "a/large" in caught.value.message
    assert str(root) in caught.value.message
    monkeypatch.undo()
    assert _files(root) == ["a/key"]
    assert store.get("a/key") == b"content"
    assert store.create("a/large", b"x")


def test_a_limit_in_the_middle_of_a_real_write_leaves_nothing_by_halves(tmp_path: Path) -> None:
    script = (
        "import resource, signal, sys\n"
        "from git_mlvers.backend.directory import Directory\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "store = Directory(sys.argv[1])\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))\n"
        "try:\n"
        "    store.put('key', b'x' * 10000)\n"
        "except Exception as error:\n"
        "    print(type(error).__name__, error)\n"
        "store.put('small', b'x')\n"
    )
    root = tmp_path / "store"
    ran = subprocess.run(
        [sys.executable, "-c", script, str(root)], capture_output=True, text=True, check=True
    )
    assert "BackendError cannot write key in" in ran.stdout
    assert _files(root) == ["small"]


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        (errno.EACCES, Forbidden),
        (errno.EPERM, Forbidden),
        (errno.EROFS, Forbidden),
        (errno.ESTALE, Unreachable),
        (errno.EIO, Unreachable),
        (errno.ENOTCONN, Unreachable),
        (errno.ENXIO, Unreachable),
        (errno.EMFILE, BackendError),
    ],
)
@pytest.mark.parametrize("verb", VERBS)
def test_what_the_system_says_is_told_in_one_sentence(
    store: Directory,
    monkeypatch: pytest.MonkeyPatch,
    verb: str,
    number: int,
    kind: type[BackendError],
) -> None:
    real = os.open

    def failing(path: str, *args: object, **names: object) -> int:
        if str(path).startswith("/"):
            raise OSError(number, os.strerror(number), path)
        return real(path, *args, **names)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "open", failing)
    with pytest.raises(BackendError) as caught:
        VERBS[verb](store)
    assert type(caught.value) is kind
    assert store.url in caught.value.message
    assert caught.value.exit_code == 5
    assert not caught.value.transient


def test_a_file_that_shrinks_while_it_is_read_is_no_short_answer(
    store: Directory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "pread", lambda file, length, start: b"con" if start == 0 else b"")
    with pytest.raises(Unreachable, match="ended after 3 bytes"):
        store.get("a/key")


def test_a_read_that_comes_in_pieces_is_put_together(
    store: Directory, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.pread
    monkeypatch.setattr(os, "pread", lambda file, length, start: real(file, min(2, length), start))
    assert store.get("a/key") == b"content"
    assert store.get("a/key", 1, 5) == b"onten"


@pytest.mark.parametrize("point", ["fsync", "rename", "link"])
def test_a_writer_that_is_killed_leaves_the_old_object_or_the_new_one(
    store: Directory, root: Path, point: str
) -> None:
    verb = "create('a/new'" if point == "link" else "put('a/key'"
    script = (
        "import os, signal, sys\n"
        "from git_mlvers.backend.directory import Directory\n"
        f"os.{point} = lambda *a, **k: os.kill(os.getpid(), signal.SIGKILL)\n"
        f"Directory(sys.argv[1]).{verb}, b'x' * 100)\n"
    )
    ran = subprocess.run([sys.executable, "-c", script, str(root)], check=False)
    assert ran.returncode == -9
    assert store.get("a/key") == b"content"
    assert [entry.key for entry in store.list("")] == ["a/key"]
    store.put("a/key", b"next")
    assert store.create("a/new", b"x")
