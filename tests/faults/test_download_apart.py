"""Many files are downloaded in a process of their own; whichever has trouble, all is well."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.git import Repo, noise
from tests.support.scene import (
    SECOND,
    Scene,
    assert_nothing_wrong,
    assert_tree,
    on_disk,
    sentences,
    unlock,
)
from tests.support.trouble import At, Trouble

if TYPE_CHECKING:
    from pathlib import Path

APART = {"git_mlvers.transfer.fetcher:_MANY": 1}
"""The scene has few files."""

FILES = {f"small/{number}.bin": noise(700 + number, f"small {number}") for number in range(40)}
ALL = SECOND | FILES

IN_THE_OTHER = (
    At("git_mlvers.cli.fetch_process:"),
    At("git_mlvers.transfer.apart:serve"),
    At("git_mlvers.transfer.apart:_batch", "after"),
    At("git_mlvers.transfer.apart:_line", "before", 2),
    At("git_mlvers.transfer.apart:_line", "before", 30),
    At("git_mlvers.transfer.apart:_Teller.finish"),
)


@pytest.fixture
def many(pushed: Scene) -> Scene:
    """A scene with more small files; everything is pushed."""
    pushed.repo.write_all(FILES)
    pushed.repo.commit("many")
    pushed.repo.git("push", "-q", "origin", "main")
    return pushed


def cloned(scene: Scene, trouble: Trouble) -> tuple[Repo, str]:
    """A clone made in spite of `trouble`, and what was said meanwhile."""
    ended = trouble.run(Repo(scene.folder), "git", "clone", "-q", scene.url, "made")
    assert ended.code == 0, ended.err
    return Repo(scene.folder / "made"), ended.err


def assert_whole(made: Repo) -> None:
    assert_tree(made, ALL)
    made.assert_status()
    made.fsck()
    made.mlvers("fsck", "--objects")


def retry(scene: Scene, made: Repo) -> None:
    """What a user does after a clone that did not end well."""
    if not (made.path / ".git").exists():
        made = scene.clone()
    unlock(made)
    made.git("checkout", "-q", "-f", "HEAD")
    assert_whole(made)


def test_hundreds_of_files_come_through_it(pushed: Scene, tmp_path: Path) -> None:
    files = {f"many/{number % 7}/{number}.bin": b"%d" % number for number in range(1, 601)}
    pushed.repo.write_all(files)
    pushed.repo.commit("hundreds")
    pushed.repo.git("push", "-q", "origin", "main")
    trouble = Trouble(tmp_path, At("git_mlvers.transfer.apart:serve", "after", do="hold"))
    trouble.go_on()
    made, said = cloned(pushed, trouble)
    assert trouble.happened
    assert said == ""
    assert_tree(made, SECOND | files)
    made.assert_status()
    pushed.store.rename(tmp_path / "away")
    made.git("rm", "-q", "-r", "many")
    made.git("reset", "-q", "--hard")
    assert_tree(made, SECOND | files)


def test_few_files_are_not_worth_it(many: Scene, tmp_path: Path) -> None:
    trouble = Trouble(tmp_path, At("git_mlvers.cli.fetch_process:"))
    made, _ = cloned(many, trouble)
    assert not trouble.happened
    assert_whole(made)


@pytest.mark.parametrize("point", IN_THE_OTHER, ids=str)
def test_it_is_killed(many: Scene, tmp_path: Path, point: At) -> None:
    trouble = Trouble(tmp_path, point, values=APART)
    made, said = cloned(many, trouble)
    assert trouble.happened
    assert said == ""
    assert_whole(made)


def test_it_cannot_be_started(many: Scene, tmp_path: Path) -> None:
    trouble = Trouble(tmp_path, values={**APART, "sys:executable": str(tmp_path / "nothing")})
    made, said = cloned(many, trouble)
    assert said == ""
    assert_whole(made)


FILTER_KILLED = tuple(
    point._replace(do=do)
    for point in (
        At("git_mlvers.transfer.apart:Apart._ask"),
        At("git_mlvers.transfer.apart:Apart._outcomes", "after"),
        At("git_mlvers.filter.process:_give_content", "before", 3),
        At("git_mlvers.transfer.apart:Apart.close"),
    )
    for do in ("kill", "kill all")
)


@pytest.mark.parametrize("point", FILTER_KILLED, ids=str)
def test_the_filter_is_killed(many: Scene, tmp_path: Path, point: At) -> None:
    trouble = Trouble(tmp_path, point, values=APART)
    # This waits for the end of all that git has started, the other process too.
    trouble.run(Repo(tmp_path), "git", "clone", "-q", many.url, "made")
    assert trouble.happened
    retry(many, Repo(tmp_path / "made"))


@pytest.mark.parametrize("point", (*IN_THE_OTHER, *FILTER_KILLED[::2]), ids=str)
def test_all_are_stopped_by_the_user(many: Scene, tmp_path: Path, point: At) -> None:
    trouble = Trouble(tmp_path, point._replace(do="interrupt all"), values=APART)
    ended = trouble.run(Repo(tmp_path), "git", "clone", "-q", many.url, "made")
    assert trouble.happened
    assert all("stopped" in line for line in sentences(ended.err)), ended.err
    made = Repo(tmp_path / "made")
    if (made.path / ".git").exists():
        assert not [name for name in on_disk(made) if ".mlvers-" in name]
        assert_nothing_wrong(made, ALL, b"")
    retry(many, made)


@pytest.mark.parametrize("strict", ["false", "true"])
@pytest.mark.parametrize("fault", ["missing", "damaged", "no remote", "no store"])
def test_errors_are_told_in_the_same_words(
    many: Scene, tmp_path: Path, fault: str, strict: str
) -> None:
    if fault == "missing":
        for index in many.indexes[1:]:
            index.unlink()
    elif fault == "damaged":
        for pack in many.packs:
            data = bytearray(pack.read_bytes())
            data[100::50] = bytes(255 - byte for byte in data[100::50])
            pack.write_bytes(data)
    elif fault == "no store":
        many.store.rename(tmp_path / "away")
    else:
        Repo(tmp_path).git("config", "--global", "--unset", "mlvers.remote")
        Repo(tmp_path).git("config", "--global", "--remove-section", "mlvers.remote.storage")
    said = []
    found = []
    for values in ({}, APART):
        trouble = Trouble(tmp_path, values=values, quick=True)
        argv = ("git", "clone", "-q", "-c", f"mlvers.strict={strict}", many.url, "made")
        ended = trouble.run(Repo(tmp_path), *argv)
        said.append((ended.code, sorted(ended.err.splitlines())))
        made = Repo(tmp_path / "made")
        found.append(on_disk(made))
        made.path.rename(tmp_path / f"made{len(found)}")
    assert said[0] == said[1]
    assert said[0][1] != []
    assert found[0] == found[1]
