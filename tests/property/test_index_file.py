"""The index patch, against indexes that the real git wrote in all of its forms."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from git_mlvers.git.index import (
    IndexLocked,
    IndexUnsupported,
    StatChange,
    patch_stat,
    read_entries,
)
from git_mlvers.git.index_format import digest
from tests.support.git import Repo

if TYPE_CHECKING:
    from collections.abc import Iterator

OLD = 1_500_000_000


class Form(NamedTuple):
    """One kind of index."""

    name: str
    object_format: str = "sha1"
    version: int = 2
    settings: tuple[tuple[str, str], ...] = ()
    flags: bool = False


FORMS = [
    Form("v2"),
    Form("v3", version=3, flags=True),
    Form("v4", version=4),
    Form("v4 with flags", version=4, flags=True),
    Form("sha256 v2", "sha256"),
    Form("sha256 v3", "sha256", 3, flags=True),
    Form("sha256 v4", "sha256", 4),
    Form("untracked cache", settings=(("core.untrackedCache", "true"),)),
    Form("v2 in threads", settings=(("index.threads", "4"),)),
    Form("v4 in threads", version=4, settings=(("index.threads", "4"),)),
    Form("no hash", settings=(("index.skipHash", "true"),)),
]

# Names that share beginnings, are longer than 4095 bytes in all, and are no text.
SEGMENTS = st.one_of(
    st.sampled_from([b"a", b"data", b"data-2", b"data.bin", b"x y", b"\xff\xfe", "é".encode()]),
    st.binary(min_size=1, max_size=12).filter(
        lambda s: b"/" not in s and b"\0" not in s and s not in (b".", b"..") and b".git" not in s
    ),
)
PATHS = st.lists(SEGMENTS, min_size=1, max_size=4).map(b"/".join)


@pytest.fixture(scope="module")
def sealed() -> Iterator[Path]:
    """A directory that is kept for all examples of one test."""
    path = Path(tempfile.mkdtemp())
    yield path
    shutil.rmtree(path)


def build(base: Path, form: Form, paths: list[bytes]) -> Repo:
    """A new repository with the files `paths` in its index, in the given form."""
    where = Path(tempfile.mkdtemp(dir=base))
    repo = Repo.init(where, f"--object-format={form.object_format}")
    repo.config("index.version", str(4 if form.version == 4 else 2))
    for key, value in form.settings:
        repo.config(key, value)
    for number, path in enumerate(paths):
        target = os.path.join(os.fsencode(where), path)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        with open(target, "wb") as file:
            file.write(b"content %d\n" % number)
        os.utime(target, (OLD, OLD))
    repo.git("add", "-A")
    if form.flags:
        repo.git("update-index", "--skip-worktree", "--", paths[0])
        repo.write("intended", b"later")
        repo.git("add", "-N", "intended")
    if ("core.untrackedCache", "true") in form.settings:
        repo.git("status")
    return repo


def without_clashes(paths: list[bytes]) -> list[bytes]:
    """Those of `paths` that can be files side by side."""
    kept: list[bytes] = []
    for path in dict.fromkeys(paths):
        if not any(path.startswith(p + b"/") or p.startswith(path + b"/") for p in kept):
            kept.append(path)
    return kept


def debug_stats(repo: Repo) -> dict[bytes, tuple[str, ...]]:
    """What ``git ls-files --debug`` tells of each path in the index."""
    found: dict[bytes, tuple[str, ...]] = {}
    blocks = repo.git_bytes("ls-files", "-z", "--debug")
    while blocks:
        path, _, rest = blocks.partition(b"\0")
        lines = rest.split(b"\n", 5)
        found[path] = tuple(line.decode().strip() for line in lines[:5])
        blocks = lines[5]
    return found


def expected_stats(stat: os.stat_result) -> tuple[str, ...]:
    second = 10**9
    return (
        f"ctime: {stat.st_ctime_ns // second}:{stat.st_ctime_ns % second}",
        f"mtime: {stat.st_mtime_ns // second}:{stat.st_mtime_ns % second}",
        f"dev: {stat.st_dev & 0xFFFFFFFF}\tino: {stat.st_ino & 0xFFFFFFFF}",
        f"uid: {stat.st_uid}\tgid: {stat.st_gid}",
        f"size: {stat.st_size & 0xFFFFFFFF}",
    )


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.name)
@settings(
    max_examples=8,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.lists(PATHS, min_size=1, max_size=25), st.randoms(use_true_random=False))
def test_new_stat_data_and_nothing_else(
    form: Form, sealed: Path, paths: list[bytes], random
) -> None:  # type: ignore[no-untyped-def]
    paths = without_clashes(paths)
    repo = build(sealed, form, paths)
    index = str(repo.path / ".git/index")
    before, stat_before = Path(index).read_bytes(), os.stat(index)
    assert int.from_bytes(before[4:8], "big") == form.version
    entries = {entry.path: entry for entry in read_entries(index, form.object_format)}
    listed = repo.git_bytes("ls-files", "-s", "-z")
    assert (
        b"".join(
            b"%06o %b %d\t%b\0" % (e.mode, e.oid.encode(), e.stage, e.path)
            for e in entries.values()
        )
        == listed
    )

    chosen = [path for path in paths if random.random() < 0.5]
    changes = {}
    for path in chosen:
        target = os.path.join(os.fsencode(repo.path), path)
        with open(target, "rb") as file:
            data = file.read()
        os.unlink(target)
        with open(target, "wb") as file:
            file.write(data)
        os.utime(target, (OLD + 5, OLD + 5))
        changes[path] = StatChange(entries[path].oid, os.lstat(target))
    stats_before = debug_stats(repo)
    count = patch_stat(index, changes, form.object_format, munge_size=False)

    patched = [path for path in chosen if not entries[path].skip_worktree]
    assert count == len(patched)
    after, stat_after = Path(index).read_bytes(), os.stat(index)
    assert len(after) == len(before)
    assert stat_after.st_mtime_ns == stat_before.st_mtime_ns
    assert stat_after.st_mode == stat_before.st_mode
    assert repo.git_bytes("ls-files", "-s", "-z") == listed
    stats_after = debug_stats(repo)
    for path, stats in stats_before.items():
        wanted = expected_stats(changes[path].new) if path in patched else stats
        assert stats_after[path][:4] == wanted[:4], path
        assert stats_after[path][4].startswith(wanted[4].split("\t")[0]), path
    assert repo.git("diff-files", "--name-only", "--ignore-submodules").splitlines() == (
        ["intended"] if form.flags else []
    )
    repo.fsck()
    # git goes on with it, and comes to the same.
    repo.run("update-index", "--refresh", "-q", check=form.flags is False)
    assert repo.git_bytes("ls-files", "-s", "-z") == listed


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data(), form=st.sampled_from(FORMS[:5]))
def test_damage_is_refused(sealed: Path, data: st.DataObject, form: Form) -> None:
    """A cut or changed index raises an error; it is neither a crash nor is it written."""
    repo = _prebuilt(sealed, form)
    whole = (repo.path / ".git/index").read_bytes()
    path = str(sealed / "damaged")
    cut = data.draw(st.integers(0, len(whole) - 1))
    place = data.draw(st.integers(0, len(whole) - 1))
    changed = bytearray(whole)
    changed[place] ^= data.draw(st.integers(1, 255))
    hash_size = 32 if form.object_format == "sha256" else 20
    resealed = bytes(changed[:-hash_size])
    resealed += digest(resealed, form.object_format)
    changes = {
        b"data/a": StatChange(
            "0" * 2 * hash_size, os.stat(path) if os.path.exists(path) else os.stat(__file__)
        )
    }
    for content in (whole[:cut], bytes(changed)):
        Path(path).write_bytes(content)
        with pytest.raises(IndexUnsupported):
            patch_stat(path, changes, form.object_format, False)
        assert Path(path).read_bytes() == content
    # With a right hash around wrong bytes it may be an index; it must not be a crash.
    Path(path).write_bytes(resealed)
    try:
        read_entries(path, form.object_format)
        assert patch_stat(path, changes, form.object_format, False) == 0
    except IndexUnsupported:
        pass
    assert not os.path.exists(path + ".lock")


_built: dict[Form, Repo] = {}


def _prebuilt(base: Path, form: Form) -> Repo:
    if form not in _built or not _built[form].path.exists():
        _built[form] = build(base, form, [b"data/a", b"data/b", b"z"])
    return _built[form]


def test_a_locked_index_is_not_waited_for(sealed: Path) -> None:
    repo = build(sealed, FORMS[0], [b"a"])
    index = repo.path / ".git/index"
    (entry,) = read_entries(str(index), "sha1")
    before = index.read_bytes()
    (repo.path / ".git/index.lock").write_bytes(b"")
    change = {b"a": StatChange(entry.oid, os.stat(__file__))}
    with pytest.raises(IndexLocked):
        patch_stat(str(index), change, "sha1", False)
    assert index.read_bytes() == before
    assert (repo.path / ".git/index.lock").exists()
