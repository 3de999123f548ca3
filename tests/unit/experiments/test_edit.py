"""A value that is changed in a file changes nothing else of it."""

from __future__ import annotations

import json
import math
import os
import tomllib

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from git_mlvers.experiments.edit import CannotChange, Change, changed
from git_mlvers.experiments.edit_yaml import render
from git_mlvers.values.formats import parse
from git_mlvers.values.yaml12 import load

YAML = """\
# the base
base:
    seed: 123     # of all
train:
    C:   1        # regularisation
    name: "lögreg"
    layers: [64, 32]   # sizes
    opt: {lr: 1e-3, kind: sgd}
    empty:
    text: |
      two
      lines
    deep:
      - size: 1
      - size: 2   # here
# the end
"""


def edited(path: str, text: str, keys: list[object], value: object = None, **more: bool) -> str:
    return changed(path, text.encode(), Change(keys, value, **more)).decode()


class TestYaml:
    @pytest.mark.parametrize(
        ("keys", "value", "old", "new"),
        [
            (["train", "C"], 10, "C:   1  ", "C:   10  "),
            (["train", "C"], 1e-5, "C:   1  ", "C:   1.0e-05  "),
            (["train", "name"], "svm", '"lögreg"', "svm"),
            (["train", "name"], "no", '"lögreg"', '"no"'),
            (["train", "layers", 1], 16, "[64, 32]", "[64, 16]"),
            (["train", "layers"], [1], "[64, 32]", "[1]"),
            (["train", "opt", "lr"], 0.5, "1e-3", "0.5"),
            (["train", "opt", "new"], True, "kind: sgd}", "kind: sgd, new: true}"),
            (["train", "empty"], "x", "empty:\n", "empty: x\n"),
            (["train", "empty", "a", "b"], 1, "empty:\n", "empty: {a: {b: 1}}\n"),
            (["train", "deep", 1, "size"], 3, "size: 2 ", "size: 3 "),
            (["base", "new"], 2, "# of all\n", "# of all\n    new: 2\n"),
            (["base", "a", "b"], 2, "# of all\n", "# of all\n    a: {b: 2}\n"),
        ],
    )
    def test_only_that_changes(self, keys: list[object], value: object, old: str, new: str) -> None:
        assert YAML.count(old) == 1
        assert edited("p.yaml", YAML, keys, value) == YAML.replace(old, new)

    def test_a_block_is_replaced(self) -> None:
        said = edited("p.yaml", YAML, ["train", "text"], "one line")
        assert said == YAML.replace("text: |\n      two\n      lines\n", "text: one line\n")

    def test_one_is_removed(self) -> None:
        assert edited("p.yaml", YAML, ["train", "name"], drop=True) == YAML.replace(
            '    name: "lögreg"\n', ""
        )
        left = edited("p.yaml", YAML, ["train", "opt", "kind"], drop=True)
        assert load(left.encode(), "p")["train"]["opt"] == {"lr": 0.001}  # type: ignore[index,call-overload]
        assert "# regularisation" in left

    def test_windows_and_no_last_line_end(self) -> None:
        assert edited("p.yaml", "a: 1\r\nb: 2", ["b"], 3) == "a: 1\r\nb: 3"
        assert edited("p.yaml", "a: 1\r\nb: 2\r\n", ["c"], 3) == "a: 1\r\nb: 2\r\nc: 3\r\n"

    def test_an_empty_file(self) -> None:
        assert edited("p.yaml", "# none yet\n", ["a", "b"], 1) == "# none yet\na: {b: 1}\n"

    def test_what_two_places_share_is_refused(self) -> None:
        text = "a: &x {v: 1}\nb: *x\n"
        with pytest.raises(CannotChange, match=r"p\.yaml cannot be changed at b\.v"):
            edited("p.yaml", text, ["b", "v"], 2)

    def test_the_same_value_changes_nothing(self) -> None:
        assert edited("p.yaml", YAML, ["train", "opt", "lr"], 0.001) == YAML

    @given(
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
            lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
            max_leaves=8,
        )
    )
    @settings(deadline=None)
    def test_any_value_reads_back(self, value: object) -> None:
        text = render({"a": value})
        try:
            text.encode()
        except UnicodeEncodeError:
            return
        assert repr(load(text.encode(), "it")) == repr({"a": value})

    @pytest.mark.parametrize(
        "value",
        [1e-5, 1e5, 1e22, -2.5e-9, "yes", "1e5", "010", "12:30:45", "a: b", "# x", math.inf],
    )
    def test_older_readers_agree(self, value: object) -> None:
        assert yaml.safe_load(f"a: {render(value)}") == {"a": value}


