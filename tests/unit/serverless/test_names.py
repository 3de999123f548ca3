"""Names of refs and object ids: the same answer as git's, and no line of ours is ever broken."""

from __future__ import annotations

import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from git_mlvers.serverless.names import LONGEST, clash, is_oid, is_ref

TEXT = st.text(st.sampled_from("ab./@{~^:?*[\\ \x01\x7f-é\n"), max_size=12)


def git_takes(name: str) -> bool:
    """What git itself says."""
    argv = ["git", "check-ref-format", name]
    return subprocess.run(argv, check=False).returncode == 0


@given(TEXT)
@settings(max_examples=150, deadline=None)
def test_as_git(text: str) -> None:
    name = f"refs/{text}"
    assert is_ref(name) == git_takes(name)


@pytest.mark.parametrize(
    "name",
    ["refs/heads/main", "refs/heads/-x", "refs/a", "refs/heads/@", "refs/x/größe", "refs/x/\udcff"],
)
def test_good(name: str) -> None:
    assert is_ref(name)


@pytest.mark.parametrize(
    "name",
    [
        *("HEAD", "", "refs", "refs/", "/refs/heads/a", "refs/heads/a.lock", "refs/a.lock/b"),
        *("refs/heads/a\n", "refs/heads/.a", "refs/heads/a..b", "refs/heads/a b", "refs/heads//a"),
        f"refs/{'a' * LONGEST}",
    ],
)
def test_bad(name: str) -> None:
    assert not is_ref(name)


def test_object_ids() -> None:
    assert is_oid("a" * 40, "sha1")
    assert is_oid("1" * 64, "sha256")
    for text in ("a" * 64, "A" * 40, "0" * 40, "a" * 39, "a" * 40 + "\n", "g" * 40):
        assert not is_oid(text, "sha1")


def test_names_that_exclude_each_other() -> None:
    assert clash({"refs/heads/a", "refs/heads/ab/c", "refs/heads/b"}) is None
    assert clash({"refs/heads/a", "refs/heads/a/b/c"}) == ("refs/heads/a", "refs/heads/a/b/c")
    assert clash({"refs/heads/a", "refs/heads/a-b", "refs/heads/a/b"}) == (
        "refs/heads/a",
        "refs/heads/a/b",
    )


@pytest.mark.timeout(60)
def test_names_of_many_parts_are_not_compared_with_each_other() -> None:
    """A manifest may have millions of them; name by name takes a tenth of a second."""
    below = "/".join("a" * 400)
    assert clash({f"refs/heads/{below}/{number}" for number in range(5000)}) is None
