"""Values out of files of every format, and what is said of files that are broken."""

from __future__ import annotations

import csv
import io
import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from git_mlvers.values.errors import ValuesError
from git_mlvers.values.formats import metrics, params, parse, series

DAGSHUB = (
    b"Name,Value,Timestamp,Step\n"
    b'"loss",0.9,1795228985742,1\r\n'
    b'"loss",0.5,1795228985743,2\r\n'
    b'"k_best",5,1795228985744,1\r\n'
    b'"loss",nan,1795228985745,3\r\n'
    b'"note","a ""good"" run",1795228985746,1\r\n'
    b'"done",True,1795228985747,1\r\n'
    b'"none","",1795228985748,1\r\n'
)

CLASSES = b'''
"""Settings."""
import os

LR = 1e-3
NAMES = ["a", "b"]
SHAPE: tuple[int, int] = (3, 4)
TAGS = {"x"}
MODEL = {"depth": 3, "on": False}
HOME = os.environ["HOME"]
a = b = 1
NEG = -5


class Train:
    EPOCHS = 10
    path: str

    def __init__(self):
        self.layers = 5
        self.size = compute()
        local = 1
'''


@pytest.mark.parametrize(
    ("path", "data"),
    [
        ("p.yaml", b"lr: 1e-3\non: yes\nlist: [1, a]\n"),
        ("p.yml", b"lr: 0.001\non: 'yes'\nlist:\n- 1\n- a\n"),
        ("p.json", b'{"lr": 1e-3, "on": "yes", "list": [1, "a"]}'),
        ("p.toml", b'lr = 1e-3\non = "yes"\nlist = [1, "a"]\n'),
        ("p.py", b"lr = 1e-3\non = 'yes'\nlist = (1, 'a')\n"),
        ("p.JSON", b'\xef\xbb\xbf{"lr": 1e-3, "on": "yes", "list": [1, "a"]}'),
    ],
)
def test_one_meaning_in_every_format(path: str, data: bytes) -> None:
    assert parse(path, data) == {"lr": 0.001, "on": "yes", "list": [1, "a"]}


def test_python_is_read_and_not_run() -> None:
    assert parse("config.py", CLASSES) == {
        "LR": 0.001,
        "NAMES": ["a", "b"],
        "SHAPE": [3, 4],
        "TAGS": ["x"],
        "MODEL": {"depth": 3, "on": False},
        "NEG": -5,
        "Train": {"EPOCHS": 10, "layers": 5},
    }


def test_times_in_toml_become_text() -> None:
    assert parse("p.toml", b"day = 2026-01-02\n") == {"day": "2026-01-02"}


@pytest.mark.parametrize("suffix", ["yaml", "json", "toml", "py"])
@pytest.mark.parametrize("data", [b"", b"\n  \n"])
def test_an_empty_file_has_nothing(suffix: str, data: bytes) -> None:
    assert parse(f"p.{suffix}", data) == {}
    assert metrics(f"p.{suffix}", data) == {}
    assert params(f"p.{suffix}", data) == {}


@pytest.mark.parametrize(
    ("path", "data", "line"),
    [
        ("m.json", b'{"a": 1,\n "b": }', 2),
        ("m.yaml", b"a: 1\nb: [1\nc: 2\n", 3),
        ("m.toml", b"a = 1\nb = \n", 2),
        ("m.toml", b"a = 1\nb = [1,", 2),
        ("m.py", b"a = 1\nb = = 2\n", 2),
        ("m.csv", b"a,b\n1,2\n\xff,3\n", 3),
        ("m.json", b'{"a":\n"\xff"}', 2),
    ],
)
def test_a_broken_file_is_named_with_its_line(path: str, data: bytes, line: int) -> None:
    with pytest.raises(ValuesError) as caught:
        parse(path, data)
    assert caught.value.message.startswith(f"{path}, line {line}: ")
    assert "\n" not in caught.value.message


def test_aliases_that_stand_for_too_much() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i + 1}: &a{i + 1} [{', '.join([f'*a{i}'] * 10)}]" for i in range(9)]
    with pytest.raises(ValuesError, match=r"bomb\.yaml has more than 1,000,000 values"):
        parse("bomb.yaml", "\n".join(lines).encode())


@pytest.mark.parametrize(("path", "data"), [("d.json", b"[" * 99999), ("d.yaml", b"[" * 9999)])
def test_nested_too_deeply(path: str, data: bytes) -> None:
    with pytest.raises(ValuesError, match="nest"):
        parse(path, data)