class TestJson:
    TEXT = '{\n    "a": {"lr": 1e-3, "n": [1, 2]},\n    "b":   "ü"\n}\n'

    def test_only_that_changes(self) -> None:
        said = edited("p.json", self.TEXT, ["a", "n", 1], "x")
        assert said == self.TEXT.replace("[1, 2]", '[1, "x"]')
        assert edited("p.json", self.TEXT, ["b"], None) == self.TEXT.replace('"ü"', "null")

    def test_added_and_removed(self) -> None:
        said = edited("p.json", '{\n\t"a": 1\n}', ["b", "c"], [1])
        assert said == '{\n\t"a": 1,\n\t"b": {\n\t\t"c": [\n\t\t\t1\n\t\t]\n\t}\n}'
        assert edited("p.json", '{"a": 1, "b": 2}\n', ["a"], drop=True) == '{"b": 2}\n'


class TestToml:
    TEXT = '# top\nname = "x"   # of it\n\n[train]\nC = 1  # reg\nlayers = [\n  1,\n  2, # two\n]\n'

    def test_only_that_changes(self) -> None:
        said = edited("p.toml", self.TEXT, ["train", "C"], 0.5)
        assert said == self.TEXT.replace("C = 1 ", "C = 0.5 ")

    def test_added_and_removed(self) -> None:
        said = edited("p.toml", self.TEXT, ["train", "new"], True)
        assert tomllib.loads(said)["train"]["new"] is True
        assert "# two" in said
        assert "# of it" in said
        gone = edited("p.toml", self.TEXT, ["name"], drop=True)
        assert "name" not in tomllib.loads(gone)

    def test_null_is_refused(self) -> None:
        with pytest.raises(CannotChange):
            edited("p.toml", self.TEXT, ["name"], None)


class TestPython:
    TEXT = (
        "# settings\nimport os\n\nLR = 0.1  # rate\nSIZES = [1, 2]\n"
        "CONF = {'a': {'b': 'ü'}, 'c': 1}\n"
        "class Train:\n    steps: int = 10  # many\n    def __init__(self):\n        self.n = 3\n"
    )

    @pytest.mark.parametrize(
        ("keys", "value", "old", "new"),
        [
            (["LR"], 0.01, "0.1 ", "0.01 "),
            (["SIZES", 1], 5, "[1, 2]", "[1, 5]"),
            (["CONF", "a", "b"], "x", "'ü'", "'x'"),
            (["CONF", "c"], None, "'c': 1", "'c': None"),
            (["Train", "steps"], 20, "= 10 ", "= 20 "),
            (["Train", "n"], 4, "self.n = 3", "self.n = 4"),
        ],
    )
    def test_only_that_changes(self, keys: list[object], value: object, old: str, new: str) -> None:
        assert edited("p.py", self.TEXT, keys, value) == self.TEXT.replace(old, new)

    def test_added_and_removed(self) -> None:
        assert edited("p.py", self.TEXT, ["NEW"], 1) == self.TEXT + "NEW = 1\n"
        assert edited("p.py", self.TEXT, ["LR"], drop=True) == self.TEXT.replace(
            "LR = 0.1  # rate\n", ""
        )


@given(
    st.sampled_from([".yaml", ".json", ".toml", ".py"]),
    st.dictionaries(st.sampled_from("abcd"), st.integers(), min_size=1),
    st.sampled_from("abcd"),
    st.integers() | st.booleans() | st.text(max_size=5),
)
@settings(deadline=None)
def test_it_says_what_was_wanted(
    suffix: str, content: dict[str, object], key: str, value: object
) -> None:
    line = {".yaml": "{}: {}\n", ".toml": "{} = {}\n", ".py": "{} = {}\n"}
    text = (
        "".join(line[suffix].format(*item) for item in content.items())
        if suffix in line
        else (json.dumps(content))
    )
    try:
        result = changed(f"p{suffix}", text.encode(), Change([key], value))
    except (CannotChange, UnicodeEncodeError):
        assert isinstance(value, str)
        assert not value.isprintable() or not value.isascii()
        return
    assert parse(f"p{suffix}", result) == {**content, key: value}
    assert os.linesep in result.decode() or suffix == ".json"
