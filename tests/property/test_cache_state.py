"""The cache against a dictionary, through any order of work, crashes and damage."""

from __future__ import annotations

import os
import shutil
import tempfile

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from git_mlvers import frame
from git_mlvers.cache import SMALL, Cache, appender
from git_mlvers.oid import Oid
from git_mlvers.pointer import Pointer
from tests.support.content import noise

CONTENTS = [noise(n, n) for n in (0, 1, 40, 300, 700, 701, 1500)] + [b"text " * 50, b"text " * 900]
LARGE = [noise(SMALL + n, n) for n in (1, 2)]
ALL = {Pointer(Oid.of(data), len(data)): data for data in CONTENTS + LARGE}

EVERY = CONTENTS + LARGE

# Numbers of contents: the contents themselves would fill pages of a report.
small = st.integers(0, len(CONTENTS) - 1)
either = st.integers(0, len(EVERY) - 1)


class CacheMachine(RuleBasedStateMachine):
    """Two processes use one cache; what it must hold is in `model`.

    What was removed and is still in a pack may come back with a new index: it
    is in `ghosts`.
    """

    @initialize()
    def set_up(self) -> None:
        self.limit = appender.PACK_LIMIT
        appender.PACK_LIMIT = 2500
        self.folder = tempfile.mkdtemp(prefix="mlvers-state-")
        self.root = os.path.join(self.folder, "cache")
        self.caches = [self.open(), self.open()]
        self.model: set[Pointer] = set()
        self.ghosts: set[Pointer] = set()

    def teardown(self) -> None:
        if hasattr(self, "folder"):
            for cache in self.caches:
                cache.close()
            shutil.rmtree(self.folder)
            appender.PACK_LIMIT = self.limit

    def open(self) -> Cache:
        return Cache(self.root, fsync=False)

    def packs(self) -> list[str]:
        folder = os.path.join(self.root, "packs")
        if not os.path.isdir(folder):
            return []
        return sorted(os.path.join(folder, n) for n in os.listdir(folder) if n.endswith(".pack"))

    def note(self, pointer: Pointer) -> None:
        self.model.add(pointer)
        self.ghosts.discard(pointer)

    @rule(which=either, who=st.integers(0, 1))
    def add(self, which: int, who: int) -> None:
        self.note(self.caches[who].add_bytes(EVERY[which]))

    @rule(which=either, who=st.integers(0, 1), step=st.sampled_from([37, 5000, 200_000]))
    def write(self, which: int, who: int, step: int) -> None:
        data = EVERY[which]
        with self.caches[who].writer() as writer:
            for start in range(0, len(data), step):
                writer.write(data[start : start + step])
            self.note(writer.finish())

    @rule(which=small, who=st.integers(0, 1))
    def add_frame(self, which: int, who: int) -> None:
        data = EVERY[which]
        oid = Oid.of(data)
        self.caches[who].add_frame(frame.encode(data, oid))
        self.note(Pointer(oid, len(data)))

    @rule(which=either, who=st.integers(0, 1))
    def adopt(self, which: int, who: int) -> None:
        data = EVERY[which]
        fd, path = self.caches[who].new_file(len(data))
        with open(fd, "wb") as file:
            file.write(data)
        self.caches[who].adopt(path, Oid.of(data), len(data))
        self.note(Pointer(Oid.of(data), len(data)))

    @rule(which=st.sets(either, max_size=4))
    def remove(self, which: set[int]) -> None:
        pointers = {Pointer(Oid.of(EVERY[n]), len(EVERY[n])) for n in which}
        # What another process has not recorded yet, it still has.
        for cache in self.caches:
            cache.flush()
        self.caches[0].remove([pointer.oid for pointer in pointers])
        self.ghosts |= self.model & pointers
        self.model -= pointers

    @rule(who=st.integers(0, 1))
    def flush(self, who: int) -> None:
        self.caches[who].flush()

    @rule(who=st.integers(0, 1))
    def reopen(self, who: int) -> None:
        self.caches[who].close()
        self.caches[who] = self.open()

    @rule(who=st.integers(0, 1))
    def crash(self, who: int) -> None:
        packs = self.caches[who]._own.packs
        packs._appender.release()
        packs.forget_files()
        packs.catalog.close()
        self.caches[who] = self.open()

    @rule(who=st.integers(0, 1), share=st.sampled_from([0.0, 0.3, 0.9]))
    def compact(self, who: int, share: float) -> None:
        self.caches[who].compact(share)

    @rule(who=st.integers(0, 1))
    def check(self, who: int) -> None:
        assert self.caches[who].fsck() == []

    @precondition(lambda self: self.packs())
    @rule(which=small, cut=st.integers(1, 60), pick=st.integers(0, 100))
    def leave_a_torn_frame(self, which: int, cut: int, pick: int) -> None:
        data = EVERY[which]
        for who in (0, 1):
            self.reopen(who)
        path = self.packs()[pick % len(self.packs())]
        with open(path, "ab") as file:
            file.write(frame.encode(data, Oid.of(data))[:-cut])

    @rule()
    def lose_the_index(self) -> None:
        for who in (0, 1):
            self.caches[who].close()
        if self.packs():
            os.unlink(os.path.join(self.root, "packs", "index.db"))
        self.caches = [self.open(), self.open()]

    @precondition(lambda self: self.packs())
    @rule(noise_size=st.integers(1, 9000), offset=st.integers(0, 20_000))
    def damage_the_index(self, noise_size: int, offset: int) -> None:
        for who in (0, 1):
            self.reopen(who)
        path = os.path.join(self.root, "packs", "index.db")
        with open(path, "r+b") as file:
            file.seek(min(offset, os.path.getsize(path) // 4096 * 4096 - 1) // 4096 * 4096)
            file.write(noise(min(noise_size, 4096)))
        for who in (0, 1):
            assert all(p.oid is None for p in self.caches[who].fsck())

    @invariant()
    def holds_what_it_must(self) -> None:
        if not hasattr(self, "caches"):
            return
        for cache in self.caches:
            for pointer in self.model:
                assert cache.read(*pointer) == ALL[pointer]
                assert cache.has(*pointer)
            absent = ALL.keys() - self.model - self.ghosts
            assert set(cache.missing(absent)) == absent

    @invariant()
    def lists_what_it_has(self) -> None:
        if not hasattr(self, "caches"):
            return
        for cache in self.caches:
            found = list(cache)
            assert len(found) == len(set(found))
            assert self.model <= set(found) <= self.model | self.ghosts


TestCacheState = CacheMachine.TestCase
TestCacheState.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
