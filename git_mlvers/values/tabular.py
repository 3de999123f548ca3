"""Tables in text: CSV and TSV, with DagsHub's ``Name,Value,Timestamp,Step`` among them."""

from __future__ import annotations

import csv
import re
from typing import TYPE_CHECKING

from git_mlvers.values.errors import ValuesError

if TYPE_CHECKING:
    from collections.abc import Sequence

Row = dict[str, object]
"""One line of a table by the names of its columns."""

_DAGSHUB = ("Name", "Value", "Timestamp", "Step")
_NUMBER = re.compile(r"[+-]?(\d+|(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|nan|inf(inity)?)", re.IGNORECASE)
_WORDS = {"": None, "True": True, "False": False, "true": True, "false": False}
_LONGEST_CELL = 1 << 24


def rows(path: str, text: str, *, header: bool = True) -> list[Row]:
    """The lines of a table, numbers as numbers; raises `ValuesError`.

    Without a `header` the columns are called ``0``, ``1`` …
    """
    lines = _lines(path, text)
    if not lines:
        return []
    width = max(len(line) for line in lines)
    names = lines.pop(0) if header else [str(i) for i in range(width)]
    return [dict(zip(names, map(value, line), strict=False)) for line in lines]


def value(text: str) -> object:
    """A cell as what it means: a number, a truth value, ``None`` if empty, else its text."""
    bare = text.strip()
    if bare in _WORDS:
        return _WORDS[bare]
    if _NUMBER.fullmatch(bare) is None:
        return text
    try:
        return int(bare)
    except ValueError:
        return float(bare)


def is_dagshub(table: Sequence[Row]) -> bool:
    """Whether `table` has one value a line, as DagsHub's logger writes them."""
    return bool(table) and set(_DAGSHUB) <= table[0].keys()


def last(table: Sequence[Row]) -> Row:
    """What a table ends with: DagsHub's at the highest step of each name, else the last row."""
    if not table:
        return {}
    if not is_dagshub(table):
        return {name: cell for name, cell in table[-1].items() if cell is not None}
    best: dict[str, tuple[float, object]] = {}
    for row in table:
        name, step = str(row["Name"]), _step(row)
        if name not in best or step >= best[name][0]:
            best[name] = step, row["Value"]
    return {name: cell for name, (_, cell) in best.items() if cell is not None}


def wide(table: Sequence[Row]) -> list[Row]:
    """DagsHub's lines with all names of a step in one row; any other table as it is.

    Where a name comes twice in a step, which is so if steps were never counted, a
    new row begins.
    """
    if not is_dagshub(table):
        return list(table)
    made: list[Row] = []
    current: dict[object, Row] = {}
    for line in table:
        step, name = line.get("Step"), str(line["Name"])
        if step not in current or name in current[step]:
            current[step] = {"Step": step}
            made.append(current[step])
        current[step][name] = line["Value"]
    return made


def _step(row: Row) -> float:
    step = row.get("Step")
    return float(step) if isinstance(step, (int, float)) and step == step else float("-inf")


def _lines(path: str, text: str) -> list[list[str]]:
    delimiter = "\t" if path.lower().endswith(".tsv") else ","
    csv.field_size_limit(_LONGEST_CELL)
    reader = csv.reader(text.splitlines(keepends=True), delimiter=delimiter)
    try:
        return [line for line in reader if line]
    except csv.Error as error:
        raise ValuesError.at(path, reader.line_num, str(error)) from error
