"""How tables look: exactly as the users of DVC know them."""

from __future__ import annotations

import csv
import io
import textwrap

import pytest
from hypothesis import given
from hypothesis import strategies as st

from git_mlvers.view.tables import Table, cell, from_dicts, number, render

DIFF = Table(
    ["Path", "Metric", "HEAD", "workspace", "Change"],
    [
        ["assets/metrics.json", "test_accuracy", 0.43930635, 0.44508670, 0.00578034],
        ["assets/metrics.json", "test_recall", 0.45894732, 0.46102512, 0.00207780],
    ],
)


def test_the_diff_of_the_tutorial() -> None:
    assert render(DIFF, "plain", 5) == (
        "Path                 Metric         HEAD     workspace    Change\n"
        "assets/metrics.json  test_accuracy  0.43931  0.44509      0.00578\n"
        "assets/metrics.json  test_recall    0.45895  0.46103      0.00208\n"
    )


def test_without_paths() -> None:
    assert render(DIFF.without("Path"), "plain", 5).splitlines()[0] == (
        "Metric         HEAD     workspace    Change"
    )


def test_markdown() -> None:
    table = Table(["Path", "Metric", "HEAD"], [["m.yaml", "a|b", None]])
    assert render(table, "md") == textwrap.dedent(
        """\
        | Path   | Metric   | HEAD   |
        |--------|----------|--------|
        | m.yaml | a\\|b     | -      |
        """
    )


def test_csv_has_all_digits() -> None:
    assert render(DIFF, "csv", 5).splitlines()[1] == (
        "assets/metrics.json,test_accuracy,0.43930635,0.4450867,0.00578034"
    )


def test_nothing_to_show() -> None:
    empty = Table(["Path", "Metric"], [])
    assert render(empty) == render(empty, "md") == ""
    assert render(empty, "csv") == "Path,Metric\n"


def test_columns_of_different_files() -> None:
    records = [{"Path": "m.yaml", "x.b": 1, "a": 2.5}, {"Path": "n.json", "c": "text"}]
    assert render(from_dicts(["Path"], records)) == (
        "Path    a    c     x.b\nm.yaml  2.5  -     1\nn.json  -    text  -\n"
    )


@pytest.mark.parametrize(
    ("value", "precision", "text"),
    [
        (1.0, 5, "1.0"),
        (0.0, 5, "0.0"),
        (123456.789, 5, "123456.789"),
        (1.0987653, 3, "1.099"),
        (-0.439306358, 5, "-0.43931"),
        (0.0000123456, 5, "1.23e-05"),
        (-0.000000001, 5, "-1e-09"),
        (0.005783641, 5, "0.00578"),
        (12.75, 0, "13.0"),
        (1e300, 5, "1e+300"),
        (float("nan"), 5, "nan"),
        (float("-inf"), 5, "-inf"),
        (0.1234567890123, None, "0.1234567890123"),
    ],
)
def test_digits(value: float, precision: int | None, text: str) -> None:
    assert number(value, precision) == text


@given(st.floats(allow_nan=False, allow_infinity=False), st.integers(1, 12))
def test_no_number_but_zero_is_shown_as_zero(value: float, precision: int) -> None:
    shown = float(number(value, precision))
    assert (shown == 0) == (value == 0)
    assert shown == pytest.approx(value, abs=0.51 * 10.0**-precision, rel=0.06)


def test_values_of_other_kinds() -> None:
    assert cell(True) == "True"
    assert cell(None) == "-"
    assert cell(["Rk", 1, 0.123456789], 5) == "['Rk', 1, 0.12346]"
    assert cell({}) == "{}"


def test_nothing_reaches_the_terminal_that_it_would_obey() -> None:
    shown = render(Table(["Path\x1b[2J"], [["a\nb\x1b]0;title\x07"], ["ü 日本"]]))
    assert shown.isascii() is False
    assert all(line.isprintable() for line in shown.splitlines())
    assert "a\\nb\\x1b]0;title\\x07" in shown
    assert len(shown.splitlines()) == 3


CELLS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")) | st.integers()


@given(st.lists(st.lists(CELLS, min_size=2, max_size=2), max_size=5))
def test_csv_is_read_back(rows: list[list[object]]) -> None:
    text = render(Table(["a", "b"], rows), "csv")
    read = list(csv.reader(io.StringIO(text, newline="")))
    assert read == [["a", "b"], *[[str(value) for value in row] for row in rows]]
