"""Pointers in history, in one tree and in an index."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from git_mlvers.errors import CorruptError
from git_mlvers.git import scan
from git_mlvers.git.command import GitError
from git_mlvers.git.refs import UnknownRevision
from git_mlvers.git.repository import Repository
from git_mlvers.pointer import Pointer
from tests.support.git import Repo, clone, oid_of, pointer_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from git_mlvers.git.scan import Entry, Found


def found(repo: Repo) -> Repository:
    return Repository.discover(str(repo.path), {})


def text(name: str) -> bytes:
    return pointer_of(name.encode())


def names(items: Iterable[Found | Entry]) -> dict[bytes, str]:
    """What was found: path and hex oid."""
    return {item.path: item.pointer.oid.hex() for item in items}


def oids(items: Iterable[Found | Entry]) -> set[str]:
    return {item.pointer.oid.hex() for item in items}


def of(*contents: str) -> set[str]:
    return {oid_of(content.encode()) for content in contents}


def test_all_of_history(repo: Repo) -> None:
    repo.write("data/a.bin", text("one"))
    repo.write("plain.txt", b"no pointer\n")
    repo.write("long.txt", b"x" * 5000)
    repo.write("almost", text("one") + b"\n")
    repo.commit("one")
    repo.write("data/a.bin", text("two"))
    repo.write("b.bin", text("three"))
    repo.commit("two")
    items = list(scan.pointers(found(repo), ["main"]))
    assert oids(items) == of("one", "two", "three")
    assert {item.path for item in items} == {b"data/a.bin", b"b.bin"}
    for item in items:
        assert Pointer.parse(repo.git_bytes("cat-file", "blob", item.blob)) == item.pointer


def test_only_what_is_new(repo: Repo) -> None:
    repo.write("a", text("one"))
    repo.commit("one")
    repo.git("tag", "old")
    repo.write("b", text("two"))
    repo.commit("two")
    here = found(repo)
    assert names(scan.pointers(here, ["main"], ["old"])) == {b"b": oid_of(b"two")}
    assert list(scan.pointers(here, ["main"], ["main"])) == []
    assert list(scan.pointers(here, [])) == []


def test_unrelated_histories_merges_and_several_tips(repo: Repo) -> None:
    repo.write("a", text("one"))
    repo.commit("one")
    repo.git("checkout", "-q", "--orphan", "other")
    repo.git("rm", "-qrf", ".")
    repo.write("b", text("two"))
    repo.commit("two")
    repo.git("merge", "-q", "--allow-unrelated-histories", "-m", "m", "main")
    here = found(repo)
    assert oids(scan.pointers(here, ["other"])) == of("one", "two")
    assert oids(scan.pointers(here, ["other"], ["main"])) == of("two")
    assert oids(scan.pointers(here, ["main", "other~1"])) == of("one", "two")


def test_objects_that_no_path_leads_to(repo: Repo) -> None:
    repo.write("a", text("one"))
    repo.commit()
    blob = repo.git("hash-object", "-w", "--stdin", stdin=text("tagged"))
    large = repo.git("hash-object", "-w", "--stdin", stdin=b"x" * 10_000)
    tree = repo.git("mktree", stdin=f"100644 blob {blob}\tin tree\n")
    repo.git("tag", "-a", "-m", "x", "to-blob", blob)
    repo.git("tag", "light", large)
    repo.git("tag", "-a", "-m", "x", "to-tree", tree)
    here = found(repo)
    assert oids(scan.pointers(here, ["to-blob"])) == of("tagged")
    assert oids(scan.pointers(here, ["light", blob])) == of("tagged")
    assert names(scan.pointers(here, ["to-tree"])) == {b"in tree": oid_of(b"tagged")}
    assert oids(scan.pointers(here, ["main^{tree}"])) == of("one")


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        (b"with space  two", b"with space  two"),
        (b"\xff\xfe", b"\xff\xfe"),
        (b"-dash", b"-dash"),
        (b'"quoted" \\', b'"quoted" \\'),
        (b"tab\there", b"tab\there"),
        (b"cut\nhere", b"cut"),
        (b"  blanks", b"blanks"),
    ],
)
def test_unusual_names(repo: Repo, path: bytes, shown: bytes) -> None:
    repo.write(path, text("one"))
    repo.commit()
    here = found(repo)
    assert names(scan.pointers(here, ["main"])) == {shown: oid_of(b"one")}
    assert [entry.path for entry in scan.tree_pointers(here, "main")] == [path]
    assert [entry.path for entry in scan.index_pointers(here)] == [path]


@pytest.mark.parametrize("window", [1, 3, 100])
def test_a_large_tree_is_listed_in_parts(
    repo: Repo, window: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scan, "_FIRST_WINDOW", 2)
    monkeypatch.setattr(scan, "_WINDOW", window)
    wanted = {}
    for number in range(10):
        name = f"{number}.bin"
        repo.write(name, text(str(number % 7)))
        repo.write(f"{number}.txt", b"no pointer")
        wanted[name.encode()] = oid_of(str(number % 7).encode())
    repo.commit()
    listed = list(scan.tree_pointers(found(repo), "main"))
    assert [entry.path for entry in listed] == sorted(wanted)
    assert names(listed) == wanted


def test_what_is_not_a_revision_is_an_error(repo: Repo) -> None:
    repo.write("a", text("one"))
    repo.commit()
    for name in ("no-such", "1" * 40, "--all", "--output=x"):
        with pytest.raises((GitError, UnknownRevision)):
            list(scan.pointers(found(repo), [name]))
        with pytest.raises(UnknownRevision):
            list(scan.tree_pointers(found(repo), name))


def test_very_many_tips_do_not_block(repo: Repo) -> None:
    repo.write("a", text("one"))
    commit = repo.commit()
    tips = [commit] * 50_000
    assert oids(scan.pointers(found(repo), tips)) == of("one")


def test_an_iteration_may_be_left_early(repo: Repo) -> None:
    for number in range(500):
        repo.write(f"f{number}", text(f"{number}"))
    repo.commit()
    assert next(scan.pointers(found(repo), ["main"])).pointer is not None


def test_a_damaged_repository_is_not_an_empty_one(repo: Repo) -> None:
    repo.write("a", text("one"))
    repo.write("b", text("two"))
    repo.commit()
    blob = repo.git("rev-parse", "main:a")
    (repo.path / ".git/objects" / blob[:2] / blob[2:]).unlink()
    here = found(repo)
    with pytest.raises(GitError):
        list(scan.pointers(here, ["main"]))
    with pytest.raises(CorruptError, match=blob):
        list(scan.tree_pointers(here, "main"))
    with pytest.raises(CorruptError, match=blob):
        list(scan.index_pointers(here))


def test_replaced_objects_count_as_they_are_sent(repo: Repo) -> None:
    repo.write("a", text("one"))
    one = repo.commit("one")
    repo.write("a", text("two"))
    two = repo.commit("two")
    repo.git("replace", two, one)
    assert oids(scan.pointers(found(repo), ["main"])) == of("one", "two")


def test_one_tree(repo: Repo) -> None:
    repo.write("data/a.bin", text("one"), mode=0o755)
    repo.write("data/same.bin", text("one"))
    repo.write("other/b.bin", text("two"))
    repo.write("plain", b"x")
    (repo.path / "link").symlink_to(os.fsdecode(b"data"))
    repo.commit()
    here = found(repo)
    entries = list(scan.tree_pointers(here, "HEAD"))
    assert [(entry.path, entry.mode) for entry in entries] == [
        (b"data/a.bin", 0o100755),
        (b"data/same.bin", 0o100644),
        (b"other/b.bin", 0o100644),
    ]
    assert entries[0].pointer == Pointer.parse(text("one"))
    for specs in (["data"], [":(top,literal)data"], ["data/"]):
        assert [e.path for e in scan.tree_pointers(here, "HEAD", specs)] == [
            b"data/a.bin",
            b"data/same.bin",
        ]
    assert list(scan.tree_pointers(here, "HEAD", ["nothing"])) == []


def test_the_index(repo: Repo) -> None:
    repo.write("data/a.bin", text("one"))
    repo.commit()
    repo.write("data/a.bin", text("two"))
    repo.write("b [x].bin", text("three"))
    repo.git("add", "-A")
    repo.write("not-added", text("four"))
    here = Repository.discover(str(repo.path / "data"), {})
    assert names(scan.index_pointers(here)) == {
        b"b [x].bin": oid_of(b"three"),
        b"data/a.bin": oid_of(b"two"),
    }
    assert list(names(scan.index_pointers(here, [":(top,literal)b [x].bin"]))) == [b"b [x].bin"]
    assert list(names(scan.index_pointers(here, ["data"]))) == [b"data/a.bin"]


def test_conflicts_in_the_index(repo: Repo) -> None:
    repo.write("a", text("base"))
    repo.commit()
    repo.git("checkout", "-q", "-b", "side")
    repo.write("a", text("side"))
    repo.commit()
    repo.git("checkout", "-q", "main")
    repo.write("a", text("main"))
    repo.commit()
    repo.run("merge", "side", check=False)
    here = found(repo)
    assert list(scan.index_pointers(here)) == []
    assert oids(scan.index_pointers(here, unmerged=True)) == of("base", "side", "main")


@pytest.mark.parametrize("split", [False, True])
def test_the_index_of_another_worktree(repo: Repo, tmp_path: Path, split: bool) -> None:
    repo.write("a", text("one"))
    repo.commit()
    repo.git("worktree", "add", "-q", str(tmp_path / "linked"))
    linked = Repo(tmp_path / "linked")
    if split:
        linked.git("update-index", "--split-index")
    linked.write("b", text("staged there"))
    linked.git("add", "b")
    path = str(linked.git_path("index"))
    assert oids(scan.index_pointers(found(repo), index_path=path)) == of("one", "staged there")
    assert oids(scan.index_pointers(found(repo))) == of("one")
    assert oids(scan.index_pointers(found(linked))) == of("one", "staged there")


def test_a_repository_of_sha256(tmp_path: Path) -> None:
    repo = Repo.init(tmp_path / "long", "--object-format=sha256")
    repo.write("a", text("one"))
    repo.commit()
    here = found(repo)
    assert oids(scan.pointers(here, ["main"])) == of("one")
    assert oids(scan.tree_pointers(here, "main")) == of("one")
    assert oids(scan.index_pointers(here)) == of("one")


def test_a_bare_repository(repo: Repo, tmp_path: Path) -> None:
    repo.write("a", text("one"))
    repo.commit()
    bare = found(clone(str(repo.path), tmp_path / "bare", "--bare"))
    assert oids(scan.pointers(bare, ["main"])) == of("one")
    assert oids(scan.tree_pointers(bare, "main")) == of("one")


def test_earlier_versions(repo: Repo) -> None:
    for version in ("1", "2", "3"):
        repo.write("a", text(f"a{version}"))
        repo.write("b", text(f"b{version}"))
        repo.write("c", b"plain %b\n" % version.encode())
        repo.commit(version)
    repo.write("new", text("n"))
    repo.commit("4")
    here = found(repo)

    def versions(exclude: list[str], *paths: bytes) -> dict[str, set[str]]:
        return {
            oid.hex(): {other.hex() for other in older}
            for oid, older in scan.previous_versions(here, ["main"], exclude, paths).items()
        }

    assert versions([], b"a", b"c", b"new") == {
        oid_of(b"a2"): of("a1"),
        oid_of(b"a3"): of("a1", "a2"),
    }
    assert versions(["main~2"], b"a", b"b") == {
        oid_of(b"a3"): of("a2"),
        oid_of(b"b3"): of("b2"),
    }
    assert versions(["main"], b"a") == {}
    assert versions([]) == {}
