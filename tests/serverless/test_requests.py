"""How many requests the store gets, and that nothing else is asked of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from git_mlvers.backend.directory import Directory
from git_mlvers.backend.registry import open_backend
from git_mlvers.git.repository import Repository
from git_mlvers.serverless.local import Local
from tests.support.git import Repo
from tests.support.serverless import Able, Helper, commit, helper, packs

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.s3server import S3Server


def fetch(there: Helper, oid: str) -> None:
    """Fetch main at `oid` as git does it."""
    there.say("list", f"fetch {oid} refs/heads/main", "")


@pytest.fixture(params=["directory", pytest.param("s3", marks=pytest.mark.s3)])
def two(
    request: pytest.FixtureRequest, work: Repo, tmp_path: Path, s3: S3Server
) -> tuple[Helper, Helper]:
    """The helpers of one who has pushed main, and of an empty repository beside."""
    if request.param == "s3":
        bucket = s3.new_bucket()
        backends = [open_backend(f"s3://{bucket}/some/where", s3.options()) for _ in range(2)]
    else:
        backends = [open_backend(str(tmp_path / "store"), fsync=False) for _ in range(2)]
    mine = Helper(work, backends[0])
    assert mine.push("main:refs/heads/main") == ["ok refs/heads/main"]
    return mine, Helper(Repo.init(tmp_path / "there"), backends[1])


def test_list(two: tuple[Helper, Helper], work: Repo) -> None:
    said = two[0].say("list")
    assert f"{work.head()} refs/heads/main" in said
    assert two[0].requests == {"get": 1}


def test_push(two: tuple[Helper, Helper], work: Repo) -> None:
    commit(work, "three")
    assert two[0].push("main:refs/heads/main") == ["ok refs/heads/main"]
    assert two[0].requests == {"get": 1, "create": 1, "replace": 1}


def test_push_without_objects(two: tuple[Helper, Helper]) -> None:
    assert two[0].push("main~1:refs/heads/old") == ["ok refs/heads/old"]
    assert two[0].requests == {"get": 1, "replace": 1}
    assert two[0].push(":refs/heads/old") == ["ok refs/heads/old"]
    assert two[0].requests == {"get": 1, "replace": 1}


def test_a_rejected_push(two: tuple[Helper, Helper]) -> None:
    assert two[0].push("main~1:refs/heads/main") == ["error refs/heads/main non-fast forward"]
    assert two[0].requests == {"get": 1}


def test_fetch(two: tuple[Helper, Helper], work: Repo) -> None:
    mine, there = two
    fetch(there, work.head())
    assert there.requests == {"get": 2}
    new = commit(work, "three")
    mine.push("main:refs/heads/main")
    fetch(there, new)
    assert there.requests == {"get": 2}
    fetch(there, new)
    assert there.requests == {"get": 1}


def test_own_pushes_are_not_fetched(two: tuple[Helper, Helper], work: Repo) -> None:
    fetch(two[0], work.head())
    assert two[0].requests == {"get": 1}
    # Nor are they when nothing is remembered: what the packs brought is here.
    mine = Repository.discover(str(work.path))
    Local(mine.common_dir, two[0].counting.url).forget()
    fetch(two[0], work.head())
    assert two[0].requests == {"get": 1}


def test_the_length_of_the_history_does_not_matter(work: Repo, place: Path) -> None:
    there = helper(work, place)
    for number in range(60):
        work.git("commit", "-q", "--allow-empty", "-m", str(number))
        assert there.push("HEAD:refs/heads/main") == ["ok refs/heads/main"]
        if 0 < number < 49:
            assert there.requests == {"get": 1, "create": 1, "replace": 1}
    assert there.requests == {"get": 1, "create": 1, "replace": 1}


def test_a_push_sends_only_what_is_new(work: Repo, place: Path) -> None:
    there = helper(work, place)
    work.write("big", bytes(range(256)) * 400 + b"".join(i.to_bytes(4) for i in range(50_000)))
    work.commit()
    there.push("main:refs/heads/main")
    commit(work, "small")
    there.push("main:refs/heads/main")
    sizes = sorted(path.stat().st_size for path in packs(place))
    assert sizes[0] < 1000


def test_content_goes_first(work: Repo, place: Path) -> None:
    there = helper(work, place)
    there.refusal = "two files could not be stored"
    said = there.push("main:refs/heads/main")
    assert said == ["error refs/heads/main two files could not be stored"]
    assert "create" not in there.requests
    assert not place.exists()
    assert [update.remote_ref for update in there.sent[0]] == ["refs/heads/main"]
    assert there.sent[0][0].local_oid == work.head()


def test_deleting_needs_no_content(work: Repo, place: Path) -> None:
    there = helper(work, place)
    there.push("main:refs/heads/main", "main:refs/heads/x", "main:refs/heads/y")
    there.refusal = "full"
    commit(work, "three")
    said = there.push("main:refs/heads/main", ":refs/heads/x")
    assert said == ["error refs/heads/main full", "ok refs/heads/x"]
    said = there.push("main:refs/heads/main", ":refs/heads/y", options=("atomic true",))
    assert said == ["error refs/heads/main full", "error refs/heads/y atomic push failed"]


def test_a_dry_run_sends_no_content(work: Repo, place: Path) -> None:
    there = helper(work, place)
    said = there.push("main:refs/heads/main", options=("dry-run true",))
    assert said == ["ok refs/heads/main"]
    assert there.sent == []
    assert there.requests == {"get": 1}


def test_a_store_that_can_only_create(work: Repo, place: Path, tmp_path: Path) -> None:
    backend = Able(Directory(str(place), fsync=False), create_only=True, replace_if=False)
    mine, there = Helper(work, backend), Helper(Repo.init(tmp_path / "there"), backend)
    mine.push("main:refs/heads/main")
    new = commit(work, "three")
    assert mine.push("main:refs/heads/main") == ["ok refs/heads/main"]
    assert mine.requests == {"list": 1, "get": 1, "create": 2}
    fetch(there, new)
    assert there.requests == {"list": 1, "get": 3}
    assert sorted(path.name for path in (place / "git/manifests").iterdir()) == [
        "000000000001.json",
        "000000000002.json",
    ]


def test_a_store_for_a_single_writer(work: Repo, place: Path) -> None:
    backend = Able(Directory(str(place), fsync=False), create_only=False, replace_if=False)
    (said,) = Helper(work, backend).push("main:refs/heads/main")
    assert said.startswith("error refs/heads/main ")
    assert "cannot be pushed to" in said
    assert not place.exists()
