"""Dotted names for nested values, and back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from git_mlvers.values.nested import flatten, has, lookup

KEYS = st.text("abc é-_1/\n", min_size=1)
LEAVES = st.none() | st.booleans() | st.integers() | st.text("xy.[]") | st.lists(st.integers())
TREES = st.recursive(LEAVES, lambda inner: st.dictionaries(KEYS, inner), max_leaves=20)


@given(st.dictionaries(KEYS, TREES))
def test_every_name_leads_back_to_its_value(tree: dict[str, object]) -> None:
    for name, value in flatten(tree).items():
        assert lookup(tree, name) == value
        assert has(tree, name)


def test_only_keys_have_names() -> None:
    tree = {"a": {"b": [1, {"c": 2}], "d": {}}, "e": None}
    assert flatten(tree) == {"a.b": [1, {"c": 2}], "a.d": {}, "e": None}


def test_keys_that_are_no_text_are_written_as_in_yaml() -> None:
    tree: dict[object, object] = {7: "seven", None: {2.5: "x"}}
    assert flatten({"k": tree}) == {"k.7": "seven", "k.null.2.5": "x"}
    assert flatten({None: 1, False: 2}) == {"null": 1, "false": 2}
    assert lookup({"layers": {0: 64}}, "layers.0") == 64


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("train", {"C": 1, "layers": [{"size": 8}, [16, 32]]}),
        ("train.C", 1),
        ("train.layers[0]", {"size": 8}),
        ("train.layers[0].size", 8),
        ("train.layers[1][1]", 32),
        ("v1.2", "a key with a dot"),
        ("v1.2.not", None),
    ],
)
def test_lookup(path: str, value: object) -> None:
    tree = {
        "train": {"C": 1, "layers": [{"size": 8}, [16, 32]]},
        "v1.2": "a key with a dot",
        "v1.2.not": None,
    }
    assert lookup(tree, path) == value


@pytest.mark.parametrize(
    "path", ["", "x", "train.x", "train.C.x", "train.layers[2]", "train.C[0]", "train.layers[0"]
)
def test_lookup_of_what_is_not_there(path: str) -> None:
    tree = {"train": {"C": 1, "layers": [1, 2]}}
    assert not has(tree, path)
    with pytest.raises(KeyError):
        lookup(tree, path)
