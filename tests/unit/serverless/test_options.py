"""What git may wish for."""

from __future__ import annotations

import pytest

from git_mlvers.remote_helper.options import Options


@pytest.mark.parametrize(
    "line",
    [
        *("depth 1", "depth 2147483647", "deepen-since 2020-01-01", 'deepen-not "a b"'),
        *("deepen-relative true", "filter blob:none", "from-promisor true", "refetch true"),
    ],
)
def test_what_a_store_cannot_do(line: str) -> None:
    options = Options()
    assert options.take(line) == "ok"
    assert options.needs_git


@pytest.mark.parametrize("line", ["followtags true", "cloning true", "family ipv4", "force true"])
def test_what_makes_no_difference(line: str) -> None:
    options = Options()
    assert options.take(line) == "ok"
    assert not options.needs_git


@pytest.mark.parametrize("line", ["servpath x", "no-such-thing", "pushcert true"])
def test_what_is_not_known(line: str) -> None:
    assert Options().take(line) == "unsupported"


@pytest.mark.parametrize("line", ["object-format", "object-format true", "object-format sha256"])
def test_object_format(line: str) -> None:
    options = Options()
    assert options.take(line) == "ok"
    assert options.object_format


def test_an_unknown_object_format() -> None:
    assert Options().take("object-format md5").startswith("error ")


def test_how_much_is_shown() -> None:
    options = Options()
    assert not options.verbose
    options.take("progress true")
    assert options.verbose
    options.take("verbosity 0")
    assert not options.verbose


def test_leases() -> None:
    options = Options()
    options.take(f"cas refs/heads/a:{'1' * 40}")
    options.take(f'cas "refs/heads/\\303\\244:{"0" * 40}"')
    assert options.leases == {"refs/heads/a": "1" * 40, "refs/heads/ä": ""}


def test_the_default_branch() -> None:
    options = Options()
    assert options.take("push-option default-branch=next") == "ok"
    assert options.default_branch == "refs/heads/next"
    assert options.take("push-option default-branch=refs/heads/x") == "ok"
    assert options.default_branch == "refs/heads/x"
    for value in ("ci.skip", "default-branch=a..b", "default-branch="):
        assert options.take(f"push-option {value}").startswith("error ")
