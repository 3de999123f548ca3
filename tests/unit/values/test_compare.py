"""What has changed between two sets of values."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from git_mlvers.values.compare import Change, compare, finite, same
from git_mlvers.values.nested import flatten, unflatten

NAN = math.nan


def as_json(old: dict[str, object], new: dict[str, object], **options: bool) -> object:
    """The changes of one file."""
    found = compare({"f": old}, {"f": new}, **options)
    return {name: change.as_json() for name, change in found.get("f", {}).items()}


def test_a_number_has_a_difference() -> None:
    assert as_json({"a": 1, "b": 2.5}, {"a": 3, "b": 2.5}) == {"a": {"old": 1, "new": 3, "diff": 2}}


def test_texts_lists_and_truths_have_none() -> None:
    old: dict[str, object] = {"a": "x", "b": [1], "c": True, "d": 1}
    new: dict[str, object] = {"a": "y", "b": [1, 2], "c": False, "d": "1"}
    assert as_json(old, new) == {
        "a": {"old": "x", "new": "y"},
        "b": {"old": [1], "new": [1, 2]},
        "c": {"old": True, "new": False},
        "d": {"old": 1, "new": "1"},
    }


def test_new_and_deleted() -> None:
    assert as_json({"a": 1}, {"b": 2}) == {
        "a": {"old": 1, "new": None},
        "b": {"old": None, "new": 2},
    }
    assert as_json({}, {"a": None}) == {"a": {"old": None, "new": None}}
    assert list(compare({"gone": {"a": 1}}, {"came": {"a": 1}})) == ["came", "gone"]


def test_what_is_the_same_is_shown_only_when_asked_for() -> None:
    values: dict[str, object] = {"a": 1, "n": NAN, "l": [1, NAN], "d": {}}
    again: dict[str, object] = {"a": 1, "n": float("nan"), "l": [1, float("nan")], "d": {}}
    assert compare({"f": values}, {"f": again}) == {}
    assert list(compare({"f": values}, {"f": again}, unchanged=True)["f"]) == ["a", "d", "l", "n"]


@pytest.mark.parametrize(("one", "other"), [(1, True), (0, False), (1, "1"), (0.0, None), ([1], 1)])
def test_not_the_same(one: object, other: object) -> None:
    assert not same(one, other)
    assert same(one, one)


def test_json_without_nan() -> None:
    found = {"a": NAN, "b": [math.inf, {"c": -math.inf}], "d": 1.5}
    assert json.loads(json.dumps(finite(found), allow_nan=False)) == {
        "a": "NaN", "b": ["Infinity", {"c": "-Infinity"}], "d": 1.5
    }  # fmt: skip


def test_numbers_that_are_too_large() -> None:
    assert Change(0.5, 10**400).as_json() == {"old": 0.5, "new": 10**400}


NAMES = st.lists(st.text("ab", min_size=1), min_size=1, max_size=3).map(".".join)


@given(st.dictionaries(NAMES, st.integers()))
def test_dotted_names_are_nested_and_none_is_lost(flat: dict[str, object]) -> None:
    assert flatten(unflatten(flat)) == flat
