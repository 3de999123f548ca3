"""``mlvers::`` before an address changes nothing of what git does with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.helper.twins import WORLDS, Twins
from tests.support.git import noise

if TYPE_CHECKING:
    from pathlib import Path

    from tests.helper.conftest import Way
    from tests.support.helper import Content


pytestmark = pytest.mark.usefixtures("content")


@pytest.fixture
def twins(tmp_path: Path, way: Way) -> Twins:
    """Two worlds that are empty, one for the addresses of git and one for ours."""
    return Twins(tmp_path, way)


@pytest.fixture
def started(twins: Twins) -> Twins:
    """Both have a clone ``a`` with three commits and a tag, all of it pushed."""
    twins.do(".", "clone", "-q", "URL", "a")
    for number in range(3):
        commit(twins, "a", f"file-{number}", noise(70_000 + number))
    twins.do("a", "tag", "-a", "-m", "first", "v1", "HEAD~1")
    twins.do("a", "push", "-q", "origin", "main", "v1")
    return twins


def commit(twins: Twins, name: str, path: str, data: bytes = b"text\n") -> None:
    """One more commit in the repository `name` of both worlds."""
    for world in WORLDS:
        twins.repo(name, world).write(path, data)
        twins.repo(name, world).commit(path)


def test_clone_fetch_push(started: Twins, content: Content) -> None:
    started.do(".", "clone", "URL", "b")
    commit(started, "b", "from b")
    started.do("b", "push")
    started.do("b", "push")  # everything up-to-date
    started.do("a", "fetch", "--prune", "--tags", "origin")
    started.do("a", "pull")
    started.do(".", "clone", "--no-progress", "--branch", "v1", "URL", "tagged")
    started.do(".", "clone", "-q", "--bare", "URL", "bare.git")
    started.do(".", "clone", "-q", "--mirror", "URL", "mirror.git")
    for name in ("a", "b"):
        started.same_trees(name)
    updates = [asked.updates for asked in content.asked()]
    main = started.origin("ours").head("main")
    before = started.origin("ours").head("main~1")
    zeros = "0" * 40
    assert [[update[1:] for update in batch] for batch in updates] == [
        [
            [before, "refs/heads/main", zeros],
            [started.origin("ours").head("v1"), "refs/tags/v1", zeros],
        ],
        [[main, "refs/heads/main", before]],
    ]
    assert before in content.asked()[1].advertised


def test_ls_remote(started: Twins) -> None:
    said = started.do("a", "ls-remote", "origin")
    assert "refs/tags/v1^{}" in said
    started.do(".", "ls-remote", "--symref", "URL", "HEAD")
    started.do("a", "ls-remote", "--exit-code", "origin", "refs/heads/none", fails=True)


def test_force_lease_delete_atomic(started: Twins, content: Content) -> None:
    started.do("a", "push", "-q", "origin", "main:other")
    started.do("a", "reset", "-q", "--hard", "HEAD~1")
    commit(started, "a", "instead")
    started.do("a", "push", "origin", "main", fails=True)
    before = started.origin("ours").head("main")
    started.do("a", "push", f"--force-with-lease=main:{before[::-1]}", "origin", "main", fails=True)
    assert started.origin("ours").head("main") == before
    asked = len(content.asked())
    started.do("a", "push", "--atomic", "origin", "main", "+main:other", fails=True)
    started.do("a", "push", "--dry-run", "origin", "+main")
    started.do("a", "push", "--dry-run", "--porcelain", "origin", "+main", ":other")
    assert len(content.asked()) == asked
    started.do("a", "push", f"--force-with-lease=main:{before}", "origin", "main")
    started.do("a", "push", "--atomic", "origin", "+HEAD~1:other", "HEAD~1:refs/heads/new")
    asked = len(content.asked())
    started.do("a", "push", "origin", "--delete", "other", "v1")
    assert len(content.asked()) == asked
    started.do("a", "push", "origin", ":new", "main:refs/heads/newer")
    started.do("a", "push", "origin", "nothing:refs/heads/x", fails=True)


def test_push_options_and_hooks_of_the_server(started: Twins) -> None:
    for world in WORLDS:
        hooks = started.origin(world)
        hooks.hook(
            "pre-receive", 'echo "options: $GIT_PUSH_OPTION_0"; test "$GIT_PUSH_OPTION_1" != no'
        )
        hooks.hook("post-receive", "echo done")
    commit(started, "a", "x")
    assert "options: one two" in started.do("a", "push", "-o", "one two", "-o", "yes", "origin")
    commit(started, "a", "y")
    said = started.do("a", "push", "-o", "one", "-o", "no", "origin", fails=True)
    assert "pre-receive hook declined" in said


def test_a_signed_push(started: Twins, content: Content, tmp_path: Path) -> None:
    gpg = tmp_path / "gpg"
    gpg.write_text(
        "#!/bin/sh\ncat >/dev/null; echo '[GNUPG:] SIG_CREATED ' >&2\n"
        "echo '-----BEGIN PGP SIGNATURE-----'; echo '-----END PGP SIGNATURE-----'\n"
    )
    gpg.chmod(0o755)
    for world in WORLDS:
        started.origin(world).config("receive.certNonceSeed", "seed")
        started.repo("a", world).config("gpg.program", str(gpg))
    commit(started, "a", "x")
    started.do("a", "push", "--signed", "origin", "main")
    assert content.asked()[-1].updates[0][1] == started.repo("a", "ours").head()
    content.refuse("no")
    ours = started.repo("a", "ours")
    said = ours.fails("push", "--signed", "origin", "main:signed").stderr
    assert "! [remote rejected] main -> signed (no)" in said


def test_mirror(started: Twins) -> None:
    started.do("a", "branch", "one")
    started.do("a", "push", "--mirror", "URL")
    started.do("a", "branch", "-D", "one")
    started.do("a", "update-ref", "refs/notes/x", "HEAD")
    started.do("a", "push", "--mirror", "URL")
    started.do("a", "push", "--all", "URL")


def test_depth(started: Twins) -> None:
    started.do(".", "clone", "-q", "--depth=1", "URL", "s")
    assert shallow(started) == 1
    started.do("s", "fetch", "-q", "--deepen=1")
    assert shallow(started) == 2
    commit(started, "s", "of a shallow clone")
    started.do("s", "push")
    started.do("s", "fetch", "-q", "--unshallow")
    assert shallow(started) == 4
    started.do("s", "fetch", "-q", "--depth=1")
    started.do("s", "fetch", "-q", "--shallow-since=2000-01-01")
    started.same_trees("s")


def shallow(twins: Twins) -> int:
    """How many commits the clone ``s`` has."""
    return int(twins.repo("s", "ours").git("rev-list", "--count", "HEAD"))


def test_partial_clone(started: Twins) -> None:
    started.do(".", "clone", "-q", "--filter=blob:none", "--no-checkout", "URL", "p")
    for world in WORLDS:
        lacking = started.repo("p", world).git("rev-list", "--objects", "--missing=print", "HEAD")
        assert lacking.count("?") == 3
    started.do("p", "checkout", "-q", "main")
    commit(started, "p", "of a partial clone")
    started.do("p", "push", "-q")
    started.same_trees("p")


def test_archive(started: Twins) -> None:
    if started.way.name in ("http", "login"):
        started.do("a", "archive", "--remote=URL", "main", fails=True)
    else:
        assert "file-0" in started.do("a", "archive", "--remote=URL", "--format=tar", "main")


@pytest.mark.parametrize("version", ["0", "1", "2"])
def test_versions_of_the_protocol(started: Twins, version: str) -> None:
    started.do(".", "clone", "-q", "-c", f"protocol.version={version}", "URL", "b")
    commit(started, "b", "x")
    started.do("b", "push", "origin")
    started.do("b", "fetch", "origin")
    trace = started.repo("b", "ours").run("ls-remote", env={"GIT_TRACE_PACKET": "1"}).stderr
    speaks_2 = version == "2" and started.way.name != "ext"  # nobody tells that program
    assert ("< version 2" in trace) == speaks_2


def test_what_is_not_there(started: Twins) -> None:
    for world in WORLDS:
        started.origin(world).path.rename(started.origin(world).path.with_name("gone"))
    ours = started.repo("a", "ours")
    said = ours.fails("fetch", "origin").stderr
    if started.way.name not in ("path", "file"):
        assert "fatal" in said
        ours.fails("push", "origin", "main:x")
        return
    # A path without a repository is the address of a store, which the first push makes.
    assert "is not there" in said
    ours.git("push", "-q", "origin", "main:x")
    assert ours.git("ls-remote", "origin", "refs/heads/x").split()[0] == ours.head()


def test_a_large_push_and_many_refs(started: Twins) -> None:
    commit(started, "a", "large", noise(6_000_000))
    for world in WORLDS:
        repo = started.repo("a", world)
        repo.git(
            "update-ref",
            "--stdin",
            stdin="".join(f"create refs/heads/b/{n} HEAD\n" for n in range(700)),
        )
    started.do("a", "push", "-q", "--all", "origin")
    started.do(".", "clone", "-q", "URL", "b")
    started.same_trees("b")


def test_refused_when_content_cannot_be_stored(started: Twins, content: Content) -> None:
    before = started.origin("ours").git("for-each-ref")
    content.refuse("2 files could not\nbe stored")
    ours = started.repo("a", "ours")
    ours.write("more", noise(300_000))
    ours.commit()
    for options in ((), ("--atomic",), ("-o", "x"), ("--force",)):
        said = ours.fails("push", *options, "origin", "main", "main:new", ":refs/tags/v1").stderr
        assert "! [remote rejected] main -> main (2 files could not be stored)" in said
        assert "! [remote rejected] main -> new (2 files could not be stored)" in said
        assert "! [remote rejected] v1 (not deleted, because other refs of this push" in said
        assert "hung up" not in said
    assert started.origin("ours").git("for-each-ref") == before
    started.origin("ours").fsck()
    ours.git("push", "-q", "origin", ":v1")
    assert "v1" not in started.origin("ours").git("for-each-ref")