class TestMetrics:
    def test_numbers_are_kept_and_lists_are_not(self) -> None:
        data = (
            b'{"a": 1, "b": {"c": 0.5, "d": [1], "e": null}, "f": {"g": [2]}, "h": 0, "i": false}'
        )
        assert metrics("m.json", data) == {"a": 1, "b": {"c": 0.5}, "h": 0, "i": False}

    def test_nan_and_infinity(self) -> None:
        for path, data in [
            ("m.json", b'{"a": NaN, "b": -Infinity}'),
            ("m.yaml", b"a: .nan\nb: -.inf\n"),
            ("m.toml", b"a = nan\nb = -inf\n"),
            ("m.csv", b"a,b\nnan,-inf\n"),
        ]:
            found = metrics(path, data)
            assert math.isnan(found["a"])  # type: ignore[arg-type]
            assert found["b"] == -math.inf

    def test_a_file_that_is_one_number(self) -> None:
        assert metrics("auc.metric", b"0.85\n") == {"": 0.85}
        assert metrics("auc.json", b"0.85") == {"": 0.85}

    def test_dagshub_has_the_last_step_of_each_name(self) -> None:
        found = metrics("metrics.csv", DAGSHUB)
        assert math.isnan(found.pop("loss"))  # type: ignore[arg-type]
        assert found == {"k_best": 5, "note": 'a "good" run', "done": True}

    def test_dagshub_out_of_order(self) -> None:
        data = b'Name,Value,Timestamp,Step\n"a",3,1,3\r\n"a",1,2,1\r\n"b",1,1,1\r\n"b",2,2,1\r\n'
        assert metrics("metrics.csv", data) == {"a": 3, "b": 2}

    @pytest.mark.parametrize("data", [b"", b"Name,Value,Timestamp,Step\n", b"a,b\n"])
    def test_a_table_without_lines(self, data: bytes) -> None:
        assert metrics("metrics.csv", data) == {}

    def test_a_wide_table_has_its_last_line(self) -> None:
        assert metrics("m.csv", b"epoch,loss,acc\n1,0.9,\n2,0.5,\n") == {"epoch": 2, "loss": 0.5}
        assert metrics("m.tsv", b"step\tacc\r\n0\t0.25\r\n1\t5e-1\r\n") == {"step": 1, "acc": 0.5}


class TestParams:
    def test_keys_become_text(self) -> None:
        assert params("p.yaml", b"1: a\nnull: b\n") == {"1": "a", "null": "b"}

    @pytest.mark.parametrize("data", [b"- 1\n- 2\n", b"text"])
    def test_a_file_without_names(self, data: bytes) -> None:
        with pytest.raises(ValuesError, match=r"p\.yaml has no names"):
            params("p.yaml", data)


class TestSeries:
    def test_dagshub_has_a_row_for_each_step(self) -> None:
        rows = series("metrics.csv", DAGSHUB)
        assert [row["Step"] for row in rows] == [1, 2, 3]
        assert rows[0] == {
            "Step": 1, "loss": 0.9, "k_best": 5, "note": 'a "good" run', "done": True, "none": None
        }  # fmt: skip
        assert rows[1] == {"Step": 2, "loss": 0.5}

    def test_dagshub_without_steps(self) -> None:
        data = b'Name,Value,Timestamp,Step\n"a",3,1,1\r\n"b",7,1,1\r\n"a",1,2,1\r\n'
        rows = series("metrics.csv", data)
        assert rows == [{"Step": 1, "a": 3, "b": 7}, {"Step": 1, "a": 1}]

    def test_a_table_without_names(self) -> None:
        assert series("x.csv", b"1,2\n3,4\n", header=False) == [{"0": 1, "1": 2}, {"0": 3, "1": 4}]

    def test_lists_of_objects_are_found_wherever_they_are(self) -> None:
        rows = [{"x": 1, "y": 2}, {"x": 2, "y": 4}]
        assert series("p.json", json.dumps(rows).encode()) == rows
        assert series("p.json", json.dumps({"a": {"b": rows}, "n": 1}).encode()) == rows
        assert series("p.yaml", b"train:\n- {x: 1, y: 2}\n- {x: 2, y: 4}\n") == rows
        more = [{"z": 1}, {"z": 2}, {"z": 3}]
        assert series("p.json", json.dumps({"a": rows, "b": more}).encode()) == [
            {"x": 1, "y": 2, "z": 1},
            {"x": 2, "y": 4, "z": 2},
            {"z": 3},
        ]

    @pytest.mark.parametrize("data", [b"[]", b"[1, 2]", b'"text"', b'{"a": 1}'])
    def test_a_file_without_any(self, data: bytes) -> None:
        assert series("p.json", data) == []


CELLS = st.integers(-(10**12), 10**12) | st.floats(allow_nan=False) | st.booleans() | st.none()


@given(st.lists(st.fixed_dictionaries({"a": CELLS, "b": CELLS, "c": st.just("x,\n\"y'\t")})))
@pytest.mark.parametrize("suffix", ["csv", "tsv"])
def test_what_is_written_as_a_table_is_read_again(
    suffix: str, lines: list[dict[str, object]]
) -> None:
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, ["a", "b", "c"], delimiter="\t" if suffix == "tsv" else ",")
    writer.writeheader()
    writer.writerows(lines)
    assert parse(f"t.{suffix}", out.getvalue().encode()) == lines


@given(st.binary(max_size=60))
@pytest.mark.parametrize("suffix", ["yaml", "json", "toml", "py", "csv", "tsv", "txt"])
def test_any_bytes_are_values_or_an_error_of_ours(suffix: str, data: bytes) -> None:
    for read in (parse, metrics, params, series):
        try:
            read(f"f.{suffix}", data)
        except ValuesError as error:
            assert error.message.startswith(f"f.{suffix}")
