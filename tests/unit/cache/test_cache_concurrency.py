"""Several processes and threads at one cache."""

from __future__ import annotations

import os
import subprocess
import threading
from typing import TYPE_CHECKING

from git_mlvers.cache import Cache
from git_mlvers.oid import Oid
from tests.unit.cache.conftest import large, small

if TYPE_CHECKING:
    from collections.abc import Callable

    StartChild = Callable[..., subprocess.Popen[str]]

ADDER = """
first, last = int(sys.argv[2]), int(sys.argv[3])
sys.stdin.readline()
cache = Cache(sys.argv[1])
for number in range(first, last):
    for data in (small(number), large(number)) if number % 10 == 0 else (small(number),):
        pointer = cache.add_bytes(data)
        assert cache.read(*pointer) == data
    if number % 40 == 0:
        cache.flush()
cache.close()
say("done")
"""

READER = """
last = int(sys.argv[2])
sys.stdin.readline()
cache = Cache(sys.argv[1])
for turn in range(int(sys.argv[3])):
    for number in range(1, last, 2):
        data = small(number)
        assert cache.read(Oid.of(data), len(data)) == data, (turn, number)
    if turn % 2:
        cache.close()
        cache = Cache(sys.argv[1])
say("done")
"""

COMPACTER = """
cache = Cache(sys.argv[1])
sys.stdin.readline()
for turn in range(int(sys.argv[3])):
    oids = []
    for number in range(0, int(sys.argv[2]), 2):
        data = small(number)
        cache.add_bytes(data)
        oids.append(Oid.of(data))
    cache.flush()
    cache.remove(oids)
    cache.compact(0.05)
cache.close()
say("done")
"""


def run_all(children: list[subprocess.Popen[str]]) -> None:
    """Let all children go at the same time; each must come to its end."""
    for child in children:
        assert child.stdin is not None
        child.stdin.write("go\n")
        child.stdin.flush()
    for child in children:
        out, err = child.communicate(timeout=120)
        assert (out, child.returncode) == ("done\n", 0), err


def test_processes_that_add_the_same_and_other_things(root: str, start_child: StartChild) -> None:
    parts = [(0, 200), (0, 200), (100, 300), (200, 400)]
    run_all([start_child(ADDER, root, *part) for part in parts])
    contents = [small(number) for number in range(400)]
    contents += [large(number) for number in range(0, 400, 10)]
    with Cache(root) as cache:
        for data in contents:
            assert cache.read(Oid.of(data), len(data)) == data
        assert len(list(cache)) == len(contents)
        assert cache.fsck() == []
    assert os.listdir(f"{root}/tmp") == []
    assert len([n for n in os.listdir(f"{root}/packs") if n.endswith(".pack")]) <= len(parts)


def test_compaction_beside_readers_and_a_writer(root: str, start_child: StartChild) -> None:
    count = 200
    with Cache(root) as cache:
        for number in range(count):
            cache.add_bytes(small(number))
    run_all(
        [
            start_child(READER, root, count, 12),
            start_child(READER, root, count, 12),
            start_child(COMPACTER, root, count, 12),
            start_child(ADDER, root, count, count + 200),
        ]
    )
    with Cache(root) as cache:
        for number in [*range(1, count, 2), *range(count, count + 200)]:
            data = small(number)
            assert cache.read(Oid.of(data), len(data)) == data
        assert cache.fsck() == []
        used = sum(48 + len(small(n)) for n in range(count + 200))
        assert cache.usage().pack_bytes < 3 * used


def test_damaged_index_is_replaced_by_several_at_once(root: str, start_child: StartChild) -> None:
    with Cache(root) as cache:
        for number in range(300):
            cache.add_bytes(small(number))
    with open(f"{root}/packs/index.db", "r+b") as file:
        file.write(os.urandom(20_000))
    run_all(
        [start_child(READER, root, 300, 2) for _ in range(3)]
        + [start_child(ADDER, root, 250, 350) for _ in range(2)]
    )
    with Cache(root) as cache:
        for number in range(350):
            assert cache.has(Oid.of(small(number)), len(small(number)))


def test_threads_share_one_cache(cache: Cache) -> None:
    errors: list[BaseException] = []

    def work(first: int) -> None:
        try:
            for number in range(first, first + 60):
                pointers = [cache.add_bytes(small(number))]
                if number % 10 == 0:
                    with cache.writer() as writer:
                        writer.write(large(number))
                        pointers.append(writer.finish())
                    cache.flush()
                for pointer, data in zip(pointers, (small(number), large(number)), strict=False):
                    assert cache.has(*pointer)
                    assert cache.read(*pointer) == data
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(first,)) for first in (0, 30, 60, 90)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert cache.fsck() == []
